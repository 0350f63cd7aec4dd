/** How long a session took, from two instants that someone else wrote. */
import type { FieldRole } from './fields.ts'

const EXTENDED =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(Z|[+-]\d{2}(?::?\d{2})?)?)?$/i
const BASIC =
  /^(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})(?:(\d{2})(?:[.,](\d{1,9}))?)?(Z|[+-]\d{2}(?::?\d{2})?)?)?$/i
const MINUTE_MS = 60_000

/** The two times of one object; a second spelling of either makes them ambiguous. */
export class SessionTimes {
  readonly #starts: unknown[] = []
  readonly #ends: unknown[] = []

  note(role: FieldRole, content: unknown): void {
    if (role === 'session_start') this.#starts.push(content)
    if (role === 'session_end') this.#ends.push(content)
  }

  /** Null where they can't be told. */
  seconds(): number | null {
    if (this.#starts.length !== 1 || this.#ends.length !== 1) return null
    return sessionSeconds(this.#starts[0], this.#ends[0])
  }
}

/** Whole seconds from start to end; null unless both are instants of the same kind and in order. */
function sessionSeconds(start: unknown, end: unknown): number | null {
  const from = instantOf(start)
  const to = instantOf(end)
  if (from === null || to === null || from.zoned !== to.zoned || to.ms < from.ms) return null
  return Math.trunc((to.ms - from.ms) / 1000)
}

type Instant = { readonly ms: number; readonly zoned: boolean }

function instantOf(value: unknown): Instant | null {
  if (typeof value !== 'string' || value.length > 40) return null
  const match = EXTENDED.exec(value.trim()) ?? BASIC.exec(value.trim())
  if (match === null) return null
  const [year, month, day, hour, minute, second] = match
    .slice(1, 7)
    .map((part) => Number(part ?? 0)) as [number, number, number, number, number, number]
  const fraction = Number(`0.${match[7] ?? 0}`) * 1000
  const date = new Date(Date.UTC(year, month - 1, day))
  // A day or a month that doesn't exist would be one of the next.
  if (
    date.getUTCDate() !== day ||
    date.getUTCMonth() !== month - 1 ||
    hour > 23 ||
    minute > 59 ||
    second > 60
  )
    return null
  const zone = zoneMinutes(match[8])
  const clock = (hour * 60 + minute - zone) * MINUTE_MS + second * 1000 + fraction
  return { ms: date.getTime() + clock, zoned: match[8] !== undefined }
}

function zoneMinutes(zone: string | undefined): number {
  if (zone === undefined || /^z$/i.test(zone)) return 0
  const digits = zone.slice(1).replace(':', '').padEnd(4, '0')
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2))
  return zone.startsWith('-') ? -minutes : minutes
}
