/**
 * The outbox for commands that only look: nothing is written, and no file is made where there was
 * none.
 */
import { existsSync } from 'node:fs'

import Database from 'better-sqlite3'

import { Consent } from './consent.ts'
import { findHub, type HubRow } from './hubs.ts'
import { type HistoryPreview, NO_HISTORY, previewHistory } from './history.ts'
import { LinkRecord } from './link-row.ts'
import { countDamaged, listEvents, type ListedEvent, type ListOptions } from './list-events.ts'
import { STATE_SQL, stateQuery, type StateQuery } from './list-events.ts'
import { BUSY_TIMEOUT_MS, openReadOnly } from './open-database.ts'
import type { OutboxOwner } from './outbox-place.ts'
import { CAPACITY } from './outbox.ts'
import { patiently } from './patience.ts'
import { OUTGOING_SQL, outgoingQuery, type OutgoingQuery } from './outgoing-sql.ts'
import type { ConsentState, LinkRow, StoreCounts, Target } from './protocol.ts'
import { countSelected, type Selection, type Standing, standingOf } from './selection.ts'
import { asStoreErrors } from './store-error.ts'
import { Tally } from './tally.ts'

export type ReaderOptions = {
  readonly path: string
  readonly owner: OutboxOwner
  readonly capacity?: number
  /** By whose eyes it is looked at; without one, by those of the hub that was reached last. */
  readonly hub?: Pick<Target, 'origin' | 'team'>
}

export type CapacityUse = {
  readonly undelivered: number
  readonly capacity: number
  /** From 80 % on it is shown. */
  readonly isNearlyFull: boolean
}

export const NEARLY_FULL_RATIO = 0.8

const NOTHING: StoreCounts = {
  pending: 0,
  inflight: 0,
  delivered: 0,
  quarantined: 0,
  held: 0,
  superseded: 0,
}

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
    return this.#read((db) => new Tally(db).counts(this.#hub(db)), NOTHING)
  }

  /** Why events are quarantined, and how many for each reason. */
  reasons(): Readonly<Record<string, number>> {
    return this.#read((db) => new Tally(db).reasons(this.#hub(db)), {})
  }

  list(options: ListOptions): readonly ListedEvent[] {
    return this.#read((db) => listEvents(db, this.#hub(db), options), [])
  }

  /** Events of which only the id is left. */
  removed(): number {
    return this.#read((db) => new Tally(db).removed(), 0)
  }

  /** How many a retry, a purge or a collection would take now. */
  selected(selection: Selection): number {
    return this.#read((db) => countSelected(db, this.#hub(db), selection), 0)
  }

  /** How those of the named events stand that are there. */
  standing(ids: readonly string[]): readonly Standing[] {
    return this.#read((db) => standingOf(db, this.#hub(db), ids), [])
  }

  /** What an import of the history would release. */
  history(): HistoryPreview {
    return this.#read((db) => previewHistory(db, this.#hub(db)), NO_HISTORY)
  }

  /** Unix milliseconds: when the hub last took an event; null where it never did. */
  acknowledgedAt(): number | null {
    return this.#read((db) => this.#hub(db)?.acknowledged_at ?? null, null)
  }

  consent(): ConsentState {
    return this.#read((db) => new Consent(db, this.#options.owner).state(), 'absent')
  }

  linkIsLive(nowMs: number): boolean {
    return this.#read((db) => new LinkRecord(db).isLive(nowMs), false)
  }

  /** What the holder of the link says of it; null where nobody holds it. */
  heldLink(nowMs: number): LinkRow | null {
    return this.#read((db) => new LinkRecord(db).held(nowMs), null)
  }

  /** Whether the counts say of what waits what the next claim will find. */
  isCoherent(): boolean {
    // In one look: another process may settle meanwhile.
    return this.#read((db) => db.transaction(() => this.#isCoherent(db)).deferred(), true)
  }

  /** How long the oldest undelivered event has waited, in milliseconds; null where none waits. */
  oldestUndeliveredAgeMs(nowMs: number): number | null {
    const recordedAt = this.#read((db) => this.#oldest(db), undefined)
    return recordedAt === undefined ? null : Math.max(nowMs - recordedAt, 0)
  }

  capacityUse(): CapacityUse {
    const capacity = this.#options.capacity ?? CAPACITY
    const undelivered = this.#read((db) => new Tally(db).undelivered(), 0)
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

  #hub(db: Database.Database): HubRow | null {
    return findHub(db, this.#options.hub)
  }

  /** Of what the next claim would take; where that is nothing, of what is held. */
  #oldest(db: Database.Database): number | undefined {
    const hub = this.#hub(db)
    const next = this.#next(db)
    if (next !== undefined || new Tally(db).counts(hub).held === 0) return next
    return db.prepare<[StateQuery], number>(OLDEST_HELD_SQL).pluck().get(stateQuery(hub))
  }

  #isCoherent(db: Database.Database): boolean {
    const { pending, inflight } = new Tally(db).counts(this.#hub(db))
    const isWaiting = new Consent(db, this.#options.owner).state() === 'granted'
    return !isWaiting || pending + inflight > 0 === (this.#next(db) !== undefined)
  }

  #next(db: Database.Database): number | undefined {
    const { owner } = this.#options
    const query = outgoingQuery(owner.kind === 'project' ? owner.uuid : '', this.#hub(db), 1)
    return db.prepare<[OutgoingQuery], number>(NEXT_SQL).pluck().get(query)
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

const NEXT_SQL = `
SELECT e.recorded_at FROM (${OUTGOING_SQL}) AS o CROSS JOIN event AS e ON e.sequence = o.sequence`

const OLDEST_HELD_SQL = `
SELECT recorded_at FROM (${STATE_SQL}) WHERE state = 'held'
ORDER BY sequence LIMIT 1`

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
