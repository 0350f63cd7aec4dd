/** An event type that somebody names on the command line. */
import { EVENT_TYPE_NAMES } from '../contracts/event-types.ts'
import { UsageError } from '../errors.ts'
import { nearest } from './nearest.ts'

/** @throws UsageError EVENT_TYPE_UNKNOWN */
export function eventTypeOption(name: string, others: readonly string[] = []): string {
  const known: readonly string[] = [...EVENT_TYPE_NAMES, ...others]
  if (known.includes(name)) return name
  const meant = nearest(name, known)
  throw new UsageError('EVENT_TYPE_UNKNOWN', 'no contract names this event type', {
    hint: meant === null ? 'See `kittiwake events types`.' : `Did you mean ${meant}?`,
  })
}
