/**
 * The one transaction in which all that waits is ticked and stored. The file is long because the steps
 * of that transaction are not to be read apart.
 */
import type Database from 'better-sqlite3'

import type { SerializedEvent } from '../../contracts/event.ts'
import { KittiwakeError, StoreError } from '../../errors.ts'
import { checkEvent, type CheckedEvent, type EventRules } from './check-event.ts'
import type { Consent } from './consent.ts'
import { LamportClock } from './lamport-clock.ts'
import type { LinkRecord } from './link-row.ts'
import type { AppendedEvent } from './protocol.ts'
import { rowChecksum } from './row-checksum.ts'
import { Snapshots } from './snapshots.ts'
import type { Tally } from './tally.ts'

export type AppendResult = {
  readonly receipts: readonly AppendedEvent[]
  /**
   * Read in the append's own transaction: may these events leave, and is some process's link live?
   */
  readonly live: boolean
  readonly undelivered: number
  readonly capacity: number
}

export type AppenderOptions = {
  readonly db: Database.Database
  readonly rules: EventRules
  readonly capacity: number
  readonly consent: Consent
  readonly link: LinkRecord
  readonly tally: Tally
  readonly now: () => number
}

type Batch = readonly SerializedEvent[]
type Known = {
  readonly event_id: string
  readonly lamport_clock: number
  readonly checksum: number
}
/** `withheld`: consent doesn't cover it, although it covers what is recorded now. */
type Standing = 'open' | 'held' | 'withheld'
type Outcome = readonly AppendedEvent[] | KittiwakeError

export class Appender {
  readonly #options: AppenderOptions
  readonly #clock: LamportClock
  readonly #known: Database.Statement<[string], Known>
  readonly #insertEvent: Database.Statement<[string, string, number, number, number, string]>
  readonly #withhold: Database.Statement<[number]>
  readonly #snapshots: Snapshots
  readonly #transact: Database.Transaction<
    (
      batches: readonly (readonly CheckedEvent[] | KittiwakeError)[],
    ) => readonly (AppendResult | KittiwakeError)[]
  >
  #lamport = 0
  #free = 0

  constructor(options: AppenderOptions) {
    const { db, rules } = options
    this.#options = options
    this.#snapshots = new Snapshots(options)
    this.#clock = new LamportClock(db, rules.nodeId)
    this.#known = db.prepare<[string], Known>(
      'SELECT event_id, lamport_clock, checksum FROM event WHERE event_id = ?',
    )
    this.#insertEvent = db.prepare(
      'INSERT INTO event (event_id, node_id, lamport_clock, recorded_at, checksum, body) ' +
        'VALUES (?, ?, ?, ?, ?, ?)',
    )
    this.#withhold = db.prepare("INSERT INTO mark VALUES (?, 'held', NULL)")
    this.#transact = db.transaction((batches) => this.#appendChecked(batches))
  }

  /** Each batch is stored whole or refused whole; a refused one doesn't spoil its neighbours. */
  appendAll(batches: readonly Batch[]): readonly (AppendResult | KittiwakeError)[] {
    const checked = batches.map((batch) => refusalOr(() => this.check(batch)))
    if (checked.every((batch) => batch instanceof KittiwakeError)) return checked
    return this.#transact.immediate(checked)
  }

  /** @throws as `checkEvent` */
  check(batch: Batch): readonly CheckedEvent[] {
    return batch.map((text) => checkEvent(text, this.#options.rules))
  }

  /**
   * Inside a transaction: takes over events that were recorded before the project had an identity, and so before any consent;
   * an id that is known stays as it is.
   *
   * @returns how many were new
   * @throws StoreError OUTBOX_FULL
   */
  adopt(batch: readonly CheckedEvent[]): number {
    const { consent } = this.#options
    const isOpen = consent.coversHistory()
    const standing = isOpen ? 'open' : consent.row() === undefined ? 'held' : 'withheld'
    const fresh = batch.filter((event) => this.#known.get(event.event_id) === undefined)
    this.#begin()
    this.#reserve(fresh.length)
    for (const event of fresh) this.#insert(event, standing)
    this.#finish(standing, fresh.length)
    return fresh.length
  }

  #appendChecked(batches: readonly (readonly CheckedEvent[] | KittiwakeError)[]) {
    const { capacity, consent, link, tally, now } = this.#options
    const isGranted = consent.state() === 'granted'
    const standing = isGranted ? 'open' : 'held'
    const live = isGranted && link.isLive(now())
    this.#begin()
    const free = this.#free
    const outcomes = batches.map((batch): Outcome =>
      batch instanceof KittiwakeError ? batch : refusalOr(() => this.#appendBatch(batch, standing)),
    )
    this.#finish(standing, free - this.#free)
    const undelivered = tally.undelivered()
    return outcomes.map((outcome) =>
      outcome instanceof KittiwakeError
        ? outcome
        : { receipts: outcome, live, undelivered, capacity },
    )
  }

  /** Every refusal comes before the first insert, so that a refused batch leaves nothing behind. */
  #appendBatch(batch: readonly CheckedEvent[], standing: Standing): readonly AppendedEvent[] {
    const freshById = new Map<string, CheckedEvent>()
    for (const event of batch) {
      const known = this.#known.get(event.event_id)
      const first = known === undefined ? freshById.get(event.event_id) : undefined
      if (known === undefined && first === undefined) freshById.set(event.event_id, event)
      else if (known === undefined ? event.stamp(0) !== first?.stamp(0) : !isSame(event, known)) {
        throw new StoreError('EVENT_ID_CONFLICT', 'an event id stands for one content', {
          hint: 'Give the other event an id of its own.',
        })
      }
    }
    this.#reserve(freshById.size)
    const lamportById = new Map<string, number>()
    for (const event of freshById.values())
      lamportById.set(event.event_id, this.#insert(event, standing))
    return batch.map(({ event_id: eventId }) => ({
      event_id: eventId,
      lamport_clock: lamportById.get(eventId) ?? this.#known.get(eventId)?.lamport_clock ?? 0,
    }))
  }

  #begin(): void {
    this.#snapshots.begin()
    this.#lamport = this.#clock.read()
    this.#free = this.#options.capacity - this.#options.tally.undelivered()
  }

  #reserve(count: number): void {
    if (count > Math.max(this.#free, 0)) {
      throw new StoreError(
        'OUTBOX_FULL',
        `the outbox holds ${this.#options.capacity} undelivered events`,
        {
          hint: 'Deliver them with `kittiwake sync now`; nothing is dropped to make room.',
          retryable: true,
        },
      )
    }
    this.#free -= count
  }

  #insert(event: CheckedEvent, standing: Standing): number {
    const { rules, now } = this.#options
    const lamport = ++this.#lamport
    const body = event.stamp(lamport)
    const checksum = rowChecksum(event.event_id, lamport, body)
    const { lastInsertRowid } = this.#insertEvent.run(
      event.event_id,
      rules.nodeId,
      lamport,
      now(),
      checksum,
      body,
    )
    const sequence = Number(lastInsertRowid)
    if (standing === 'withheld') this.#withhold.run(sequence)
    else if (event.coalesce_key !== null) this.#snapshots.supersede(event.coalesce_key, sequence)
    return lamport
  }

  #finish(standing: Standing, count: number): void {
    if (count === 0) return
    this.#clock.save(this.#lamport)
    this.#options.tally.add('recorded', count)
    if (standing === 'open') this.#options.tally.add('open', count)
    this.#snapshots.finish()
  }
}

/** By the checksum, which outlives the body. */
function isSame(event: CheckedEvent, known: Known): boolean {
  const body = event.stamp(known.lamport_clock)
  return rowChecksum(known.event_id, known.lamport_clock, body) === known.checksum
}

/** A typed refusal is an answer; anything else is the transaction's end. */
function refusalOr<Result>(work: () => Result): Result | KittiwakeError {
  try {
    return work()
  } catch (error) {
    if (error instanceof KittiwakeError) return error
    throw error
  }
}
