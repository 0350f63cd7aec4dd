/** The SQL of the store. */
import type { Statement } from 'better-sqlite3'
import type { Connection } from './database.ts'
import type { Collection, FeedRow, Holder, PageRequest, Row, StoredWebhook } from './stored.ts'

type Stored<Base> = Base & { readonly content_hash: Buffer }
type Project = {
  readonly project_id: number
  readonly head: number
  readonly forgotten: number
}
type Event = [string, string, string, string, number, Buffer, number, string, number, number]
type Commit = [string, string, string, Buffer, number, string, number, number, string | null]
type Stretch<Bound extends string> = Record<'project_id' | 'limit' | Bound, number>

export type Statements = {
  readonly insertEvent: Statement<Event>
  readonly insertCommit: Statement<Commit>
  readonly eventById: Statement<[string, string], Stored<Row>>
  readonly eventElsewhere: Statement<
    [string, string, string],
    { readonly body: string; readonly content_hash: Buffer }
  >
  readonly commitByHash: Statement<[string, string, string], { readonly seq: number }>
  readonly markPushed: Statement<[number, string, string, string]>
  readonly holder: Statement<[Buffer, number], Holder>
  readonly webhook: Statement<[string], StoredWebhook>
  readonly project: Statement<[string, string], Project>
  readonly insertProject: Statement<[string, string]>
  readonly nameProject: Statement<[{ readonly project_slug: string; readonly project_id: number }]>
  readonly raiseSequence: Statement<[number, string]>
  readonly beginSequence: Statement<[string, number]>
  readonly raiseHead: Statement<[number, number, number]>
  readonly page: Readonly<Record<Collection, Statement<[PageRequest], Stored<Row>>>>
  readonly feed: Statement<[Stretch<'after'>], Stored<FeedRow>>
  readonly recent: Statement<[Stretch<'before'>], Stored<FeedRow>>
  readonly localOnly: Statement<[Record<'project_id' | 'limit', number>], Stored<FeedRow>>
  readonly glossaryHead: Statement<[number], number>
  readonly glossary: Statement<[number], { readonly body: string; readonly content_hash: Buffer }>
}

/** What only commits have. */
const OF_EVENTS = 'NULL AS pushed_at, NULL AS user'
const OF_COMMITS = 'pushed_at, user'

/** Up to this number what happened in a project is no longer kept. */
const FORGOTTEN = '(SELECT forgotten FROM projects WHERE project_id = @project_id)'

/** Prepared once per connection. An insert that meets its own key changes nothing and says so by `changes`. */
export function prepare(database: Connection): Statements {
  const page = (collection: Collection, own: string): Statements['page'][Collection] =>
    database.prepare(
      `SELECT seq, received_at, body, content_hash, ${own} FROM ${collection}
       WHERE project_id = @project_id AND seq > max(@after, coalesce((
         SELECT seq FROM ${collection} WHERE project_id = @project_id
           AND project_seq <= ${FORGOTTEN} ORDER BY project_seq DESC LIMIT 1), 0))
       ORDER BY seq LIMIT @limit`,
    )
  const feed = (bound: string, order: 'ASC' | 'DESC'): string => {
    const part = (collection: Collection, kind: string, own: string): string =>
      `SELECT '${kind}' AS kind, project_seq, body, content_hash, ${own}
       FROM ${collection} WHERE project_id = @project_id AND project_seq > ${FORGOTTEN}
         AND project_seq ${bound}`
    return `${part('events', 'event', OF_EVENTS)} UNION ALL ${part('commits', 'commit', OF_COMMITS)}
       ORDER BY project_seq ${order} LIMIT @limit`
  }
  return {
    insertEvent: database.prepare(
      `INSERT INTO events (team, event_id, project_uuid, node_id, lamport_clock, content_hash,
         received_at, body, project_id, project_seq)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (team, event_id) DO NOTHING`,
    ),
    insertCommit: database.prepare(
      `INSERT INTO commits (team, project_uuid, git_hash, content_hash, received_at, body,
         project_id, project_seq, user)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (team, project_uuid, git_hash) DO NOTHING`,
    ),
    eventById: database.prepare(
      `SELECT seq, received_at, body, content_hash, ${OF_EVENTS} FROM events
       WHERE team = ? AND event_id = ?`,
    ),
    eventElsewhere: database.prepare(
      `SELECT body, content_hash FROM events
       WHERE team = ? AND event_id = ? AND project_uuid <> ?`,
    ),
    commitByHash: database.prepare(
      'SELECT seq FROM commits WHERE team = ? AND project_uuid = ? AND git_hash = ?',
    ),
    markPushed: database.prepare(
      `UPDATE commits SET pushed_at = ?
       WHERE team = ? AND project_uuid = ? AND git_hash = ? AND pushed_at IS NULL`,
    ),
    holder: database.prepare(
      `SELECT team, user, token_id, ends_at FROM secrets JOIN tokens USING (token_id)
       WHERE secret_hash = ? AND (ends_at IS NULL OR ends_at > ?) AND revoked_at IS NULL`,
    ),
    webhook: database.prepare(
      `SELECT team, project_uuid, secret FROM webhooks
       WHERE webhook_id = ? AND revoked_at IS NULL`,
    ),
    project: database.prepare(
      'SELECT project_id, head, forgotten FROM projects WHERE team = ? AND project_uuid = ?',
    ),
    insertProject: database.prepare(
      'INSERT INTO projects (team, project_uuid, head) VALUES (?, ?, 0)',
    ),
    nameProject: database.prepare(
      `UPDATE projects SET slug = @project_slug
       WHERE project_id = @project_id AND slug IS NOT @project_slug`,
    ),
    raiseSequence: database.prepare('UPDATE sqlite_sequence SET seq = ? WHERE name = ?'),
    beginSequence: database.prepare('INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)'),
    raiseHead: database.prepare('UPDATE projects SET head = ?, forgotten = ? WHERE project_id = ?'),
    page: { events: page('events', OF_EVENTS), commits: page('commits', OF_COMMITS) },
    feed: database.prepare(feed('> @after', 'ASC')),
    recent: database.prepare(feed('< @before', 'DESC')),
    localOnly: database.prepare(
      `SELECT 'commit' AS kind, project_seq, body, content_hash, ${OF_COMMITS} FROM commits
       WHERE project_id = @project_id AND pushed_at IS NULL AND project_seq > ${FORGOTTEN}
       ORDER BY project_seq DESC LIMIT @limit`,
    ),
    glossaryHead: database
      .prepare<[number], number>(
        `SELECT coalesce(max(project_seq), 0) FROM events
         WHERE project_id = ? AND instr(body, 'GlossaryClarification') > 0`,
      )
      .pluck(),
    // As the index says it, which holds a little more than is meant.
    glossary: database.prepare(
      `SELECT body, content_hash FROM events
       WHERE project_id = ? AND instr(body, 'GlossaryClarification') > 0 ORDER BY project_seq`,
    ),
  }
}
