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

function wholeNumber(text: string): number | null {
  return /^\d{1,9}$/.test(text) ? Number(text) : null
}
