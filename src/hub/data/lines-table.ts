/** The rows of the teams' ledgers: told by commits, each once, in the order in which their commits were announced. */
import type { Statement } from 'better-sqlite3'
import { encodeJson, parseJson } from '../../contracts/json/json.ts'
import type { Json } from '../../contracts/json/json.ts'
import type { LedgerLines, LedgerName, LedgerRow } from '../../contracts/wire/ledger-lines.ts'
import type { Connection } from './database.ts'
import { FOLD_LENGTH_MAX, FOLD_ROWS_MAX, MISSIONS_MAX } from '../limits.ts'
import { hashOf } from './row-content.ts'
import type { LinesEntry } from '../entries.ts'

/** A row as its writer sent it; `value` is null where nobody can read it. */
export type StoredLine = {
  readonly mission: string
  /** In its log, as its writer counted. */
  readonly line: number
  readonly value: Json
  /** The commit that added it; null for history. */
  readonly commit: string | null
  /** Its bytes no longer match their checksum. */
  readonly isDamaged: boolean
}

export type StoredLines = {
  readonly lines: readonly StoredLine[]
  /** More is here than one answer holds. */
  readonly isCut: boolean
  /** Of all bodies together. */
  readonly length: number
}

/** All rows of a project, of one of its ledgers, or of that of one mission. */
export type LinesScope = {
  readonly project_id: number
  readonly ledger: LedgerName | null
  readonly mission: string | null
}

export type StoredMission = {
  readonly mission: string
  readonly mission_id: string | null
  readonly decision_rows: number
  readonly status_rows: number
  /** Unix milliseconds. */
  readonly received_at: number
}

type Insert = [
  number,
  string,
  string | null,
  string,
  string,
  number,
  string,
  number,
  Buffer,
  number,
  string,
]
type Selection = LinesScope & { readonly ledger: LedgerName }
type Row = {
  readonly mission: string
  readonly line: number
  readonly git_hash: string
  readonly is_live: number
  readonly content_hash: Buffer
  readonly body: string
}

/** The entry that a frame asks to store. */
export function linesEntry(team: string, frame: LedgerLines): LinesEntry {
  const { project_uuid, project_slug, git_hash, mission, mission_id, ledger, history, rows } = frame
  return {
    kind: 'lines',
    team,
    project_uuid,
    project_slug,
    git_hash,
    mission,
    mission_id,
    ledger,
    history,
    rows: rows.map((row) => ({ line: row.line, key: keyOf(row), body: encodeJson(row.row) })),
  }
}

// What can't be read has nothing but its place to be told by.
function keyOf({ line, row }: LedgerRow): string {
  if (row === null) return `line ${line}`
  const { event_id } = row
  return typeof event_id === 'string' ? event_id : ''
}

/** Scopes whose last row is remembered. */
const HEADS_MAX = 20_000

export class LinesTable {
  readonly #headByScope = new Map<string, number>()
  readonly #head: Statement<[LinesScope], number>
  readonly #insert: Statement<Insert>
  readonly #rows: Statement<[Selection], Row>
  readonly #missions: Statement<[number, number], StoredMission>

  constructor(database: Connection) {
    this.#insert = database.prepare(
      `INSERT INTO lines (project_id, mission, mission_id, ledger, row_key, line, git_hash, is_live,
         content_hash, received_at, body)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (project_id, mission, ledger, row_key, content_hash) DO NOTHING`,
    )
    this.#rows = database.prepare(
      `SELECT mission, line, git_hash, is_live, content_hash, body FROM lines
       WHERE project_id = @project_id AND ledger = @ledger
         AND (@mission IS NULL OR mission = @mission)
       ORDER BY mission, is_live, seq`,
    )
    this.#head = database
      .prepare<[LinesScope], number>(
        `SELECT coalesce(max(seq), 0) FROM lines
         WHERE project_id = @project_id AND (@ledger IS NULL OR ledger = @ledger)
           AND (@mission IS NULL OR mission = @mission)`,
      )
      .pluck()
    this.#missions = database.prepare(
      `SELECT mission, max(mission_id) AS mission_id, sum(ledger = 'decisions') AS decision_rows,
              sum(ledger = 'status') AS status_rows, max(received_at) AS received_at
       FROM lines WHERE project_id = ? GROUP BY mission ORDER BY mission LIMIT ?`,
    )
  }

  /** In the caller's transaction. The sequence number of the last row that is new, or null where none is. */
  insert(project_id: number, entry: LinesEntry, now: number): number | null {
    const { mission, mission_id, ledger, git_hash, history, rows } = entry
    const isLive = history ? 0 : 1
    let last: number | null = null
    for (const { line, key, body } of rows) {
      const { changes, lastInsertRowid } = this.#insert.run(
        project_id,
        mission,
        mission_id,
        ledger,
        key,
        line,
        git_hash,
        isLive,
        hashOf(body),
        now,
        body,
      )
      if (changes === 1) last = Number(lastInsertRowid)
    }
    return last
  }

  /** The sequence number of the last row there, 0 where there is none: what was made of the rows is good until it changes. */
  head(scope: LinesScope): number {
    const key = keyOfScope(scope)
    const known = this.#headByScope.get(key)
    if (known !== undefined) return known
    if (this.#headByScope.size >= HEADS_MAX) this.#headByScope.clear()
    const head = this.#head.get(scope) ?? 0
    this.#headByScope.set(key, head)
    return head
  }

  /** Rows were committed up to this one. Not before: a rollback gives their numbers to others. */
  raise({ project_id, ledger, mission }: LinesScope, seq: number): void {
    const scopes = [
      { project_id, ledger: null, mission: null },
      { project_id, ledger, mission: null },
      { project_id, ledger, mission },
    ]
    for (const scope of scopes) {
      const key = keyOfScope(scope)
      if (this.#headByScope.has(key)) this.#headByScope.set(key, seq)
    }
  }

  /** Rows went that were there. */
  forget(): void {
    this.#headByScope.clear()
  }

  /** By mission, then history before what was announced, then as it came; of one mission where one is named. */
  read(project_id: number, ledger: LedgerName, mission: string | null): StoredLines {
    const lines: StoredLine[] = []
    let length = 0
    for (const row of this.#rows.iterate({ project_id, ledger, mission })) {
      if (lines.length >= FOLD_ROWS_MAX || length > FOLD_LENGTH_MAX)
        return { lines, isCut: true, length }
      length += row.body.length
      const isDamaged = !row.content_hash.equals(hashOf(row.body))
      lines.push({
        mission: row.mission,
        line: row.line,
        value: isDamaged ? null : parseJson(row.body, row.body.length),
        commit: row.is_live === 1 ? row.git_hash : null,
        isDamaged,
      })
    }
    return { lines, isCut: false, length }
  }

  /** Those that have rows, by name. */
  missions(project_id: number): readonly StoredMission[] {
    return this.#missions.all(project_id, MISSIONS_MAX)
  }
}

function keyOfScope({ project_id, ledger, mission }: LinesScope): string {
  return `${project_id} ${ledger ?? ''} ${mission ?? ''}`
}
