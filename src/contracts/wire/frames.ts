/** The WebSocket frames, as types; `read-frames.ts` reads them. Source: the wire contract. */
import type { Focus } from './focus.ts'
import type { JsonObject } from '../json/json.ts'

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
  readonly limits?: BatchLimits
  /** What a client may use on this connection; those that it does not know it passes over. */
  readonly features?: readonly string[]
} & Partial<StrictDialect>

/** What a hub takes at once. */
export type BatchLimits = {
  readonly max_events_per_batch: number
  readonly max_decompressed_bytes_per_batch: number
  readonly retry_after_min_seconds: number
  readonly retry_after_max_seconds: number
}

/** An event within an array frame or an HTTP batch: the envelope, and perhaps the stricter dialect's keys. */
export type BatchedEvent = JsonObject & {
  readonly event_id: string
  readonly event_type: string
  readonly project_uuid: string
  readonly node_id: string
  readonly lamport_clock: number
}

/** An event on the wire: the same with its frame type. */
export type EventFrame = BatchedEvent & { readonly type: 'event' }

export type AckFrame = {
  readonly type: 'ack'
  readonly event_id: string
  readonly status: 'accepted' | 'duplicate'
}

/** Every event of every array frame up to `through` is durable, but for the rejected. */
export type AcksFrame = {
  readonly type: 'acks'
  readonly through: number
  readonly last_event_id: string
  /** Events of the frames since the last acks. */
  readonly count: number
  readonly rejected: readonly Rejection[]
}

export type Rejection = {
  readonly event_id: string
  readonly error_category: string
  readonly retryable: boolean
}

/** The verdict on one event or frame that was refused. */
export type ErrorFrame = {
  readonly type: 'error'
  readonly event_id?: string
  readonly git_hash?: string
  readonly lines_id?: string
  readonly pushed_id?: string
  readonly batch?: number
  readonly project_uuid?: string
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
} & Partial<StrictDialect>

export type PingFrame = { readonly type: 'ping'; readonly timestamp: string }
export type PongFrame = { readonly type: 'pong'; readonly timestamp: string }

export type SubscribeFrame = {
  readonly type: 'subscribe'
  readonly project_uuid: string
  /** What the client has seen of the project, and under which epoch. */
  readonly epoch?: string
  readonly after_seq?: number
}
export type UnsubscribeFrame = { readonly type: 'unsubscribe'; readonly project_uuid: string }

export type PresenceFrame = {
  readonly type: 'presence'
  readonly project_uuid: string
  readonly focus: Focus | null
}
