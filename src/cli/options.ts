/** Option values, checked. */
import { UsageError } from '../errors.ts'

/** A TCP port. @throws UsageError PORT_INVALID */
export function portOption(text: string): number {
  const port = wholeNumber(text)
  if (port === null || port > 65_535) {
    throw new UsageError('PORT_INVALID', '--port is a whole number from 0 to 65535')
  }
  return port
}

/** The value of the option `name`, a bounded count. @throws UsageError LIMIT_INVALID */
export function limitOption(name: string, text: string, max: number): number {
  const limit = wholeNumber(text)
  if (limit === null || limit < 1 || limit > max) {
    throw new UsageError('LIMIT_INVALID', `${name} is a whole number from 1 to ${max}`)
  }
  return limit
}

const MS_BY_UNIT: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}
const DURATION_MAX_MS = 3_650 * 86_400_000

/** The value of the option `name`, a duration as `30d`, in milliseconds. @throws UsageError DURATION_INVALID */
export function durationOption(
  name: string,
  text: string,
  minMs: number,
  maxMs: number = DURATION_MAX_MS,
): number {
  const [, count, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? []
  if (count === undefined) {
    throw new UsageError('DURATION_INVALID', `${name} is a time as 10m, 12h or 30d`)
  }
  const ms = Number(count) * (MS_BY_UNIT[unit ?? ''] ?? Number.NaN)
  if (ms >= minMs && ms <= maxMs) return ms
  const bound = ms < minMs ? `at least ${shown(minMs)}` : `at most ${shown(maxMs)}`
  throw new UsageError('DURATION_INVALID', `${name} is ${bound}`)
}

/** In the largest unit of which it is a multiple. */
function shown(ms: number): string {
  const [unit, size] = Object.entries(MS_BY_UNIT).findLast(([, size]) => ms % size === 0) ?? [
    's',
    ms,
  ]
  return `${ms / size}${unit}`
}

function wholeNumber(text: string): number | null {
  return /^\d{1,9}$/.test(text) ? Number(text) : null
}
