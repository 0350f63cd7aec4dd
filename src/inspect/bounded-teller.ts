/** Tells a reader that may be slower than the machines: what it can't take in time is left out, counted, and said. */
import { stampNow, type Unnumbered } from './feed-message.ts'

export type BoundedOutlet = {
  readonly write: (message: Unnumbered) => void
  /** Whether it has enough to do. */
  readonly isFull: () => boolean
}

export class BoundedTeller {
  readonly #outlet: BoundedOutlet
  #byType = new Map<string, number>()
  #from = 0

  constructor(outlet: BoundedOutlet) {
    this.#outlet = outlet
  }

  tell(message: Unnumbered): void {
    if (!this.#outlet.isFull()) {
      this.flush()
      this.#outlet.write(message)
      return
    }
    if (this.#byType.size === 0) this.#from = message.mono
    this.#byType.set(message.type, (this.#byType.get(message.type) ?? 0) + 1)
  }

  /** Says what was left out until now. */
  flush(): void {
    if (this.#byType.size === 0) return
    const counts = this.#byType
    this.#byType = new Map()
    const stamp = stampNow()
    this.#outlet.write({
      type: 'kittiwake.sampled',
      ...stamp,
      reason: 'slow_reader',
      leftOut: [...counts.values()].reduce((sum, count) => sum + count, 0),
      byType: Object.fromEntries(counts),
      fromMono: this.#from,
      toMono: stamp.mono,
    })
  }
}
