/** Token buckets, one per key: a burst, and what grows back. The clock is monotonic. */
import { RATE_KEYS_MAX } from '../limits.ts'

type Bucket = { left: number; at: number }

export class RateLimiter {
  readonly #bucketByKey = new Map<string, Bucket>()
  readonly #burst: number
  readonly #perSecond: number
  readonly #nowMs: () => number

  constructor(burst: number, perSecond: number, nowMs: () => number = () => performance.now()) {
    this.#burst = burst
    this.#perSecond = perSecond
    this.#nowMs = nowMs
  }

  /** Takes one from the key's bucket; false when it is empty. */
  take(key: string): boolean {
    const now = this.#nowMs()
    const bucket = this.#bucketByKey.get(key) ?? { left: this.#burst, at: now }
    // Newest last, so that the key that was quiet longest is forgotten first.
    this.#bucketByKey.delete(key)
    this.#bucketByKey.set(key, bucket)
    if (this.#bucketByKey.size > RATE_KEYS_MAX) this.#forgetOldest()
    bucket.left = Math.min(this.#burst, bucket.left + ((now - bucket.at) / 1_000) * this.#perSecond)
    bucket.at = now
    if (bucket.left < 1) return false
    bucket.left -= 1
    return true
  }

  #forgetOldest(): void {
    const oldest = this.#bucketByKey.keys().next()
    if (oldest.done !== true) this.#bucketByKey.delete(oldest.value)
  }
}
