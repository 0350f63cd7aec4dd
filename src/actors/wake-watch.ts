/**
 * Notices that this machine has slept or that its network is another one: a look that comes much later than planned, or
 * finds other addresses. Nothing tells a connection of that, and a back-off would wait as if nothing had happened.
 */
import { networkInterfaces } from 'node:os'

const LOOK_MS = 2_000
/** A loop that is only late is not a machine that slept. */
const SLEPT_MS = 5_000

export type WakeWatchOptions = {
  readonly woke: () => void
  /** Wall time in Unix milliseconds: a monotonic clock may stand still while the machine sleeps. */
  readonly now?: () => number
  /** What is compared and never shown. */
  readonly addresses?: () => string
}

export class WakeWatch {
  readonly #woke: () => void
  readonly #now: () => number
  readonly #addresses: () => string
  #timer: NodeJS.Timeout | undefined
  #lookedAt = 0
  #seen = ''

  constructor({ woke, now = Date.now, addresses = presentAddresses }: WakeWatchOptions) {
    this.#woke = woke
    this.#now = now
    this.#addresses = addresses
  }

  /** Idempotent. */
  start(): void {
    if (this.#timer !== undefined) return
    this.#lookedAt = this.#now()
    this.#seen = this.#addresses()
    this.#timer = setInterval(() => this.look(), LOOK_MS)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  look(): void {
    const [at, seen] = [this.#now(), this.#addresses()]
    const isAwake = at - this.#lookedAt < LOOK_MS + SLEPT_MS && seen === this.#seen
    this.#lookedAt = at
    this.#seen = seen
    if (!isAwake) this.#woke()
  }
}

function presentAddresses(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  const own = all.filter(({ internal }) => !internal).map(({ address }) => address)
  return own.sort().join(' ')
}
