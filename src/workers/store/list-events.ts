/** The stored events as a reader sees them, oldest first, a page at a time. */
import type Database from 'better-sqlite3'

import type { Event } from '../../contracts/event.ts'
import { takeWithin } from './delivery.ts'
import type { HubRow } from './hubs.ts'
import type { EventState } from './protocol.ts'
import { IS_OPEN_SQL } from './outgoing-sql.ts'
import { DAMAGED, isIntact, REMOVED } from './row-checksum.ts'
import { STORE } from './tally.ts'

export type ListOptions = {
  readonly state?: EventState
  readonly limit?: number
  /** The `sequence` of the last event that was seen. */
  readonly after?: number
  readonly event_id?: string
  readonly reason?: string
}

export type ListedEvent = {
  readonly sequence: number
  readonly event_id: string
  /** Unix milliseconds. */
  readonly recorded_at: number
  /** Null where the row is damaged. */
  readonly event: Event | null
  readonly state: EventState
  /** Why it is quarantined, or was refused for now. */
  readonly reason: string | null
  /** How often the hub has refused it. */
  readonly attempts: number
}

export const LIST_LIMIT_MAX = 10_000
const LIST_LENGTH_MAX = 64 * 1024 * 1024

type Row = {
  readonly sequence: number
  readonly event_id: string
  readonly lamport_clock: number
  readonly recorded_at: number
  readonly checksum: number
  readonly body: string
  readonly state: EventState
  readonly reason: string | null
  readonly attempts: number
}

/** What a hub sees of each event, but for tombstones. Parameters: `:hub`, `:generation`, `:underWay` (0 where nothing is). */
export const STATE_SQL = `
SELECT e.*, coalesce(m.reason, d.reason) AS reason, coalesce(d.attempts, 0) AS attempts,
  ${IS_OPEN_SQL} AS is_open, CASE
    WHEN m.state IN ('quarantined', 'superseded') THEN m.state
    WHEN d.state = 'quarantined' THEN 'quarantined'
    WHEN d.state = 'delivered' AND d.generation = :generation THEN 'delivered'
    WHEN NOT ${IS_OPEN_SQL} THEN 'held'
    WHEN e.sequence <= :underWay THEN 'inflight'
    ELSE 'pending' END AS state
FROM event AS e
LEFT JOIN consent AS c ON c.project_uuid = (SELECT id FROM owner)
LEFT JOIN mark AS m ON m.sequence = e.sequence
LEFT JOIN delivery AS d ON d.hub = :hub AND d.sequence = e.sequence
WHERE m.state IS NOT 'removed'`

export type StateQuery = {
  readonly hub: number
  readonly generation: number
  readonly underWay: number
}

export function stateQuery(hub: HubRow | null): StateQuery {
  if (hub === null) return { hub: STORE, generation: 0, underWay: 0 }
  const { id, generation, inflight, claimed_through: through } = hub
  return { hub: id, generation, underWay: inflight > 0 ? through : 0 }
}

/** A page ends at its limit or when it grows too large, but it is only empty at the end. */
export function listEvents(
  db: Database.Database,
  hub: HubRow | null,
  options: ListOptions,
): readonly ListedEvent[] {
  const rows = db.prepare<[Filter], Row>(LIST_SQL).iterate({
    ...stateQuery(hub),
    after: options.after ?? 0,
    event_id: options.event_id ?? null,
    state: options.state ?? null,
    reason: options.reason ?? null,
    limit: Math.min(Math.max(options.limit ?? LIST_LIMIT_MAX, 1), LIST_LIMIT_MAX),
  })
  return takeWithin(rows, LIST_LENGTH_MAX).map((row) => {
    const intact = isIntact(row)
    const { sequence, event_id, recorded_at, state, attempts } = row
    return {
      sequence,
      event_id,
      recorded_at,
      event: intact ? (JSON.parse(row.body) as Event) : null,
      state,
      reason: row.reason ?? (intact ? null : DAMAGED),
      attempts,
    }
  })
}

type Filter = StateQuery & {
  readonly after: number
  readonly event_id: string | null
  readonly state: string | null
  readonly reason: string | null
  readonly limit: number
}

const LIST_SQL = `
SELECT * FROM (${STATE_SQL} AND e.sequence > :after AND (:event_id IS NULL OR e.event_id = :event_id))
WHERE (:state IS NULL OR state = :state) AND (:reason IS NULL OR reason = :reason)
ORDER BY sequence LIMIT :limit`

/** How many rows are not what was written. Reads every body. */
export function countDamaged(db: Database.Database): number {
  let damaged = 0
  const rows = db
    .prepare<[], Pick<Row, 'event_id' | 'lamport_clock' | 'checksum' | 'body'>>(
      `SELECT event_id, lamport_clock, checksum, body FROM event WHERE body <> '${REMOVED}'`,
    )
    .iterate()
  for (const row of rows) if (!isIntact(row)) damaged += 1
  return damaged
}
