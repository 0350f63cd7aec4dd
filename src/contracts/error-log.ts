/** What went wrong, so that it can be found again, and what came of it. Bounded by number and by age. */
import { InputError } from '../errors.ts'
import { checkedOptions, isFlag, type OptionChecks, readOr } from './values/arguments.ts'
import { compareText } from './event-order.ts'
import { instantOf, isLater } from './values/instant.ts'
import type { Instant } from './values/instant.ts'
import { isText } from './values/scalars.ts'

export type ErrorEntry = {
  readonly id: string
  /** ISO 8601: when it happened. */
  readonly timestamp: string
  readonly action_attempted: string
  readonly error_message: string
  /** Empty while it is open. */
  readonly resolution: string
  readonly agent: string
}

export type NewError = Pick<ErrorEntry, 'id' | 'timestamp' | 'action_attempted' | 'error_message'> &
  Partial<Pick<ErrorEntry, 'resolution' | 'agent'>>

export type ErrorQuery = {
  /** Stands anywhere in the action, the message or the resolution; case does not matter. */
  readonly text?: string
  readonly agent?: string
  readonly isResolved?: boolean
  /** ISO 8601, inclusive. */
  readonly since?: string
  readonly until?: string
  readonly limit?: number
}

export type Retention = {
  readonly entriesMax?: number
  /** Milliseconds before the newest entry; unlimited by default. */
  readonly ageMaxMs?: number
}

const ENTRIES_MAX = 100
const LIMIT = 10

const QUERY_CHECKS: OptionChecks<ErrorQuery> = {
  text: isString,
  agent: isString,
  isResolved: isFlag,
  since: isTime,
  until: isTime,
  limit: isNumber,
}

type Kept = { readonly entry: ErrorEntry; readonly at: Instant }

/** Newest first by the time of the error, whatever the order in which errors were told. */
export class ErrorLog {
  readonly #entriesMax: number
  readonly #ageMaxMs: number
  #kept: Kept[] = []

  /** @throws InputError RETENTION_INVALID, OPTIONS_INVALID */
  constructor(retention: Retention = {}) {
    const { entriesMax = ENTRIES_MAX, ageMaxMs = Infinity } = checkedOptions<Retention>(retention, {
      entriesMax: isNumber,
      ageMaxMs: isNumber,
    })
    if (!Number.isSafeInteger(entriesMax) || entriesMax < 1 || !(ageMaxMs > 0)) {
      throw new InputError('RETENTION_INVALID', 'retention is a number of entries and an age in ms')
    }
    this.#entriesMax = entriesMax
    this.#ageMaxMs = ageMaxMs
  }

  /** What is beyond the retention is let go of. @throws InputError ERROR_ENTRY_INVALID */
  log(error: NewError): ErrorEntry {
    const entry = readOr(() => ({ resolution: '', agent: 'unknown', ...error }), null)
    const at = entry !== null && isEntry(entry) ? instantOf(entry.timestamp) : null
    if (entry === null || at === null || !Number.isFinite(at.ms)) {
      throw new InputError(
        'ERROR_ENTRY_INVALID',
        'an error has an id, a time, an action and a message',
      )
    }
    const others = this.#kept.filter(({ entry: { id } }) => id !== entry.id)
    this.#kept = this.#retained([...others, { entry, at }].sort(newestFirst))
    return entry
  }

  /** Says what came of it. @throws InputError ERROR_ENTRY_UNKNOWN, RESOLUTION_EMPTY */
  resolve(id: string, resolution: string): ErrorEntry {
    if (!isText(resolution) || resolution.trim() === '')
      throw new InputError('RESOLUTION_EMPTY', 'a resolution says something')
    const found = this.#kept.find(({ entry }) => entry.id === id)
    if (found === undefined) {
      throw new InputError('ERROR_ENTRY_UNKNOWN', 'no error of this id is kept')
    }
    const entry = { ...found.entry, resolution }
    this.#kept = this.#kept.map((one) => (one === found ? { ...one, entry } : one))
    return entry
  }

  /** The newest that fit. @throws InputError LIMIT_INVALID, OPTIONS_INVALID */
  search(query: ErrorQuery = {}): readonly ErrorEntry[] {
    const { limit = LIMIT, ...sought } = checkedOptions(query, QUERY_CHECKS)
    if (!Number.isSafeInteger(limit) || limit < 1) {
      throw new InputError('LIMIT_INVALID', 'a limit is a whole number from 1')
    }
    return this.#kept
      .filter((one) => isMatch(one, sought))
      .slice(0, limit)
      .map(({ entry }) => entry)
  }

  get size(): number {
    return this.#kept.length
  }

  #retained(kept: readonly Kept[]): Kept[] {
    const newest = kept[0]?.at.ms ?? 0
    return kept.slice(0, this.#entriesMax).filter(({ at }) => newest - at.ms <= this.#ageMaxMs)
  }
}

function isEntry(entry: Readonly<Record<keyof ErrorEntry, unknown>>): boolean {
  const { id, timestamp, action_attempted, error_message, resolution, agent } = entry
  const isNamed = [id, timestamp, action_attempted, error_message].every(isText)
  return isNamed && isString(resolution) && isString(agent)
}

function isString(value: unknown): boolean {
  return typeof value === 'string'
}

function isTime(value: unknown): boolean {
  return typeof value === 'string' && Number.isFinite(instantOf(value).ms)
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number'
}

function isMatch(
  { entry, at }: Kept,
  { text, agent, isResolved, since, until }: ErrorQuery,
): boolean {
  const words = `${entry.action_attempted}\n${entry.error_message}\n${entry.resolution}`
  return (
    (text === undefined || words.toLowerCase().includes(text.toLowerCase())) &&
    (agent === undefined || entry.agent === agent) &&
    (isResolved === undefined || isResolved === (entry.resolution !== '')) &&
    (since === undefined || !isLater(instantOf(since), at)) &&
    (until === undefined || !isLater(at, instantOf(until)))
  )
}

function newestFirst(a: Kept, b: Kept): number {
  if (isLater(a.at, b.at)) return -1
  return isLater(b.at, a.at) ? 1 : compareText(b.entry.id, a.entry.id)
}
