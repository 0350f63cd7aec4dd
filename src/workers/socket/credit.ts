/**
 * How many events a claim may bring. A hub that is quick gets more at once, so that the pauses between batches don't
 * count; behind one that is slow only little waits in memory and is under way when the link ends.
 */

export const CREDIT_MIN = 16
export const CREDIT_START = 256
export const CREDIT_MAX = 4_096
const QUICK_MS = 250
const SLOW_MS = 2_000

export class Credit {
  #events = CREDIT_START

  get events(): number {
    return this.#events
  }

  /** A batch of so many took so long; `isWhole` where nothing of it stayed unanswered. */
  note(count: number, tookMs: number, isWhole: boolean): void {
    if (!isWhole || tookMs > SLOW_MS) this.#events = Math.max(CREDIT_MIN, this.#events >> 1)
    // What wasn't used up tells nothing of what more would take.
    else if (tookMs < QUICK_MS && count >= this.#events) {
      this.#events = Math.min(CREDIT_MAX, this.#events << 1)
    }
  }
}
