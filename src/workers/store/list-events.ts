/** The stored events as a reader sees them, oldest first, a page at a time. */
import type Database from 'better-sqlite3'

import type { Event } from '../../contracts/event.ts'
import { takeWithin } from './delivery.ts'
import type { EventState } from './protocol.ts'
import { DAMAGED, isIntact } from './row-checksum.ts'

export type ListOptions = {
  readonly state?: EventState
  readonly limit?: number
  /** The `sequence` of the last event that was seen. */
  readonly after?: number
}

export type ListedEvent = {
  readonly sequence: number
  readonly event_id: string
  /** Null where the row is damaged. */
  readonly event: Event | null
  readonly state: EventState
  readonly reason: string | null
}

export const LIST_LIMIT_MAX = 10_000
const LIST_LENGTH_MAX = 64 * 1024 * 1024

type Row = {
  readonly sequence: number
  readonly event_id: string
  readonly lamport_clock: number
  readonly checksum: number
  readonly body: string
  readonly state: EventState
  readonly reason: string | null
}

/** A page ends at its limit or when it grows too large, but it is only empty at the end. */
export function listEvents(db: Database.Database, options: ListOptions): readonly ListedEvent[] {
  const limit = Math.min(Math.max(options.limit ?? LIST_LIMIT_MAX, 1), LIST_LIMIT_MAX)
  const state = options.state ?? null
  const rows = db
    .prepare<[number, string | null, string | null, number], Row>(
      `SELECT e.sequence, e.event_id, e.lamport_clock, e.checksum, e.body, d.state, d.reason
       FROM event AS e JOIN delivery AS d ON d.sequence = e.sequence
       WHERE e.sequence > ? AND (? IS NULL OR d.state = ?) ORDER BY e.sequence LIMIT ?`,
    )
    .iterate(options.after ?? 0, state, state, limit)
  return takeWithin(rows, LIST_LENGTH_MAX).map((row) => {
    const intact = isIntact(row)
    return {
      sequence: row.sequence,
      event_id: row.event_id,
      event: intact ? (JSON.parse(row.body) as Event) : null,
      state: row.state,
      reason: row.reason ?? (intact ? null : DAMAGED),
    }
  })
}

/** How many rows are not what was written. Reads every body. */
export function countDamaged(db: Database.Database): number {
  let damaged = 0
  const rows = db
    .prepare<[], Omit<Row, 'state' | 'reason'>>(
      'SELECT sequence, event_id, lamport_clock, checksum, body FROM event',
    )
    .iterate()
  for (const row of rows) if (!isIntact(row)) damaged += 1
  return damaged
}
