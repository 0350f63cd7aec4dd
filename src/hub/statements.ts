/** The SQL of the store. */
import type { Statement } from 'better-sqlite3'
import type { Connection } from './database.ts'
import type { Collection, Holder, Row } from './store.ts'

type StoredRow = Row & { readonly content_hash: Buffer }

const COLUMNS = 'seq, received_at, body, content_hash'

export type Statements = {
  readonly insertEvent: Statement<[string, string, string, string, number, Buffer, number, string]>
  readonly insertCommit: Statement<[string, string, string, Buffer, number, string]>
  readonly eventById: Statement<[string, string], StoredRow>
  readonly commitByHash: Statement<[string, string, string], { readonly seq: number }>
  readonly holder: Statement<[Buffer], Holder>
  readonly page: Readonly<
    Record<Collection, Statement<[string, string, number, number], StoredRow>>
  >
}

/** Prepared once per connection. An insert that meets its own key changes nothing and says so by `changes`. */
export function prepare(database: Connection): Statements {
  const page = (collection: Collection): Statements['page'][Collection] =>
    database.prepare(
      `SELECT ${COLUMNS} FROM ${collection}
       WHERE team = ? AND project_uuid = ? AND seq > ? ORDER BY seq LIMIT ?`,
    )
  return {
    insertEvent: database.prepare(
      `INSERT INTO events
       (team, event_id, project_uuid, node_id, lamport_clock, content_hash, received_at, body)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (team, event_id) DO NOTHING`,
    ),
    insertCommit: database.prepare(
      `INSERT INTO commits (team, project_uuid, git_hash, content_hash, received_at, body)
       VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (team, project_uuid, git_hash) DO NOTHING`,
    ),
    eventById: database.prepare(`SELECT ${COLUMNS} FROM events WHERE team = ? AND event_id = ?`),
    commitByHash: database.prepare(
      'SELECT seq FROM commits WHERE team = ? AND project_uuid = ? AND git_hash = ?',
    ),
    holder: database.prepare('SELECT team, user FROM tokens WHERE token_hash = ?'),
    page: { events: page('events'), commits: page('commits') },
  }
}
