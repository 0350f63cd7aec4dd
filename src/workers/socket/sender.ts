/**
 * Sends batches within a window and gathers the hub's verdicts on them. That bytes were written proves nothing:
 * only a verdict by exact id, on the connection that carried the frame, answers for an item (L11). Window, consent, wait and verdict stay in one
 * file, because each of them decides whether an item may count as delivered.
 */
import { Buffer } from 'node:buffer'
import type { StrictDialect } from '../../contracts/frames.ts'
import type { Verdict } from './incoming.ts'
import { SLOWEST_BYTES_PER_MS } from './limits.ts'
import type { LinkLimits, SetTimer } from './limits.ts'
import { composeFrame } from './outgoing.ts'
import type { OutgoingItem } from './outgoing.ts'
import { PendingAcks } from './pending-acks.ts'
import type { Sink, SocketAnswer } from './protocol.ts'

export type Delivered = Extract<SocketAnswer, { type: 'socket.delivered' }>

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
  readonly rejected: { id: string; reason: string }[]
  next: number
  waiting: number
  cancelTimer: () => void
  readonly resolve: (answer: Delivered) => void
}

/** Commits go first: an event may speak of them. */
const SINKS: readonly Sink[] = ['commits', 'events']

export class Sender {
  readonly #outlet: Outlet
  readonly #granted: (projectUuid: string) => boolean
  readonly #limits: LinkLimits
  readonly #setTimer: SetTimer
  readonly #pending = new PendingAcks<Delivery>()
  readonly #deliveryBySink = new Map<Sink, Delivery>()
  #strict: { readonly dialect: StrictDialect; readonly target: string } | null = null
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

  /** The snapshot came: from now on frames may go, in the dialect that it announced. */
  open(dialect: StrictDialect | null, target: string): void {
    this.#strict = dialect === null ? null : { dialect, target }
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
    if (item === null) return false
    const delivery = item.owner
    delivery.waiting -= 1
    if (verdict.outcome === 'accepted') delivery.accepted.push(item.id)
    if (verdict.outcome === 'rejected') {
      delivery.rejected.push({ id: item.id, reason: verdict.reason })
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
    while (delivery.next < this.#lengthOf(delivery) && this.#hasRoom()) {
      const item = delivery.items[delivery.next]
      delivery.next += 1
      if (item !== undefined) this.#sendItem(delivery, item)
    }
  }

  #sendItem(delivery: Delivery, item: OutgoingItem): void {
    const { sink } = delivery
    // Asked for every frame, at the last moment: consent may have been withdrawn since the last one (L12).
    if (this.#pending.has(sink, item.id) || !this.#isGranted(item.projectUuid)) return
    const composed = composeFrame(sink, item, this.#strict)
    if (composed === null) {
      delivery.rejected.push({ id: item.id, reason: 'frame_malformed' })
      return
    }
    const bytes = Buffer.byteLength(composed.text)
    if (bytes > this.#limits.frameBytesMax) {
      delivery.rejected.push({ id: item.id, reason: 'frame_too_large' })
      return
    }
    const { id, projectUuid } = item
    this.#pending.add({ sink, id, projectUuid, buildId: composed.buildId, bytes, owner: delivery })
    delivery.waiting += 1
    this.#outlet.send(composed.text, () => {
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

  #hasRoom(): boolean {
    const { unackedMax, unackedBytesMax } = this.#limits
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

/** The answer where nothing was sent. */
export function undelivered(sink: Sink, batch: number, unanswered: number): Delivered {
  return { type: 'socket.delivered', sink, batch, accepted: [], rejected: [], unanswered }
}
