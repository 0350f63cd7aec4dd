/** Looks whether a hub's data is whole: the file, the tables, every row by its checksum, every project's numbers. */
import Database from 'better-sqlite3'
import { systemCode } from '../../errors.ts'
import { openDatabase } from '../data/database.ts'
import type { Connection } from '../data/database.ts'
import { headsOf, readMark } from '../data/epoch.ts'
import type { Heads } from '../data/epoch.ts'
import { hashOf } from '../data/row-content.ts'
import { STEPS } from '../data/schema.ts'

export type Verification = {
  readonly sound: boolean
  readonly events: number
  readonly commits: number
  /** Rows of ledgers. */
  readonly lines: number
  /** What SQLite finds wrong with the file, and tables that are not the hub's. */
  readonly faults: readonly string[]
  /** Sequence numbers of rows whose bytes no longer match their checksum. */
  readonly damaged: Readonly<Record<keyof Heads, readonly number[]>>
  /** Numbers of projects that no row has. */
  readonly gaps: readonly Gap[]
  /** Rows that were acknowledged and are not there: the file is older than its mark. */
  readonly missing: Readonly<Heads>
}

export type Gap = { readonly project_uuid: string; readonly from: number; readonly to: number }

/** Of each kind of fault; the first ones say what is wrong. */
const NAMED_MAX = 100
const BUSY_TIMEOUT_MS = 5_000

/** While a hub serves the folder or not. @throws LinkError HUB_DATA_MISSING, HUB_DATA_UNUSABLE, HUB_DATA_NEWER */
export function verifyHub(dataDir: string): Verification {
  const database = openDatabase(dataDir, { busyTimeoutMs: BUSY_TIMEOUT_MS, create: false })
  try {
    // The mark first: a hub that serves writes it last, so it is never ahead of what is read after it.
    const mark = readMark(dataDir)
    return database.transaction(() => verifyDatabase(database, mark))()
  } finally {
    database.close()
  }
}

/** @param mark what was acknowledged, where that is known */
export function verifyDatabase(database: Connection, mark: Readonly<Heads> | null): Verification {
  try {
    return look(database, mark)
  } catch (error) {
    const code = systemCode(error)
    if (code?.startsWith('SQLITE_') !== true) throw error
    return { ...UNREADABLE, faults: [`the file can't be read to its end (${code})`] }
  }
}

const UNREADABLE: Verification = {
  sound: false,
  events: 0,
  commits: 0,
  lines: 0,
  faults: [],
  damaged: { events: [], commits: [], lines: [] },
  gaps: [],
  missing: { events: 0, commits: 0, lines: 0 },
}

function look(database: Connection, mark: Readonly<Heads> | null): Verification {
  const faults = [...faultsOfFile(database), ...foreignTables(database)].slice(0, NAMED_MAX)
  const events = checkRows(database, 'events')
  const commits = checkRows(database, 'commits')
  const lines = checkRows(database, 'lines')
  const gaps = findGaps(database)
  const heads = headsOf(database)
  const missing = {
    events: Math.max(0, (mark?.events ?? 0) - heads.events),
    commits: Math.max(0, (mark?.commits ?? 0) - heads.commits),
    lines: Math.max(0, (mark?.lines ?? 0) - heads.lines),
  }
  const found = [faults, events.damaged, commits.damaged, lines.damaged, gaps]
  const counts = [...found.map(({ length }) => length), ...Object.values(missing)]
  return {
    sound: counts.every((count) => count === 0),
    events: events.rows,
    commits: commits.rows,
    lines: lines.rows,
    faults,
    damaged: { events: events.damaged, commits: commits.damaged, lines: lines.damaged },
    gaps,
    missing,
  }
}

function faultsOfFile(database: Connection): readonly string[] {
  const found = database.prepare<[], string>(`PRAGMA integrity_check(${NAMED_MAX})`).pluck().all()
  return found.filter((line) => line !== 'ok')
}

// A trigger or a view that somebody planted would work on rows that a hub stores.
function foreignTables(database: Connection): readonly string[] {
  const fresh = new Database(':memory:')
  try {
    for (const step of STEPS) fresh.exec(step)
    const own = new Set(schemaTexts(fresh))
    const there = schemaTexts(database)
    const missing = [...own].filter((text) => !there.includes(text))
    const surplus = there.filter((text) => !own.has(text))
    return [
      ...missing.map((text) => `missing: ${text}`),
      ...surplus.map((text) => `not the hub's: ${text}`),
    ]
  } finally {
    fresh.close()
  }
}

function schemaTexts(database: Connection): readonly string[] {
  type Row = { readonly type: string; readonly name: string; readonly sql: string | null }
  const rows = database.prepare<[], Row>('SELECT type, name, sql FROM sqlite_schema').all()
  return rows
    .filter(({ name }) => !name.startsWith('sqlite_'))
    .map(({ type, name, sql }) => `${type} ${name} ${(sql ?? '').replaceAll(/\s+/g, ' ')}`)
}

function checkRows(
  database: Connection,
  collection: keyof Heads,
): { readonly rows: number; readonly damaged: readonly number[] } {
  type Row = { readonly seq: number; readonly body: string; readonly content_hash: Buffer }
  const damaged: number[] = []
  let rows = 0
  // What retention has emptied has nothing to check.
  const emptied =
    collection === 'lines'
      ? ''
      : `WHERE body <> '' OR project_seq > (
           SELECT forgotten FROM projects p WHERE p.project_id = ${collection}.project_id)`
  const sql = `SELECT seq, body, content_hash FROM ${collection} ${emptied} ORDER BY seq`
  for (const { seq, body, content_hash } of database.prepare<[], Row>(sql).iterate()) {
    rows += 1
    if (damaged.length < NAMED_MAX && !hashOf(body).equals(content_hash)) damaged.push(seq)
  }
  return { rows, damaged }
}

function findGaps(database: Connection): readonly Gap[] {
  return database
    .prepare<[number], Gap>(
      `WITH places AS (
         SELECT project_id, project_seq FROM events
         UNION ALL SELECT project_id, project_seq FROM commits
         UNION ALL SELECT project_id, head + 1 FROM projects
       ), pairs AS (
         SELECT project_id, project_seq AS place,
                lag(project_seq, 1, 0) OVER (PARTITION BY project_id ORDER BY project_seq) AS before
         FROM places
       )
       SELECT project_uuid, max(before, forgotten) + 1 AS "from", place - 1 AS "to"
       FROM pairs JOIN projects USING (project_id)
       WHERE place > max(before, forgotten) + 1 LIMIT ?`,
    )
    .all(NAMED_MAX)
}
