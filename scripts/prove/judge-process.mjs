// What must be true of one process: its threads and its trace. Each judge answers its faults.

/** A worker may come back so often within the period, and then is given up. */
const STARTS_MAX = 4
const PERIOD_MS = 5_000

/** `starts`: `{ name, at }` of each thread of one process, in milliseconds, in their order. */
export function restless({ starts }) {
  const names = [...new Set(starts.map(({ name }) => name))]
  return names.flatMap((name) => {
    const moments = starts.filter((one) => one.name === name).map(({ at }) => at)
    const isTooMuch = moments.some((at, index) => {
      const later = moments[index + STARTS_MAX]
      return later !== undefined && later - at < PERIOD_MS
    })
    return isTooMuch ? [`the ${name} thread is started again and again`] : []
  })
}

/** How late the loop of the main thread may be. */
const LATE_MAX_MS = 50

/** `delays`: how late the loop was in 99 of 100 looks, in each of some runs; the best one tells what is the program's own. */
export function heldUp({ delays }) {
  const best = Math.min(...delays)
  return best < LATE_MAX_MS ? [] : [`the loop is late by ${Math.round(best)} ms`]
}

/** `traces`: what stands for all that happened, of each run of one seed. */
export function strayed({ traces }) {
  return new Set(traces).size > 1 ? [`one seed made the traces ${traces.join(', ')}`] : []
}
