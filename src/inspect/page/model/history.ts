/** All that was told, kept so that everything can be asked as of any message. Positions count from 0 and never change. */
import type { FeedMessage, MachineNode } from '../../protocol.ts'
import { ActorTrack } from './actor-track.ts'
import { actorOf, type Entry, isEntry, type MessageOf } from './entry.ts'
import { Fates } from './fates.ts'
import { lastAt, lowerBound } from './search.ts'

/** Messages of a live feed that are kept; of a trace all are. */
export const LIVE_ENTRIES_MAX = 60_000

export type Machine = { readonly hash: string; readonly name: string; readonly root: MachineNode }
type Figures = Entry<MessageOf<'kittiwake.figures'>>

export class History {
  readonly fates = new Fates()
  readonly #max: number
  readonly #machineByHash = new Map<string, Machine>()
  readonly #actorById = new Map<string, ActorTrack>()
  readonly #figuresByProcess = new Map<string, Figures[]>()
  readonly #endByProcess = new Map<string, Entry<MessageOf<'kittiwake.ended'>>>()
  readonly #threads = new Map<string, Set<string>>()
  #entries: Entry[] = []
  #gone = 0
  #leftOut = 0

  constructor(max: number = Number.POSITIVE_INFINITY) {
    this.#max = max
  }

  /** Position of the oldest message that is kept. */
  get start(): number {
    return this.#gone
  }

  /** Behind the last. */
  get end(): number {
    return this.#gone + this.#entries.length
  }

  /** Messages that were told to have been left out, of all that was read. */
  get leftOut(): number {
    return this.#leftOut
  }

  get actors(): Iterable<ActorTrack> {
    return this.#actorById.values()
  }

  /** Processes by the order of their first message, with their threads. */
  get threads(): ReadonlyMap<string, ReadonlySet<string>> {
    return this.#threads
  }

  at(position: number): Entry | undefined {
    return this.#entries[position - this.#gone]
  }

  machine(hash: string | null): Machine | undefined {
    return hash === null ? undefined : this.#machineByHash.get(hash)
  }

  actor(id: string | null): ActorTrack | undefined {
    return id === null ? undefined : this.#actorById.get(id)
  }

  /** The actors that this one has as of a message, by their names. */
  childrenOf(id: string, at: number): ReadonlyMap<string, string> {
    const children = [...this.actors].filter(
      (actor) => actor.first.message.parentId === id && actor.first.at <= at && actor.isThere(at),
    )
    return new Map(children.map((child) => [child.first.message.name, child.id]))
  }

  /** The figures of a process as of a message. */
  figures(process: string, at: number): Figures | undefined {
    return lastAt(this.#figuresByProcess.get(process) ?? [], at)
  }

  /** Up to `max` of them, the last one as of `at`. */
  figuresBefore(process: string, at: number, max: number): readonly Figures[] {
    const all = this.#figuresByProcess.get(process) ?? []
    const end = lowerBound(all, (one) => one.at <= at)
    return all.slice(Math.max(0, end - max), end)
  }

  hasEnded(process: string, at: number): boolean {
    const end = this.#endByProcess.get(process)
    return end !== undefined && end.at <= at
  }

  /** Position of the last message at this monotonic time or before; the first where there is none. */
  positionAt(mono: number): number {
    const place = lowerBound(this.#entries, ({ message }) => message.mono <= mono)
    return this.#gone + Math.max(0, place - 1)
  }

  add(message: FeedMessage, line: string): void {
    const entry: Entry = { at: this.end, message, line }
    this.#entries.push(entry)
    this.#meet(message.process, message.thread)
    this.#keep(entry)
    if (this.#entries.length > this.#max) this.#forget()
  }

  #keep(entry: Entry): void {
    const { message } = entry
    if (message.type === 'kittiwake.machine') this.#machineByHash.set(message.hash, message)
    else if (message.type === 'kittiwake.sampled') this.#leftOut += message.leftOut
    else if (message.type === 'kittiwake.message') this.#meetBoth(message.from, message.to)
    else if (isEntry(entry, '@xstate.actor')) this.#bear(entry)
    else if (isEntry(entry, '@xstate.microstep')) this.#track(entry)?.add(entry)
    else if (isEntry(entry, '@xstate.snapshot')) this.#track(entry)?.add(entry)
    else if (isEntry(entry, 'kittiwake.fate')) this.fates.add(entry)
    else if (isEntry(entry, 'kittiwake.figures')) this.#measure(entry)
    else if (isEntry(entry, 'kittiwake.ended')) this.#end(entry)
  }

  #track(entry: Entry): ActorTrack | undefined {
    return this.#actorById.get(actorOf(entry) ?? '')
  }

  // An actor that is told again, as after a gap, goes on.
  #bear(entry: Entry<MessageOf<'@xstate.actor'>>): void {
    const known = this.#actorById.get(entry.message.sessionId)
    if (known === undefined) this.#actorById.set(entry.message.sessionId, new ActorTrack(entry))
    else known.add(entry)
  }

  #measure(entry: Figures): void {
    const { process, threads } = entry.message
    const known = this.#figuresByProcess.get(process)
    if (known === undefined) this.#figuresByProcess.set(process, [entry])
    else known.push(entry)
    for (const { thread } of threads) this.#meet(process, thread)
  }

  #end(entry: Entry<MessageOf<'kittiwake.ended'>>): void {
    const { process } = entry.message
    this.#endByProcess.set(process, entry)
    for (const actor of this.#actorById.values()) {
      if (actor.first.message.process === process) actor.end(entry)
    }
  }

  #meet(process: string, thread: string): void {
    const known = this.#threads.get(process)
    if (known === undefined) this.#threads.set(process, new Set(['main', thread]))
    else known.add(thread)
  }

  #meetBoth(...keys: readonly string[]): void {
    for (const key of keys) {
      const slash = key.indexOf('/')
      if (slash > 0) this.#meet(key.slice(0, slash), key.slice(slash + 1))
    }
  }

  // A tenth at once: to take one from the front costs as much as to take many.
  #forget(): void {
    const count = Math.ceil(this.#max / 10)
    this.#entries = this.#entries.slice(count)
    this.#gone += count
    for (const [id, actor] of this.#actorById) {
      if (actor.over !== null && actor.over.at < this.#gone) this.#actorById.delete(id)
      else actor.forget(this.#gone)
    }
    for (const [process, figures] of this.#figuresByProcess) {
      const first = lowerBound(figures, (one) => one.at < this.#gone)
      this.#figuresByProcess.set(process, figures.slice(Math.max(0, first - 1)))
    }
  }
}
