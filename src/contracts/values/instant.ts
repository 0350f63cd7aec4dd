/** Times as instants: offsets, `Z` and any number of digits of a second compare as what they mean, to the nanosecond. */

export type Instant = {
  /** Unix milliseconds, whole seconds only. */
  readonly ms: number
  /** Nanoseconds of the second. */
  readonly ns: number
}

const TIME =
  /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2})?)(?:[.,](\d{1,18}))?\s*(Z|z|[+-]\d{2}:?\d{2})?$/
const NANOSECOND_DIGITS = 9
const MICROSECONDS = 1_000_000

/** A time without a zone is UTC; what is no time is the earliest of all. */
export function instantOf(text: string): Instant {
  const match = TIME.exec(text)
  if (match === null) return { ms: fallback(text), ns: 0 }
  const [, date, clock, fraction = '', zone = 'Z'] = match
  const ms = Date.parse(`${date}T${clock}${zone.toUpperCase()}`)
  if (Number.isNaN(ms)) return { ms: fallback(text), ns: 0 }
  return { ms, ns: Number(fraction.slice(0, NANOSECOND_DIGITS).padEnd(NANOSECOND_DIGITS, '0')) }
}

/** Whether `a` is after `b`. */
export function isLater(a: Instant, b: Instant): boolean {
  return a.ms === b.ms ? a.ns > b.ns : a.ms > b.ms
}

/** `wanted`, or where that isn't later than `latest`, the next microsecond after it: so that time order is the order of lines. */
export function nextAt(latest: string | null, wanted: string): string {
  if (latest === null) return wanted
  const last = instantOf(latest)
  if (!Number.isFinite(last.ms) || isLater(instantOf(wanted), last)) return wanted
  const micros = Math.floor(last.ns / 1000) + 1
  const second = new Date(last.ms + Math.floor(micros / MICROSECONDS) * 1000)
  const fraction = String(micros % MICROSECONDS).padStart(6, '0')
  return `${second.toISOString().slice(0, 19)}.${fraction}+00:00`
}

function fallback(text: string): number {
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? -Infinity : ms
}
