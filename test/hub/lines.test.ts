/** Ledger lines at the hub: what is taken, in which order, and that each counts once. */
import { randomUUID } from 'node:crypto'
import Database from 'better-sqlite3'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Json, JsonObject } from '#dist/contracts/json/json.js'
import { foldBoard, foldTimeline } from '#dist/hub/fold-ledgers.js'
import { LinesTable } from '#dist/hub/data/lines-table.js'
import { verifyHub } from '#dist/hub/upkeep/verify.js'
import { newCommit, newLines, newMove, newUlid, openLink, startHub } from './support.ts'
import type { TestLink } from './support.ts'

const text = (frame: JsonObject): string => JSON.stringify(frame)

async function announce(link: TestLink, project_uuid: string): Promise<string> {
  const commit = newCommit({ project_uuid })
  link.send(text(commit))
  expect(await link.take(1)).toMatchObject([{ type: 'LocalCommitAck', status: 'accepted' }])
  return commit['git_hash'] as string
}

/** The rows of a mission as the store has them. */
function stored(dataDir: string, ledger: 'status' | 'decisions', mission = 'login') {
  const database = new Database(join(dataDir, 'hub.db'), { readonly: true })
  try {
    return new LinesTable(database).read(1, ledger, mission).lines
  } finally {
    database.close()
  }
}

const row = (line: number, fields: JsonObject) => ({ line, row: fields })

describe('lines of an announced commit', () => {
  it('are acknowledged by their id once they are durable, and each counts once (L3)', async () => {
    const { hub, dataDir, token } = await startHub()
    const link = await openLink(hub, token)
    const project_uuid = randomUUID()
    const git_hash = await announce(link, project_uuid)
    const [first, second] = [newMove(), newMove({ from_lane: 'claimed', to_lane: 'in_progress' })]
    const one = newLines({ project_uuid, git_hash, rows: [row(1, first)] })
    const both = newLines({ project_uuid, git_hash, rows: [row(1, first), row(2, second)] })
    link.send(text(one), text(one), text(both), text(both))
    const ackOf = ({ lines_id }: JsonObject, status: string) => ({
      type: 'LedgerLinesAck',
      lines_id,
      project_uuid,
      status,
    })
    expect(await link.take(4)).toEqual([
      ackOf(one, 'accepted'),
      ackOf(one, 'duplicate'),
      ackOf(both, 'accepted'),
      ackOf(both, 'duplicate'),
    ])
    expect(stored(dataDir, 'status').map(({ value }) => value)).toEqual([first, second])
    expect(verifyHub(dataDir)).toMatchObject({ sound: true, lines: 2 })
  })

  it('are refused where their commit is not there, and make no project', async () => {
    const { hub, dataDir, token } = await startHub()
    const link = await openLink(hub, token)
    const lines = newLines()
    link.send(text(lines))
    expect(await link.take(1)).toEqual([
      {
        type: 'error',
        lines_id: lines['lines_id'],
        status: 'rejected',
        error_category: 'unknown_commit',
        retryable: false,
      },
    ])
    const database = new Database(join(dataDir, 'hub.db'), { readonly: true })
    expect(database.prepare('SELECT count(*) FROM projects').pluck().get()).toBe(0)
    database.close()
  })

  it('may come in the same transaction as their commit', async () => {
    const { hub, token } = await startHub()
    const link = await openLink(hub, token)
    const commit = newCommit()
    const { project_uuid = '', git_hash = '' } = commit
    link.send(text(commit), text(newLines({ project_uuid, git_hash })))
    const answers = await link.take(2)
    expect(answers.map(({ type }) => type)).toEqual(['LocalCommitAck', 'LedgerLinesAck'])
  })

  it.each([
    ['no rows', { rows: [] }],
    ['a path as mission', { mission: '../etc' }],
    ['a log that is none', { ledger: 'secrets' }],
    ['a key of another kind', { extra: 1 }],
    ['a row that is a list', { rows: [{ line: 1, row: [] }] }],
  ])('with %s are named and refused', async (_, fields) => {
    const { hub, token } = await startHub()
    const link = await openLink(hub, token)
    const lines = newLines(fields)
    link.send(text(lines))
    expect(await link.take(1)).toMatchObject([
      { type: 'error', lines_id: lines['lines_id'], error_category: 'invalid_frame' },
    ])
  })

  it('are no part of what a project is told', async () => {
    const { hub, token } = await startHub()
    const [link, other] = [await openLink(hub, token), await openLink(hub, token)]
    const project_uuid = randomUUID()
    const git_hash = await announce(link, project_uuid)
    link.send(text(newLines({ project_uuid, git_hash })))
    await link.take(1)
    await announce(link, project_uuid)
    const shown = await other.take(2)
    expect(shown.map(({ type }) => type)).toEqual(['LocalCommit', 'LocalCommit'])
  })
})

describe('history', () => {
  it('stands before what was announced, whenever it comes', async () => {
    const { hub, dataDir, token } = await startHub()
    const link = await openLink(hub, token)
    const project_uuid = randomUUID()
    const git_hash = await announce(link, project_uuid)
    const [old, live] = [newMove(), newMove({ from_lane: 'claimed', to_lane: 'in_progress' })]
    link.send(text(newLines({ project_uuid, git_hash, rows: [row(2, live)] })))
    const rows = [row(1, old), row(2, live), { line: 3, row: null }]
    link.send(text(newLines({ project_uuid, history: true, rows })))
    expect(await link.take(2)).toMatchObject([{ status: 'accepted' }, { status: 'accepted' }])
    const lines = stored(dataDir, 'status')
    expect(lines.map(({ value, commit }) => [value, commit])).toEqual([
      [old, null],
      [null, null],
      [live, git_hash],
    ])
    const { work_packages, anomalies, summary } = foldBoard(lines)
    expect(work_packages).toMatchObject([{ wp_id: 'WP01', lane: 'in_progress' }])
    expect(work_packages[0]?.moves.map(({ commit }) => commit)).toEqual([null, git_hash])
    expect(summary).toMatchObject({ in_progress: 1, planned: 0 })
    // The log begins in a lane that nothing led to.
    expect(anomalies).toEqual([
      { line: 3, wp_id: null, what: 'not a JSON object' },
      { line: 1, wp_id: 'WP01', what: 'chain_break' },
    ])
  })

  it('keeps rows that break the contract of today, and shows them as such', () => {
    const line = (at: number, value: JsonObject | null, isDamaged = false) => {
      return { mission: 'login', line: at, value, commit: null, isDamaged }
    }
    const move = newMove({ from_lane: 'genesis', to_lane: 'planned' })
    const { work_packages, anomalies } = foldBoard([
      line(1, { event_id: newUlid(), to_lane: 'limbo' }),
      line(2, move),
      line(3, { ...move, actor: 'kim' }),
      line(4, null, true),
    ])
    expect(work_packages).toMatchObject([{ lane: 'planned', moves: [{ actor: 'sam' }] }])
    expect(anomalies.map(({ line: at, what }) => [at, what])).toEqual([
      [1, 'a transition with a lane that is none'],
      [4, 'the hub can no longer read it'],
      [3, 'id_conflict'],
    ])
    const { decisions, anomalies: odd } = foldTimeline([
      line(1, { event_type: 'x' }),
      line(2, null),
    ])
    expect(decisions).toEqual([])
    expect(odd.map(({ what }) => what)).toEqual([
      'not a complete decision record',
      'not a JSON object',
    ])
  })

  it('of one id with two contents is kept twice, and one row with two spellings once', async () => {
    const { hub, dataDir, token } = await startHub()
    const link = await openLink(hub, token)
    const project_uuid = randomUUID()
    const move = newMove({ event_id: newUlid() })
    const spelt = Object.fromEntries<Json>(Object.entries(move).toReversed())
    const frames = [move, spelt, { ...move, actor: 'kim' }].map((fields, at) =>
      newLines({ project_uuid, history: true, rows: [row(at + 1, fields)] }),
    )
    link.send(...frames.map(text))
    const answers = await link.take(3)
    expect(answers.map(({ status }) => status)).toEqual(['accepted', 'duplicate', 'accepted'])
    expect(stored(dataDir, 'status')).toHaveLength(2)
  })
})
