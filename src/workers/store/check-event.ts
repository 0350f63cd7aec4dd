/**
 * What the store asks of a serialized event before it takes it, and how the clock gets into it. The
 * event is parsed once, here, and never serialized again.
 */
import { factsOf } from '../../contracts/event-types.ts'
import { EVENT_ID_PATTERN, type SerializedEvent } from '../../contracts/event.ts'
import { JSON_LENGTH_MAX, type JsonObject } from '../../contracts/json/json.ts'
import { StoreError } from '../../errors.ts'
import { coalesceKeyOf } from '../../events/coalesce.ts'
import type { OutboxOwner } from './outbox-place.ts'

export type EventRules = {
  readonly owner: OutboxOwner
  readonly nodeId: string
  readonly isQueued: (eventType: string) => boolean
  /** @throws where the value could not have come through the sanitizer. */
  readonly assertClean: (value: unknown) => void
}

export type CheckedEvent = {
  readonly event_id: string
  /** Of what it is a snapshot; null where it is none. */
  readonly coalesce_key: string | null
  /** The event with its clock. */
  readonly stamp: (lamportClock: number) => string
}

/** The draft's mebibyte and the envelope around it. */
export const EVENT_LENGTH_MAX = JSON_LENGTH_MAX + 64 * 1024

const PLAIN_KEY = /^[a-z_]+$/
const UNSTAMPED = '"lamport_clock":0,'
const UNSTAMPED_BEFORE_NODE = `${UNSTAMPED}"node_id":`

/** The second line of the route: decisions live in git and never in the queue. */
export function isNotLedgerOnly(eventType: string): boolean {
  return factsOf(eventType)?.destination !== 'ledger'
}

/**
 * @throws StoreError EVENT_MALFORMED, EVENT_TOO_LARGE, EVENT_FOREIGN_PROJECT, EVENT_FOREIGN_NODE,
 *   EVENT_TYPE_NOT_QUEUED; whatever `assertClean` throws
 */
export function checkEvent(text: SerializedEvent, rules: EventRules): CheckedEvent {
  if (text.length > EVENT_LENGTH_MAX) {
    throw new StoreError('EVENT_TOO_LARGE', `an event has at most ${EVENT_LENGTH_MAX} characters`, {
      hint: 'Store large output in a file and put its path and hash into the payload.',
    })
  }
  const event = parse(text)
  const at = clockPosition(text, event)
  if (event['node_id'] !== rules.nodeId) {
    throw new StoreError('EVENT_FOREIGN_NODE', 'an event must carry the node that ticks its clock')
  }
  const expected = rules.owner.kind === 'project' ? rules.owner.uuid : null
  if (event['project_uuid'] !== expected) {
    throw new StoreError(
      'EVENT_FOREIGN_PROJECT',
      'an event must belong to the project of its store',
    )
  }
  const { event_id: eventId, event_type: eventType } = event
  if (typeof eventId !== 'string' || !EVENT_ID_PATTERN.test(eventId)) {
    throw malformed('event_id must be a ULID or a UUID')
  }
  if (typeof eventType !== 'string' || eventType === '') throw malformed('event_type is missing')
  if (!rules.isQueued(eventType)) {
    throw new StoreError('EVENT_TYPE_NOT_QUEUED', 'events of this type never enter the queue', {
      hint: 'Record decisions with `kittiwake decision request` and `kittiwake decision answer`.',
    })
  }
  rules.assertClean(event)
  const head = text.slice(0, at)
  const tail = text.slice(at + UNSTAMPED.length)
  return {
    event_id: eventId,
    coalesce_key: coalesceKeyOf(event as JsonObject),
    stamp: (lamportClock) => `${head}"lamport_clock":${lamportClock},${tail}`,
  }
}

function parse(text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw malformed('it is not JSON')
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>
  }
  throw malformed('it is not an object')
}

/**
 * The first occurrence is the event's own clock: inside a string each quote is escaped, so the text
 * can only match a key and its value; and the keys that stand before it are plain words with scalar
 * values, so that no key of a nested object can come first. Both are checked, not trusted.
 */
function clockPosition(text: string, event: Record<string, unknown>): number {
  for (const key of Object.keys(event)) {
    if (key === 'lamport_clock') break
    const value = event[key]
    if (!PLAIN_KEY.test(key) || (typeof value === 'object' && value !== null)) {
      throw malformed('its keys must be sorted')
    }
  }
  const at = text.indexOf(UNSTAMPED_BEFORE_NODE)
  if (at < 0 || event['lamport_clock'] !== 0)
    throw malformed('lamport_clock must be 0 before node_id')
  return at
}

function malformed(what: string): StoreError {
  return new StoreError('EVENT_MALFORMED', `not an event in the compact dialect: ${what}`)
}
