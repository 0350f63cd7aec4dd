/**
 * Times as the event contracts take them: kept as the text that came, with their parts beside it. A `Date` would lose
 * microseconds, the offset, and that a time has none.
 */

/** A time that was read. Without an offset it is naive, and compares as UTC. */
export type Timestamp = {
  /** As it came. */
  readonly text: string
  /** Calendar and clock as written, in the time's own offset. */
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  /** Of the second; more digits are cut off. */
  readonly micros: number
  /** East of UTC; null where the time is naive. */
  readonly offsetMinutes: number | null
  /** Unix seconds of the instant, without its micros. */
  readonly seconds: number
}

const DATE = String.raw`(\d{4})-(\d{2})-(\d{2})`
const CLOCK = String.raw`(\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?`
const ZONE = String.raw`(?:([Zz])|([+-])(\d{2}):?(\d{2}))`
const WRITTEN = new RegExp(`^${DATE}(?:[Tt _]${CLOCK}${ZONE}?)?$`)
const PLAIN =
  /^[12]\d{3}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)T(?:[01]\d|2[0-3])(?::[0-5]\d){2}(?:\.\d{1,9})?(?:Z|\+00:00)$/
const COUNTED = /^([+-]?\d{1,15})(?:\.(\d+))?$/

/** What readers of JSON Schema can check of a time; the calendar they can't. */
export const DATE_TIME_PATTERN =
  '^(?:\\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\\d|3[01])' +
  '(?:[Tt _](?:[01]\\d|2[0-3]):[0-5]\\d(?::[0-5]\\d(?:[.,]\\d+)?)?' +
  '(?:[Zz]|[+-](?:[01]\\d|2[0-3]):?[0-5]\\d)?)?|[+-]?\\d{1,15}(?:\\.\\d+)?)$'

/** A count beyond this is one of milliseconds. */
const SECONDS_MAX = 20_000_000_000
/** The years 1 and 9999, which bound what may be counted. */
const COUNT_FROM = -62_135_596_800
const COUNT_TO = 253_402_300_799
/** From the first of March of the year 0. */
const DAYS_TO_1970 = 719_468

/** RFC 3339 with `T`, `_` or a blank, seconds and offset optional; a date alone; Unix seconds or milliseconds as text. Else null. */
export function parseTimestamp(text: string): Timestamp | null {
  const written = WRITTEN.exec(text)
  if (written !== null) return fromWritten(text, written)
  const counted = COUNTED.exec(text)
  return counted === null ? null : fromCount(text, counted)
}

export function isDateTime(text: string): boolean {
  return parseTimestamp(text) !== null
}

/** As nearly every writer writes a time: on any day but a leap day, by UTC. True only of what `isDateTime` takes. */
export function isPlainTime(text: string): boolean {
  return PLAIN.test(text)
}

/** Earlier, same or later as a negative number, zero or a positive one: by instants, whatever the offsets. */
export function compareInstants(a: Timestamp, b: Timestamp): number {
  return a.seconds - b.seconds || a.micros - b.micros
}

/** `YYYY-MM-DDTHH:MM:SS[.ffffff][±HH:MM]`: the offset kept, `+00:00` for UTC, no fraction where it is zero. */
export function isoFormat(time: Timestamp): string {
  return `${clockText(time)}${offsetText(time.offsetMinutes, '+00:00')}`
}

/** As `isoFormat`, with `Z` for UTC: how a time stands in canonical output. */
export function jsonFormat(time: Timestamp): string {
  return `${clockText(time)}${offsetText(time.offsetMinutes, 'Z')}`
}

function fromWritten(text: string, match: RegExpExecArray): Timestamp | null {
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])]
  // A date alone has no clock.
  const hour = Number(match[4] ?? 0)
  const minute = Number(match[5] ?? 0)
  const second = Number(match[6] ?? 0)
  const fraction = match[7]
  if (year === 0 || hour > 23 || minute > 59 || second > 59) return null
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return null
  const offsetMinutes = offsetOf(match[8], match[9], Number(match[10]), Number(match[11]))
  if (offsetMinutes === undefined) return null
  const seconds = epochSeconds(year, month, day, hour, minute, second) - (offsetMinutes ?? 0) * 60
  const micros = microsOf(fraction)
  return { text, year, month, day, hour, minute, second, micros, offsetMinutes, seconds }
}

/** Undefined where it is out of range, null where there is none. */
function offsetOf(
  utc: string | undefined,
  sign: string | undefined,
  hours: number,
  minutes: number,
): number | null | undefined {
  if (utc !== undefined) return 0
  if (sign === undefined) return null
  if (hours > 23 || minutes > 59) return undefined
  return (sign === '-' ? -1 : 1) * (hours * 60 + minutes)
}

function fromCount(text: string, [, whole = '', fraction]: RegExpExecArray): Timestamp | null {
  const size = Math.abs(Number(whole))
  const perSecond = size > SECONDS_MAX ? 1_000 : 1
  const sign = whole.startsWith('-') ? -1 : 1
  // Apart from the seconds: together they would be more digits than a number holds.
  const rest = (size % perSecond) + Number(`0.${fraction ?? 0}`)
  const total = sign * Math.round((rest / perSecond) * 1e6)
  const carry = Math.floor(total / 1e6)
  const seconds = sign * Math.floor(size / perSecond) + carry
  if (seconds < COUNT_FROM || seconds > COUNT_TO) return null
  const date = new Date(seconds * 1_000)
  return {
    text,
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    micros: total - carry * 1e6,
    offsetMinutes: 0,
    seconds,
  }
}

/** Days are counted from March on, so that a leap day is the last of its year. */
function epochSeconds(
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
): number {
  const fromMarch = month > 2 ? year : year - 1
  const monthFromMarch = (month + 9) % 12
  const leapDays =
    Math.floor(fromMarch / 4) - Math.floor(fromMarch / 100) + Math.floor(fromMarch / 400)
  const days =
    fromMarch * 365 + leapDays + Math.floor((monthFromMarch * 153 + 2) / 5) + day - 1 - DAYS_TO_1970
  return ((days * 24 + hour) * 60 + minute) * 60 + second
}

function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28
  return [4, 6, 9, 11].includes(month) ? 30 : 31
}

function microsOf(fraction: string | undefined): number {
  return fraction === undefined ? 0 : Number(fraction.slice(0, 6).padEnd(6, '0'))
}

function clockText({ year, month, day, hour, minute, second, micros }: Timestamp): string {
  const fraction = micros === 0 ? '' : `.${digits(micros, 6)}`
  const date = `${digits(year, 4)}-${digits(month)}-${digits(day)}`
  return `${date}T${digits(hour)}:${digits(minute)}:${digits(second)}${fraction}`
}

function offsetText(minutes: number | null, utc: string): string {
  if (minutes === null) return ''
  if (minutes === 0) return utc
  const size = Math.abs(minutes)
  return `${minutes < 0 ? '-' : '+'}${digits(Math.floor(size / 60))}:${digits(size % 60)}`
}

function digits(value: number, length = 2): string {
  return String(value).padStart(length, '0')
}
