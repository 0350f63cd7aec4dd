/**
 * The envelope, of which each event is one: who, where, when in the order of clocks, and the payload. Keys that it doesn't
 * know are kept. Source: the event contracts.
 */
import { z } from 'zod'
import { SCHEMA_VERSION } from './event.ts'
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
} from './fields.ts'
import { shared } from './fields.ts'

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

/** The ids that have one spelling; ids within payloads are plain text. */
export const ID_FIELDS = ['event_id', 'causation_id', 'correlation_id'] as const
