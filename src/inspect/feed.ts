/**
 * One session's messages: numbered, kept as lines, the oldest folded into a keyframe. Who reads keeps a place of its own, so
 * that a slow reader falls behind and holds nobody up.
 */
import { randomUUID } from 'node:crypto'
import type { Unnumbered } from './feed-message.ts'
import type { FeedMessage, FeedType, MachineNode } from './protocol.ts'

/** Messages that are kept whole. */
const BUFFER_MESSAGES_MAX = 50_000
/** And how much they may take, in UTF-16 units. */
const BUFFER_LENGTH_MAX = 64 * 1024 * 1024

/** A line as it is kept. */
export type Entry = {
  readonly seq: number
  readonly line: string
  readonly type: FeedType
  /** The actor, or the machine's hash; '' of what no keyframe holds. */
  readonly key: string
  /** Of a snapshot: the actor is no more. */
  readonly isOver: boolean
  readonly process: string
}

export class Feed {
  readonly session: string
  readonly #messagesMax: number
  readonly #machineByHash = new Map<string, MachineNode>()
  readonly #listeners = new Set<() => void>()
  #entries: Entry[] = []
  /** How many have gone before the first of the entries. */
  #gone = 0
  #length = 0
  #seq = 0
  #keyframe = new Map<string, Entry>()

  /** `messagesMax`: what is beyond it is folded; `Infinity` for a trace, which has its own bounds. */
  constructor(options: { readonly session?: string; readonly messagesMax?: number } = {}) {
    this.session = options.session ?? randomUUID()
    this.#messagesMax = options.messagesMax ?? BUFFER_MESSAGES_MAX
  }

  /** Places run from `start` to before `end`. */
  get start(): number {
    return this.#gone
  }

  get end(): number {
    return this.#gone + this.#entries.length
  }

  get firstSeq(): number {
    return this.#entries[0]?.seq ?? 0
  }

  get lastSeq(): number {
    return this.#seq
  }

  /** The machines and actors as they were before `start`, in the order of their messages. */
  get keyframe(): readonly Entry[] {
    return [...this.#keyframe.values()].sort((one, other) => one.seq - other.seq)
  }

  machine(hash: string): MachineNode | undefined {
    return this.#machineByHash.get(hash)
  }

  tell(message: Unnumbered): void {
    const seq = this.#seq + 1
    const line = `{"seq":${seq},${JSON.stringify(message).slice(1)}`
    this.add({ ...message, seq }, line)
  }

  /** A message that has its number, which is greater than all before, and the line that it came in. */
  add(message: FeedMessage, line: string): void {
    this.#seq = message.seq
    if (message.type === 'kittiwake.machine') this.#machineByHash.set(message.hash, message.root)
    this.#entries.push(entryOf(message, line))
    this.#length += line.length
    if (this.#messagesMax < Infinity) this.#fold()
    for (const listener of this.#listeners) listener()
  }

  at(place: number): Entry | undefined {
    return this.#entries[place - this.#gone]
  }

  /** The place behind what has this number; null where more has gone than that. */
  placeAfter(seq: number): number | null {
    if (seq > this.#seq) return null
    let [low, high] = [0, this.#entries.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#entries[middle]?.seq ?? 0) <= seq) low = middle + 1
      else high = middle
    }
    return low === 0 && this.#gone > 0 && seq < this.firstSeq - 1 ? null : this.#gone + low
  }

  /** Calls `listener` at each message; returns the way to stop. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  // A tenth at once, because to take one from the front costs as much as to take many.
  #fold(): void {
    const isLong = this.#length > BUFFER_LENGTH_MAX
    if (this.#entries.length <= this.#messagesMax && !isLong) return
    const count = Math.max(1, Math.floor(this.#entries.length / 10))
    for (const entry of this.#entries.slice(0, count)) {
      this.#length -= entry.line.length
      this.#keep(entry)
    }
    this.#entries = this.#entries.slice(count)
    this.#gone += count
  }

  #keep(entry: Entry): void {
    const { type, key, isOver } = entry
    if (type === 'kittiwake.machine') this.#keyframe.set(`machine ${key}`, entry)
    else if (type === '@xstate.actor') this.#keyframe.set(`actor ${key}`, entry)
    else if (type === '@xstate.snapshot' && !isOver) this.#keyframe.set(`snapshot ${key}`, entry)
    else if (type === '@xstate.snapshot') {
      this.#keyframe.delete(`actor ${key}`)
      this.#keyframe.delete(`snapshot ${key}`)
    } else if (type === 'kittiwake.ended') {
      for (const [name, kept] of this.#keyframe) {
        if (kept.process === entry.process && !name.startsWith('machine ')) {
          this.#keyframe.delete(name)
        }
      }
    }
  }
}

function entryOf(message: FeedMessage, line: string): Entry {
  const { seq, type, process } = message
  const key = 'sessionId' in message ? message.sessionId : 'hash' in message ? message.hash : ''
  const isOver = type === '@xstate.snapshot' && message.snapshot.status !== 'active'
  return { seq, line, type, key, isOver, process }
}
