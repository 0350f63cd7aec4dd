/** Follows one running system: tells what it does, and sends it events by hand, where its owner lets somebody. */
import { isJsonObject } from '../contracts/json/json.ts'
import { InputError } from '../errors.ts'
import type { Sanitizer } from '../events/sanitize.ts'
import { Collector, type CollectorOptions } from './collector.ts'

export type Following = {
  /** Idempotent. */
  readonly stop: () => void
  /** @throws InputError ACTOR_UNKNOWN, EVENT_KEPT, SanitizeError */
  readonly send: (sessionId: string, event: { readonly type: string }) => void
}

/** These carry references that no document can carry, or would tell a machine what only a thread may tell it. */
const KEPT = /^(?:xstate\.|thread\.|supervisor\.(?:spawn|escalate)$|worker\.ask$)/

export function follow(options: CollectorOptions): Following {
  const collector = new Collector(options)
  return {
    stop: () => collector.stop(),
    send: (sessionId, event) => sendEvent(collector, options.sanitizer, sessionId, event),
  }
}

/** Sanitized like all that enters a mailbox (L4). */
function sendEvent(
  collector: Collector,
  sanitizer: Sanitizer,
  sessionId: string,
  event: { readonly type: string },
): void {
  const actor = collector.find(sessionId)
  if (actor === null) {
    throw new InputError('ACTOR_UNKNOWN', 'there is no such actor any more', {
      hint: 'Choose one that is active.',
    })
  }
  const clean = sanitizer.sanitize(event).value
  // A type that is not clean is none that a machine names.
  if (!isJsonObject(clean) || clean['type'] !== event.type || KEPT.test(event.type)) {
    throw new InputError('EVENT_KEPT', 'events of this type are sent by the machines alone', {
      hint: 'Send one that the chosen machine names.',
    })
  }
  actor.send({ ...clean, type: event.type })
}
