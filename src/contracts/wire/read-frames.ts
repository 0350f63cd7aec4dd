/** Total readers of the WebSocket frames that the other side sent: whatever it is, the answer is a reading. */
import { InputError } from '../../errors.ts'
import { factsOf } from '../event-types.ts'
import { EVENT_ID_PATTERN, UUID_V4_PATTERN } from '../event.ts'
import { batchedEvent, CLIENT_FRAMES, GIT_HASH, HUB_FRAMES, LINES_ID } from './frame-schemas.ts'
import type {
  LocalCommit,
  StrictDialect,
  SnapshotFrame,
  BatchedEvent,
  EventFrame,
  AckFrame,
  AcksFrame,
  ErrorFrame,
  LocalCommitAck,
  PingFrame,
  PongFrame,
  SubscribeFrame,
  UnsubscribeFrame,
  PresenceFrame,
} from './frames.ts'
import { isJsonObject, parseJsonObject } from '../json/json.ts'
import type { Json, JsonObject } from '../json/json.ts'
import { ID_KEY_BY_TYPE } from './ledger-frame.ts'
import type { CommitsPushed, CommitsPushedAck } from './ledger-frame.ts'
import type { LedgerLines, LedgerLinesAck } from './ledger-lines.ts'
import { isPlainlyFramed } from './plain-event.ts'
import { judgeWireEvent } from './wire-event.ts'

/** Why a frame of a client is refused. */
export type RefusalCategory =
  | 'invalid_frame'
  | 'invalid_event'
  | 'event_type_not_allowed'
  | 'invalid_batch'

/** A frame that can't be taken. The ids are set only where they are well-formed. */
export type InvalidFrame = {
  readonly kind: 'invalid'
  readonly category: RefusalCategory
  readonly event_id: string | null
  readonly git_hash: string | null
  readonly lines_id?: string
  readonly pushed_id?: string
  readonly batch?: number
  /** Of an event. */
  readonly project_uuid?: string
}

export type EventReading = { readonly kind: 'event'; readonly frame: BatchedEvent } | InvalidFrame

/** An event of an array frame; its id can be read whatever else is wrong. */
export type BatchedReading = { readonly event_id: string; readonly reading: EventReading }

/** What a hub makes of a client's text. */
export type ClientReading =
  | { readonly kind: 'event'; readonly frame: EventFrame }
  | { readonly kind: 'events'; readonly batch: number; readonly events: readonly BatchedReading[] }
  | { readonly kind: 'commit'; readonly frame: LocalCommit & Partial<StrictDialect> }
  | { readonly kind: 'lines'; readonly frame: LedgerLines }
  | { readonly kind: 'pushed'; readonly frame: CommitsPushed }
  | { readonly kind: 'pong'; readonly frame: PongFrame }
  | { readonly kind: 'subscribe'; readonly frame: SubscribeFrame }
  | { readonly kind: 'unsubscribe'; readonly frame: UnsubscribeFrame }
  | { readonly kind: 'presence'; readonly frame: PresenceFrame }
  | InvalidFrame

/** What a client makes of a hub's text. `unknown` is a well-formed frame of a type that is not ours. */
export type HubReading =
  | { readonly kind: 'snapshot'; readonly frame: SnapshotFrame }
  | { readonly kind: 'ack'; readonly frame: AckFrame }
  | { readonly kind: 'acks'; readonly frame: AcksFrame }
  | { readonly kind: 'error'; readonly frame: ErrorFrame }
  | { readonly kind: 'commitAck'; readonly frame: LocalCommitAck }
  | { readonly kind: 'linesAck'; readonly frame: LedgerLinesAck }
  | { readonly kind: 'pushedAck'; readonly frame: CommitsPushedAck }
  | { readonly kind: 'ping'; readonly frame: PingFrame }
  | { readonly kind: 'event'; readonly frame: EventFrame }
  | { readonly kind: 'commit'; readonly frame: LocalCommit }
  | {
      readonly kind: 'subscribed' | 'presence' | 'damaged' | 'forgotten' | 'pushed' | 'lines'
      readonly frame: JsonObject
    }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'invalid' }

/** The longest frame that is read, in UTF-16 units: an event of the largest size with its frame's keys. */
export const FRAME_LENGTH_MAX = 2 * 1024 * 1024
/** Reads what a client sent to a hub. Never throws. */
export function readClientFrame(text: string): ClientReading {
  let frame: JsonObject
  try {
    frame = parseJsonObject(text, FRAME_LENGTH_MAX)
  } catch (error) {
    // A number that reads as infinity: who sent it learns which event it is about.
    const named = error instanceof InputError && error.code === 'JSON_NUMBER'
    return named ? nameless(JSON.parse(text) as JsonObject) : invalid('invalid_frame')
  }
  const { type } = frame
  if (type === 'event') return readEvent(frame)
  if (typeof type !== 'string' || !Object.hasOwn(CLIENT_FRAMES, type)) {
    return invalid('invalid_frame')
  }
  const isGood = CLIENT_FRAMES[type as keyof typeof CLIENT_FRAMES].safeParse(frame).success
  if (type === 'events') {
    return isGood ? readEvents(frame) : invalid('invalid_batch', { batch: frame['batch'] })
  }
  if (!isGood) {
    const key = ID_KEY_BY_TYPE[type] ?? 'git_hash'
    return invalid('invalid_frame', { [key]: frame[key] })
  }
  return { kind: KIND_BY_TYPE[type] ?? type, frame } as unknown as ClientReading
}

function nameless({ type, event_id, batch }: JsonObject): InvalidFrame {
  return type === 'events'
    ? invalid('invalid_batch', { batch })
    : invalid('invalid_event', { event_id })
}

const KIND_BY_TYPE: Readonly<Record<string, string>> = {
  LocalCommit: 'commit',
  LocalCommitAck: 'commitAck',
  LedgerLines: 'lines',
  LedgerLinesAck: 'linesAck',
  CommitsPushed: 'pushed',
  CommitsPushedAck: 'pushedAck',
}

function readEvent(frame: JsonObject): ClientReading {
  return isPlainlyFramed(frame) || CLIENT_FRAMES.event.safeParse(frame).success
    ? judged(frame as EventFrame)
    : invalid('invalid_event', eventIds(frame))
}

function readEvents(frame: JsonObject): ClientReading {
  const events = readBatchedEvents(frame['events'] as readonly Json[])
  if (events === null) return invalid('invalid_batch', { batch: frame['batch'] })
  return { kind: 'events', batch: frame['batch'] as number, events }
}

/** Reads events that came together, each for itself; null where one of them can't be named in an answer. */
export function readBatchedEvents(events: readonly Json[]): readonly BatchedReading[] | null {
  const readings: BatchedReading[] = []
  for (const event of events) {
    if (!isJsonObject(event)) return null
    const { event_id } = event
    if (typeof event_id !== 'string' || !EVENT_ID_PATTERN.test(event_id)) return null
    const isPlain = event['type'] === undefined && isPlainlyFramed(event)
    const isGood = isPlain || batchedEvent.safeParse(event).success
    const reading = isGood
      ? judged(event as BatchedEvent)
      : invalid('invalid_event', eventIds(event))
    readings.push({ event_id, reading })
  }
  return readings
}

// The shape of a frame bounds what an event takes up; what it says is judged as everywhere.
function judged<Event extends BatchedEvent>(
  event: Event,
): { readonly kind: 'event'; readonly frame: Event } | InvalidFrame {
  const { event_type } = event
  // Decisions are semantic facts: they travel in git, inside the commits that `LocalCommit` announces.
  if (factsOf(event_type)?.destination === 'ledger') {
    return invalid('event_type_not_allowed', eventIds(event))
  }
  return judgeWireEvent(event).valid
    ? { kind: 'event', frame: event }
    : invalid('invalid_event', eventIds(event))
}

function eventIds({ event_id, project_uuid }: JsonObject | BatchedEvent): Ids {
  return { event_id, project_uuid }
}

type Ids = Readonly<
  Partial<
    Record<'event_id' | 'project_uuid' | 'git_hash' | 'lines_id' | 'pushed_id' | 'batch', unknown>
  >
>

function invalid(category: RefusalCategory, ids: Ids = {}): InvalidFrame {
  const { event_id, project_uuid, git_hash, lines_id, pushed_id, batch } = ids
  return {
    kind: 'invalid',
    category,
    event_id: typeof event_id === 'string' && EVENT_ID_PATTERN.test(event_id) ? event_id : null,
    git_hash: typeof git_hash === 'string' && GIT_HASH.test(git_hash) ? git_hash : null,
    ...(typeof lines_id === 'string' && LINES_ID.test(lines_id) ? { lines_id } : {}),
    ...(typeof pushed_id === 'string' && LINES_ID.test(pushed_id) ? { pushed_id } : {}),
    ...(Number.isSafeInteger(batch) && Number(batch) >= 1 ? { batch: Number(batch) } : {}),
    ...(typeof project_uuid === 'string' && UUID_V4_PATTERN.test(project_uuid)
      ? { project_uuid }
      : {}),
  }
}

/** Reads what a hub sent to a client. Never throws; keys that are not ours are let through. */
export function readHubFrame(text: string): HubReading {
  const frame = objectOf(text)
  if (frame === null || typeof frame['type'] !== 'string') return { kind: 'invalid' }
  const { type } = frame
  if (!Object.hasOwn(HUB_FRAMES, type)) return { kind: 'unknown' }
  const isGood = HUB_FRAMES[type as keyof typeof HUB_FRAMES].safeParse(frame).success
  if (!isGood) return { kind: 'invalid' }
  return { kind: KIND_BY_TYPE[type] ?? type, frame } as unknown as HubReading
}

function objectOf(text: string): JsonObject | null {
  try {
    return parseJsonObject(text, FRAME_LENGTH_MAX)
  } catch {
    return null
  }
}
