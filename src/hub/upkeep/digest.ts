/** What a hub's data says of each project, in its order, as one hash: two databases that agree say the same. */
import { createHash } from 'node:crypto'
import type { Connection } from '../data/database.ts'
import { HOLDS_ROWS } from '../data/projects-table.ts'
import { hashOf } from '../data/row-content.ts'

export type Digest = {
  readonly projects: number
  readonly events: number
  readonly commits: number
  /** Rows of ledgers. */
  readonly lines: number
  /** Numbers, within their tables, of rows whose bytes no longer match their checksum. */
  readonly damaged: number
  /** Over all projects, tokens and webhooks. */
  readonly sum: string
}

type Row = Readonly<Record<string, string | number | null>> & {
  readonly body: string
  readonly content_hash: Uint8Array
}

const FEED = `
  SELECT 'event' AS kind, project_seq, event_id AS id, node_id, lamport_clock, NULL AS user,
    NULL AS pushed_at, received_at, body, content_hash FROM events WHERE project_id = @id
  UNION ALL SELECT 'commit', project_seq, git_hash, NULL, NULL, user, pushed_at, received_at, body,
    content_hash FROM commits WHERE project_id = @id ORDER BY project_seq`
const LINES = `
  SELECT mission, mission_id, ledger, row_key, line, git_hash, is_live, received_at, body,
    content_hash FROM lines WHERE project_id = @id ORDER BY seq`
const PROJECTS = `
  SELECT project_id, team, project_uuid FROM projects p WHERE ${HOLDS_ROWS}
  ORDER BY team, project_uuid`
const HOLDERS = [
  'SELECT * FROM tokens ORDER BY token_id',
  'SELECT token_id, hex(secret_hash) AS hash, ends_at FROM secrets ORDER BY token_id, secret_id',
  'SELECT * FROM webhooks ORDER BY webhook_id',
]

/** The numbers themselves may differ, since rows that are gone had some; their order may not. */
export function digestOf(database: Connection): Digest {
  const hash = createHash('sha256')
  const counts = { projects: 0, events: 0, commits: 0, lines: 0, damaged: 0 }
  const add = (row: Row): void => {
    const { body, content_hash, project_seq: _number, ...rest } = row
    if (body !== '' && !hashOf(body).equals(content_hash)) counts.damaged += 1
    hash.update(`${JSON.stringify(rest)}\n${body}\n`)
  }
  type Project = {
    readonly project_id: number
    readonly team: string
    readonly project_uuid: string
  }
  const feed = database.prepare<[{ id: number }], Row>(FEED)
  const lines = database.prepare<[{ id: number }], Row>(LINES)
  for (const { project_id, team, project_uuid } of database.prepare<[], Project>(PROJECTS).all()) {
    counts.projects += 1
    hash.update(`${team} ${project_uuid}\n`)
    for (const row of feed.iterate({ id: project_id })) {
      counts[row['kind'] === 'event' ? 'events' : 'commits'] += 1
      add(row)
    }
    for (const row of lines.iterate({ id: project_id })) {
      counts.lines += 1
      add(row)
    }
  }
  for (const sql of HOLDERS) hash.update(JSON.stringify(database.prepare(sql).all()))
  return { ...counts, sum: hash.digest('hex') }
}
