/** How much is told: within a window, a budget; what is beyond it is left out and counted. */
import type { FeedType } from './protocol.ts'

export const WINDOW_MS = 100
/** Messages that a window takes: 5,000 a second. */
export const WINDOW_MESSAGES_MAX = 500
/** What an actor may say beyond the budget, so that a quiet one isn't drowned by a busy one. */
const QUIET_MACROSTEPS = 3
/** And where even that is too much. */
const WINDOW_ABSOLUTE_MAX = 2 * WINDOW_MESSAGES_MAX

export type LeftOut = {
  readonly count: number
  readonly byType: Readonly<Record<string, number>>
  readonly fromMono: number
  readonly toMono: number
}

export class Sampler {
  #from = 0
  #told = 0
  readonly #macrosteps = new Map<object, number>()
  #byType = new Map<FeedType, number>()
  #leftOut = 0
  #leftOutFrom = 0
  /** Since the figures were last taken. */
  #sum = 0

  /** Whether the macrostep that begins is told, with all that belongs to it. */
  takes(actor: object, now: number): boolean {
    this.#turn(now)
    const count = (this.#macrosteps.get(actor) ?? 0) + 1
    this.#macrosteps.set(actor, count)
    const limit = count <= QUIET_MACROSTEPS ? WINDOW_ABSOLUTE_MAX : WINDOW_MESSAGES_MAX
    return this.#told < limit
  }

  /** The same of a message that stands alone. */
  takesOne(now: number): boolean {
    this.#turn(now)
    return this.#told < WINDOW_MESSAGES_MAX
  }

  told(): void {
    this.#told += 1
  }

  leave(type: FeedType, now: number): void {
    if (this.#leftOut === 0) this.#leftOutFrom = now
    this.#leftOut += 1
    this.#sum += 1
    this.#byType.set(type, (this.#byType.get(type) ?? 0) + 1)
  }

  /** What was left out since it was last asked, or null. */
  takeLeftOut(now: number): LeftOut | null {
    if (this.#leftOut === 0) return null
    const leftOut = {
      count: this.#leftOut,
      byType: Object.fromEntries(this.#byType),
      fromMono: this.#leftOutFrom,
      toMono: now,
    }
    this.#leftOut = 0
    this.#byType = new Map()
    return leftOut
  }

  takeSum(): number {
    const sum = this.#sum
    this.#sum = 0
    return sum
  }

  #turn(now: number): void {
    if (now - this.#from < WINDOW_MS) return
    this.#from = now
    this.#told = 0
    this.#macrosteps.clear()
  }
}
