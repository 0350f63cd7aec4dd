import { describe, expect, it } from 'vitest'
import { createActor, fromCallback, SimulatedClock } from 'xstate'
import { COMMIT_RETRY_MS, commitMachine } from '#dist/actors/commit.machine.js'
import { checkTable } from '../support/machine-table.ts'

const nobody = createActor(fromCallback(() => undefined)).start()
const deferral = (reason: string) =>
  ({ type: 'git.deferred', deferral: { mission: 'm', reason, message: '' } }) as never
const stay = 'stay' as const
const quiet = {
  needed: 'committing',
  committed: stay,
  deferredBriefly: stay,
  deferredForGood: stay,
  refused: stay,
} as const

checkTable(commitMachine, {
  context: { mission: 'm', ledger: 'decisions', git: nobody, again: false },
  states: {
    clean: 'clean',
    committing: 'committing',
    committed: 'committed',
    retrying: 'retrying',
    deferred: 'deferred',
  },
  events: {
    needed: { type: 'commit.needed' },
    committed: { type: 'git.committed', commit: 'c', frames: 1 } as never,
    deferredBriefly: deferral('index_locked'),
    deferredForGood: deferral('protected_branch'),
    refused: { type: 'git.refused', error: { message: '' } } as never,
  },
  table: {
    clean: quiet,
    committing: {
      needed: stay,
      committed: 'committed',
      deferredBriefly: 'retrying',
      deferredForGood: 'deferred',
      refused: 'retrying',
    },
    committed: quiet,
    retrying: quiet,
    deferred: quiet,
  },
})

function world() {
  const asked: string[] = []
  const settled: unknown[] = []
  const clock = new SimulatedClock()
  const git = createActor(
    fromCallback<{ type: string; command: { mission: string } }>(({ receive }) =>
      receive((event) => asked.push(event.command.mission)),
    ),
  ).start()
  const commit = createActor(commitMachine, {
    clock,
    input: { mission: 'm', ledger: 'decisions', git },
  })
  commit.on('commit.settled', (event) => settled.push(event.deferral?.reason ?? event.commit))
  return { asked, settled, clock, commit: commit.start() }
}

describe('the commits of a mission', () => {
  it('commit again what was answered while a commit was on its way', () => {
    const { asked, settled, commit } = world()
    commit.send({ type: 'commit.needed' })
    commit.send({ type: 'commit.needed' })
    expect(asked).toHaveLength(1)
    commit.send({ type: 'git.committed', commit: 'one', frames: 1 })
    expect(asked).toHaveLength(2)
    commit.send({ type: 'git.committed', commit: 'two', frames: 2 })
    expect(settled).toEqual(['one', 'two'])
    expect(commit.getSnapshot().value).toBe('committed')
  })

  it('are tried again by themselves where the reason may pass', () => {
    const { asked, settled, clock, commit } = world()
    commit.send({ type: 'commit.needed' })
    commit.send(deferral('index_locked'))
    expect(settled).toEqual(['index_locked'])
    clock.increment(COMMIT_RETRY_MS)
    expect(asked).toHaveLength(2)
  })

  it('that git refuses are said to be not made yet, and tried again', () => {
    const { asked, settled, clock, commit } = world()
    commit.send({ type: 'commit.needed' })
    commit.send({ type: 'git.refused', error: { message: 'gone' } } as never)
    expect(settled).toEqual(['not_committed_yet'])
    clock.increment(COMMIT_RETRY_MS)
    expect(asked).toHaveLength(2)
  })

  it('wait for the next writing command where the reason needs the user', () => {
    const { asked, clock, commit } = world()
    commit.send({ type: 'commit.needed' })
    commit.send(deferral('protected_branch'))
    clock.increment(COMMIT_RETRY_MS * 10)
    expect(asked).toHaveLength(1)
    commit.send({ type: 'commit.needed' })
    expect(asked).toHaveLength(2)
  })
})
