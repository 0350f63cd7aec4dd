/** One clock that never goes back, for all threads and processes of a machine. */

const TRIES = 5

// `performance.now` counts from the start of each thread; `hrtime` is dearer, but common to all.
const OFFSET_MS = measureOffset()

/** Milliseconds with fractions, from a moment in the past of this machine. */
export function monotonicMs(): number {
  return Math.round((performance.now() + OFFSET_MS) * 1_000) / 1_000
}

/** By the quickest of several looks: whoever is interrupted between the two clocks finds them apart. */
function measureOffset(): number {
  let best = { widthMs: Infinity, offsetMs: 0 }
  for (let at = 0; at < TRIES; at += 1) {
    const before = performance.now()
    const shared = Number(process.hrtime.bigint()) / 1e6
    const after = performance.now()
    if (after - before >= best.widthMs) continue
    best = { widthMs: after - before, offsetMs: shared - (before + after) / 2 }
  }
  return best.offsetMs
}
