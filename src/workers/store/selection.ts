/**
 * Which events a person means to retry, purge or collect, as they stand at the moment. A dry run and the change itself ask by
 * the same text.
 */
import type Database from 'better-sqlite3'

import { type HubRow } from './hubs.ts'
import { type ListedEvent, STATE_SQL, type StateQuery, stateQuery } from './list-events.ts'

/**
 * `retry`: quarantined by the hub. `purge`: delivered or quarantined, and dealt with at every other hub too. `collect`: at every
 * hub delivered, or superseded.
 */
export type Selection = {
  readonly purpose: 'retry' | 'purge' | 'collect'
  readonly state?: 'delivered' | 'quarantined'
  readonly reason?: string
  readonly event_ids?: readonly string[]
  /** Unix milliseconds: only what was recorded before. */
  readonly before?: number
}

export type Selected = {
  readonly sequence: number
  readonly is_open: 0 | 1
  readonly mark: string | null
  readonly mark_reason: string | null
}

/** A hub without a name is schema 1's: nothing is ever delivered to it again. */
const WAITS_ELSEWHERE = `EXISTS (
  SELECT 1 FROM hub AS h LEFT JOIN delivery AS o ON o.hub = h.id AND o.sequence = s.sequence
  WHERE h.origin <> '' AND (o.state IS NULL OR o.state = 'pending'
    OR (o.state = 'delivered' AND o.generation <> h.generation)))`

const REFUSED_ELSEWHERE = `EXISTS (
  SELECT 1 FROM delivery AS o WHERE o.hub IN (SELECT id FROM hub)
    AND o.sequence = s.sequence AND o.state = 'quarantined')`

const CONDITION_BY_PURPOSE: Readonly<Record<Selection['purpose'], string>> = {
  retry: "s.state = 'quarantined' AND m.state IS NOT 'quarantined'",
  purge: `s.state IN ('delivered', 'quarantined')
    AND (m.state IS 'quarantined' OR NOT ${WAITS_ELSEWHERE})`,
  collect: `(s.state = 'superseded'
    OR (s.state = 'delivered' AND NOT ${WAITS_ELSEWHERE} AND NOT ${REFUSED_ELSEWHERE}))`,
}

const FILTER = `
FROM (${STATE_SQL}) AS s LEFT JOIN mark AS m ON m.sequence = s.sequence
WHERE s.sequence > :after
  AND (:state IS NULL OR s.state = :state) AND (:reason IS NULL OR s.reason = :reason)
  AND (:before IS NULL OR s.recorded_at < :before)
  AND (:ids IS NULL OR s.event_id IN (SELECT value FROM json_each(:ids)))`

type Query = StateQuery & {
  readonly after: number
  readonly state: string | null
  readonly reason: string | null
  readonly before: number | null
  readonly ids: string | null
}

/** How one event stands, and whether a retry would take it. */
export type Standing = Pick<ListedEvent, 'event_id' | 'state' | 'reason'> & {
  readonly retries: 0 | 1
}

/** Of those that are there. */
export function standingOf(
  db: Database.Database,
  hub: HubRow | null,
  ids: readonly string[],
): readonly Standing[] {
  return db
    .prepare<[Query], Standing>(
      `SELECT s.event_id, s.state, s.reason, (${CONDITION_BY_PURPOSE.retry}) AS retries
       ${FILTER} ORDER BY s.sequence`,
    )
    .all(queryOf(hub, { purpose: 'retry', event_ids: ids }, 0))
}

export function countSelected(
  db: Database.Database,
  hub: HubRow | null,
  selection: Selection,
): number {
  const sql = `SELECT count(*) ${FILTER} AND ${CONDITION_BY_PURPOSE[selection.purpose]}`
  return (
    db
      .prepare<[Query], number>(sql)
      .pluck()
      .get(queryOf(hub, selection, 0)) ?? 0
  )
}

/** At most `max`, behind `after`. */
export function selectAfter(
  db: Database.Database,
  hub: HubRow | null,
  selection: Selection,
  { after, max }: { readonly after: number; readonly max: number },
): readonly Selected[] {
  return db
    .prepare<[Query & { readonly max: number }], Selected>(
      `SELECT s.sequence, s.is_open, m.state AS mark, m.reason AS mark_reason
       ${FILTER} AND ${CONDITION_BY_PURPOSE[selection.purpose]} ORDER BY s.sequence LIMIT :max`,
    )
    .all({ ...queryOf(hub, selection, after), max })
}

function queryOf(hub: HubRow | null, selection: Selection, after: number): Query {
  const { state, reason, before, event_ids: ids } = selection
  return {
    ...stateQuery(hub),
    after,
    state: state ?? null,
    reason: reason ?? null,
    before: before ?? null,
    ids: ids === undefined ? null : JSON.stringify(ids),
  }
}
