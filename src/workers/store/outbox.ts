/**
 * The outbox of one project on this machine: events, their delivery state, the clock, consent and
 * the link row in one SQLite database. Any number of processes may hold it open; every change is
 * one immediate transaction.
 * This is the one door to the file, so it is long; the work is done by the modules beside it.
 */
import type Database from 'better-sqlite3'

import type { SerializedEvent } from '../../contracts/event.ts'
import { KittiwakeError, StoreError, systemCode } from '../../errors.ts'
import type { Rest } from '../serve.ts'
import { Appender, type AppendResult } from './append.ts'
import { isNotLedgerOnly } from './check-event.ts'
import { Consent, type ConsentAnswer } from './consent.ts'
import { ClaimedBatch } from './claimed-batch.ts'
import { Delivery } from './delivery.ts'
import { findHub, Hubs } from './hubs.ts'
import { beatLink, LinkRecord, publishLink } from './link-row.ts'
import { listEvents, type ListedEvent, type ListOptions } from './list-events.ts'
import { BUSY_TIMEOUT_MS, openDatabase } from './open-database.ts'
import type { OutboxOwner } from './outbox-place.ts'
import { isBusy, patiently } from './patience.ts'
import type { ConsentState, LinkNews, Rejection, StoreCounts, Target } from './protocol.ts'
import { storeErrorOf } from './store-error.ts'
import { Tally } from './tally.ts'

export type { AppendResult } from './append.ts'
export type { ConsentAnswer } from './consent.ts'
export type { ListedEvent, ListOptions } from './list-events.ts'
export type { OutboxOwner } from './outbox-place.ts'

export type OutboxOptions = {
  readonly path: string
  readonly owner: OutboxOwner
  /** 12 hex digits: whose clock is ticked here. */
  readonly nodeId: string
  /** The most undelivered events: pending, inflight and held. */
  readonly capacity?: number
  /** @throws where a value could not have come through the sanitizer. */
  readonly assertClean?: (value: unknown) => void
  /** The second line of the route table; by default only the decision types are refused. */
  readonly isQueued?: (eventType: string) => boolean
  /** Unix milliseconds. */
  readonly now?: () => number
  /** How long a transaction waits for another process's. */
  readonly busyTimeoutMs?: number
  /** The waits of the thread that this runs in. */
  readonly rest?: Rest
}

/** After a wait in vain the next ones are short for a while, so that a turn of the thread stays short. */
const IMPATIENT_MS = 1_000
const SHORT_WAIT_MS = 50

export const CAPACITY = 1_000_000

export class Outbox {
  readonly owner: OutboxOwner
  readonly nodeId: string
  readonly capacity: number
  readonly #db: Database.Database
  readonly #now: () => number
  readonly #tally: Tally
  readonly #consent: Consent
  readonly #link: LinkRecord
  readonly #appender: Appender
  readonly #delivery: Delivery
  readonly #busyTimeoutMs: number
  readonly #rest: Rest | undefined
  #waitedInVainAt = -Infinity
  #target: Target | null = null
  /** After a failed write nothing that this connection remembers can be believed. */
  #fault: unknown = null

  /** @throws StoreError as `openDatabase` */
  static open(options: OutboxOptions): Outbox {
    const db = openDatabase(options.path, options.owner, options.busyTimeoutMs, options.rest)
    try {
      return new Outbox(db, options)
    } catch (error) {
      db.close()
      throw storeErrorOf(error)
    }
  }

  private constructor(db: Database.Database, options: OutboxOptions) {
    this.owner = options.owner
    this.nodeId = options.nodeId
    this.capacity = options.capacity ?? CAPACITY
    this.#db = db
    this.#busyTimeoutMs = options.busyTimeoutMs ?? BUSY_TIMEOUT_MS
    this.#rest = options.rest
    this.#now = options.now ?? Date.now
    this.#tally = new Tally(db)
    this.#consent = new Consent(db, options.owner)
    this.#link = new LinkRecord(db)
    this.#delivery = new Delivery({
      db,
      tally: this.#tally,
      hubs: new Hubs(db, this.#tally),
      consent: this.#consent,
    })
    this.#appender = new Appender({
      db,
      rules: {
        owner: options.owner,
        nodeId: options.nodeId,
        isQueued: options.isQueued ?? isNotLedgerOnly,
        assertClean: options.assertClean ?? acceptAny,
      },
      capacity: this.capacity,
      consent: this.#consent,
      link: this.#link,
      tally: this.#tally,
      now: this.#now,
    })
  }

  /**
   * ONE transaction for all batches. Each gets its receipts or its own typed refusal, in order;
   * where the store itself fails, each gets that failure and nothing is stored. Idempotent by event
   * id.
   */
  appendAll(
    batches: readonly (readonly SerializedEvent[])[],
  ): readonly (AppendResult | KittiwakeError)[] {
    try {
      return this.#guard(() => this.#appender.appendAll(batches))
    } catch (error) {
      if (error instanceof KittiwakeError) return batches.map(() => error)
      throw error
    }
  }

  /**
   * Takes over events that were recorded before the project had an identity; known ids are left
   * alone.
   *
   * @returns how many were new
   */
  adopt(events: readonly SerializedEvent[]): number {
    const checked = this.#guard(() => this.#appender.check(events))
    return this.#write(() => this.#appender.adopt(checked))
  }

  /** The hub that claims and settles are for from now on; null for none. Where the disk refuses it, each claim tries again. */
  target(target: Target | null): void {
    this.#target = target
    this.#aim()
  }

  #aim(): void {
    this.#delivery.aim(this.#write(() => this.#delivery.target(this.#target)))
  }

  /** The oldest that may leave now for the hub; empty without consent. @throws StoreError NO_TARGET */
  claim(max: number): ClaimedBatch {
    if (this.owner.kind !== 'project') return ClaimedBatch.NOTHING
    const { uuid } = this.owner
    if (!this.#delivery.hasTarget && this.#target !== null) this.#aim()
    if (!this.#delivery.hasTarget) {
      throw new StoreError('NO_TARGET', 'nothing is claimed before a hub has greeted the link', {
        retryable: true,
      })
    }
    if (!this.#guard(() => this.#delivery.peek(uuid))) {
      // Whoever waits for what is under way learns that nothing is.
      if (this.counts().inflight > 0) this.releaseInflight()
      return ClaimedBatch.NOTHING
    }
    return this.#write(() => this.#delivery.claim(uuid, Math.max(max, 1)))
  }

  /** @returns what is undelivered after it */
  settle(accepted: readonly string[], rejected: readonly Rejection[]): number {
    return this.#write(() => {
      this.#delivery.settle(accepted, rejected, this.#now())
      return this.#tally.undelivered()
    })
  }

  /** For the eyes of others: a claim takes what a dead sender had under way in any case. So it is not waited for. */
  releaseInflight(): void {
    this.#attempt(() => {
      this.#delivery.release()
      // Whoever began to seal consent may have died over it.
      if (this.#consent.row()?.state === 'sealing') this.#consent.refuse(this.#now())
    })
  }

  /** Granted, or about to be withdrawn once what is under way has its answers. */
  mayAcknowledge(): boolean {
    const state = this.#guard(() => this.#consent.row()?.state)
    return state === 'granted' || state === 'sealing'
  }

  consent(): ConsentState {
    return this.#guard(() => this.#consent.state())
  }

  /** @throws StoreError CONSENT_WITHOUT_IDENTITY */
  grantConsent(fromNow: boolean): ConsentAnswer {
    return this.#write(() => this.#consent.grant(fromNow, this.#now()))
  }

  /** Nothing more goes out; what is under way may still be acknowledged until consent is refused. */
  freezeConsent(): void {
    this.#write(() => this.#consent.freeze(this.#now()))
  }

  /** @throws StoreError CONSENT_WITHOUT_IDENTITY */
  refuseConsent(): ConsentAnswer {
    return this.#write(() => this.#consent.refuse(this.#now()))
  }

  /** Not waited for: a row that can't be written now is stale by itself, or is written by the next beat. */
  publishLink(news: LinkNews): void {
    this.#attempt(() => publishLink(this.#db, news, this.#now()))
  }

  /** As `publishLink`: the link is as it was. */
  beatLink(): void {
    this.#attempt(() => beatLink(this.#db, this.#now()))
  }

  linkIsLive(nowMs: number): boolean {
    return this.#guard(() => this.#link.isLive(nowMs))
  }

  counts(): StoreCounts {
    return this.#guard(() => this.#tally.counts(findHub(this.#db)))
  }

  list(options: ListOptions): readonly ListedEvent[] {
    return this.#guard(() => listEvents(this.#db, findHub(this.#db), options))
  }

  /** Another value than before means: another connection has changed something. */
  changeCounter(): number {
    return this.#guard(() => Number(this.#db.pragma('data_version', { simple: true })))
  }

  close(): void {
    this.#db.close()
  }

  #write<Result>(work: () => Result): Result {
    return this.#guard(() => this.#db.transaction(work).immediate())
  }

  /** By another process, under this connection. */
  #wasPurged(error: unknown): boolean {
    if (systemCode(error) !== 'SQLITE_ERROR') return false
    return this.#db.pragma('application_id', { simple: true }) === 0
  }

  #attempt(work: () => void): void {
    try {
      this.#guard(() => this.#db.transaction(work).immediate(), SHORT_WAIT_MS)
    } catch (error) {
      if (!(error instanceof KittiwakeError && error.code === 'OUTBOX_BUSY')) throw error
    }
  }

  #guard<Result>(work: () => Result, waitMs = this.#busyTimeoutMs): Result {
    if (this.#fault !== null) throw this.#fault
    const isImpatient = performance.now() - this.#waitedInVainAt < IMPATIENT_MS
    try {
      return patiently(work, isImpatient ? Math.min(waitMs, SHORT_WAIT_MS) : waitMs, this.#rest)
    } catch (error) {
      if (isBusy(error)) this.#waitedInVainAt = performance.now()
      const known = this.#wasPurged(error) ? purged() : storeErrorOf(error)
      if (known instanceof KittiwakeError && known.code === 'OUTBOX_IO') this.#fault = known
      throw known
    }
  }
}

function purged(): StoreError {
  return new StoreError('OUTBOX_PURGED', 'what this project had recorded was purged meanwhile', {
    hint: 'Ask again: a new outbox begins.',
    retryable: true,
  })
}

function acceptAny(): void {}
