/**
 * ISO 8601 as two retrospective types ask for it in plain text: calendar and week dates, extended or basic, alone or with a
 * clock. A trailing `Z` is UTC. Source: the event contracts, by Python 3.11.
 */

const CALENDAR = /^(\d{4})(-?)(\d{2})\2(\d{2})$/
const WEEK = /^(\d{4})(-?)W(\d{2})(?:\2(\d))?$/
const CLOCK = /^(\d{2})(?:(:?)(\d{2})(?:\2(\d{2})(?:[.,]\d+)?)?)?$/
const ZONE = /[+-](\d{2})(?:(:?)(\d{2})(?:\2(\d{2})(?:[.,]\d+)?)?)?$/

export function isIsoDate(text: string): boolean {
  const whole = text.endsWith('Z') ? `${text.slice(0, -1)}+00:00` : text
  const length = dateLength(whole)
  return length !== null && (length === whole.length || isClock(whole.slice(length + 1)))
}

/** How many characters of the text are its date; behind it any one character parts it from the clock. */
function dateLength(text: string): number | null {
  for (const length of [10, 8, 7]) {
    const date = text.slice(0, length)
    const isWhole = text.length === length || text.length > length + 1
    if (date.length === length && isWhole && (isCalendarDate(date) || isWeekDate(date))) {
      return length
    }
  }
  return null
}

function isCalendarDate(date: string): boolean {
  const match = CALENDAR.exec(date)
  if (match === null) return false
  const [year, month, day] = [Number(match[1]), Number(match[3]), Number(match[4])]
  return year > 0 && month >= 1 && month <= 12 && day >= 1 && day <= lastDay(year, month)
}

function isWeekDate(date: string): boolean {
  const match = WEEK.exec(date)
  if (match === null) return false
  const [year, week, day] = [Number(match[1]), Number(match[3]), Number(match[4] ?? 1)]
  return year > 0 && week >= 1 && week <= weeksIn(year) && day >= 1 && day <= 7
}

function isClock(text: string): boolean {
  const zone = ZONE.exec(text)
  if (zone !== null && !isInRange(zone[1], zone[3], zone[4])) return false
  const clock = CLOCK.exec(zone === null ? text : text.slice(0, zone.index))
  return clock !== null && isInRange(clock[1], clock[3], clock[4])
}

function isInRange(hours = '0', minutes = '0', seconds = '0'): boolean {
  return Number(hours) < 24 && Number(minutes) < 60 && Number(seconds) < 60
}

function lastDay(year: number, month: number): number {
  const date = new Date(0)
  date.setUTCFullYear(year, month, 0)
  return date.getUTCDate()
}

/** A year has 53 weeks where it begins on a Thursday, or on a Wednesday and is a leap year. */
function weeksIn(year: number): number {
  const first = new Date(0)
  first.setUTCFullYear(year, 0, 1)
  const weekday = first.getUTCDay()
  return weekday === 4 || (weekday === 3 && lastDay(year, 2) === 29) ? 53 : 52
}
