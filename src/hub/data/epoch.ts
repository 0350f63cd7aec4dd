/**
 * The epoch tells clients whether this hub still has everything that it acknowledged. Beside the database lies a
 * mark of the highest sequence numbers; a database that is behind its mark was restored or lost a part, and
 * begins a new epoch, above the old numbers. The mark is written after the commit, so it is never ahead by itself.
 */
import { randomUUID } from 'node:crypto'
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { isJsonObject, parseJson } from '../../contracts/json/json.ts'
import type { Json } from '../../contracts/json/json.ts'
import type { DataUse } from './data-use.ts'
import type { Connection } from './database.ts'

const MARK_FILE = 'hub.mark'
const MARK_LENGTH = 160

/** The highest sequence number that each table gave out. */
export type Heads = { events: number; commits: number; lines: number }
const TABLES = ['events', 'commits', 'lines'] as const
type Mark = Readonly<Heads> & { readonly epoch: string }

export class Epoch {
  #id: string
  #heads: Readonly<Heads>
  readonly #descriptor: number

  /**
   * Reads the mark, and begins a new epoch in the database where rows are missing. Hubs that share a log say in it when an
   * epoch begins.
   */
  constructor(database: Connection, dataDir: string, use: DataUse = 'own') {
    const path = join(resolve(dataDir), MARK_FILE)
    const settle = database.transaction(() => settleEpoch(database, readMark(dataDir)))
    this.#id = use === 'shared' ? (epochIn(database) ?? '') : settle.immediate()
    this.#heads = headsOf(database)
    closeSync(openSync(path, 'a', 0o600))
    this.#descriptor = openSync(path, 'r+')
    this.mark({})
  }

  /** Empty where none has begun yet. */
  get id(): string {
    return this.#id
  }

  /** The database was changed by more than new rows. */
  reload(database: Connection): void {
    this.#id = epochIn(database) ?? ''
    this.mark(headsOf(database))
  }

  /** Records what is committed. Not synced: after a power cut an older mark only says less. */
  mark(heads: Readonly<Partial<Heads>>): void {
    this.#heads = { ...this.#heads, ...heads }
    const text = JSON.stringify({ epoch: this.id, ...this.#heads }).padEnd(MARK_LENGTH)
    writeSync(this.#descriptor, text, 0)
  }

  close(): void {
    closeSync(this.#descriptor)
  }
}

function settleEpoch(database: Connection, mark: Mark | null): string {
  const known = epochIn(database)
  const heads = headsOf(database)
  const complete = mark === null || TABLES.every((table) => mark[table] <= heads[table])
  if (known !== null && complete && (mark === null || mark.epoch === known)) return known
  const epoch = randomUUID()
  database.prepare("INSERT OR REPLACE INTO meta (key, value) VALUES ('epoch', ?)").run(epoch)
  if (mark !== null) raiseHeads(database, heads, mark)
  return epoch
}

/** The epoch that a database is in; null where none has begun. */
export function epochIn(database: Connection): string | null {
  const text = database.prepare("SELECT value FROM meta WHERE key = 'epoch'").pluck().get()
  return typeof text === 'string' ? text : null
}

/** The highest sequence numbers that the tables of a database gave out. */
export function headsOf(database: Connection): Heads {
  const head = database.prepare('SELECT seq FROM sqlite_sequence WHERE name = ?').pluck()
  const of = (table: keyof Heads): number => Number(head.get(table) ?? 0)
  return { events: of('events'), commits: of('commits'), lines: of('lines') }
}

// A reader's `after` of the old epoch must not hide rows of the new one.
function raiseHeads(database: Connection, heads: Readonly<Heads>, mark: Mark): void {
  for (const table of TABLES) {
    if (mark[table] <= heads[table]) continue
    database.prepare('DELETE FROM sqlite_sequence WHERE name = ?').run(table)
    database
      .prepare('INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)')
      .run(table, mark[table])
  }
}

/** The mark of a data folder. One that can't be read is no mark: a power cut may have torn it. */
export function readMark(dataDir: string): Mark | null {
  let mark: Json
  try {
    const path = join(resolve(dataDir), MARK_FILE)
    mark = parseJson(readFileSync(path, 'utf8').slice(0, MARK_LENGTH))
  } catch {
    return null
  }
  if (!isJsonObject(mark)) return null
  // Who wrote the mark may have known no lines.
  const { epoch, events, commits, lines = 0 } = mark
  if (typeof epoch !== 'string') return null
  return isHead(events) && isHead(commits) && isHead(lines)
    ? { epoch, events, commits, lines }
    : null
}

function isHead(value: Json | undefined): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}
