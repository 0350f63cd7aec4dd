/** How much goes into one batch: less by half where the hub says that it is too much, and more again as it takes it. */
import { Buffer } from 'node:buffer'
import type { IngressLimits } from './greeting.ts'
import { INGRESS_BYTES_MAX } from './greeting.ts'

/** Room for what the other side counts otherwise than we do. */
const BUDGET = 0.9
/** Batches that are taken one after the other before the next may be larger. */
const TAKEN_BEFORE_GROWTH = 4
const FRAME_BYTES = Buffer.byteLength('{"events":[]}')

export class BatchSize {
  readonly #limits: IngressLimits
  #eventsMax: number
  #taken = 0

  constructor(limits: IngressLimits) {
    this.#limits = limits
    this.#eventsMax = limits.eventsMax
  }

  get eventsMax(): number {
    return this.#eventsMax
  }

  /** Whether so many bodies of so many bytes in all may go together; one alone may use what the hub takes at most. */
  holds(events: number, bytes: number): boolean {
    const { bytesMax } = this.#limits
    const whole = bytes + events - 1 + FRAME_BYTES
    if (events <= 1) return whole <= INGRESS_BYTES_MAX
    return events <= this.#eventsMax && whole <= Math.floor(bytesMax * BUDGET)
  }

  shrink(events: number): void {
    this.#eventsMax = Math.max(1, Math.floor(events / 2))
    this.#taken = 0
  }

  grow(): void {
    this.#taken += 1
    if (this.#taken < TAKEN_BEFORE_GROWTH) return
    this.#taken = 0
    this.#eventsMax = Math.min(this.#limits.eventsMax, this.#eventsMax * 2)
  }
}
