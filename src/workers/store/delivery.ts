/**
 * What becomes of stored events at one hub: claimed, delivered, refused. What is under way is known to the sender alone, which
 * holds the lease; others are told up to where it reaches. Every method runs inside a write transaction, but for `peek`.
 */
import type Database from 'better-sqlite3'

import { ClaimedBatch } from './claimed-batch.ts'
import type { Consent } from './consent.ts'
import { type HubRow, type Hubs, SETTLED_SOMEWHERE_SQL } from './hubs.ts'
import type { Rejection, Target } from './protocol.ts'
import { OUTGOING_SQL, outgoingQuery, type OutgoingQuery } from './outgoing-sql.ts'
import { DAMAGED, isIntact } from './row-checksum.ts'
import { STORE, type Tally } from './tally.ts'

/** The most that one claim takes into memory, beyond its first event. */
export const CLAIM_LENGTH_MAX = 8 * 1024 * 1024
/** How often a hub may refuse an event for now until that counts as for good. */
export const REJECTIONS_MAX = 5
const REASON_LENGTH_MAX = 120
const NOT_PRINTABLE = /[^\x20-\x7e]/g

type Row = {
  readonly sequence: number
  readonly event_id: string
  readonly lamport_clock: number
  readonly checksum: number
  readonly body: string
}

type Verdict = {
  readonly state: 'pending' | 'delivered' | 'quarantined'
  readonly generation: number
  readonly attempts: number
}

const CLAIM_SQL = `
SELECT e.sequence, e.event_id, e.lamport_clock, e.checksum, e.body
FROM (${OUTGOING_SQL}) AS o CROSS JOIN event AS e ON e.sequence = o.sequence
ORDER BY o.sequence`

const SET_SQL = `
INSERT INTO delivery VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET state = excluded.state, generation = excluded.generation,
  attempts = excluded.attempts, reason = excluded.reason`

export type DeliveryParts = {
  readonly db: Database.Database
  readonly tally: Tally
  readonly hubs: Hubs
  readonly consent: Consent
}

export class Delivery {
  readonly #parts: DeliveryParts
  readonly #outgoing: Database.Statement<[OutgoingQuery], Row>
  readonly #row: Database.Statement<[number, number], Verdict>
  readonly #set: Database.Statement<[number, number, string, number, number, string | null]>
  readonly #isSettled: Database.Statement<[number], number>
  readonly #markDamaged: Database.Statement<[number]>
  #hub = STORE
  /** The number of the grant under which the present claim was made. */
  #grant = 0
  /** Waits for its verdict. */
  #sequenceById = new Map<string, number>()
  /** Of the claim: a refusal for now doesn't take an event out of it. */
  #underWay = 0
  /** What the present settling has to count. */
  #fresh = { settled: 0, delivered: 0, quarantined: 0 }

  constructor(parts: DeliveryParts) {
    const { db } = parts
    this.#parts = parts
    this.#outgoing = db.prepare<[OutgoingQuery], Row>(CLAIM_SQL)
    this.#row = db.prepare<[number, number], Verdict>(
      'SELECT state, generation, attempts FROM delivery WHERE hub = ? AND sequence = ?',
    )
    this.#set = db.prepare(SET_SQL)
    this.#isSettled = db.prepare<[number], number>(SETTLED_SOMEWHERE_SQL).pluck()
    this.#markDamaged = db.prepare(
      `INSERT INTO mark VALUES (?, 'quarantined', '${DAMAGED}')
       ON CONFLICT DO UPDATE SET state = excluded.state, reason = excluded.reason`,
    )
  }

  get hasTarget(): boolean {
    return this.#hub !== STORE
  }

  /** What was under way to another hub is not any more. Claims and settles are for none until `aim` gives them the answer. */
  target(target: Target | null): number {
    this.release()
    this.#hub = STORE
    return target === null ? STORE : this.#parts.hubs.select(target).id
  }

  /** Behind the transaction of `target`: a hub whose row was rolled back would never be settled with. */
  aim(hub: number): void {
    this.#hub = hub
  }

  /** What a claim would find: asked first, so that an idle drain never takes the write lock. */
  peek(project: string): boolean {
    return this.#outgoing.get(this.#query(project, 1)) !== undefined
  }

  /** The oldest first. Damaged rows go to quarantine; only a store with nothing to send gives an empty claim. */
  claim(project: string, max: number): ClaimedBatch {
    for (;;) {
      const rows = takeWithin(this.#outgoing.iterate(this.#query(project, max)), CLAIM_LENGTH_MAX)
      const intact = rows.filter((row) => isIntact(row))
      for (const row of rows) if (!isIntact(row)) this.#quarantineDamaged(row.sequence)
      if (rows.length > 0 && intact.length === 0) continue
      this.#takeUp(intact)
      return ClaimedBatch.of(intact)
    }
  }

  /**
   * By exact id, and only what is under way and may still leave: an acknowledgement of anything else changes nothing.
   */
  settle(accepted: readonly string[], rejected: readonly Rejection[], nowMs: number): void {
    const hub = this.#parts.hubs.get(this.#hub)
    const consent = this.#parts.consent.row()
    if (hub === undefined || consent === undefined || consent.state === 'refused') return
    if (consent.epoch !== this.#grant) return
    const before = [...this.#sequenceById.values()]
    this.#fresh = { settled: 0, delivered: 0, quarantined: 0 }
    let through = 0
    for (const id of accepted) through = Math.max(through, this.#accept(hub, id))
    const acknowledgedAt = through === 0 ? null : nowMs
    for (const rejection of rejected) through = Math.max(through, this.#reject(hub, rejection))
    if (through === 0) return
    this.#countFresh(hub)
    // What was passed over is offered again before what comes behind it.
    for (const sequence of before) {
      if (sequence >= through) continue
      const known = this.#row.get(hub.id, sequence)
      const isStale = known?.state === 'delivered' && known.generation !== hub.generation
      if (known === undefined || isStale) this.#offerAgain(hub, sequence, 0, null)
    }
    this.#parts.hubs.reach(hub, through, acknowledgedAt)
    this.#parts.hubs.takeUp(hub, this.#underWay, hub.claimed_through)
  }

  /** Nothing is under way any more. */
  release(): void {
    this.#sequenceById.clear()
    this.#underWay = 0
    this.#parts.hubs.release()
  }

  #query(project: string, max: number): OutgoingQuery {
    return outgoingQuery(project, this.#parts.hubs.get(this.#hub) ?? null, max)
  }

  #takeUp(rows: readonly Row[]): void {
    const hub = this.#parts.hubs.get(this.#hub)
    this.#sequenceById = new Map(rows.map(({ event_id, sequence }) => [event_id, sequence]))
    this.#grant = this.#parts.consent.row()?.epoch ?? 0
    this.#underWay = rows.length
    const through = rows.at(-1)?.sequence ?? 0
    if (hub !== undefined) this.#parts.hubs.takeUp(hub, rows.length, through)
  }

  /** @returns the sequence, or 0 where this is not under way */
  #accept(hub: HubRow, eventId: string): number {
    const sequence = this.#take(eventId)
    if (sequence === 0) return 0
    this.#settleAs(hub, sequence, 'delivered', 0, null)
    return sequence
  }

  #reject(hub: HubRow, { event_id: eventId, reason, isFinal }: Rejection): number {
    const sequence = this.#take(eventId)
    if (sequence === 0) return 0
    const known = this.#row.get(hub.id, sequence)
    const attempts = (known?.state === 'pending' ? known.attempts : 0) + 1
    const why = printable(reason)
    if (isFinal || attempts >= REJECTIONS_MAX) {
      this.#settleAs(hub, sequence, 'quarantined', attempts, why)
    } else {
      this.#offerAgain(hub, sequence, attempts, why)
    }
    return sequence
  }

  #offerAgain(hub: HubRow, sequence: number, attempts: number, reason: string | null): void {
    const wasSettled = this.#isSettled.get(sequence) !== undefined
    this.#set.run(hub.id, sequence, 'pending', hub.generation, attempts, reason)
    // What the hub said before it lost its memory is no word any more.
    if (wasSettled && this.#isSettled.get(sequence) === undefined) {
      this.#parts.tally.add('settled', -1)
    }
  }

  #take(eventId: string): number {
    const sequence = this.#sequenceById.get(eventId) ?? 0
    this.#sequenceById.delete(eventId)
    return sequence
  }

  #settleAs(
    hub: HubRow,
    sequence: number,
    state: 'delivered' | 'quarantined',
    attempts: number,
    reason: string | null,
  ): void {
    this.#underWay -= 1
    const known = this.#row.get(hub.id, sequence)
    const isDone = known !== undefined && known.state !== 'pending'
    // Nothing is counted twice, whoever has settled it meanwhile.
    if (isDone && known.generation === hub.generation) return
    if (this.#isSettled.get(sequence) === undefined) this.#fresh.settled += 1
    this.#set.run(hub.id, sequence, state, hub.generation, attempts, reason)
    this.#fresh[state] += 1
    if (state === 'quarantined') this.#parts.tally.addAt(hub.id, state, 1, reason ?? '')
  }

  /** What was settled one by one is counted at once. */
  #countFresh({ id }: HubRow): void {
    const { tally } = this.#parts
    const { settled, delivered, quarantined } = this.#fresh
    tally.add('settled', settled)
    tally.addAt(id, 'delivered', delivered)
    tally.addAt(id, 'deliveredOpen', delivered)
    tally.addAt(id, 'quarantinedOpen', quarantined)
  }

  #quarantineDamaged(sequence: number): void {
    this.#markDamaged.run(sequence)
    // It is out of what waits now, whatever another hub has said.
    if (this.#isSettled.get(sequence) !== undefined) this.#parts.tally.add('settled', -1)
    this.#parts.tally.add('open', -1)
    this.#parts.tally.add('quarantined', 1, DAMAGED)
  }
}

/**
 * The rows up to a total length of bodies, but at least one; the rest is left for the next call.
 */
export function takeWithin<Row extends { readonly body: string }>(
  rows: Iterable<Row>,
  lengthMax: number,
): Row[] {
  const taken: Row[] = []
  let length = 0
  for (const row of rows) {
    length += row.body.length
    if (taken.length > 0 && length > lengthMax) break
    taken.push(row)
  }
  return taken
}

/** A hub's words are shown later: bounded, and without anything that could steer a terminal. */
function printable(reason: string): string {
  return reason.slice(0, REASON_LENGTH_MAX).replace(NOT_PRINTABLE, '?')
}
