/** Logs of real repositories healed in place: proven, kept as they were, committed, at whatever step it is broken off. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { encodeTransition } from '#dist/contracts/ledgers/status-record.js'
import type { Ledger } from '#dist/workers/git/ledgers/ledger.js'
import { filesOf } from '../../support/files-of.ts'
import { LedgerRepository } from '../../support/ledger-repository.ts'
import { transition } from '../../support/status-rows.ts'

const STEPS_MAX = 200
let repository: LedgerRepository
let ledger: Ledger
let mission: string

beforeEach(() => {
  repository = new LedgerRepository()
  mission = repository.createMission('first')
  ledger = repository.ledger()
})
afterEach(() => repository.remove())

const status = () => ({ mission, ledger: 'status' as const })
const worktree = (): string => repository.placement(mission).worktree
const path = (): string => join(repository.placement(mission).missionPath, 'status.events.jsonl')
const native = (...args: string[]): string => repository.git.gitIn(worktree(), ...args).trim()
const line = (wp: string, seconds: number): string =>
  `${encodeTransition(transition(wp, 'genesis', 'planned', seconds))}\n`
const [one, two, three] = [line('WP01', 1), line('WP02', 2), line('WP03', 3)]

function write(text: string): void {
  mkdirSync(dirname(path()), { recursive: true })
  writeFileSync(path(), text)
}
const kept = (name: string | null): string =>
  readFileSync(join(repository.commonDir, name ?? ''), 'utf8')

it('heals a log, keeps it as it was, and commits it with its snapshot', async () => {
  const damaged = `${one}{"event_id": "torn\n<<<<<<< ours\n${two}=======\n${three}>>>>>>> theirs`
  write(damaged)
  const before = filesOf(repository.root)
  const examined = await ledger.repair(status(), true)
  expect(examined).toMatchObject({ changed: true, markers: 3, unreadable: 1, kept: null })
  expect(filesOf(repository.root)).toEqual(before)
  const repaired = await ledger.repair(status(), false)
  expect(repaired).toMatchObject({ ...examined, kept: expect.any(String) as string, commit: {} })
  expect(readFileSync(path(), 'utf8')).toBe(one + two + three)
  expect(kept(repaired.kept)).toBe(damaged)
  expect(repaired.commit).toMatchObject({
    type: 'git.committed',
    commit: native('rev-parse', 'HEAD'),
  })
  expect(native('show', `HEAD:kitty-specs/${mission}/status.events.jsonl`)).toBe(
    (one + two + three).trim(),
  )
  expect(native('show', `HEAD:kitty-specs/${mission}/status.json`)).toContain('"WP03"')
  expect(native('status', '--porcelain')).toBe('')
  expect(repository.git.fsck()).toBe('')
  expect(await ledger.repair(status(), false)).toMatchObject({ changed: false, commit: null })
})

it('leaves a whole log as it is, to the byte and the time', async () => {
  write(one + two)
  const before = filesOf(worktree())
  expect(await ledger.repair(status(), false)).toMatchObject({ changed: false, kept: null })
  expect(filesOf(worktree())).toEqual(before)
})

it('heals both sides of a merge that git could not make, and leaves the merge to the user', async () => {
  write(one)
  native('add', '.')
  native('commit', '-qm', 'One')
  const branch = native('rev-parse', '--abbrev-ref', 'HEAD')
  native('checkout', '-qb', 'other')
  write(one + two)
  native('commit', '-qam', 'Two')
  native('checkout', '-q', branch)
  write(one + three)
  native('commit', '-qam', 'Three')
  expect(() => native('merge', '-q', 'other')).toThrow()
  const repaired = await ledger.repair(status(), false)
  expect(repaired.commit).toMatchObject({
    type: 'git.deferred',
    deferral: { reason: 'path_conflicted' },
  })
  expect(readFileSync(path(), 'utf8')).toBe(one + two + three)
  native('add', '.')
  native('commit', '-qm', 'Merged')
  expect(native('rev-list', '--parents', '-1', 'HEAD').split(' ')).toHaveLength(3)
  expect(native('show', `HEAD:kitty-specs/${mission}/status.events.jsonl`)).toContain('WP02')
})

it('makes a snapshot anew in which git left its markers', async () => {
  write(one)
  const snapshot = join(dirname(path()), 'status.json')
  writeFileSync(snapshot, '<<<<<<< ours\n{}\n=======\n{}\n>>>>>>> theirs\n')
  expect(await ledger.repair(status(), false)).toMatchObject({ changed: true })
  expect(JSON.parse(readFileSync(snapshot, 'utf8'))).toMatchObject({ event_count: 1 })
})

it('overwrites nothing that another program wrote meanwhile', async () => {
  write(`${one}garbage\n`)
  let written = false
  const racing = repository.ledger({
    onStep: (step, at) => {
      if (written || step !== 'rename' || !at.includes('/repaired/')) return
      written = true
      writeFileSync(path(), two, { flag: 'a' })
    },
  })
  await expect(racing.repair(status(), false)).rejects.toMatchObject({ code: 'LEDGER_CHANGED' })
  expect(readFileSync(path(), 'utf8')).toBe(`${one}garbage\n${two}`)
  expect((await ledger.repair(status(), false)).commit?.type).toBe('git.committed')
  expect(readFileSync(path(), 'utf8')).toBe(one + two)
})

it('broken off at any step loses nothing, and is done by the next one', async () => {
  for (let failAt = 1, failed = true; failed; failAt += 1) {
    const damaged = `${one}broken ${failAt}\n${two}${one}`
    write(damaged)
    let steps = 0
    failed = false
    const dying = repository.ledger({
      onStep: () => {
        steps += 1
        if (steps < failAt) return
        failed = true
        throw Object.assign(new Error('EIO'), { code: 'EIO' })
      },
    })
    await dying.repair(status(), false).catch(() => undefined)
    const found = readFileSync(path(), 'utf8')
    expect([damaged, one + two]).toContain(found)
    await ledger.heal()
    await ledger.repair(status(), false)
    expect(readFileSync(path(), 'utf8')).toBe(one + two)
    expect(native('status', '--porcelain')).toBe('')
    const keeps = join(repository.commonDir, 'kittiwake/repaired', mission)
    const texts = existsSync(keeps)
      ? Object.keys(filesOf(keeps)).map((name) => readFileSync(name, 'utf8'))
      : []
    expect(texts).toContain(damaged)
    expect(failAt).toBeLessThan(STEPS_MAX)
  }
})
