/**
 * When something happened is its producer's word. Whoever stores, shows or forwards an event keeps that time, puts the time of
 * receipt into a field of another name (`received_at`), and orders events by their clocks. Source: the event contracts.
 */
import { InputError, KittiwakeError } from '../errors.ts'
import { readOr } from './values/arguments.ts'
import { isText } from './values/scalars.ts'
import { compareInstants, isoFormat, parseTimestamp, type Timestamp } from './values/timestamp.ts'

/** A consumer put another time in the place of the producer's. `code` TIMESTAMP_SUBSTITUTED. */
export class TimestampSubstitutionError extends KittiwakeError {
  override readonly name = 'TimestampSubstitutionError'
  readonly fieldName: string
  readonly expected: string
  readonly actual: string

  constructor(fieldName: string, expected: string, actual: string) {
    const words = `${fieldName}: producer occurrence time was not preserved`
    super('TIMESTAMP_SUBSTITUTED', `${words}; expected ${expected}, found ${actual}`, {
      hint: 'Keep the envelope’s `timestamp`; a time of receipt goes into `received_at`.',
    })
    this.fieldName = fieldName
    this.expected = expected
    this.actual = actual
  }
}

/**
 * Compares instants exactly, naive times as UTC; another offset of the same instant is the same time.
 *
 * @param envelope anything with the producer's `timestamp`
 * @param persisted what the consumer stored as the time of the event
 * @throws TimestampSubstitutionError; InputError TIMESTAMP_MISSING, TIMESTAMP_UNREADABLE, FIELD_NAME
 */
export function assertOccurrencePreserved(
  envelope: { readonly timestamp?: unknown },
  persisted: unknown,
  fieldName = 'persisted_occurrence_time',
): void {
  if (!isText(fieldName)) throw new InputError('FIELD_NAME', 'the name of a field is text')
  const timestamp = readOr(() => envelope.timestamp, undefined)
  if (timestamp === undefined) {
    const hint = 'Hand in the envelope as its producer made it.'
    throw new InputError('TIMESTAMP_MISSING', 'the envelope has no timestamp', { hint })
  }
  const expected = timeOf(timestamp, 'timestamp')
  const actual = timeOf(persisted, fieldName)
  if (compareInstants(expected, actual) === 0) return
  throw new TimestampSubstitutionError(fieldName, isoOf(expected), isoOf(actual))
}

function timeOf(value: unknown, field: string): Timestamp {
  const text = readOr(() => (value instanceof Date ? value.toISOString() : value), null)
  const time = typeof text === 'string' ? parseTimestamp(text) : null
  if (time !== null) return time
  throw new InputError('TIMESTAMP_UNREADABLE', `${field} is no time`, {
    hint: 'Give a Date, or RFC 3339 text.',
  })
}

function isoOf(time: Timestamp): string {
  return isoFormat({ ...time, offsetMinutes: time.offsetMinutes ?? 0 })
}
