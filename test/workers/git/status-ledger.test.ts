/** The status log as a ledger: judged under the lock, one line and one commit a move, whoever else writes or dies. */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ulid } from 'ulid'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SerializedEvent } from '#dist/contracts/event.js'
import type { Lane } from '#dist/contracts/ledgers/lanes.js'
import { SanitizeError } from '#dist/errors.js'
import type { Ledger } from '#dist/workers/git/ledgers/ledger.js'
import { parseStatusLines } from '#dist/workers/git/logs/status-lines.js'
import { AUTHOR, IDENTITY, LedgerRepository } from '../../support/ledger-repository.ts'
import { foldOf, transition } from '../../support/status-rows.ts'

type MoveRecord = Parameters<Ledger['move']>[1]

const CHILD = join(import.meta.dirname, '../../support/status-child.mjs')
const WRITERS = 8
/** Moves of each writer; the whole programme takes 300. */
const MOVES = Number(process.env['STATUS_MOVES'] ?? 12)
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

const logPath = (): string => join(repository.placement(mission).missionPath, 'status.events.jsonl')
const snapshotPath = (): string => join(repository.placement(mission).missionPath, 'status.json')
const log = (): string => (existsSync(logPath()) ? readFileSync(logPath(), 'utf8') : '')
const ids = (): string[] =>
  parseStatusLines(Buffer.from(log())).rows.flatMap(({ row }) => row.event_id ?? [])
const native = (...args: string[]): string =>
  repository.git.gitIn(repository.placement(mission).worktree, ...args).trim()
const commits = (): string[] =>
  native('rev-list', '--reverse', 'main..HEAD').split('\n').filter(Boolean)

/** A move as the door hands it in. */
function moveOf(wp_id: string, from: Lane | 'genesis', to: Lane, more: object = {}): MoveRecord {
  const { mission_id } = repository.placement(mission).mission
  const event_id = ulid()
  const row = {
    ...transition(wp_id, from, to, 0),
    event_id,
    mission_id,
    mission_slug: mission,
    ...more,
  }
  const { actor, force, execution_mode, reason, review_ref, evidence } = row
  const move = {
    wp_id,
    to,
    actor,
    force,
    execution_mode,
    reason,
    review_ref,
    evidence,
    review_result: null,
  }
  const event = `{"event_id":"${event_id}"}` as SerializedEvent
  return { move, transition: row, created: null, events: [{ event_id, event }] }
}

async function settle(record: MoveRecord): Promise<string> {
  await ledger.move(mission, record)
  await ledger.forget(record.events.map(({ event_id }) => event_id))
  const answer = await ledger.commit(mission, 'status')
  if (answer.type !== 'git.committed') throw new Error(answer.deferral.message)
  return answer.commit
}

describe('a move', () => {
  it('is one line, and one commit of the log with its snapshot', async () => {
    const commit = await settle(moveOf('WP01', 'genesis', 'planned'))
    expect(log().split('\n')).toHaveLength(2)
    expect(native('show', '--name-only', '--format=%s', commit).split('\n')).toEqual([
      'chore(spec-kitty): status transition WP01',
      '',
      `kitty-specs/${mission}/status.events.jsonl`,
      `kitty-specs/${mission}/status.json`,
    ])
    const snapshot = JSON.parse(readFileSync(snapshotPath(), 'utf8')) as Record<string, unknown>
    expect(snapshot).toMatchObject({ event_count: 1, work_packages: { WP01: { lane: 'planned' } } })
    expect(native('status', '--porcelain')).toBe('')
    expect((await ledger.frames()).map((frame) => frame.git_hash)).toEqual([commit])
  })

  it('is recorded once when it is sent again, and not at all under a known id', async () => {
    const record = moveOf('WP01', 'genesis', 'planned')
    expect(await ledger.move(mission, record)).toMatchObject({ duplicate: false })
    expect(await ledger.move(mission, record)).toMatchObject({ duplicate: true })
    const other = moveOf('WP02', 'genesis', 'planned')
    const reused = {
      ...other,
      transition: { ...other.transition, event_id: record.transition.event_id },
    }
    await expect(ledger.move(mission, reused)).rejects.toMatchObject({ code: 'EVENT_ID_REUSED' })
    expect(ids()).toHaveLength(1)
  })

  it('from a lane in which the package is no more is refused, and may be tried again', async () => {
    await settle(moveOf('WP01', 'genesis', 'planned'))
    const late = moveOf('WP01', 'genesis', 'canceled')
    const refusal = expect(ledger.move(mission, late)).rejects
    await refusal.toMatchObject({ code: 'LANE_MOVED' })
    expect(ids()).toHaveLength(1)
  })

  it('is judged with the log as it is under the lock', async () => {
    await settle(moveOf('WP01', 'genesis', 'planned'))
    await settle(moveOf('WP01', 'planned', 'claimed'))
    await settle(moveOf('WP01', 'claimed', 'in_progress'))
    const open = { subtasks: { T001: 'planned' } }
    const at = '2026-06-01T07:00:01.000000+00:00'
    const note = {
      actor: 'x',
      at,
      delta: open,
      event_id: ulid(),
      kind: 'annotation',
      wp_id: 'WP01',
    }
    writeFileSync(logPath(), `${log()}${JSON.stringify(note)}\n`)
    await expect(
      ledger.move(mission, moveOf('WP01', 'in_progress', 'for_review')),
    ).rejects.toMatchObject({
      code: 'TRANSITION_REFUSED',
      message: expect.stringContaining('T001') as string,
    })
    expect(ids()).toHaveLength(4)
  })

  it('is later than every line before it, whatever its clock says (L13)', async () => {
    await settle(moveOf('WP01', 'genesis', 'planned', { at: '2026-06-01T07:00:00.999999+00:00' }))
    await settle(moveOf('WP01', 'planned', 'claimed', { at: '2026-06-01T06:00:00.000000+00:00' }))
    const rows = parseStatusLines(Buffer.from(log())).rows
    expect(rows.map(({ row }) => (row.family === 'transition' ? row.row.at : ''))).toEqual([
      '2026-06-01T07:00:00.999999+00:00',
      '2026-06-01T07:00:01.000000+00:00',
    ])
  })

  it('is written nowhere when it is not clean, or of another mission (L4)', async () => {
    const refusing = repository.ledger({
      assertClean: () => {
        throw new SanitizeError('NOT_CLEAN', 'not clean')
      },
    })
    const record = moveOf('WP01', 'genesis', 'planned')
    await expect(refusing.move(mission, record)).rejects.toMatchObject({ code: 'NOT_CLEAN' })
    const misplaced = moveOf('WP01', 'genesis', 'planned', { mission_id: ulid() })
    await expect(ledger.move(mission, misplaced)).rejects.toMatchObject({
      code: 'RECORD_MISPLACED',
    })
    expect(log()).toBe('')
    expect((await ledger.heal()).unqueued).toEqual([])
  })

  it('introduces its package once, in the line before', async () => {
    const created = { event_id: ulid(), event_type: 'WPCreated', aggregate_id: 'WP01' }
    const first = { ...moveOf('WP01', 'genesis', 'planned'), created }
    await settle(first)
    expect(ids()).toEqual([created.event_id, first.transition.event_id])
    rmSync(logPath())
    writeFileSync(
      logPath(),
      `{"event_id": "${created.event_id}", "event_type": "WPCreated", "aggregate_id": "WP01"}\n`,
    )
    const again = {
      ...moveOf('WP01', 'genesis', 'planned'),
      created: { ...created, event_id: ulid() },
    }
    await ledger.move(mission, again)
    expect(ids()).toEqual([created.event_id, again.transition.event_id])
  })

  it('whose log lost what the branch holds is refused, and nothing is replaced', async () => {
    await settle(moveOf('WP01', 'genesis', 'planned'))
    rmSync(logPath())
    await expect(ledger.move(mission, moveOf('WP02', 'genesis', 'planned'))).rejects.toMatchObject({
      code: 'LEDGER_MISSING',
    })
    writeFileSync(logPath(), '')
    await ledger.move(mission, moveOf('WP02', 'genesis', 'planned'))
    expect(await ledger.commit(mission, 'status')).toMatchObject({
      deferral: { reason: 'path_refused', ledger: 'status' },
    })
  })

  it('is committed without a snapshot where none can be written', async () => {
    mkdirSync(snapshotPath(), { recursive: true })
    const commit = await settle(moveOf('WP01', 'genesis', 'planned'))
    expect(native('show', '--name-only', '--format=', commit)).toBe(
      `kitty-specs/${mission}/status.events.jsonl`,
    )
    expect(ledger.takeWarnings().map(({ code }) => code)).toEqual(['SNAPSHOT_UNWRITTEN'])
  })

  it('that is deferred is committed by the next heal, which keeps it apart from the decisions', async () => {
    const lock = join(repository.placement(mission).gitDir, 'index.lock')
    writeFileSync(lock, '')
    const request = repository.requested(mission)
    await ledger.request(mission, request)
    await ledger.answer(mission, repository.answered(mission, request.payload.decision_id))
    await ledger.commit(mission, 'decisions')
    await ledger.move(mission, moveOf('WP01', 'genesis', 'planned'))
    await ledger.commit(mission, 'status')
    rmSync(lock)
    const { committed, deferred } = await ledger.heal()
    expect(deferred).toEqual([])
    expect(committed).toEqual(commits())
    expect(native('log', '--format=%s', 'main..HEAD').split('\n').sort()).toEqual([
      'chore(decisions): record decision [skip ci]',
      'chore(spec-kitty): status transition WP01',
    ])
  })
})

describe('a process killed while a package is moved', () => {
  it('at any change of the disk loses nothing acknowledged and doubles nothing (L9)', async () => {
    const acknowledged: string[] = []
    const queued = new Set<string>()
    let from: Lane | 'genesis' = 'genesis'
    let killAt = 1
    for (; killAt < STEPS_MAX; killAt += 1) {
      const to: Lane = from === 'planned' ? 'blocked' : 'planned'
      const record = moveOf('WP01', from, to, { force: true, reason: String(killAt) })
      const { stage, steps } = await moveUntilDead(record, killAt)
      if (stage !== 'nothing') acknowledged.push(record.transition.event_id)
      if (stage === 'settled') queued.add(record.transition.event_id)
      const healed = await ledger.heal()
      expect(healed.deferred).toEqual([])
      for (const text of healed.unqueued) {
        const { event_id } = JSON.parse(text) as { event_id: string }
        expect(ids()).toContain(event_id)
        queued.add(event_id)
        await ledger.forget([event_id])
      }
      // Every line has its event, every event its line, each once; and all lines are in commits.
      expect(ids()).toHaveLength(new Set(ids()).size)
      expect([...queued].sort()).toEqual([...ids()].sort())
      expect(ids()).toEqual(expect.arrayContaining(acknowledged))
      expect(native('status', '--porcelain')).toBe('')
      from =
        (foldOf(parseStatusLines(Buffer.from(log())).rows.map(({ row }) => row.row)).packages.get(
          'WP01',
        )?.lane as Lane) ?? 'genesis'
      if (steps < killAt) break
    }
    expect(killAt).toBeGreaterThan(50)
    expect(killAt).toBeLessThan(STEPS_MAX)
    expect(repository.git.fsck()).toBe('')
    expect((await ledger.frames()).map((frame) => frame.git_hash)).toEqual(commits())
  }, 120_000)
})

/** What dies here changes nothing on the disk from that step on, as if the process had been killed there. */
async function moveUntilDead(record: MoveRecord, killAt: number) {
  let steps = 0
  let stage: 'nothing' | 'appended' | 'settled' = 'nothing'
  const dying = repository.ledger({
    onStep: () => {
      steps += 1
      if (steps >= killAt) throw new Error('dead')
    },
  })
  try {
    await dying.move(mission, record)
    stage = 'appended'
    // The outbox has it from here on.
    const event_ids = record.events.map(({ event_id }) => event_id)
    stage = 'settled'
    await dying.forget(event_ids)
    await dying.commit(mission, 'status')
  } catch (error) {
    if (!(error instanceof Error) || steps < killAt) throw error
  }
  return { stage, steps }
}

describe(`${WRITERS} processes that move packages in one log`, () => {
  it('lose none of their moves and keep their order', async () => {
    const outputs = await Promise.all(
      Array.from({ length: WRITERS }, (_, at) => run(`WP0${at + 1}`)),
    )
    for (const [at, printed] of outputs.entries()) {
      expect(printed).toHaveLength(MOVES)
      const own = parseStatusLines(Buffer.from(log())).rows.flatMap(({ row }) =>
        row.family === 'transition' && row.row.wp_id === `WP0${at + 1}` ? [row.event_id] : [],
      )
      expect(own).toEqual(printed)
    }
    const { rows, skipped } = parseStatusLines(Buffer.from(log()))
    expect(skipped).toEqual([])
    expect(rows).toHaveLength(WRITERS * MOVES)
    const times = rows.map(({ row }) => (row.family === 'transition' ? row.row.at : ''))
    expect(times).toEqual([...times].sort())
    await ledger.heal()
    expect(native('status', '--porcelain')).toBe('')
    expect(repository.git.fsck()).toBe('')
  }, 600_000)
})

async function run(wp: string): Promise<string[]> {
  const job = {
    repository: repository.options().repository,
    placement: repository.placement(mission),
    identity: IDENTITY,
    author: AUTHOR,
    wp,
    count: MOVES,
  }
  const child = spawn(process.execPath, [CHILD, JSON.stringify(job)])
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (bytes: Buffer) => (stdout += bytes.toString()))
  child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString()))
  const code = await new Promise((resolve) => child.once('close', resolve))
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout.split('\n').filter(Boolean)
}
