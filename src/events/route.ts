/**
 * Which event types go where, by the table of the contracts. A decision is a semantic fact and lives in the ledger, never in the
 * queue; the glossary's inner life stays in the local glossary log; everything else travels by the outbox.
 */
import { factsOf, type Destination } from '../contracts/event-types.ts'
import { InputError } from '../errors.ts'

/** Of the glossary's log alone, which the contracts don't name. */
const LOCAL_ONLY: ReadonlySet<string> = new Set(['StepCheckpointed'])

// A glossary type that a newer version adds must not leave by accident.
const GLOSSARY_PREFIX = 'Glossary'

export function destinationOf(eventType: string): Destination {
  const known = factsOf(eventType)?.destination
  if (known !== undefined) return known
  const isLocal = LOCAL_ONLY.has(eventType) || eventType.startsWith(GLOSSARY_PREFIX)
  return isLocal ? 'local' : 'queue'
}

/** True where the type may enter the outbox. */
export function isQueued(eventType: string): boolean {
  return destinationOf(eventType) === 'queue'
}

/** @throws InputError EVENT_LEDGER_ONLY, EVENT_LOCAL_ONLY */
export function assertQueued(eventType: string): void {
  const destination = destinationOf(eventType)
  if (destination === 'ledger') {
    const hint =
      eventType === 'DecisionInputAnswered'
        ? 'Use `kittiwake decision answer ID --mission M --answer A`.'
        : 'Use `kittiwake decision request --mission M --question Q`.'
    throw new InputError('EVENT_LEDGER_ONLY', 'decisions live in the ledger, never in the queue', {
      hint,
    })
  }
  if (destination === 'local') {
    throw new InputError('EVENT_LOCAL_ONLY', 'this glossary type stays on this machine', {
      hint: 'Only GlossaryClarificationRequested and GlossaryClarificationResolved are emitted.',
    })
  }
}

/** The aggregate kind of an event type; `Mission` where the type names no other. */
export function aggregateTypeOf(eventType: string): string {
  return factsOf(eventType)?.aggregate ?? 'Mission'
}
