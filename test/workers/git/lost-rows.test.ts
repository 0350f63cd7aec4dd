import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readDeferrals } from '#dist/workers/git/logs/dirty-journal.js'
import type { Ledger } from '#dist/workers/git/ledgers/ledger.js'
import { LedgerRepository } from '../../support/ledger-repository.ts'

describe('rows that a branch has lost', () => {
  let repository: LedgerRepository
  let ledger: Ledger
  let mission: string

  beforeEach(async () => {
    repository = new LedgerRepository()
    mission = repository.createMission('first')
    ledger = repository.ledger()
    await repository.decide(ledger, mission)
    await repository.decide(ledger, mission)
  })
  afterEach(() => repository.remove())

  const native = (...args: string[]): string =>
    repository.git.gitIn(repository.placement(mission).worktree, ...args).trim()
  const logInTree = (): string => `kitty-specs/${mission}/decisions.events.jsonl`
  const held = (): string => `${native('show', `HEAD:${logInTree()}`)}\n`
  const present = (): string => readFileSync(repository.logPath(mission), 'utf8')

  const TAKEN: readonly (readonly [string, () => void])[] = [
    [
      'a commit of an index that was older than they are',
      () => {
        native('reset', '-q', 'HEAD~1', '--', logInTree())
        native('commit', '-qm', 'Users')
      },
    ],
    [
      'a commit that no longer tracks their log',
      () => {
        native('rm', '-q', '--cached', logInTree())
        native('commit', '-qm', 'Users')
      },
    ],
    ['a branch that was set back', () => native('reset', '-q', 'HEAD~1')],
  ]

  it.each(TAKEN)('to %s are committed again by the next heal (L13)', async (_, take) => {
    take()
    expect(await ledger.heal()).toMatchObject({ committed: [expect.any(String)], deferred: [] })
    expect(held()).toBe(present())
    expect(native('status', '--porcelain')).toBe('')
    expect(ledger.takeWarnings()).toMatchObject([{ code: 'ROWS_TAKEN_OFF' }])
    expect(await ledger.heal()).toMatchObject({ committed: [], deferred: [] })
    expect(await readDeferrals(repository.commonDir)).toEqual([])
  })

  it.each(TAKEN)('to %s wait where somebody only looks', async (_, take) => {
    take()
    await ledger.frames()
    const deferral = { mission, ledger: 'decisions', reason: 'not_committed_yet' }
    expect(await readDeferrals(repository.commonDir)).toMatchObject([deferral])
    await repository.ledger().heal()
    expect(held()).toBe(present())
  })

  const GIVEN_UP: readonly (readonly [string, () => void])[] = [
    ['that takes them back', () => native('revert', '--no-edit', 'HEAD')],
    ['that they were set back from', () => native('reset', '-q', '--hard', 'HEAD~1')],
    ['of something else', () => native('commit', '-q', '--allow-empty', '-m', 'Users')],
    [
      'that was made while another branch is there',
      () => {
        native('checkout', '-q', '-b', 'aside')
        native('branch', '-f', repository.branch(mission), 'HEAD~1')
      },
    ],
  ]

  it.each(GIVEN_UP)('stay lost to a commit %s', async (_, give) => {
    give()
    const before = native('rev-parse', repository.branch(mission))
    expect(await ledger.heal()).toMatchObject({ committed: [], deferred: [] })
    expect(native('rev-parse', repository.branch(mission))).toBe(before)
    expect(ledger.takeWarnings()).toEqual([])
  })
})
