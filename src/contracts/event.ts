/** What a caller hands in (draft) and what travels (event): schema 3.0.0 of the wire contract. */
import type { JsonObject } from './json/json.ts'

export const SCHEMA_VERSION = '3.0.0'

/** What a caller hands to `emit`. */
export type Draft = {
  readonly event_type: string
  /** Defaults to the mission, else to what the payload names of the type's kind, else to the kind. */
  readonly aggregate_id?: string
  readonly aggregate_type?: string
  /** A mission's directory name, slug or ULID. */
  readonly mission?: string
  readonly payload?: JsonObject
  readonly causation_id?: string | null
  readonly correlation_id?: string
  /** ISO 8601 with zone: when the thing happened; defaults to now. */
  readonly timestamp?: string
}

/** The sanitized, stamped envelope. Key order on disk and wire is by code point. */
export type Event = {
  readonly event_id: string
  readonly event_type: string
  readonly aggregate_id: string
  readonly aggregate_type: string
  readonly schema_version: typeof SCHEMA_VERSION
  readonly build_id: string
  readonly payload: JsonObject
  readonly node_id: string
  readonly lamport_clock: number
  readonly causation_id: string | null
  readonly correlation_id: string
  readonly timestamp: string
  readonly team_slug: string
  /** Null only in the store of a repository without identity. */
  readonly project_uuid: string | null
  readonly project_slug: string | null
  readonly git_branch: string | null
  readonly head_commit_sha: string | null
  readonly repo_slug: string | null
}

/**
 * The serialized event as it enters the store: the compact dialect with `lamport_clock` still 0. The store
 * splices the ticked value in, so that an event is serialized once.
 */
export type SerializedEvent = string & { readonly __serialized: 'event' }

/** How an event left the emitting process. */
export type Route = 'queue_only' | 'queued' | 'live'

/** What `emit` answers once the event is durable. */
export type Receipt = {
  readonly event_id: string
  readonly event_type: string
  readonly lamport_clock: number
  readonly project_uuid: string | null
  readonly route: Route
  readonly durable: true
}

export const ULID_PATTERN = /^[0-9A-HJKMNP-TV-Z]{26}$/
/** What an event can be called: a ULID, or a UUID of other writers. */
export const EVENT_ID_PATTERN =
  /^(?:[0-9A-HJKMNP-TV-Z]{26}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/
export const UUID_V4_PATTERN =
  /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** A time with its zone, as events carry it: at most nanoseconds. */
export const ZONED_TIME_PATTERN =
  /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/

export type { JsonObject }
