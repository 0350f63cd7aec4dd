/**
 * The outbox for commands that only look: nothing is written, and no file is made where there was
 * none.
 */
import { existsSync } from 'node:fs'

import Database from 'better-sqlite3'

import { Consent } from './consent.ts'
import { LinkRecord } from './link-row.ts'
import { countDamaged, listEvents, type ListedEvent, type ListOptions } from './list-events.ts'
import { BUSY_TIMEOUT_MS, openReadOnly, type OutboxOwner } from './open-database.ts'
import { CAPACITY } from './outbox.ts'
import { patiently } from './patience.ts'
import type { ConsentState, StoreCounts } from './protocol.ts'
import { asStoreErrors } from './store-error.ts'
import { Tally, undeliveredOf } from './tally.ts'

export type ReaderOptions = {
  readonly path: string
  readonly owner: OutboxOwner
  readonly capacity?: number
}

export type CapacityUse = {
  readonly undelivered: number
  readonly capacity: number
  /** From 80 % on it is shown. */
  readonly isNearlyFull: boolean
}

export const NEARLY_FULL_RATIO = 0.8

const NOTHING: StoreCounts = { pending: 0, inflight: 0, delivered: 0, quarantined: 0, held: 0 }

export class OutboxReader {
  readonly #options: ReaderOptions
  readonly #db: Database.Database | null
  readonly #hadLog: boolean

  /** A missing store is an empty one. @throws StoreError as `openReadOnly` */
  static open(options: ReaderOptions): OutboxReader {
    return new OutboxReader(options)
  }

  private constructor(options: ReaderOptions) {
    this.#options = options
    this.#hadLog = existsSync(`${options.path}-wal`)
    try {
      this.#db = openReadOnly(options.path, options.owner, BUSY_TIMEOUT_MS)
    } catch (error) {
      this.#removeOwnLog()
      throw error
    }
  }

  counts(): StoreCounts {
    return this.#read((db) => new Tally(db).counts(), NOTHING)
  }

  list(options: ListOptions): readonly ListedEvent[] {
    return this.#read((db) => listEvents(db, options), [])
  }

  consent(): ConsentState {
    return this.#read((db) => new Consent(db, this.#options.owner).state(), 'absent')
  }

  linkIsLive(nowMs: number): boolean {
    return this.#read((db) => new LinkRecord(db).isLive(nowMs), false)
  }

  /** How long the oldest undelivered event has waited, in milliseconds; null where none waits. */
  oldestUndeliveredAgeMs(nowMs: number): number | null {
    const recordedAt = this.#read(
      (db) => db.prepare<[], number>(OLDEST_SQL).pluck().get(),
      undefined,
    )
    return recordedAt === undefined ? null : Math.max(nowMs - recordedAt, 0)
  }

  capacityUse(): CapacityUse {
    const capacity = this.#options.capacity ?? CAPACITY
    const undelivered = undeliveredOf(this.counts())
    return { undelivered, capacity, isNearlyFull: undelivered >= capacity * NEARLY_FULL_RATIO }
  }

  /** What SQLite's own check says of every page; a missing store is whole. */
  isWhole(): boolean {
    return this.#read((db) => db.pragma('quick_check(1)', { simple: true }) === 'ok', true)
  }

  /** How many events are damaged, which SQLite's own check doesn't see. Reads every body. */
  damaged(): number {
    return this.#read(countDamaged, 0)
  }

  close(): void {
    if (this.#db === null) return
    this.#db.close()
    this.#removeOwnLog()
  }

  #removeOwnLog(): void {
    if (!this.#hadLog) removeUnusedLog(this.#options.path)
  }

  #read<Result>(work: (db: Database.Database) => Result, otherwise: Result): Result {
    const db = this.#db
    if (db === null) return otherwise
    return asStoreErrors(() => patiently(() => work(db), BUSY_TIMEOUT_MS))
  }
}

const OLDEST_SQL = `
SELECT e.recorded_at FROM event AS e WHERE e.sequence = (
  SELECT min(sequence) FROM (
    SELECT min(sequence) AS sequence FROM delivery INDEXED BY delivery_outgoing
      WHERE state IN ('pending', 'inflight')
    UNION ALL
    SELECT min(sequence) FROM delivery INDEXED BY delivery_held WHERE state = 'held'))`

/**
 * SQLite gives a reader of a store at rest an empty log and leaves it behind. Only SQLite itself
 * can tell whether someone uses it by now: a connection that may write, closed again, takes an
 * unused one away.
 */
function removeUnusedLog(path: string): void {
  try {
    const db = new Database(path, { fileMustExist: true, timeout: 0 })
    try {
      db.pragma('schema_version')
    } finally {
      db.close()
    }
  } catch {
    // It is in use, or can't be written: then its log stays.
  }
}
