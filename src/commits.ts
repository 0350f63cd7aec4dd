/** One commit machine per ledger that this runtime writes to. */
import type { ActorRefFrom } from 'xstate'
import { commitMachine, type CommitSettled } from './actors/commit.machine.ts'
import type { Listeners } from './actors/listeners.ts'
import type { System } from './actors/system.ts'
import type { LedgerName } from './workers/git/protocol.ts'

export type Commits = {
  /** What the commit that covers the last append to the mission's ledger came to. */
  commit(mission: string, ledger: LedgerName): Promise<CommitSettled>
}

export function createCommits({
  system,
  listeners,
}: {
  readonly system: System
  readonly listeners: Listeners
}): Commits {
  const actorByName = new Map<string, ActorRefFrom<typeof commitMachine>>()

  function actorOf(mission: string, ledger: LedgerName): ActorRefFrom<typeof commitMachine> {
    const name = `commit.${ledger}.${mission}`
    const known = actorByName.get(name)
    if (known !== undefined) return known
    const made = system.spawn(commitMachine, name, { mission, ledger, git: system.workers.git })
    made.on('commit.settled', ({ commit, deferral }) => {
      if (deferral === null) listeners.tell('committed', { mission, ledger, commit })
      else listeners.tell('deferred', deferral)
    })
    actorByName.set(name, made)
    return made
  }

  return {
    commit: (mission, ledger) =>
      new Promise((resolve) => {
        const commit = actorOf(mission, ledger)
        const subscription = commit.on('commit.settled', (settled) => {
          subscription.unsubscribe()
          resolve(settled)
        })
        commit.send({ type: 'commit.needed' })
      }),
  }
}
