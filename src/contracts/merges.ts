/** What concurrent events come to: a set that only grows, a counter of operations, and one state of several. */
import { InputError } from '../errors.ts'
import type { Caused } from './causality.ts'
import { compareEvents, compareText } from './event-order.ts'
import type { Json, JsonObject } from './json.ts'

export type Mergeable = Caused & { readonly payload: JsonObject }

/** Values that were passed over, by the event that holds them. */
type PassedOver = { readonly event_id: string; readonly path: string }

export type MergedSet = {
  readonly tags: readonly string[]
  readonly passed_over: readonly PassedOver[]
}
export type MergedCounter = { readonly value: number; readonly passed_over: readonly PassedOver[] }

/** All `tags` that any event names, in code point order. One text is one tag; no tags are none. */
export function mergeSet(events: readonly Mergeable[]): MergedSet {
  const tags = new Set<string>()
  const passedOver: PassedOver[] = []
  for (const { event_id, payload } of unique(events)) {
    const value = payload['tags'] ?? []
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
 * @throws InputError COUNTER_EXHAUSTED
 */
export function mergeCounter(events: readonly Mergeable[]): MergedCounter {
  let sum = 0n
  const passedOver: PassedOver[] = []
  for (const { event_id, payload } of unique(events)) {
    const delta = payload['delta'] ?? 0
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
 * @throws InputError MERGE_EMPTY, MERGE_NOT_CONCURRENT, MERGE_STATE
 */
export function mergeState<Event extends Mergeable>(
  events: readonly Event[],
  priorityByState: Readonly<Record<string, number>>,
  stateKey = 'state',
): MergedState<Event> {
  const conflicting = unique(events)
  const [first] = conflicting
  if (first === undefined) throw new InputError('MERGE_EMPTY', 'there is nothing to merge')
  if (conflicting.some((event) => !isOfOneTick(first, event))) {
    throw new InputError('MERGE_NOT_CONCURRENT', 'only events of one tick and aggregate are merged')
  }
  const judged = conflicting.map((event) => ({ event, ...judge(event, priorityByState, stateKey) }))
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
  const state = payload[stateKey] ?? (stateKey === 'state' ? payload['status'] : null)
  const isKnown = typeof state === 'string' && Object.hasOwn(priorityByState, state)
  const priority = isKnown ? priorityByState[state] : undefined
  if (isKnown && priority !== undefined) return { state, priority }
  throw new InputError('MERGE_STATE', 'the event has no state that a priority is known of', {
    details: { event_id },
  })
}

function noteOf(state: string, priority: number, count: number, states: number): string {
  if (count === 1) return `one event: ${state}`
  if (states === 1) return `${count} events agree: ${state}`
  return `${state} of priority ${priority}, over ${count - 1} others`
}

function unique<Event extends Mergeable>(events: readonly Event[]): readonly Event[] {
  const byId = new Map<string, Event>()
  for (const event of events.toSorted(compareEvents)) {
    if (!byId.has(event.event_id)) byId.set(event.event_id, event)
  }
  return [...byId.values()]
}
