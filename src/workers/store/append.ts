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
import type { AppendedEvent, EventState } from './protocol.ts'
import { rowChecksum } from './row-checksum.ts'
import { undeliveredOf, type Tally } from './tally.ts'

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
type Known = { readonly lamport_clock: number; readonly body: string }
type Outcome = readonly AppendedEvent[] | KittiwakeError

export class Appender {
  readonly #options: AppenderOptions
  readonly #clock: LamportClock
  readonly #known: Database.Statement<[string], Known>
  readonly #insertEvent: Database.Statement<[string, string, number, number, number, string]>
  readonly #insertDelivery: Database.Statement<[number | bigint, EventState]>
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
    this.#clock = new LamportClock(db, rules.nodeId)
    this.#known = db.prepare<[string], Known>(
      'SELECT lamport_clock, body FROM event WHERE event_id = ?',
    )
    this.#insertEvent = db.prepare(
      'INSERT INTO event (event_id, node_id, lamport_clock, recorded_at, checksum, body) ' +
        'VALUES (?, ?, ?, ?, ?, ?)',
    )
    this.#insertDelivery = db.prepare('INSERT INTO delivery (sequence, state) VALUES (?, ?)')
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
   * Inside a transaction: takes over events that were recorded elsewhere; an id that is known stays
   * as it is.
   *
   * @returns how many were new
   * @throws StoreError OUTBOX_FULL
   */
  adopt(batch: readonly CheckedEvent[], state: EventState): number {
    const fresh = batch.filter((event) => this.#known.get(event.event_id) === undefined)
    this.#begin()
    this.#reserve(fresh.length)
    for (const event of fresh) this.#insert(event, state)
    this.#finish(state, fresh.length)
    return fresh.length
  }

  #appendChecked(batches: readonly (readonly CheckedEvent[] | KittiwakeError)[]) {
    const { capacity, consent, link, tally, now } = this.#options
    const isGranted = consent.state() === 'granted'
    const state = isGranted ? 'pending' : 'held'
    const live = isGranted && link.isLive(now())
    this.#begin()
    const free = this.#free
    const outcomes = batches.map((batch): Outcome =>
      batch instanceof KittiwakeError ? batch : refusalOr(() => this.#appendBatch(batch, state)),
    )
    this.#finish(state, free - this.#free)
    const undelivered = undeliveredOf(tally.counts())
    return outcomes.map((outcome) =>
      outcome instanceof KittiwakeError
        ? outcome
        : { receipts: outcome, live, undelivered, capacity },
    )
  }

  /** Every refusal comes before the first insert, so that a refused batch leaves nothing behind. */
  #appendBatch(batch: readonly CheckedEvent[], state: EventState): readonly AppendedEvent[] {
    const freshById = new Map<string, CheckedEvent>()
    for (const event of batch) {
      const known = this.#known.get(event.event_id)
      const first = known === undefined ? freshById.get(event.event_id) : undefined
      if (known === undefined && first === undefined) freshById.set(event.event_id, event)
      else if (event.stamp(known?.lamport_clock ?? 0) !== (known?.body ?? first?.stamp(0))) {
        throw new StoreError('EVENT_ID_CONFLICT', 'an event id stands for one content', {
          hint: 'Give the other event an id of its own.',
        })
      }
    }
    this.#reserve(freshById.size)
    const lamportById = new Map<string, number>()
    for (const event of freshById.values())
      lamportById.set(event.event_id, this.#insert(event, state))
    return batch.map(({ event_id: eventId }) => ({
      event_id: eventId,
      lamport_clock: lamportById.get(eventId) ?? this.#known.get(eventId)?.lamport_clock ?? 0,
    }))
  }

  #begin(): void {
    this.#lamport = this.#clock.read()
    this.#free = this.#options.capacity - undeliveredOf(this.#options.tally.counts())
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

  #insert(event: CheckedEvent, state: EventState): number {
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
    this.#insertDelivery.run(lastInsertRowid, state)
    return lamport
  }

  #finish(state: EventState, count: number): void {
    if (count === 0) return
    this.#clock.save(this.#lamport)
    this.#options.tally.add(state, count)
  }
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
