/**
 * The envelope, of which each event is one: who, where, when in the order of clocks, and the payload. Keys that it doesn't
 * know are kept. Source: the event contracts.
 */
import { z } from 'zod'
import { EVENT_ID_PATTERN, SCHEMA_VERSION } from './event.ts'
import {
  count,
  dateTime,
  eventId,
  open,
  openRecord,
  optional,
  anyText,
  text,
  uuid,
} from './values/fields.ts'
import { shared } from './values/fields.ts'
import { isUuid } from './values/scalars.ts'
import { isDateTime, isPlainTime } from './values/timestamp.ts'

export const envelope = shared(
  'Event',
  open({
    event_id: eventId,
    /** Any name; the payloads of those that the registry knows are judged by their models. */
    event_type: text,
    /** By habit `kind/id`. */
    aggregate_id: text,
    payload: openRecord.default({}),
    /** When it happened, by who made it; never the time of receipt. */
    timestamp: dateTime,
    build_id: text,
    /** Whose clock ticked. */
    node_id: text,
    lamport_clock: count,
    /** Null: nothing caused it. */
    causation_id: optional(eventId),
    project_uuid: uuid,
    project_slug: optional(anyText),
    correlation_id: eventId,
    schema_version: z
      .string()
      .regex(/^\d+\.\d+\.\d+$/)
      .default(SCHEMA_VERSION),
    /** From 0, stays here, to 4, telemetry. */
    data_tier: z.int().min(0).max(4).default(0),
  }),
)

/**
 * True only where the model takes the value: nearly every envelope is so, and the model takes ten times as long to say it.
 * What is false here may be right all the same.
 */
export function isPlainlySound(value: Readonly<Record<string, unknown>>): boolean {
  const { payload, lamport_clock, causation_id, project_slug, project_uuid, timestamp } = value
  const { schema_version, data_tier } = value
  return (
    isId(value['event_id']) &&
    isId(value['correlation_id']) &&
    isFilled(value['event_type']) &&
    isFilled(value['aggregate_id']) &&
    isFilled(value['build_id']) &&
    isFilled(value['node_id']) &&
    isPlain(payload) &&
    (isAbsent(causation_id) || isId(causation_id)) &&
    (isAbsent(project_slug) || typeof project_slug === 'string') &&
    Number.isSafeInteger(lamport_clock) &&
    (lamport_clock as number) >= 0 &&
    typeof timestamp === 'string' &&
    (isPlainTime(timestamp) || isDateTime(timestamp)) &&
    typeof project_uuid === 'string' &&
    isUuid(project_uuid) &&
    schema_version === SCHEMA_VERSION &&
    data_tier === undefined
  )
}

function isPlain(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
  )
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null
}

function isId(value: unknown): boolean {
  return typeof value === 'string' && EVENT_ID_PATTERN.test(value)
}

function isFilled(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

/** The ids that have one spelling; ids within payloads are plain text. */
export const ID_FIELDS = ['event_id', 'causation_id', 'correlation_id'] as const
