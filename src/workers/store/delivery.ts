/**
 * What becomes of stored events: claimed, delivered, refused. Every method runs inside a write
 * transaction.
 */
import type Database from 'better-sqlite3'

import type { EventState } from './protocol.ts'
import { DAMAGED, isIntact } from './row-checksum.ts'
import type { Tally } from './tally.ts'

export type ClaimedEvent = { readonly event_id: string; readonly body: string }
export type Rejection = { readonly event_id: string; readonly reason: string }

/** The most that one claim takes into memory, beyond its first event. */
export const CLAIM_LENGTH_MAX = 8 * 1024 * 1024
const REASON_LENGTH_MAX = 120
const NOT_PRINTABLE = /[^\x20-\x7e]/g

type Row = ClaimedEvent & {
  readonly sequence: number
  readonly lamport_clock: number
  readonly checksum: number
}

// Consent stands in the query, before the limit: a project that said no is never even looked at.
const CLAIM_SQL = `
SELECT e.sequence, e.event_id, e.lamport_clock, e.checksum, e.body
FROM delivery AS d INDEXED BY delivery_outgoing CROSS JOIN event AS e ON e.sequence = d.sequence
WHERE d.state IN ('pending', 'inflight')
  AND EXISTS (SELECT 1 FROM consent WHERE project_uuid = ? AND state = 'granted')
ORDER BY d.sequence LIMIT ?`

const SETTLE_SQL = `
UPDATE delivery SET state = ?, reason = ?
WHERE sequence = (SELECT sequence FROM event WHERE event_id = ?) AND state = 'inflight'`

export class Delivery {
  readonly #tally: Tally
  readonly #outgoing: Database.Statement<[string, number], Row>
  readonly #quarantine: Database.Statement<[number]>
  readonly #stateOf: Database.Statement<[number], EventState>
  readonly #markInflight: Database.Statement<[number]>
  readonly #settle: Database.Statement<[EventState, string | null, string]>
  readonly #release: Database.Statement<[]>

  constructor(db: Database.Database, tally: Tally) {
    this.#tally = tally
    this.#outgoing = db.prepare<[string, number], Row>(CLAIM_SQL)
    this.#stateOf = db
      .prepare<[number], EventState>('SELECT state FROM delivery WHERE sequence = ?')
      .pluck()
    this.#quarantine = db.prepare(
      `UPDATE delivery SET state = 'quarantined', reason = '${DAMAGED}' WHERE sequence = ?`,
    )
    this.#markInflight = db.prepare(
      'UPDATE delivery INDEXED BY delivery_outgoing ' +
        "SET state = 'inflight' WHERE state IN ('pending', 'inflight') " +
        "AND state = 'pending' AND sequence <= ?",
    )
    this.#settle = db.prepare(SETTLE_SQL)
    this.#release = db.prepare(
      "UPDATE delivery INDEXED BY delivery_outgoing SET state = 'pending' " +
        "WHERE state IN ('pending', 'inflight') AND state = 'inflight'",
    )
  }

  /**
   * Whether a claim would find anything: asked first, so that an idle drain never takes the write
   * lock.
   */
  hasOutgoing(projectUuid: string): boolean {
    return this.#outgoing.get(projectUuid, 1) !== undefined
  }

  /** The oldest first. Damaged rows go to quarantine; only an empty store gives an empty claim. */
  claim(projectUuid: string, max: number): readonly ClaimedEvent[] {
    for (;;) {
      const rows = takeWithin(this.#outgoing.iterate(projectUuid, max), CLAIM_LENGTH_MAX)
      const last = rows.at(-1)
      if (last === undefined) return []
      const intact = rows.filter((row) => isIntact(row))
      for (const row of rows) if (!isIntact(row)) this.#quarantineRow(row.sequence)
      this.#tally.move('pending', 'inflight', this.#markInflight.run(last.sequence).changes)
      if (intact.length > 0) return intact.map(({ event_id, body }) => ({ event_id, body }))
    }
  }

  /**
   * By exact id, and only what is under way: an acknowledgement of anything else changes nothing.
   */
  settle(accepted: readonly string[], rejected: readonly Rejection[]): void {
    let delivered = 0
    for (const id of accepted) delivered += this.#settle.run('delivered', null, id).changes
    this.#tally.move('inflight', 'delivered', delivered)
    let refused = 0
    for (const { event_id: id, reason } of rejected) {
      refused += this.#settle.run('quarantined', printable(reason), id).changes
    }
    this.#tally.move('inflight', 'quarantined', refused)
  }

  releaseInflight(): void {
    this.#tally.move('inflight', 'pending', this.#release.run().changes)
  }

  #quarantineRow(sequence: number): void {
    const state = this.#stateOf.get(sequence)
    if (state === undefined) return
    this.#quarantine.run(sequence)
    this.#tally.move(state, 'quarantined', 1)
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
