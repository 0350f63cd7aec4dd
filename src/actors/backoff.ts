/** Full jitter: spreads the retries of many clients over the whole of a capped, doubling window. */

export type BackoffRange = { readonly baseMs: number; readonly capMs: number }

/**
 * The wait before retry number `attempt` (0 is the first): whole milliseconds in [0, `capMs`], and below
 * `baseMs` × 2^attempt. `random` gives numbers in [0, 1).
 */
export function backoffMs(attempt: number, random: () => number, range: BackoffRange): number {
  const ceilingMs = Math.min(range.capMs, range.baseMs * 2 ** Math.max(attempt, 0))
  return Math.floor(random() * ceilingMs)
}
