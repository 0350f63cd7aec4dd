/**
 * The WebSocket frames, as types and as total readers of what the other side sent. Longer than usual: the two
 * directions share their schemas, and are read side by side. Source: the wire contract.
 */
import { z } from 'zod'
import { InputError } from '../errors.ts'
import { SCHEMA_VERSION, ULID_PATTERN, UUID_V4_PATTERN } from './event.ts'
import { isJsonObject, parseJsonObject } from './json.ts'
import type { JsonObject } from './json.ts'

/** A commit on a mission branch that touched `kitty-specs/`. Exactly these seven keys. */
export type LocalCommit = {
  readonly type: 'LocalCommit'
  readonly git_hash: string
  /** The mission's ULID. */
  readonly mission_id: string
  readonly build_id: string
  readonly project_uuid: string
  readonly changed_files: readonly string[]
  /** RFC 3339 with zone: the commit's own date. */
  readonly committed_at: string
}

/** The keys that a server of the stricter dialect wants on every outgoing frame. */
export type StrictDialect = {
  readonly admission_generation: number
  readonly binding_audience: string
}

/** First frame of a connection. A server that announces both admission keys speaks the stricter dialect. */
export type SnapshotFrame = {
  readonly type: 'snapshot'
  readonly work_packages: readonly JsonObject[]
  /** Changes when the hub may have lost something it acknowledged. */
  readonly epoch?: string
} & Partial<StrictDialect>

/** An event on the wire: the envelope with its frame type, and perhaps the stricter dialect's keys. */
export type EventFrame = JsonObject & {
  readonly type: 'event'
  readonly event_id: string
  readonly event_type: string
  readonly project_uuid: string
  readonly node_id: string
  readonly lamport_clock: number
}

export type AckFrame = {
  readonly type: 'ack'
  readonly event_id: string
  readonly status: 'accepted' | 'duplicate'
}

/** The verdict on one event or frame that was refused. */
export type ErrorFrame = {
  readonly type: 'error'
  readonly event_id?: string
  readonly git_hash?: string
  readonly status: 'rejected'
  readonly error_category: string
  readonly retryable: boolean
}

export type LocalCommitAck = {
  readonly type: 'LocalCommitAck'
  readonly git_hash: string
  readonly build_id?: string
  readonly project_uuid?: string
  readonly status?: 'accepted' | 'duplicate' | 'rejected'
  readonly error_category?: string
  readonly received_at?: string
}

export type PingFrame = { readonly type: 'ping'; readonly timestamp: string }
export type PongFrame = { readonly type: 'pong'; readonly timestamp: string }

/** Why a frame of a client is refused. */
export type RefusalCategory = 'invalid_frame' | 'invalid_event' | 'event_type_not_allowed'

/** What a hub makes of a client's text. The ids are set only where they are well-formed. */
export type ClientReading =
  | { readonly kind: 'event'; readonly frame: EventFrame }
  | { readonly kind: 'commit'; readonly frame: LocalCommit }
  | { readonly kind: 'pong'; readonly frame: PongFrame }
  | {
      readonly kind: 'invalid'
      readonly category: RefusalCategory
      readonly event_id: string | null
      readonly git_hash: string | null
    }

/** What a client makes of a hub's text. `unknown` is a well-formed frame of a type that is not ours. */
export type HubReading =
  | { readonly kind: 'snapshot'; readonly frame: SnapshotFrame }
  | { readonly kind: 'ack'; readonly frame: AckFrame }
  | { readonly kind: 'error'; readonly frame: ErrorFrame }
  | { readonly kind: 'commitAck'; readonly frame: LocalCommitAck }
  | { readonly kind: 'ping'; readonly frame: PingFrame }
  | { readonly kind: 'event'; readonly frame: EventFrame }
  | { readonly kind: 'commit'; readonly frame: LocalCommit }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'invalid' }

/** The longest frame that is read, in UTF-16 units: an event of the largest size with its frame's keys. */
export const FRAME_LENGTH_MAX = 2 * 1024 * 1024
/** The most paths that one `LocalCommit` names. */
export const CHANGED_FILES_MAX = 10_000

/** Decisions are semantic facts: they travel in git, inside the commits that `LocalCommit` announces. */
const LEDGER_ONLY_TYPES: ReadonlySet<string> = new Set([
  'DecisionInputRequested',
  'DecisionInputAnswered',
])

const GIT_HASH = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const ZONED_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/

const name = z.string().max(256)
const eventId = z.string().refine(isEventId)
const gitHash = z.string().regex(GIT_HASH)
const projectUuid = z.string().regex(UUID_V4_PATTERN)
const zonedTime = z
  .string()
  .max(40)
  .refine((text) => ZONED_TIME.test(text) && !Number.isNaN(Date.parse(text)))
const timestamp = z.string().min(1).max(64)
const strictKeys = {
  admission_generation: z.int().min(0).optional(),
  binding_audience: z.string().max(1024).optional(),
}

const eventFrame = z.looseObject({
  type: z.literal('event'),
  schema_version: z.literal(SCHEMA_VERSION),
  event_id: eventId,
  event_type: name.min(1),
  aggregate_id: z.string().min(1).max(1024),
  aggregate_type: name.min(1),
  build_id: name,
  node_id: name.min(1),
  lamport_clock: z.int().min(0),
  causation_id: eventId.nullish(),
  correlation_id: eventId.optional(),
  timestamp: zonedTime,
  project_uuid: projectUuid,
  payload: z.custom(isJsonObject),
  spec_kitty_delivery_identity: name.optional(),
  ...strictKeys,
})

const localCommit = z.strictObject({
  type: z.literal('LocalCommit'),
  git_hash: gitHash,
  // A ULID where our own git worker writes it, a directory name where older writers do.
  mission_id: name.min(1),
  build_id: name,
  project_uuid: projectUuid,
  changed_files: z.array(z.string().min(1).max(4096)).max(CHANGED_FILES_MAX),
  committed_at: zonedTime,
  spec_kitty_delivery_identity: z.string().max(1024).optional(),
  ...strictKeys,
})

const pong = z.looseObject({ type: z.literal('pong'), timestamp })

const snapshot = z.looseObject({
  type: z.literal('snapshot'),
  work_packages: z.array(z.custom<JsonObject>(isJsonObject)),
  epoch: name.min(1).optional(),
  ...strictKeys,
})

const ack = z.looseObject({
  type: z.literal('ack'),
  event_id: eventId,
  status: z.enum(['accepted', 'duplicate']),
})

const errorFrame = z.looseObject({
  type: z.literal('error'),
  event_id: eventId.optional(),
  git_hash: gitHash.optional(),
  status: z.literal('rejected'),
  error_category: name.min(1),
  retryable: z.boolean(),
})

const localCommitAck = z.looseObject({
  type: z.literal('LocalCommitAck'),
  git_hash: gitHash,
  build_id: name.optional(),
  project_uuid: z.string().regex(UUID).optional(),
  status: z.enum(['accepted', 'duplicate', 'rejected']).optional(),
  error_category: name.optional(),
  received_at: name.optional(),
})

const ping = z.looseObject({ type: z.literal('ping'), timestamp })

/** Reads what a client sent to a hub. Never throws. */
export function readClientFrame(text: string): ClientReading {
  let frame: JsonObject
  try {
    frame = parseJsonObject(text, FRAME_LENGTH_MAX)
  } catch (error) {
    // A number that reads as infinity: who sent it learns which event it is about.
    const named = error instanceof InputError && error.code === 'JSON_NUMBER'
    return named
      ? invalid('invalid_event', JSON.parse(text) as JsonObject)
      : invalid('invalid_frame')
  }
  switch (frame['type']) {
    case 'event':
      return readEvent(frame)
    case 'LocalCommit':
      return localCommit.safeParse(frame).success
        ? { kind: 'commit', frame: frame as LocalCommit }
        : invalid('invalid_frame', { git_hash: frame['git_hash'] })
    case 'pong':
      return pong.safeParse(frame).success
        ? { kind: 'pong', frame: frame as PongFrame }
        : invalid('invalid_frame')
    default:
      return invalid('invalid_frame')
  }
}

function readEvent(frame: JsonObject): ClientReading {
  if (!eventFrame.safeParse(frame).success) {
    return invalid('invalid_event', { event_id: frame['event_id'] })
  }
  const event = frame as EventFrame
  if (LEDGER_ONLY_TYPES.has(event.event_type)) return invalid('event_type_not_allowed', event)
  return { kind: 'event', frame: event }
}

function invalid(
  category: RefusalCategory,
  ids: { readonly event_id?: unknown; readonly git_hash?: unknown } = {},
): ClientReading {
  return {
    kind: 'invalid',
    category,
    event_id: typeof ids.event_id === 'string' && isEventId(ids.event_id) ? ids.event_id : null,
    git_hash: typeof ids.git_hash === 'string' && GIT_HASH.test(ids.git_hash) ? ids.git_hash : null,
  }
}

/** Reads what a hub sent to a client. Never throws; keys that are not ours are let through. */
export function readHubFrame(text: string): HubReading {
  const frame = objectOf(text)
  if (frame === null || typeof frame['type'] !== 'string') return { kind: 'invalid' }
  const reader = HUB_READER_BY_TYPE.get(frame['type'])
  if (reader === undefined) return { kind: 'unknown' }
  return reader.schema.safeParse(frame).success ? reader.read(frame) : { kind: 'invalid' }
}

type HubReader = {
  readonly schema: z.ZodType
  readonly read: (frame: JsonObject) => HubReading
}

const HUB_READER_BY_TYPE: ReadonlyMap<string, HubReader> = new Map<string, HubReader>([
  [
    'snapshot',
    { schema: snapshot, read: (f) => ({ kind: 'snapshot', frame: f as SnapshotFrame }) },
  ],
  ['ack', { schema: ack, read: (f) => ({ kind: 'ack', frame: f as AckFrame }) }],
  ['error', { schema: errorFrame, read: (f) => ({ kind: 'error', frame: f as ErrorFrame }) }],
  [
    'LocalCommitAck',
    { schema: localCommitAck, read: (f) => ({ kind: 'commitAck', frame: f as LocalCommitAck }) },
  ],
  ['ping', { schema: ping, read: (f) => ({ kind: 'ping', frame: f as PingFrame }) }],
  ['event', { schema: eventFrame, read: (f) => ({ kind: 'event', frame: f as EventFrame }) }],
  [
    'LocalCommit',
    { schema: localCommit, read: (f) => ({ kind: 'commit', frame: f as LocalCommit }) },
  ],
])

function isEventId(text: string): boolean {
  return ULID_PATTERN.test(text) || UUID.test(text)
}

function objectOf(text: string): JsonObject | null {
  try {
    return parseJsonObject(text, FRAME_LENGTH_MAX)
  } catch {
    return null
  }
}
