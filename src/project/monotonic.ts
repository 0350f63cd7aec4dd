/** One clock that never goes back, for all threads and processes of a machine. */

// `performance.now` counts from the start of each thread; `hrtime` is dearer, but common to all.
const OFFSET_MS = Number(process.hrtime.bigint()) / 1e6 - performance.now()

/** Milliseconds with fractions, from a moment in the past of this machine. */
export function monotonicMs(): number {
  return Math.round((performance.now() + OFFSET_MS) * 1_000) / 1_000
}
