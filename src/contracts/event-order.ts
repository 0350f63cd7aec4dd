/**
 * The order of events. Only the clock, the node and the id decide, never a time of day: clocks of machines disagree, and
 * offsets make texts of times incomparable.
 */
import { InputError } from '../errors.ts'
import { readOr } from './values/arguments.ts'
import { normaliseId } from './values/event-id.ts'
import { byCodePoint, isJsonObject } from './json/json.ts'

/** What places an event among others. */
export type Placed = {
  readonly lamport_clock: number
  readonly node_id: string
  readonly event_id: string
}

/** Total: zero only for one and the same event id. @throws InputError EVENTS_EXPECTED */
export function compareEvents(a: Placed, b: Placed): number {
  if (!isPlaced(a) || !isPlaced(b)) throw eventsExpected('two events are expected')
  return byPlace(a, b)
}

/** The same, of what is known to be events. */
export function byPlace(a: Placed, b: Placed): number {
  return (
    a.lamport_clock - b.lamport_clock ||
    compareText(a.node_id, b.node_id) ||
    compareIds(a.event_id, b.event_id)
  )
}

/** An id in the one spelling that counts; what is none stays as it is. */
export function spelledId(id: string): string {
  return normaliseId(id) ?? id
}

function compareIds(a: string, b: string): number {
  return a === b ? 0 : compareText(spelledId(a), spelledId(b))
}

/** By code point, with the common case of equal texts first. */
export function compareText(a: string, b: string): number {
  return a === b ? 0 : byCodePoint(a, b)
}

/** Each id once, in order. @throws InputError EVENTS_EXPECTED */
export function uniqueInOrder<Event extends Placed>(events: readonly Event[]): readonly Event[] {
  const isList = readOr(() => Array.isArray(events) && events.every(isPlaced), false)
  if (!isList) throw eventsExpected('a list of events is expected')
  const byId = new Map<string, Event>()
  for (const event of events.toSorted(byPlace)) {
    const id = spelledId(event.event_id)
    if (!byId.has(id)) byId.set(id, event)
  }
  return [...byId.values()]
}

export function eventsExpected(message: string): InputError {
  return new InputError('EVENTS_EXPECTED', message, {
    hint: 'Each has `event_id`, `node_id` and `lamport_clock`; see `validateEvent`.',
  })
}

/** Whether it can be placed among others. */
export function isPlaced(value: unknown): value is Placed {
  return readOr(() => {
    if (!isJsonObject(value)) return false
    const { lamport_clock, node_id, event_id } = value
    return (
      typeof lamport_clock === 'number' &&
      typeof node_id === 'string' &&
      typeof event_id === 'string'
    )
  }, false)
}
