/** The flight recorder's entries as messages: the actors that are there, then what they did, without contents. */
import type { AnyActorRef, AnyTransitionDefinition } from 'xstate'
import type { Json } from '../contracts/json/json.ts'
import type { Sanitizer } from '../events/sanitize.ts'
import { definitionOfActor, isMachineSnapshot, keyOf, nameOf, statusOf } from './actor-book.ts'
import type { Definition } from './definition.ts'
import { MAIN_THREAD, PROCESS_KEY, type Stamp, type Unnumbered } from './feed-message.ts'
import type { FeedType, ShownSnapshot } from './protocol.ts'
import { createShower } from './shown.ts'
import { taken } from './transitions.ts'

export type RecordedType = Extract<
  FeedType,
  '@xstate.event' | '@xstate.microstep' | '@xstate.snapshot'
>

/** One place. What it refers to is small, or there anyway. */
export type FlightEntry = {
  type: RecordedType
  mono: number
  sessionId: string
  /** Of the event. */
  event: string
  sourceId: string | null
  status: string
  value: Json | undefined
  /** The first of a microstep; the others are those of other regions. */
  transition: AnyTransitionDefinition | undefined
}

/** `now`: monotonic, when the entries were taken. */
export function tellFlight(
  root: AnyActorRef,
  sanitizer: Sanitizer,
  entries: readonly FlightEntry[],
  now: number,
): readonly Unnumbered[] {
  const { text } = createShower(sanitizer, keyOf)
  const offset = Date.now() - now
  const stamp = (mono: number): Stamp => ({
    createdAt: String(Math.round(mono + offset)),
    mono,
    process: PROCESS_KEY,
    thread: MAIN_THREAD,
  })
  const moved = new Set(entries.map(({ sessionId }) => sessionId))
  const actors = actorsBeneath(root)
  const definitions = new Map<string, Definition>()
  const definitionById = new Map<string, Definition>()
  for (const actor of actors) {
    const definition = definitionOfActor(actor)
    if (definition === null) continue
    definitions.set(definition.hash, definition)
    definitionById.set(actor.sessionId, definition)
  }
  const start = stamp(entries[0]?.mono ?? now)
  const rootId = keyOf(root)
  return [
    ...[...definitions.values()].map(
      ({ name, hash, root: outermost }) =>
        ({ type: 'kittiwake.machine', ...start, hash, name, root: outermost }) as const,
    ),
    ...actors.map((actor) => tellActor(actor, text, rootId, start, moved.has(actor.sessionId))),
    ...entries.flatMap((entry) =>
      tellEntry(
        { ...entry, event: text(entry.event) },
        rootId,
        stamp(entry.mono),
        definitionById.get(entry.sessionId) ?? null,
      ),
    ),
  ]
}

function actorsBeneath(actor: AnyActorRef): readonly AnyActorRef[] {
  const snapshot: unknown = actor.getSnapshot()
  if (!isMachineSnapshot(snapshot)) return [actor]
  const children = Object.values(snapshot.children as Record<string, AnyActorRef | undefined>)
  return [actor, ...children.flatMap((child) => (child === undefined ? [] : actorsBeneath(child)))]
}

/** Where it has not moved, it was then as it is now. */
function tellActor(
  actor: AnyActorRef,
  text: (words: string) => string,
  rootId: string,
  stamp: Stamp,
  hasMoved: boolean,
): Unnumbered {
  const definition = definitionOfActor(actor)
  const snapshot: unknown = actor.getSnapshot()
  const value = isMachineSnapshot(snapshot) && !hasMoved ? { value: snapshot.value } : {}
  return {
    type: '@xstate.actor',
    ...stamp,
    sessionId: keyOf(actor),
    rootId,
    parentId: actor._parent === undefined ? null : keyOf(actor._parent),
    name: text(nameOf(actor, definition)),
    kind: definition === null ? 'callback' : 'machine',
    machine: definition?.hash ?? null,
    snapshot: { status: hasMoved ? 'active' : statusOf(snapshot), ...value },
  }
}

function tellEntry(
  entry: FlightEntry,
  rootId: string,
  stamp: Stamp,
  definition: Definition | null,
): readonly Unnumbered[] {
  const { type, transition, value } = entry
  const common = { ...stamp, sessionId: keyOf(entry), rootId, event: { type: entry.event } }
  const snapshot: ShownSnapshot = {
    status: statusOf(entry),
    ...(value === undefined ? {} : { value }),
  }
  const told = { type: '@xstate.snapshot', ...common, snapshot } as const
  if (type === '@xstate.snapshot') return [told]
  if (type === '@xstate.event') {
    const sourceId = entry.sourceId === null ? null : keyOf({ sessionId: entry.sourceId })
    return [{ type, ...common, sourceId }]
  }
  const steps = transition === undefined ? [] : [transition]
  const transitions = definition === null ? [] : taken(definition, steps)
  return [{ type, ...common, transitions, snapshot }, told]
}
