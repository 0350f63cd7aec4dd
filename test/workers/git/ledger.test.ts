import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ulid } from 'ulid'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SanitizeError } from '#dist/errors.js'
import type { Ledger } from '#dist/workers/git/ledgers/ledger.js'
import { readDeferrals } from '#dist/workers/git/logs/dirty-journal.js'
import { LedgerRepository } from '../../support/ledger-repository.ts'

let repository: LedgerRepository
let ledger: Ledger
let mission: string

beforeEach(() => {
  repository = new LedgerRepository()
  mission = repository.createMission('first')
  ledger = repository.ledger()
})

afterEach(() => repository.remove())

const log = (): string => readFileSync(repository.logPath(mission), 'utf8')
const native = (...args: string[]): string =>
  repository.git.gitIn(repository.placement(mission).worktree, ...args).trim()
const deferredFile = (): string => join(repository.commonDir, 'kittiwake/deferred.json')

describe('a request', () => {
  it('is one compact, sorted, ASCII line, and makes no commit', async () => {
    const before = native('rev-parse', 'HEAD')
    const record = repository.requested(mission, ulid(), 'Größe?\u2028')
    const appended = await ledger.request(mission, record)
    expect(appended).toEqual({ event_id: record.event_id, duplicate: false })
    const line = log()
    expect(line).toMatch(/^\{"at":"[^\n]*\}\n$/)
    expect(line).toMatch(/^[\x20-\x7e]*\n$/)
    expect(line).toContain('Gr\\u00f6\\u00dfe?\\u2028')
    expect(JSON.parse(line)).toEqual(record)
    expect(Object.keys(JSON.parse(line) as object)).toEqual([
      'at',
      'build_id',
      'event_id',
      'event_type',
      'mission_id',
      'payload',
    ])
    expect(native('rev-parse', 'HEAD')).toBe(before)
  })

  it('is recorded once when it is repeated with its event id', async () => {
    const record = repository.requested(mission)
    await ledger.request(mission, record)
    const again = await ledger.request(mission, record)
    expect(again).toEqual({ event_id: record.event_id, duplicate: true })
    expect(log().split('\n')).toHaveLength(2)
  })

  it('is refused where the decision exists, or the event id is taken', async () => {
    const record = repository.requested(mission)
    await ledger.request(mission, record)
    const other = { ...record, event_id: ulid() }
    await expect(ledger.request(mission, other)).rejects.toMatchObject({ code: 'DECISION_EXISTS' })
    const reused = { ...repository.requested(mission), event_id: record.event_id }
    await expect(ledger.request(mission, reused)).rejects.toMatchObject({ code: 'EVENT_ID_REUSED' })
    expect(log().split('\n')).toHaveLength(2)
  })

  it('that is never answered stays, and goes with the next commit', async () => {
    const orphan = repository.requested(mission)
    await ledger.request(mission, orphan)
    const commit = await repository.decide(repository.ledger(), mission)
    const committed = native('show', `${commit}:kitty-specs/${mission}/decisions.events.jsonl`)
    expect(committed).toContain(orphan.event_id)
  })

  it('is written nowhere when it is not clean (L4)', async () => {
    const refusing = repository.ledger({
      assertClean: () => {
        throw new SanitizeError('NOT_CLEAN', 'not clean')
      },
    })
    const record = repository.requested(mission)
    await expect(refusing.request(mission, record)).rejects.toMatchObject({ code: 'NOT_CLEAN' })
    expect(existsSync(repository.logPath(mission))).toBe(false)
  })

  it('of another mission is refused', async () => {
    const foreign = repository.requested(repository.createMission('second'))
    await expect(ledger.request(mission, foreign)).rejects.toMatchObject({
      code: 'RECORD_MISPLACED',
    })
  })

  it('never follows a symbolic link out of the worktree', async () => {
    const { worktree, missionPath } = repository.placement(mission)
    symlinkSync(repository.root, join(worktree, 'kitty-specs'))
    const record = repository.requested(mission)
    await expect(ledger.request(mission, record)).rejects.toMatchObject({
      code: 'LEDGER_PATH_UNSAFE',
    })
    rmSync(join(worktree, 'kitty-specs'))
    await ledger.request(mission, record)
    rmSync(repository.logPath(mission))
    writeFileSync(join(repository.root, 'target'), '')
    symlinkSync(join(repository.root, 'target'), join(missionPath, 'decisions.events.jsonl'))
    await expect(ledger.request(mission, record)).rejects.toMatchObject({
      code: 'LEDGER_PATH_UNSAFE',
    })
    expect(readFileSync(join(repository.root, 'target'), 'utf8')).toBe('')
  })

  it('is refused beyond 1 MiB', async () => {
    const record = repository.requested(mission, ulid(), 'x'.repeat(1024 * 1024))
    await expect(ledger.request(mission, record)).rejects.toMatchObject({
      code: 'LEDGER_LINE_TOO_LONG',
    })
    expect(existsSync(repository.logPath(mission))).toBe(false)
  })

  it('keeps its place when two are interleaved with their answers', async () => {
    const [one, two] = [repository.requested(mission), repository.requested(mission)]
    const other = repository.ledger()
    await Promise.all([ledger.request(mission, one), other.request(mission, two)])
    await ledger.answer(mission, repository.answered(mission, two.payload.decision_id, 'b'))
    await other.answer(mission, repository.answered(mission, one.payload.decision_id, 'a'))
    await ledger.commit(mission, 'decisions')
    expect(log().trim().split('\n')).toHaveLength(4)
    expect(native('status', '--porcelain')).toBe('')
  })
})

describe('an answer', () => {
  it('is committed with the bookkeeping message and leaves a clean worktree', async () => {
    const before = native('rev-parse', 'HEAD')
    const commit = await repository.decide(ledger, mission)
    expect(native('rev-parse', 'HEAD')).toBe(commit)
    expect(native('rev-parse', 'HEAD^')).toBe(before)
    expect(native('log', '-1', '--format=%B')).toBe('chore(decisions): record decision [skip ci]')
    expect(native('status', '--porcelain')).toBe('')
    expect(existsSync(deferredFile())).toBe(false)
    expect(repository.git.fsck()).toBe('')
  })

  it('that is equal is answered with the first one’s event id and not recorded again', async () => {
    const request = repository.requested(mission)
    await ledger.request(mission, request)
    const first = repository.answered(mission, request.payload.decision_id)
    await ledger.answer(mission, first)
    const second = repository.answered(mission, request.payload.decision_id)
    expect(await ledger.answer(mission, second)).toEqual({
      event_id: first.event_id,
      duplicate: true,
    })
    expect(log()).not.toContain(second.event_id)
  })

  it('that differs is refused and changes nothing', async () => {
    const request = repository.requested(mission)
    await ledger.request(mission, request)
    await ledger.answer(mission, repository.answered(mission, request.payload.decision_id))
    const before = log()
    const other = repository.answered(mission, request.payload.decision_id, 'The second')
    await expect(ledger.answer(mission, other)).rejects.toMatchObject({
      code: 'DECISION_ALREADY_ANSWERED',
    })
    expect(log()).toBe(before)
  })

  it('to an unknown decision is refused and leaves no mark', async () => {
    const answer = repository.answered(mission, ulid())
    await expect(ledger.answer(mission, answer)).rejects.toMatchObject({ code: 'DECISION_UNKNOWN' })
    expect(existsSync(deferredFile())).toBe(false)
  })

  it('takes the run of its request, which who answers need not know', async () => {
    const request = repository.requested(mission)
    const inRun = { ...request, payload: { ...request.payload, run_id: 'nightly' } }
    await ledger.request(mission, inRun)
    await ledger.answer(mission, repository.answered(mission, request.payload.decision_id))
    const line = log().trim().split('\n')[1] ?? ''
    expect(JSON.parse(line)).toMatchObject({ payload: { run_id: 'nightly' } })
  })

  it('is marked as uncommitted before it is in the log, until its commit is made (L9)', async () => {
    const request = repository.requested(mission)
    await ledger.request(mission, request)
    const marksAtAppend: boolean[] = []
    const watched = repository.ledger({
      onStep: (step, path) => {
        const isAppend = step === 'append' && path === repository.logPath(mission)
        if (isAppend) marksAtAppend.push(existsSync(deferredFile()))
      },
    })
    await watched.answer(mission, repository.answered(mission, request.payload.decision_id))
    expect(marksAtAppend).toEqual([true])
    const mark = JSON.parse(readFileSync(deferredFile(), 'utf8')) as Record<string, unknown>
    expect(mark[mission]).toMatchObject({ reason: null })
    await watched.commit(mission, 'decisions')
    expect(existsSync(deferredFile())).toBe(false)
  })
})

describe('a commit that can not happen now', () => {
  const answerWhileIndexIsLocked = async (): Promise<string> => {
    const request = repository.requested(mission)
    await ledger.request(mission, request)
    await ledger.answer(mission, repository.answered(mission, request.payload.decision_id))
    const lock = join(repository.placement(mission).gitDir, 'index.lock')
    writeFileSync(lock, '')
    return lock
  }

  it('is deferred with its reason, stays visible, and is made by the next heal', async () => {
    const lock = await answerWhileIndexIsLocked()
    const answer = await ledger.commit(mission, 'decisions')
    expect(answer).toMatchObject({
      type: 'git.deferred',
      deferral: { mission, reason: 'index_locked' },
    })
    expect(await readDeferrals(repository.commonDir)).toMatchObject([
      { mission, reason: 'index_locked' },
    ])
    rmSync(lock)
    const healed = await repository.ledger().heal()
    expect(healed).toMatchObject({ committed: [native('rev-parse', 'HEAD')], deferred: [] })
    expect(await ledger.frames()).toHaveLength(1)
    expect(existsSync(deferredFile())).toBe(false)
  })

  it('is deferred where the placement can not be had, and other missions are healed', async () => {
    await ledger.request(mission, repository.requested(mission))
    const second = repository.createMission('second')
    for (const name of [mission, second]) {
      const request = repository.requested(name)
      await ledger.request(name, request)
      await ledger.answer(name, repository.answered(name, request.payload.decision_id))
    }
    native('checkout', '-q', '--detach')
    const healed = await ledger.heal()
    expect(healed.deferred).toMatchObject([{ mission, reason: 'detached_head' }])
    expect(healed.committed).toHaveLength(1)
    native('checkout', '-q', repository.branch(mission))
    expect((await ledger.heal()).committed).toEqual([native('rev-parse', 'HEAD')])
  })

  it('never replaces a branch’s log by one that lost decisions', async () => {
    await repository.decide(ledger, mission)
    const tip = native('rev-parse', 'HEAD')
    writeFileSync(repository.logPath(mission), '')
    const request = repository.requested(mission)
    await ledger.request(mission, request)
    await ledger.answer(mission, repository.answered(mission, request.payload.decision_id))
    expect(await ledger.commit(mission, 'decisions')).toMatchObject({
      deferral: { reason: 'path_refused' },
    })
    expect(native('rev-parse', 'HEAD')).toBe(tip)
    rmSync(repository.logPath(mission))
    await expect(ledger.request(mission, request)).rejects.toMatchObject({ code: 'LEDGER_MISSING' })
  })
})

describe('heal', () => {
  it('commits the answer that a dead process left, and repairs its torn tail', async () => {
    const request = repository.requested(mission)
    await ledger.request(mission, request)
    const answer = repository.answered(mission, request.payload.decision_id)
    await ledger.answer(mission, answer)
    writeFileSync(repository.logPath(mission), `${log()}{"at":"2026`)
    ledger = repository.ledger()
    const { committed } = await ledger.heal()
    expect(committed).toHaveLength(1)
    expect(ledger.takeWarnings()).toMatchObject([{ code: 'LOG_TAIL_MOVED' }])
    const text = native('show', `HEAD:kitty-specs/${mission}/decisions.events.jsonl`)
    expect(
      text.split('\n').map((line) => (JSON.parse(line) as { event_id: string }).event_id),
    ).toEqual([request.event_id, answer.event_id])
  })

  it('checks every log when the list of marks is damaged, and keeps the damaged file', async () => {
    const request = repository.requested(mission)
    await ledger.request(mission, request)
    await ledger.answer(mission, repository.answered(mission, request.payload.decision_id))
    writeFileSync(deferredFile(), '{"half')
    ledger = repository.ledger()
    const healed = await ledger.heal()
    expect(healed.committed).toEqual([native('rev-parse', 'HEAD')])
    expect(ledger.takeWarnings()).toMatchObject([{ code: 'DEFERRALS_REBUILT' }])
    expect(readFileSync(`${deferredFile()}.damaged-1`, 'utf8')).toBe('{"half')
  })

  it('does nothing where nothing waits', async () => {
    await repository.decide(ledger, mission)
    expect(await ledger.heal()).toEqual({ committed: [], deferred: [], unqueued: [] })
    expect(ledger.takeWarnings()).toEqual([])
  })
})
