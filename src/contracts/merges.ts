/** What concurrent events come to: a set that only grows, a counter of operations, and one state of several. */
import { InputError } from '../errors.ts'
import type { Caused } from './causality.ts'
import { readOr } from './values/arguments.ts'
import { compareText, eventsExpected, uniqueInOrder } from './event-order.ts'
import { isText } from './values/scalars.ts'
import { isJsonObject, type Json, type JsonObject } from './json/json.ts'

export type Mergeable = Caused & { readonly payload: JsonObject }

/** Values that were passed over, by the event that holds them. */
type PassedOver = { readonly event_id: string; readonly path: string }

export type MergedSet = {
  readonly tags: readonly string[]
  readonly passed_over: readonly PassedOver[]
}
export type MergedCounter = { readonly value: number; readonly passed_over: readonly PassedOver[] }

/** All `tags` that any event names, in code point order. One text is one tag; no tags are none. @throws InputError EVENTS_EXPECTED */
export function mergeSet(events: readonly Mergeable[]): MergedSet {
  const tags = new Set<string>()
  const passedOver: PassedOver[] = []
  for (const { event_id, payload } of unique(events)) {
    const value = fieldOf(payload, 'tags') ?? []
    const items = (Array.isArray(value) ? value : [value]) as readonly Json[]
    for (const item of items) {
      if (typeof item === 'string') tags.add(item)
      else passedOver.push({ event_id, path: 'tags' })
    }
  }
  return { tags: [...tags].sort(compareText), passed_over: passedOver }
}

/**
 * The sum of `delta` over all events, each id once. What is no whole number counts nothing.
 *
 * @throws InputError COUNTER_EXHAUSTED, EVENTS_EXPECTED
 */
export function mergeCounter(events: readonly Mergeable[]): MergedCounter {
  let sum = 0n
  const passedOver: PassedOver[] = []
  for (const { event_id, payload } of unique(events)) {
    const delta = fieldOf(payload, 'delta') ?? 0
    if (typeof delta === 'number' && Number.isSafeInteger(delta)) sum += BigInt(delta)
    else passedOver.push({ event_id, path: 'delta' })
  }
  const value = Number(sum)
  if (Number.isSafeInteger(value)) return { value, passed_over: passedOver }
  throw new InputError('COUNTER_EXHAUSTED', 'the sum is beyond what a number can hold exactly')
}

export type MergedState<Event> = {
  readonly merged_event: Event
  readonly resolution_note: string
  /** Where events of equal priority say different things, only their nodes' names have decided. */
  readonly requires_manual_review: boolean
  /** All that were merged, in order. */
  readonly conflicting_events: readonly Event[]
}

/**
 * One of the events of one tick and one aggregate: that whose state has the highest priority; among equals the first in
 * order. The state is `payload[stateKey]`, and by default else `payload.status`.
 *
 * @throws InputError MERGE_EMPTY, MERGE_NOT_CONCURRENT, MERGE_STATE, MERGE_PRIORITIES, EVENTS_EXPECTED
 */
export function mergeState<Event extends Mergeable>(
  events: readonly Event[],
  priorityByState: Readonly<Record<string, number>>,
  stateKey = 'state',
): MergedState<Event> {
  const priorities = readOr(
    () => (isJsonObject(priorityByState) ? { ...priorityByState } : null),
    null,
  )
  if (priorities === null || !isText(stateKey)) {
    throw new InputError('MERGE_PRIORITIES', 'a number for each state is expected, and a field')
  }
  const conflicting = unique(events)
  const [first] = conflicting
  if (first === undefined) throw new InputError('MERGE_EMPTY', 'there is nothing to merge')
  if (conflicting.some((event) => !isOfOneTick(first, event))) {
    throw new InputError('MERGE_NOT_CONCURRENT', 'only events of one tick and aggregate are merged')
  }
  const judged = conflicting.map((event) => ({ event, ...judge(event, priorities, stateKey) }))
  const highest = Math.max(...judged.map(({ priority }) => priority))
  const leading = judged.filter(({ priority }) => priority === highest)
  const states = new Set(leading.map(({ state }) => state))
  const [winner] = leading
  return {
    merged_event: winner?.event ?? first,
    resolution_note: noteOf(
      winner?.state ?? '',
      highest,
      conflicting.length,
      new Set(judged.map(({ state }) => state)).size,
    ),
    requires_manual_review: states.size > 1,
    conflicting_events: conflicting,
  }
}

function isOfOneTick(a: Mergeable, b: Mergeable): boolean {
  return a.lamport_clock === b.lamport_clock && a.aggregate_id === b.aggregate_id
}

function judge(
  { event_id, payload }: Mergeable,
  priorityByState: Readonly<Record<string, number>>,
  stateKey: string,
): { readonly state: string; readonly priority: number } {
  const state =
    fieldOf(payload, stateKey) ?? (stateKey === 'state' ? fieldOf(payload, 'status') : null)
  const isKnown = typeof state === 'string' && Object.hasOwn(priorityByState, state)
  const priority = isKnown ? priorityByState[state] : undefined
  if (isKnown && priority !== undefined) return { state, priority }
  throw new InputError('MERGE_STATE', 'the event has no state that a priority is known of', {
    details: { event_id },
  })
}

function fieldOf(payload: JsonObject, name: string): Json {
  return readOr(() => payload[name] ?? null, null)
}

function noteOf(state: string, priority: number, count: number, states: number): string {
  if (count === 1) return `one event: ${state}`
  if (states === 1) return `${count} events agree: ${state}`
  return `${state} of priority ${priority}, over ${count - 1} others`
}

/** @throws InputError EVENTS_EXPECTED */
function unique<Event extends Mergeable>(events: readonly Event[]): readonly Event[] {
  const inOrder = uniqueInOrder(events)
  if (inOrder.every((event) => readOr(() => isJsonObject(event.payload), false))) return inOrder
  throw eventsExpected('events with their payloads are expected')
}
