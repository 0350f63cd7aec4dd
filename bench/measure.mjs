// What every bench counts and compares with: medians, and a row of the table that says how far its figure reaches.

/**
 * One row. `ours` and `base` are of one `unit`; `base` is null where nothing stands beside it. What is judged is `value`, by
 * default ours over base: at most `most` or at least `least`; with neither it is only printed.
 *
 * @param {{ figure: string, beside: string, unit?: string, ours: number, base?: number | null, most?: number,
 *   least?: number, value?: number }} given
 */
export function row({ figure, beside, unit = 'ms', ours, base = null, most, least, value }) {
  const judged = value ?? (base === null ? null : ours / base)
  const reach = most === undefined ? (least === undefined ? '' : `≥ ${least}`) : `≤ ${most}`
  const isMet = (most === undefined || judged <= most) && (least === undefined || judged >= least)
  const verdict = reach === '' ? 'printed' : isMet ? 'met' : 'missed'
  return { figure, beside, unit, ours, base, value: judged, reach, verdict }
}

/** A row that this machine can't give, with the reason. */
export function notRun(figure, beside, reason) {
  const numbers = { unit: '', ours: null, base: null, value: null }
  return { figure, beside, ...numbers, reach: '', verdict: `not run: ${reason}` }
}

/** Milliseconds that `work` took. */
export async function timed(work) {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}

export function median(values) {
  return quantile(values, 0.5)
}

export function quantile(values, share) {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
}

/**
 * Runs all in turn, each round begun by another, so that whatever else the machine does, and whatever one leaves to the next,
 * meets all. Each answers the number that is measured.
 *
 * @returns the median of each, after `warmUps` rounds that don't count
 */
export async function inTurn({ rounds, warmUps = 1 }, works) {
  const found = Object.fromEntries(Object.keys(works).map((name) => [name, []]))
  for (let round = -warmUps; round < rounds; round += 1) {
    const entries = Object.entries(works)
    const first = (round + warmUps) % entries.length
    for (const [name, work] of [...entries.slice(first), ...entries.slice(0, first)]) {
      const value = await work(round)
      if (round >= 0) found[name].push(value)
    }
  }
  return Object.fromEntries(Object.entries(found).map(([name, values]) => [name, median(values)]))
}
