/** Fresh ULIDs: increasing, also within a millisecond. */
import { randomFillSync } from 'node:crypto'
import { monotonicFactory } from 'ulid'

/** Random bytes that are fetched at once: an id takes sixteen, and to fetch each by itself costs more than all the rest. */
const POOL_BYTES = 512

/** @param now Unix milliseconds */
export function createNewId(now: () => number): () => string {
  const pool = new Uint8Array(POOL_BYTES)
  let at = POOL_BYTES
  // A byte gives each of the 32 letters the same chance.
  const ulid = monotonicFactory(() => {
    if (at === POOL_BYTES) {
      randomFillSync(pool)
      at = 0
    }
    return (pool[at++] ?? 0) / 256
  })
  return () => ulid(now())
}
