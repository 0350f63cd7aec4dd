/** What came before what: by the causes that events name, and by the clock of each node. */
import { InputError } from '../errors.ts'
import { byPlace, eventsExpected, isPlaced, spelledId, uniqueInOrder } from './event-order.ts'
import type { Placed } from './event-order.ts'
import { PriorityQueue } from './priority-queue.ts'

export type Caused = Placed & {
  readonly aggregate_id: string
  readonly causation_id?: string | null
}

export type Relation = 'same' | 'before' | 'after' | 'concurrent'

/** Surely concurrent: one tick, one aggregate, two nodes. Other pairs need their history; see `Causality`. @throws InputError EVENTS_EXPECTED */
export function isConcurrent(a: Caused, b: Caused): boolean {
  if (!isPlaced(a) || !isPlaced(b)) throw eventsExpected('two events are expected')
  return (
    a.lamport_clock === b.lamport_clock &&
    a.aggregate_id === b.aggregate_id &&
    a.node_id !== b.node_id &&
    spelledId(a.event_id) !== spelledId(b.event_id)
  )
}

/** The history of a set of events: an event knows what caused it, and what its node did before. */
export class Causality {
  readonly #parents: ReadonlyMap<string, readonly string[]>
  readonly #ids: ReadonlySet<string>

  /** @throws InputError EVENTS_EXPECTED */
  constructor(events: readonly Caused[]) {
    const ordered = uniqueInOrder(events)
    const lastOfNode = new Map<string, string>()
    const parents = new Map<string, readonly string[]>()
    for (const { event_id, node_id, causation_id } of ordered) {
      const id = spelledId(event_id)
      const known = [lastOfNode.get(node_id), causation_id]
      parents.set(
        id,
        known.filter((one) => typeof one === 'string').map((one) => spelledId(one)),
      )
      lastOfNode.set(node_id, id)
    }
    this.#parents = parents
    this.#ids = new Set(parents.keys())
  }

  /** As far as the events tell: two without a path between them are concurrent. @throws InputError EVENT_UNKNOWN */
  relation(a: string, b: string): Relation {
    const [one, other] = [this.#known(a), this.#known(b)]
    if (one === other) return 'same'
    if (this.#knows(other, one)) return 'before'
    return this.#knows(one, other) ? 'after' : 'concurrent'
  }

  #known(id: string): string {
    const spelled = typeof id === 'string' ? spelledId(id) : id
    if (this.#ids.has(spelled)) return spelled
    throw new InputError('EVENT_UNKNOWN', 'the event is not in this history')
  }

  #knows(later: string, earlier: string): boolean {
    const seen = new Set<string>([later])
    const stack = [later]
    for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
      for (const parent of this.#parents.get(id) ?? []) {
        if (parent === earlier) return true
        if (seen.has(parent)) continue
        seen.add(parent)
        stack.push(parent)
      }
    }
    return false
  }
}

/** Groups of events that are surely concurrent, each in order; by tick. @throws InputError EVENTS_EXPECTED */
export function findConcurrent<Event extends Caused>(
  events: readonly Event[],
): readonly (readonly Event[])[] {
  const groups = new Map<string, Event[]>()
  for (const event of uniqueInOrder(events)) {
    const key = `${event.lamport_clock} ${event.aggregate_id}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [event])
    else group.push(event)
  }
  return [...groups.values()].filter(
    (group) => new Set(group.map(({ node_id }) => node_id)).size > 1,
  )
}

/**
 * Causes before what they caused, and else in the order of events: one answer for every order of the input. A cause that
 * isn't there is none; an id counts once.
 *
 * @throws InputError CAUSATION_CYCLE, EVENTS_EXPECTED
 */
export function topologicalOrder<Event extends Caused>(events: readonly Event[]): readonly Event[] {
  const ordered = uniqueInOrder(events)
  const known = new Set(ordered.map(({ event_id }) => spelledId(event_id)))
  const effects = new Map<string, Event[]>()
  const ready = new PriorityQueue<Event>(byPlace)
  for (const event of ordered) {
    const { causation_id } = event
    const cause = typeof causation_id === 'string' ? spelledId(causation_id) : null
    if (cause === null || !known.has(cause)) ready.push(event)
    else if (effects.has(cause)) effects.get(cause)?.push(event)
    else effects.set(cause, [event])
  }
  const sorted: Event[] = []
  for (let event = ready.pop(); event !== undefined; event = ready.pop()) {
    sorted.push(event)
    for (const effect of effects.get(spelledId(event.event_id)) ?? []) ready.push(effect)
  }
  if (sorted.length === ordered.length) return sorted
  const placed = new Set(sorted)
  const first = ordered.find((event) => !placed.has(event))
  throw new InputError('CAUSATION_CYCLE', 'an event is a cause of itself', {
    hint: 'Mend causation_id of the event that is named.',
    details: { event_id: first?.event_id ?? '' },
  })
}
