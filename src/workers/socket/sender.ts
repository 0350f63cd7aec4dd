/**
 * Sends batches within a window and gathers the hub's verdicts on them. That bytes were written proves nothing:
 * only a verdict by exact id, on the connection that carried the frame, answers for an item (L11). Window, consent, wait and verdict stay in one
 * file, because each of them decides whether an item may count as delivered.
 */
import { Buffer } from 'node:buffer'
import type { Greeting } from './greeting.ts'
import type { Acks, Verdict } from './incoming.ts'
import { SLOWEST_BYTES_PER_MS } from './limits.ts'
import type { LinkLimits, SetTimer } from './limits.ts'
import { composeBody, composeFrame } from './outgoing.ts'
import type { Composed, OutgoingItem, Strict } from './outgoing.ts'
import { PendingAcks } from './pending-acks.ts'
import type { PendingItem, Settled } from './pending-acks.ts'
import type { Rejected, Sink, SocketAnswer } from './protocol.ts'

/** What became of a batch; the service adds the credit. */
export type Delivered = Omit<Extract<SocketAnswer, { type: 'socket.delivered' }>, 'credit'>

/** Where frames go: a socket, seen by what is still unwritten. */
export type Outlet = {
  readonly send: (frame: string, written: () => void) => void
  readonly unwrittenBytes: () => number
  /** Gathers the writes of `act` into as few system calls as possible. */
  readonly together: (act: () => void) => void
}

type Delivery = {
  readonly sink: Sink
  readonly batch: number
  readonly items: readonly OutgoingItem[]
  readonly accepted: string[]
  readonly rejected: Rejected[]
  next: number
  waiting: number
  cancelTimer: () => void
  readonly resolve: (answer: Delivered) => void
}

type Measured = Composed & { readonly bytes: number }

/** Commits go first: an event may speak of them. */
const SINKS: readonly Sink[] = ['commits', 'events']

export class Sender {
  readonly #outlet: Outlet
  readonly #granted: (projectUuid: string) => boolean
  readonly #limits: LinkLimits
  readonly #setTimer: SetTimer
  readonly #pending = new PendingAcks<Delivery>()
  readonly #deliveryBySink = new Map<Sink, Delivery>()
  #strict: Strict | null = null
  /** The largest array frame that the hub takes; null where it takes none. */
  #array: { readonly eventsMax: number; readonly bytesMax: number } | null = null
  #isOpen = false
  #isChoked = false

  constructor(options: {
    readonly outlet: Outlet
    readonly granted: (projectUuid: string) => boolean
    readonly limits: LinkLimits
    readonly setTimer: SetTimer
  }) {
    this.#outlet = options.outlet
    this.#granted = options.granted
    this.#limits = options.limits
    this.#setTimer = options.setTimer
  }

  /** The snapshot came: from now on frames may go, in the dialect and the way that it announced. */
  open({ dialect, limits, takesArrays }: Greeting, target: string): void {
    const { arrayBytesMax, arrayEventsMax } = this.#limits
    this.#strict = dialect === null ? null : { dialect, target }
    this.#array = takesArrays
      ? {
          eventsMax: Math.min(limits.eventsMax, arrayEventsMax),
          bytesMax: Math.min(limits.bytesMax, arrayBytesMax),
        }
      : null
    this.#isOpen = true
  }

  /** The connection is gone: what waits stays undelivered. */
  end(): void {
    this.#isOpen = false
    for (const delivery of this.#deliveryBySink.values()) this.#finish(delivery)
  }

  deliver(sink: Sink, batch: number, items: readonly OutgoingItem[]): Promise<Delivered> {
    if (!this.#isOpen || this.#deliveryBySink.has(sink)) {
      return Promise.resolve(undelivered(sink, batch, items.length))
    }
    return new Promise((resolve) => {
      const delivery: Delivery = {
        sink,
        batch,
        items,
        accepted: [],
        rejected: [],
        next: 0,
        waiting: 0,
        cancelTimer: () => {},
        resolve,
      }
      this.#deliveryBySink.set(sink, delivery)
      this.#pump()
      this.#waitOn()
    })
  }

  /** False where the verdict is about nothing that waits here; then nothing has changed. */
  settle(verdict: Verdict): boolean {
    const item = this.#pending.settle(verdict)
    return item !== null && this.#count([{ item, ...verdict }])
  }

  /** As `settle`, of all that one acks frame speaks of. */
  settleArrays(acks: Acks): boolean {
    const settled = this.#pending.settleArrays(acks)
    return settled !== null && this.#count(settled)
  }

  #count(settled: readonly Settled<Delivery>[]): true {
    for (const { item, outcome, reason } of settled) {
      const { accepted, rejected } = item.owner
      item.owner.waiting -= 1
      if (outcome === 'accepted') accepted.push(item.id)
      // A hub that would take it at another time gets it then: it stays unanswered.
      if (outcome === 'rejected') rejected.push({ id: item.id, reason, isFinal: true })
    }
    this.#pump()
    this.#waitOn()
    return true
  }

  #pump(): void {
    if (this.#isChoked && this.#outlet.unwrittenBytes() <= this.#limits.lowWaterBytes) {
      this.#isChoked = false
    }
    if (!this.#isChoked) this.#outlet.together(() => this.#sendAll())
    for (const delivery of this.#deliveryBySink.values()) {
      if (delivery.waiting === 0 && delivery.next >= this.#lengthOf(delivery)) {
        this.#finish(delivery)
      }
    }
  }

  #sendAll(): void {
    for (const sink of SINKS) {
      const delivery = this.#deliveryBySink.get(sink)
      if (delivery !== undefined) this.#send(delivery)
    }
  }

  #send(delivery: Delivery): void {
    const array = delivery.sink === 'events' ? this.#array : null
    while (delivery.next < this.#lengthOf(delivery) && this.#hasRoom(array !== null)) {
      if (array === null) this.#sendNext(delivery)
      else this.#sendArray(delivery, array.eventsMax, array.bytesMax)
    }
  }

  #sendNext(delivery: Delivery): void {
    const item = delivery.items[delivery.next]
    delivery.next += 1
    const composed = item === undefined ? null : this.#compose(delivery, item, composeFrame)
    if (item === undefined || composed === null) return
    this.#pending.add(pendingItem(delivery, item, composed))
    this.#write(delivery, composed.text, 1)
  }

  #sendArray(delivery: Delivery, eventsMax: number, bytesMax: number): void {
    const items: PendingItem<Delivery>[] = []
    const texts: string[] = []
    let bytes = 0
    while (items.length < eventsMax && delivery.next < this.#lengthOf(delivery)) {
      const item = delivery.items[delivery.next]
      const composed = item === undefined ? null : this.#compose(delivery, item, composeBody)
      if (item !== undefined && composed !== null) {
        if (items.length > 0 && bytes + composed.bytes > bytesMax) break
        bytes += composed.bytes
        items.push(pendingItem(delivery, item, composed))
        texts.push(composed.text)
      }
      delivery.next += 1
    }
    if (items.length === 0) return
    const text = `{"batch":${this.#pending.nextArray},"events":[${texts.join(',')}],"type":"events"}`
    this.#pending.addArray(items)
    this.#write(delivery, text, items.length)
  }

  /** Null where it must not or can't go. */
  #compose(delivery: Delivery, item: OutgoingItem, compose: typeof composeFrame): Measured | null {
    const { sink } = delivery
    // Asked for every frame, at the last moment: consent may have been withdrawn since the last one (L12).
    if (this.#pending.has(sink, item.id) || !this.#isGranted(item.projectUuid)) return null
    const composed = compose(sink, item, this.#strict)
    const bytes = composed === null ? 0 : Buffer.byteLength(composed.text)
    if (composed !== null && bytes <= this.#limits.frameBytesMax) return { ...composed, bytes }
    const reason = composed === null ? 'frame_malformed' : 'frame_too_large'
    delivery.rejected.push({ id: item.id, reason, isFinal: true })
    return null
  }

  #write(delivery: Delivery, text: string, count: number): void {
    delivery.waiting += count
    this.#outlet.send(text, () => {
      if (this.#isChoked) this.#pump()
    })
    if (this.#outlet.unwrittenBytes() >= this.#limits.highWaterBytes) this.#isChoked = true
  }

  #isGranted(projectUuid: string): boolean {
    try {
      return this.#granted(projectUuid)
    } catch {
      // Unreadable consent means no.
      return false
    }
  }

  #hasRoom(inArrays: boolean): boolean {
    const { arrayUnackedMax, unackedBytesMax } = this.#limits
    const unackedMax = inArrays ? arrayUnackedMax : this.#limits.unackedMax
    const hasWindow = this.#pending.size < unackedMax && this.#pending.bytes < unackedBytesMax
    return hasWindow && !this.#isChoked && this.#isOpen
  }

  #lengthOf(delivery: Delivery): number {
    return Math.min(delivery.items.length, this.#limits.batchItemsMax)
  }

  // A verdict for either sink is progress for both: they share one connection and the hub answers in order.
  #waitOn(): void {
    const ms = this.#limits.ackMs + this.#pending.bytes / SLOWEST_BYTES_PER_MS
    for (const delivery of this.#deliveryBySink.values()) {
      delivery.cancelTimer()
      delivery.cancelTimer = this.#setTimer(() => this.#finish(delivery), ms)
    }
  }

  #finish(delivery: Delivery): void {
    delivery.cancelTimer()
    this.#deliveryBySink.delete(delivery.sink)
    this.#pending.forget(delivery)
    const { sink, batch, accepted, rejected, items } = delivery
    const unanswered = items.length - accepted.length - rejected.length
    delivery.resolve({ type: 'socket.delivered', sink, batch, accepted, rejected, unanswered })
  }
}

function pendingItem(
  owner: Delivery,
  { id, projectUuid }: OutgoingItem,
  { buildId, bytes }: Measured,
): PendingItem<Delivery> {
  return { sink: owner.sink, id, projectUuid, buildId, bytes, owner }
}

/** The answer for events that did not go one by one. */
export function delivered(
  batch: number,
  items: readonly OutgoingItem[],
  accepted: readonly string[],
  rejected: readonly Rejected[],
): Delivered {
  const unanswered = items.length - accepted.length - rejected.length
  return { type: 'socket.delivered', sink: 'events', batch, accepted, rejected, unanswered }
}

/** The answer where nothing was sent. */
export function undelivered(sink: Sink, batch: number, unanswered: number): Delivered {
  return { type: 'socket.delivered', sink, batch, accepted: [], rejected: [], unanswered }
}
