/** The actors of a running system: their keys, what is told of each when it is first seen, and their snapshots. */
import type { AnyActorRef, AnyMachineSnapshot, AnyStateMachine } from 'xstate'
import { type Definition, definitionOf } from './definition.ts'
import { MAIN_THREAD, PROCESS_KEY, stampNow, type Unnumbered } from './feed-message.ts'
import type { ShownSnapshot } from './protocol.ts'
import { createShower, type Shower } from './shown.ts'
import { showContext } from './shown-context.ts'
import type { Sanitizer } from '../events/sanitize.ts'

/** What is kept of each actor that is there. */
export type KnownActor = {
  readonly key: string
  readonly definition: Definition | null
  readonly since: number
}

export class ActorBook {
  readonly shower: Shower
  readonly rootKey: string
  readonly #tell: (message: Unnumbered) => void
  readonly #known = new Map<AnyActorRef, KnownActor>()
  readonly #definitions = new Set<string>()

  constructor(root: AnyActorRef, sanitizer: Sanitizer, tell: (message: Unnumbered) => void) {
    this.#tell = tell
    this.rootKey = keyOf(root)
    this.shower = createShower(sanitizer, keyOf)
  }

  get actors(): ReadonlyMap<AnyActorRef, KnownActor> {
    return this.#known
  }

  /** Tells of it, of its parents and of its machine, where that was not done. */
  know(actor: AnyActorRef): KnownActor {
    const known = this.#known.get(actor)
    if (known !== undefined) return known
    const parent = actor._parent
    if (parent !== undefined) this.know(parent)
    const definition = definitionOfActor(actor)
    if (definition !== null) this.#define(definition)
    const stamp = stampNow()
    const one: KnownActor = { key: keyOf(actor), definition, since: stamp.mono }
    this.#known.set(actor, one)
    this.#tell({
      type: '@xstate.actor',
      ...stamp,
      sessionId: one.key,
      rootId: this.rootKey,
      parentId: parent === undefined ? null : keyOf(parent),
      name: this.shower.text(nameOf(actor, definition)),
      kind: definition === null ? 'callback' : 'machine',
      machine: definition?.hash ?? null,
      snapshot: this.show(actor, actor.getSnapshot()),
    })
    return one
  }

  /** It is over: the next one of its name is another. */
  forget(actor: AnyActorRef): void {
    this.#known.delete(actor)
  }

  show(actor: AnyActorRef, snapshot: unknown): ShownSnapshot {
    const definition = this.#known.get(actor)?.definition ?? definitionOfActor(actor)
    if (definition === null || !isMachineSnapshot(snapshot)) return { status: statusOf(snapshot) }
    const context = showContext(definition.name, snapshot.context, this.shower)
    const children = Object.entries(snapshot.children as Record<string, AnyActorRef | undefined>)
    return {
      status: snapshot.status,
      value: snapshot.value,
      ...(context === undefined ? {} : { context }),
      ...(children.length === 0
        ? {}
        : {
            children: Object.fromEntries(
              children.flatMap(([name, child]) =>
                child === undefined ? [] : [[name, keyOf(child)]],
              ),
            ),
          }),
      ...(snapshot.tags.size === 0 ? {} : { tags: [...snapshot.tags] }),
    }
  }

  #define({ name, hash, root }: Definition): void {
    if (this.#definitions.has(hash)) return
    this.#definitions.add(hash)
    this.#tell({ type: 'kittiwake.machine', ...stampNow(), hash, name, root })
  }
}

/** Unique in this process: XState counts the actors of all systems together. */
export function keyOf(actor: Pick<AnyActorRef, 'sessionId'>): string {
  return `${PROCESS_KEY}/${MAIN_THREAD}/${actor.sessionId}`
}

export function definitionOfActor(actor: AnyActorRef): Definition | null {
  const logic: unknown = 'logic' in actor ? actor.logic : null
  return isMachine(logic) ? definitionOf(logic) : null
}

/** Of an actor that has no name of its own, what its machine is called. */
export function nameOf(actor: AnyActorRef, definition: Definition | null): string {
  return actor.id === actor.sessionId ? (definition?.name ?? 'actor') : actor.id
}

export function statusOf(snapshot: unknown): ShownSnapshot['status'] {
  const status =
    typeof snapshot === 'object' && snapshot !== null && 'status' in snapshot
      ? snapshot.status
      : 'active'
  return status === 'done' || status === 'error' || status === 'stopped' ? status : 'active'
}

export function isMachineSnapshot(snapshot: unknown): snapshot is AnyMachineSnapshot {
  return typeof snapshot === 'object' && snapshot !== null && 'machine' in snapshot
}

function isMachine(logic: unknown): logic is AnyStateMachine {
  return typeof logic === 'object' && logic !== null && 'root' in logic && 'resolveState' in logic
}
