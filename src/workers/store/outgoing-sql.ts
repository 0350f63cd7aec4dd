/**
 * Which events may go to a hub now, oldest first. The claim and those who look ask by this one text, so that what is shown is
 * what is sent.
 *
 * Three sources, each in its order and merged: what was offered before and is to be offered again; what was released by name;
 * what was recorded since consent was given. Consent stands in each of them, before the limit: a project that said no is
 * never even looked at.
 */
import { type HubRow } from './hubs.ts'
import { STORE } from './tally.ts'

export type OutgoingQuery = {
  readonly project: string
  readonly hub: number
  readonly generation: number
  readonly reached: number
  readonly max: number
}

/** Whether consent covers the event `e` with its mark `m`; while it is sealed, too. */
export const IS_OPEN_SQL = `coalesce(c.state IN ('granted', 'sealing') AND
  ((m.state IS NULL AND e.sequence > c.opened_after) OR m.state = 'released'), 0)`

const MAY_LEAVE = "c.project_uuid = :project AND c.state = 'granted'"

const NOT_SETTLED = `NOT EXISTS (
  SELECT 1 FROM delivery AS d WHERE d.hub = :hub AND d.sequence = x.sequence
    AND (d.state <> 'delivered' OR d.generation = :generation))`

export const OUTGOING_SQL = `
SELECT d.sequence FROM consent AS c
  CROSS JOIN delivery AS d INDEXED BY delivery_pending
  WHERE ${MAY_LEAVE} AND d.hub = :hub AND d.state = 'pending'
UNION ALL
SELECT x.sequence FROM consent AS c CROSS JOIN mark AS x INDEXED BY mark_released
  WHERE ${MAY_LEAVE} AND x.state = 'released' AND x.sequence > :reached AND ${NOT_SETTLED}
UNION ALL
SELECT x.sequence FROM consent AS c CROSS JOIN event AS x
  WHERE ${MAY_LEAVE} AND x.sequence > max(:reached, c.opened_after) AND ${NOT_SETTLED}
    AND NOT EXISTS (SELECT 1 FROM mark AS m WHERE m.sequence = x.sequence)
ORDER BY 1 LIMIT :max`

/** Null stands for a hub that was never reached. */
export function outgoingQuery(project: string, hub: HubRow | null, max: number): OutgoingQuery {
  const { id, generation, reached } = hub ?? { id: STORE, generation: 0, reached: 0 }
  return { project, hub: id, generation, reached, max }
}
