/**
 * Notices a hub that is gone without a word: where nothing was heard for a while it is pinged, and where it then says
 * nothing either, it is silent. A half-open connection takes whatever is written to it, so writing proves nothing.
 */
import type { LinkLimits, SetTimer } from './limits.ts'

export type LivenessOptions = {
  readonly limits: LinkLimits
  readonly setTimer: SetTimer
  readonly ping: () => void
  /** Called once at most. */
  readonly silent: () => void
}

export class Liveness {
  readonly #options: LivenessOptions
  #wasHeard = false
  #isAwaited = false
  #cancel: () => void = () => {}

  constructor(options: LivenessOptions) {
    this.#options = options
    this.#rest()
  }

  /** Anything came from the hub. True where it answers our own ping. */
  heard(): boolean {
    this.#wasHeard = true
    if (!this.#isAwaited) return false
    this.#rest()
    return true
  }

  /** Asks now, and waits only so long. */
  check(): void {
    this.#ask(this.#options.limits.checkMs)
  }

  stop(): void {
    this.#cancel()
    this.#cancel = () => {}
  }

  #rest(): void {
    const { limits, setTimer } = this.#options
    this.#cancel()
    this.#isAwaited = false
    this.#wasHeard = false
    this.#cancel = setTimer(() => {
      if (this.#wasHeard) this.#rest()
      else this.#ask(limits.pongMs)
    }, limits.quietMs)
  }

  #ask(ms: number): void {
    const { ping, setTimer, silent } = this.#options
    this.#cancel()
    this.#isAwaited = true
    this.#cancel = setTimer(silent, ms)
    ping()
  }
}
