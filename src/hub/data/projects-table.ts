/** The projects of the teams, and how much happened in them over time. */
import type { Statement } from 'better-sqlite3'
import type { Connection } from './database.ts'
import { ACTIVITY_ROWS_MAX, PROJECTS_MAX } from '../limits.ts'

export type ListedProject = {
  readonly project_uuid: string
  /** As its last event has it, else as rows of ledgers came under it; null where neither says. */
  readonly slug: unknown
  readonly missions: number
  /** The number of the last event or commit. */
  readonly head: number
  readonly local_only: number
  /** Unix milliseconds; null where nothing came but rows of ledgers. */
  readonly last_at: number | null
}

/** What the hub received in one hour, counted from 1970. */
export type Hour = {
  readonly hour: number
  readonly events: number
  readonly commits: number
  /** Rows of ledgers that came with announced commits. */
  readonly rows: number
}

/** A project `p` of which something is here: of one that was deleted there is nothing but its number. */
export const HOLDS_ROWS = `(
  EXISTS (SELECT 1 FROM events e WHERE e.project_id = p.project_id)
  OR EXISTS (SELECT 1 FROM commits c WHERE c.project_id = p.project_id)
  OR EXISTS (SELECT 1 FROM lines l WHERE l.project_id = p.project_id))`

type Bounded = { readonly project_id: number; readonly limit: number }

export class ProjectsTable {
  readonly #ofTeam: Statement<[string, number], ListedProject>
  readonly #activity: Statement<[Bounded], Hour>
  readonly #size: Statement<[number], number>
  readonly #forgotten: Statement<[number], number>

  constructor(database: Connection) {
    this.#ofTeam = database.prepare(
      `SELECT p.project_uuid, p.head,
         (SELECT count(DISTINCT mission) FROM lines l WHERE l.project_id = p.project_id)
           AS missions,
         coalesce((
           SELECT iif(json_valid(body), json_extract(body, '$.project_slug'), NULL) FROM events e
           WHERE e.project_id = p.project_id ORDER BY e.project_seq DESC LIMIT 1), p.slug) AS slug,
         (SELECT count(*) FROM commits c
          WHERE c.project_id = p.project_id AND c.pushed_at IS NULL
            AND c.project_seq > p.forgotten) AS local_only,
         nullif(max(
           coalesce((SELECT received_at FROM events e WHERE e.project_id = p.project_id
                     ORDER BY e.project_seq DESC LIMIT 1), 0),
           coalesce((SELECT received_at FROM commits c WHERE c.project_id = p.project_id
                     ORDER BY c.project_seq DESC LIMIT 1), 0)), 0) AS last_at
       FROM projects p WHERE p.team = ? AND ${HOLDS_ROWS}
       ORDER BY last_at DESC, p.project_id LIMIT ?`,
    )
    const latest = (table: string, order: string, of: string): string =>
      `SELECT * FROM (SELECT received_at, ${of} FROM ${table} WHERE project_id = @project_id
       ORDER BY ${order} DESC LIMIT @limit)`
    this.#activity = database.prepare(
      `SELECT received_at / 3600000 AS hour, sum(e) AS events, sum(c) AS commits, sum(r) AS rows
       FROM (${latest('events', 'project_seq', '1 AS e, 0 AS c, 0 AS r')}
         UNION ALL ${latest('commits', 'project_seq', '0, 1, 0')}
         UNION ALL ${latest('lines', 'seq', '0, 0, is_live')})
       GROUP BY hour ORDER BY hour`,
    )
    this.#size = database
      .prepare<[number], number>('SELECT head FROM projects WHERE project_id = ?')
      .pluck()
    this.#forgotten = database
      .prepare<[number], number>('SELECT forgotten FROM projects WHERE project_id = ?')
      .pluck()
  }

  /** Up to which number what happened in the project is no longer kept. */
  forgotten(project_id: number): number {
    return this.#forgotten.get(project_id) ?? 0
  }

  /** The latest first. */
  ofTeam(team: string): readonly ListedProject[] {
    return this.#ofTeam.all(team, PROJECTS_MAX)
  }

  /** Of the latest rows. */
  activity(project_id: number): { readonly hours: readonly Hour[]; readonly isCut: boolean } {
    const hours = this.#activity.all({ project_id, limit: ACTIVITY_ROWS_MAX })
    return { hours, isCut: (this.#size.get(project_id) ?? 0) > ACTIVITY_ROWS_MAX }
  }
}
