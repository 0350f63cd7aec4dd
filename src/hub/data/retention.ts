/**
 * Empties events and commits that are older than they are to be kept: what they said is gone, and of each stay its id, its
 * number and a hash, by which one that is sent again is still told. Rows of ledgers stay, and what clarifies terms: boards,
 * decisions and glossary are folded from them, whatever their age.
 */
import type { Statement } from 'better-sqlite3'
import type { Connection } from './database.ts'
import { forgetLettersBefore } from './dead-letters-table.ts'
import { RETENTION_ROWS_MAX } from '../limits.ts'

export type Emptied = { readonly events: number; readonly commits: number }

export const NOTHING_EMPTIED: Emptied = { events: 0, commits: 0 }

type Found = {
  readonly kind: 'event' | 'commit'
  readonly seq: number
  readonly project_seq: number
  readonly received_at: number
  /** Clarifies a term, or was emptied already. */
  readonly stays: number
}
type Place = {
  readonly project_id: number
  readonly team: string
  readonly project_uuid: string
  readonly forgotten: number
}

const STAYS = `(instr(body, 'GlossaryClarification') > 0 OR body = '')`

export class Retention {
  readonly #database: Connection
  readonly #projects: Statement<[number | null, number | null], Place>
  readonly #next: Statement<[Place & { readonly limit: number }], Found>
  readonly #empty: Readonly<Record<Found['kind'], Statement<[number]>>>
  readonly #forget: Statement<[number, number]>

  constructor(database: Connection) {
    this.#database = database
    // Freed bytes are written over; where pages were rearranged before, copies stay until the file is written anew.
    database.pragma('secure_delete = ON')
    this.#projects = database.prepare(
      `SELECT project_id, team, project_uuid, forgotten FROM projects
       WHERE head > forgotten AND (? IS NULL OR project_id = ?) ORDER BY project_id`,
    )
    const part = (table: string, kind: Found['kind'], stays: string): string =>
      `SELECT '${kind}' AS kind, seq, project_seq, received_at, ${stays} AS stays FROM ${table}
       WHERE project_id = @project_id AND project_seq > @forgotten`
    this.#next = database.prepare(
      `${part('events', 'event', STAYS)} UNION ALL ${part('commits', 'commit', `body = ''`)}
       ORDER BY project_seq LIMIT @limit`,
    )
    this.#empty = {
      event: database.prepare(
        `UPDATE events SET body = '', node_id = '', lamport_clock = 0 WHERE seq = ?`,
      ),
      commit: database.prepare(`UPDATE commits SET body = '', user = NULL WHERE seq = ?`),
    }
    this.#forget = database.prepare('UPDATE projects SET forgotten = ? WHERE project_id = ?')
  }

  /**
   * A transaction a step, of bounded size, until nothing is left that came before a time; then it ends.
   *
   * @param before Unix milliseconds
   * @param only of one project; null for all
   */
  *steps(before: number, only: number | null): Generator<Emptied> {
    for (const { project_id } of this.#projects.all(only, only)) {
      for (let step = this.#step(project_id, before); step !== null;) {
        yield step
        step = this.#step(project_id, before)
      }
    }
    forgetLettersBefore(this.#database, before, only)
  }

  /** How much `steps` would empty. Reads only. */
  count(before: number, only: number | null): Emptied {
    let { events, commits } = NOTHING_EMPTIED
    for (const place of this.#projects.all(only, only)) {
      for (const row of this.#next.iterate({ ...place, limit: -1 })) {
        if (row.received_at >= before) break
        if (row.stays === 0 && row.kind === 'event') events += 1
        if (row.stays === 0 && row.kind === 'commit') commits += 1
      }
    }
    return { events, commits }
  }

  /** What was emptied leaves the log, too, unless somebody reads just now. */
  settle(): void {
    this.#database.pragma('wal_checkpoint(TRUNCATE)')
  }

  /** Those that keep something. */
  projects(only: number | null): readonly Omit<Place, 'forgotten'>[] {
    return this.#projects.all(only, only)
  }

  /** Up to which number the next step empties a project; null where the oldest that is kept came later. Reads only. */
  next(project_id: number, before: number): number | null {
    const rows = this.#rowsOf(project_id)
    // What came later ends it, so that what is forgotten is a beginning and nothing else.
    const end = rows.findIndex(({ received_at }) => received_at >= before)
    return (end === -1 ? rows : rows.slice(0, end)).at(-1)?.project_seq ?? null
  }

  /** Empties one step of a project, in the caller's transaction. Each copy of a project loses the same by it. */
  empty(project_id: number, through: number): Emptied {
    const old = this.#rowsOf(project_id).filter(({ project_seq }) => project_seq <= through)
    const emptied = old.filter(({ stays }) => stays === 0)
    for (const { kind, seq } of emptied) this.#empty[kind].run(seq)
    const last = old.at(-1)
    if (last !== undefined) this.#forget.run(last.project_seq, project_id)
    const events = emptied.filter(({ kind }) => kind === 'event').length
    return { events, commits: emptied.length - events }
  }

  #step(project_id: number, before: number): Emptied | null {
    const run = this.#database.transaction(() => {
      const through = this.next(project_id, before)
      return through === null ? null : this.empty(project_id, through)
    })
    return run.immediate()
  }

  /** What one step looks at. */
  #rowsOf(project_id: number): readonly Found[] {
    const place = this.#projects.get(project_id, project_id)
    return place === undefined ? [] : this.#next.all({ ...place, limit: RETENTION_ROWS_MAX })
  }
}

export function added(one: Emptied, other: Emptied): Emptied {
  return { events: one.events + other.events, commits: one.commits + other.commits }
}
