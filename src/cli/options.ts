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

/** An age such as `30d`, `12h` or `5m`, in milliseconds. @throws UsageError AGE_INVALID */
export function ageOption(name: string, text: string): number {
  const [, amount, unit] = /^(\d{1,6})([dhm])$/.exec(text) ?? []
  if (amount === undefined || unit === undefined) {
    throw new UsageError('AGE_INVALID', `${name} is a number of days, hours or minutes`, {
      hint: 'Write it as 30d, 12h or 5m.',
    })
  }
  return Number(amount) * (unit === 'd' ? 86_400_000 : unit === 'h' ? 3_600_000 : 60_000)
}

function wholeNumber(text: string): number | null {
  return /^\d{1,9}$/.test(text) ? Number(text) : null
}
