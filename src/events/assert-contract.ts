/** The contracts at the door: what is emitted is judged as the hub will judge it. */
import type { Event } from '../contracts/event.ts'
import { isEventType } from '../contracts/event-types.ts'
import type { Violation } from '../contracts/values/violation.ts'
import { judgeWireEvent } from '../contracts/wire/wire-event.ts'
import { InputError } from '../errors.ts'

/** Faults that a refusal tells. */
const TOLD_MAX = 20
/**
 * Types that no contract names pass with any payload, so that programs can have events of their own.
 *
 * @throws InputError EVENT_INVALID with what is wrong and where; no values
 */
export function assertContract(event: Event): void {
  const { violations } = judgeWireEvent(event)
  if (violations.length === 0) return
  const told = violations.slice(0, TOLD_MAX).map(wordsOf)
  const more = violations.length > told.length ? `; ${violations.length - told.length} more` : ''
  throw new InputError('EVENT_INVALID', `no valid event: ${told.join('; ')}${more}`, {
    hint: isEventType(event.event_type)
      ? `See what it asks for with \`kittiwake events types ${event.event_type}\`.`
      : 'See what is asked of every event in docs/contracts.md.',
    details: { violations: told },
  })
}

function wordsOf({ path, code, message }: Violation): string {
  return `${path.join('.')}: ${message} (${code})`
}
