/** What a copy of the log that hubs share has and a base lacks, which is attached to its database as `base`. */
import type { ChangeTable } from './change-table.ts'
import type { Connection } from './database.ts'
import type { ProjectName } from './earlier-copy.ts'

/** Rows of a copy that a base lacks, or has at another number; of a project that was deleted since it has none so far back. */
const MISSING = [
  ['events', 'b.event_id = o.event_id AND b.project_seq = o.project_seq'],
  ['commits', 'b.git_hash = o.git_hash AND b.project_seq = o.project_seq'],
  [
    'lines',
    `b.mission = o.mission AND b.ledger = o.ledger AND b.row_key = o.row_key
       AND b.content_hash = o.content_hash`,
  ],
].map(([table, isSame]) => {
  const isBack = (rows: string): string =>
    `EXISTS (SELECT 1 FROM base.${rows} r WHERE r.project_id = q.project_id AND r.project_seq <= p.head)`
  return `SELECT 1 FROM main.${table} o JOIN main.projects p USING (project_id)
    LEFT JOIN base.projects q ON q.team = p.team AND q.project_uuid = p.project_uuid
    WHERE NOT EXISTS (
      SELECT 1 FROM base.${table} b WHERE b.project_id = q.project_id AND ${isSame})
      AND (coalesce(q.forgotten, 0) <= p.head OR ${isBack('events')} OR ${isBack('commits')})`
})

/** Whether each row that is held is in the base too, at its number, or was deleted there. */
export function isWithinBase(database: Connection): boolean {
  const missing = MISSING.join(' UNION ALL ')
  return database.prepare(`SELECT 1 FROM (${missing}) LIMIT 1`).get() === undefined
}

/** Whether a project's rows went up to a number: by retention they are emptied, and stay. */
const isDeleted = (schema: 'main' | 'base', project: 'p' | 'q'): string => {
  const isBack = ['events', 'commits'].map(
    (table) =>
      `EXISTS (SELECT 1 FROM ${schema}.${table} r
         WHERE r.project_id = ${project}.project_id AND r.project_seq <= ${project}.forgotten)`,
  )
  return `(${project}.forgotten > 0 AND NOT (${isBack.join(' OR ')}))`
}
const HAS_ROWS = ['events', 'commits', 'lines']
  .map((table) => `EXISTS (SELECT 1 FROM base.${table} r WHERE r.project_id = q.project_id)`)
  .join(' OR ')
// Of the same epoch: what a folder knows of another one is no word on what was recorded since.
const DELETED = `SELECT p.team, p.project_uuid FROM main.projects p
  JOIN base.projects q ON q.team = p.team AND q.project_uuid = p.project_uuid
  WHERE p.forgotten > q.forgotten AND ${isDeleted('main', 'p')}
    AND NOT ${isDeleted('base', 'q')} AND (${HAS_ROWS})
    AND (SELECT value FROM main.meta WHERE key = 'epoch') =
      (SELECT value FROM base.meta WHERE key = 'epoch')`
const TOKENS = `SELECT o.token_id FROM main.tokens o LEFT JOIN base.tokens b USING (token_id)
  WHERE b.token_id IS NULL OR (o.revoked_at IS NOT NULL AND b.revoked_at IS NULL)`
// Those of a project that was deleted went with it.
const WEBHOOKS = `SELECT o.webhook_id FROM main.webhooks o LEFT JOIN base.webhooks b USING (webhook_id)
  WHERE (o.revoked_at IS NOT NULL AND b.revoked_at IS NULL AND b.webhook_id IS NOT NULL)
    OR (b.webhook_id IS NULL AND NOT EXISTS (SELECT 1 FROM base.projects q
      WHERE q.team = o.team AND q.project_uuid = o.project_uuid AND q.forgotten > 0))`

export type Lost = {
  readonly deleted: readonly ProjectName[]
  /** Tokens and webhooks, as JSON. */
  readonly holders: readonly string[]
}

/**
 * What was told to a server that lost it, before the base was made without it: deletions, tokens and webhooks, and that these have
 * ended. Else the base would bring back what went.
 */
export function lostIn(database: Connection, changes: ChangeTable): Lost {
  const idsOf = (sql: string): readonly string[] => database.prepare<[], string>(sql).pluck().all()
  const holders = [
    ...idsOf(TOKENS).map((id) => changes.textOf('token', id)),
    ...idsOf(WEBHOOKS).map((id) => changes.textOf('webhook', id)),
  ]
  return { deleted: database.prepare<[], ProjectName>(DELETED).all(), holders }
}
