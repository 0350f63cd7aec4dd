/**
 * The order of events. Only the clock, the node and the id decide, never a time of day: clocks of machines disagree, and
 * offsets make texts of times incomparable.
 */
import { byCodePoint } from './json.ts'

/** What places an event among others. */
export type Placed = {
  readonly lamport_clock: number
  readonly node_id: string
  readonly event_id: string
}

/** Total: zero only for one and the same event id. */
export function compareEvents(a: Placed, b: Placed): number {
  return (
    a.lamport_clock - b.lamport_clock ||
    compareText(a.node_id, b.node_id) ||
    compareText(a.event_id, b.event_id)
  )
}

/** By code point, with the common case of equal texts first. */
export function compareText(a: string, b: string): number {
  return a === b ? 0 : byCodePoint(a, b)
}
