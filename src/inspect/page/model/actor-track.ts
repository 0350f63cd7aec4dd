/** What was told of one actor, in order, so that it can be asked how it was at any message. */
import type { MachineNode, ShownSnapshot } from '../../protocol.ts'
import type { Entry, MessageOf } from './entry.ts'
import { lastAt, placeAt } from './search.ts'

type StateEntry = Entry<MessageOf<'@xstate.actor' | '@xstate.microstep' | '@xstate.snapshot'>>
type SnapshotEntry = Entry<MessageOf<'@xstate.actor' | '@xstate.snapshot'>>

/** An actor as of one message. */
export type ActorMoment = {
  readonly status: ShownSnapshot['status']
  readonly value: ShownSnapshot['value']
  readonly context: ShownSnapshot['context']
  /** Of the snapshot before the one that `context` is of; undefined of the first. */
  readonly contextBefore: ShownSnapshot['context']
  /** When `context` was told. */
  readonly snapshot: SnapshotEntry
  /** The transitions that were taken last. */
  readonly step: Entry<MessageOf<'@xstate.microstep'>> | undefined
}

export class ActorTrack {
  readonly id: string
  readonly first: Entry<MessageOf<'@xstate.actor'>>
  /** The first message that tells that it is over. */
  over: Entry | null = null
  #states: StateEntry[] = []
  #snapshots: SnapshotEntry[] = []
  #steps: Entry<MessageOf<'@xstate.microstep'>>[] = []

  constructor(first: Entry<MessageOf<'@xstate.actor'>>) {
    this.id = first.message.sessionId
    this.first = first
    this.#states.push(first)
    this.#snapshots.push(first)
  }

  /** Microsteps that are still kept, in order. */
  get steps(): readonly Entry<MessageOf<'@xstate.microstep'>>[] {
    return this.#steps
  }

  /** In order; the first is that of its birth. */
  get states(): readonly StateEntry[] {
    return this.#states
  }

  add(entry: StateEntry): void {
    this.#states.push(entry)
    if (isStep(entry)) this.#steps.push(entry)
    else this.#snapshots.push(entry as SnapshotEntry)
    if (entry.message.snapshot.status !== 'active' && !isStep(entry)) this.over ??= entry
  }

  end(entry: Entry): void {
    this.over ??= entry
  }

  isThere(at: number): boolean {
    return this.first.at <= at && (this.over === null || at < this.over.at)
  }

  /** Null where it was not yet there. */
  moment(at: number): ActorMoment | null {
    const state = lastAt(this.#states, at)
    const place = placeAt(this.#snapshots, at)
    const snapshot = this.#snapshots[place]
    if (state === undefined || snapshot === undefined) return null
    const isOver = this.over !== null && this.over.at <= at
    const status = state.message.snapshot.status
    return {
      status: isOver && status === 'active' ? 'stopped' : status,
      value: state.message.snapshot.value,
      context: snapshot.message.snapshot.context,
      contextBefore: this.#snapshots[place - 1]?.message.snapshot.context,
      snapshot,
      step: lastAt(this.#steps, at),
    }
  }

  /** Forgets what came before `at`, but for the state that held then. */
  forget(at: number): void {
    this.#states = keptOf(this.#states, at)
    this.#snapshots = keptOf(this.#snapshots, at)
    this.#steps = keptOf(this.#steps, at)
  }
}

function keptOf<T extends Entry>(entries: T[], at: number): T[] {
  const place = placeAt(entries, at)
  return place <= 0 ? entries : entries.slice(place)
}

function isStep(entry: StateEntry): entry is Entry<MessageOf<'@xstate.microstep'>> {
  return entry.message.type === '@xstate.microstep'
}

/** All states of a machine by their ids. */
export function statesById(root: MachineNode): ReadonlyMap<string, MachineNode> {
  const found = new Map<string, MachineNode>()
  const visit = (node: MachineNode) => {
    found.set(node.id, node)
    for (const child of node.states) visit(child)
  }
  visit(root)
  return found
}
