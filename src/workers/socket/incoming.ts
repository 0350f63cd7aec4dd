/** Reads what the hub sent. Total: any bytes become a frame that is known, or a kind that is only counted. */
import type { StrictDialect } from '../../contracts/wire/frames.ts'
import { isJsonObject, parseJsonObject } from '../../contracts/json/json.ts'
import type { JsonObject } from '../../contracts/json/json.ts'
import { readGreeting } from './greeting.ts'
import type { Greeting } from './greeting.ts'
import type { Sink } from './protocol.ts'

/** The hub's word on one frame of ours. */
export type Verdict = {
  readonly sink: Sink
  /** The event id, git hash or other id of a frame that it speaks of. */
  readonly id: string
  readonly outcome: 'accepted' | 'rejected' | 'unanswered'
  /** The category of a rejection: lower-case words, safe to show and to store. */
  readonly reason: string
  /** Where the hub names them they must be the pending item's own. */
  readonly projectUuid?: string
  readonly buildId?: string
}

/** The hub's word on all array frames of ours up to one. */
export type Acks = {
  /** The number of the last of them, and the id of its last event. */
  readonly through: number
  readonly lastId: string
  /** Events in all of them since the acks before. */
  readonly count: number
  /** All others are stored. */
  readonly exceptions: readonly Verdict[]
}

export type IncomingFrame =
  | { readonly kind: 'snapshot'; readonly greeting: Greeting }
  | { readonly kind: 'ping'; readonly timestamp: string | number }
  /** A broadcast, or a type of a newer hub. */
  | { readonly kind: 'other' }
  | { readonly kind: 'verdict'; readonly verdict: Verdict }
  /** What was said of a project that is not recorded, as what its user works on. */
  | { readonly kind: 'unheard'; readonly projectUuid: string }
  | { readonly kind: 'acks'; readonly acks: Acks }
  /** Looks like a verdict, but not by the contract: it changes nothing. */
  | { readonly kind: 'stray' }
  | { readonly kind: 'malformed' }

const MALFORMED: IncomingFrame = { kind: 'malformed' }
const STRAY: IncomingFrame = { kind: 'stray' }
const CATEGORY_PATTERN = /^[a-z][a-z0-9_]{0,63}$/
const TIMESTAMP_LENGTH_MAX = 64

export function readFrame(
  text: string,
  dialect: StrictDialect | null,
  lengthMax: number,
): IncomingFrame {
  let frame: JsonObject
  try {
    frame = parseJsonObject(text, lengthMax)
  } catch {
    return MALFORMED
  }
  switch (frame['type']) {
    case 'snapshot':
      return Array.isArray(frame['work_packages'])
        ? { kind: 'snapshot', greeting: readGreeting(frame) }
        : MALFORMED
    case 'ping':
      return readPing(frame['timestamp'])
    case 'ack':
      return readAck(frame)
    case 'acks':
      return readAcks(frame)
    case 'error':
      return readError(frame)
    case 'LocalCommitAck':
      return dialect === null ? readCommitAck(frame) : readStrictCommitAck(frame, dialect)
    case 'LedgerLinesAck':
      return readOwnAck(frame, 'lines_id')
    case 'CommitsPushedAck':
      return readOwnAck(frame, 'pushed_id')
    default:
      return typeof frame['type'] === 'string' ? { kind: 'other' } : MALFORMED
  }
}

function readPing(timestamp: unknown): IncomingFrame {
  if (typeof timestamp === 'number') return { kind: 'ping', timestamp }
  const isShort = typeof timestamp === 'string' && timestamp.length <= TIMESTAMP_LENGTH_MAX
  return isShort ? { kind: 'ping', timestamp } : MALFORMED
}

function readAck(frame: JsonObject): IncomingFrame {
  const { event_id: id, status } = frame
  if (!hasExactly(frame, ['type', 'event_id', 'status'])) return STRAY
  return typeof id === 'string' ? verdict({ sink: 'events', id }, status, null) : STRAY
}

const ACKS_KEYS = ['type', 'through', 'last_event_id', 'count', 'rejected']

function readAcks(frame: JsonObject): IncomingFrame {
  const { through, last_event_id: lastId, count, rejected } = frame
  if (!hasExactly(frame, ACKS_KEYS) || !Array.isArray(rejected)) return STRAY
  if (!isCount(through) || !isCount(count) || typeof lastId !== 'string') return STRAY
  if (rejected.length > count) return STRAY
  const exceptions: Verdict[] = []
  for (const one of rejected) {
    const exception = readException(one)
    if (exception === null) return STRAY
    exceptions.push(exception)
  }
  return { kind: 'acks', acks: { through, lastId, count, exceptions } }
}

function readException(one: unknown): Verdict | null {
  if (!isJsonObject(one) || !hasExactly(one, ['event_id', 'error_category', 'retryable'])) {
    return null
  }
  const id = one['event_id']
  if (typeof id !== 'string') return null
  const frame = verdict({ sink: 'events', id }, 'rejected', one)
  return frame.kind === 'verdict' ? frame.verdict : null
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1
}

const UNHEARD_KEYS = ['type', 'project_uuid', 'status', 'error_category', 'retryable']
/** What an error frame names; of several the first. */
const ERROR_KEYS = ['git_hash', 'lines_id', 'pushed_id'] as const

function readError(frame: JsonObject): IncomingFrame {
  const { project_uuid: projectUuid } = frame
  if (typeof projectUuid === 'string' && hasExactly(frame, UNHEARD_KEYS)) {
    return { kind: 'unheard', projectUuid }
  }
  const key = ERROR_KEYS.find((one) => one in frame) ?? 'event_id'
  const id = frame[key]
  const isWhole = hasExactly(frame, ['type', key, 'status', 'error_category', 'retryable'])
  if (!isWhole || typeof id !== 'string' || frame['status'] !== 'rejected') return STRAY
  return verdict({ sink: key === 'event_id' ? 'events' : 'commits', id }, 'rejected', frame)
}

// At least `type` and `git_hash`; what else it says must be the pending item's own.
function readCommitAck(frame: JsonObject): IncomingFrame {
  const { git_hash: id, project_uuid: projectUuid, build_id: buildId } = frame
  if (typeof id !== 'string') return STRAY
  const said: { projectUuid?: string; buildId?: string } = {}
  if (projectUuid !== undefined) {
    if (typeof projectUuid !== 'string') return STRAY
    said.projectUuid = projectUuid
  }
  if (buildId !== undefined) {
    if (typeof buildId !== 'string') return STRAY
    said.buildId = buildId
  }
  return verdict({ sink: 'commits', id, ...said }, frame['status'] ?? 'accepted', frame)
}

// Of what only hubs of this kind take.
function readOwnAck(frame: JsonObject, key: 'lines_id' | 'pushed_id'): IncomingFrame {
  const { [key]: id, project_uuid: projectUuid, status } = frame
  const isWhole = hasExactly(frame, ['type', key, 'project_uuid', 'status'])
  if (!isWhole || typeof id !== 'string' || typeof projectUuid !== 'string') return STRAY
  return verdict({ sink: 'commits', id, projectUuid }, status, null)
}

const STRICT_IDS = [
  'type',
  'git_hash',
  'build_id',
  'project_uuid',
  'admission_generation',
  'binding_audience',
  'status',
]

// The stricter dialect knows two closed key sets, and the admission must be the one of this connection.
function readStrictCommitAck(frame: JsonObject, dialect: StrictDialect): IncomingFrame {
  const isAdmitted =
    frame['admission_generation'] === dialect.admission_generation &&
    frame['binding_audience'] === dialect.binding_audience
  const extra = frame['status'] === 'rejected' ? ['error_category', 'retryable'] : ['received_at']
  if (!isAdmitted || !hasExactly(frame, [...STRICT_IDS, ...extra])) return STRAY
  return readCommitAck(frame)
}

function verdict(
  about: Omit<Verdict, 'outcome' | 'reason'>,
  status: unknown,
  refusal: JsonObject | null,
): IncomingFrame {
  if (status === 'accepted' || status === 'duplicate') {
    return { kind: 'verdict', verdict: { ...about, outcome: 'accepted', reason: '' } }
  }
  const category = refusal?.['error_category']
  const retryable = refusal?.['retryable'] ?? false
  const isReadable = typeof category === 'string' && CATEGORY_PATTERN.test(category)
  if (status !== 'rejected' || !isReadable || typeof retryable !== 'boolean') return STRAY
  const outcome = retryable ? 'unanswered' : 'rejected'
  return { kind: 'verdict', verdict: { ...about, outcome, reason: category } }
}

function hasExactly(frame: JsonObject, keys: readonly string[]): boolean {
  return Object.keys(frame).length === keys.length && keys.every((key) => Object.hasOwn(frame, key))
}
