/**
 * The lines of `status.events.jsonl`: one spaced, sorted, ASCII JSON object each. Several families share the file; what is
 * neither a transition nor an annotation belongs to other writers and passes through untouched.
 */
import { encodeJson, isJsonObject } from '../json/json.ts'
import type { Json, JsonObject } from '../json/json.ts'
import { isText } from '../values/scalars.ts'
import { isFromLane, isLane, type FromLane, type Lane } from './lanes.ts'

export const STATUS_LOG = 'status.events.jsonl'
export const STATUS_SNAPSHOT = 'status.json'

export const EXECUTION_MODES = ['worktree', 'direct_repo'] as const
export type ExecutionMode = (typeof EXECUTION_MODES)[number]

export const VERDICTS = ['approved', 'changes_requested'] as const
export type Verdict = (typeof VERDICTS)[number]

/** Who moved a work package: a word, or what is known of an agent. */
export type StatusActor =
  | string
  | {
      readonly role: string | null
      readonly profile: string | null
      readonly tool: string | null
      readonly model: string | null
    }

export type ReviewResult = {
  readonly reviewer: string
  readonly verdict: Verdict
  readonly reference: string
  readonly feedback_path?: string | null
}

export type Evidence = {
  readonly review: {
    readonly reviewer: string
    readonly verdict: string
    readonly reference: string | null
  }
  readonly repos?: readonly JsonObject[]
  readonly verification?: readonly JsonObject[]
}

/** A move of a work package between lanes. All keys are written, unknown ones as null. */
export type Transition = {
  readonly actor: StatusActor
  /** Ours: `YYYY-MM-DDTHH:MM:SS.ffffff+00:00`, later than every line before it. */
  readonly at: string
  readonly event_id: string
  readonly evidence: Evidence | null
  readonly execution_mode: ExecutionMode
  readonly force: boolean
  readonly from_lane: FromLane
  /** ULID; absent in logs of older writers. */
  readonly mission_id?: string | null
  /** The mission's directory name. */
  readonly mission_slug: string
  readonly policy_metadata: JsonObject | null
  readonly reason: string | null
  readonly review_ref: string | null
  /** Absent in logs of older writers. */
  readonly review_result?: ReviewResult | null
  readonly to_lane: Lane
  readonly wp_id: string
}

/** Something that changes what is known of a work package beside its lane. */
export type Annotation = {
  readonly actor: StatusActor
  readonly at: string
  readonly event_id: string
  readonly delta: JsonObject
  readonly wp_id: string
}

export type StatusRow =
  | { readonly family: 'transition'; readonly event_id: string; readonly row: Transition }
  | { readonly family: 'annotation'; readonly event_id: string; readonly row: Annotation }
  /** Of another stream: lifecycle, decision points, retrospectives. */
  | { readonly family: 'foreign'; readonly event_id: string | null; readonly row: JsonObject }

const ACTOR_KEYS = ['model', 'profile', 'role', 'tool']
const WP_ID = /^WP\d{2,}$/

/** One line without its end. */
export function encodeTransition(transition: Transition): string {
  return encodeJson(transition, 'spaced')
}

/** What the value is, or the reason why it can't be served. */
export function parseStatusRow(value: Json): StatusRow | string {
  if (!isJsonObject(value)) return 'not an object'
  const { event_id, event_type, event_name, type, kind } = value
  // A move is one whatever else it says; only an `event_type` makes it another's.
  const isOurs = value['to_lane'] !== undefined || kind === 'annotation'
  const isNamed = type !== undefined || typeof event_name === 'string'
  if (event_type !== undefined || (isNamed && !isOurs)) {
    return { family: 'foreign', event_id: isText(event_id) ? event_id : null, row: value }
  }
  if (!isText(event_id)) return 'without an event id'
  if (kind === 'annotation') return annotation(event_id, value)
  if (kind !== undefined) return 'of a kind that is not known here'
  if (value['to_lane'] === undefined) return 'neither a transition nor an annotation'
  const fault = faultOf(value)
  if (fault !== null) return fault
  const slug = value['mission_slug'] ?? value['feature_slug'] ?? ''
  const row = { ...value, mission_slug: slug } as unknown as Transition
  return { family: 'transition', event_id, row }
}

function annotation(event_id: string, value: JsonObject): StatusRow | string {
  const { at, actor, wp_id, delta } = value
  if (!isText(at) || Number.isNaN(Date.parse(at))) return 'an annotation without a time'
  if (!isActor(actor)) return 'an annotation without an actor'
  if (typeof wp_id !== 'string' || !WP_ID.test(wp_id)) return 'an annotation of no work package'
  if (!isJsonObject(delta)) return 'an annotation without a delta'
  return { family: 'annotation', event_id, row: { event_id, at, actor, wp_id, delta } }
}

function faultOf(value: JsonObject): string | null {
  const { at, actor, from_lane, to_lane, wp_id, force, execution_mode } = value
  if (!isFromLane(from_lane) || !isLane(to_lane)) return 'a transition with a lane that is none'
  if (!isText(at) || Number.isNaN(Date.parse(at))) return 'a transition without a time'
  if (!isText(wp_id)) return 'a transition of no work package'
  if (!isActor(actor)) return 'a transition without an actor'
  if (typeof force !== 'boolean') return 'a transition that does not say whether it is forced'
  if (!EXECUTION_MODES.some((mode) => mode === execution_mode)) {
    return 'a transition with an execution mode that is none'
  }
  const { reason = null, review_ref = null, evidence = null } = value
  if (!isTextOrNull(reason) || !isTextOrNull(review_ref)) return 'a transition with a wrong field'
  if (evidence !== null && !isJsonObject(evidence)) return 'a transition with a wrong evidence'
  const { policy_metadata = null, review_result = null } = value
  if (policy_metadata !== null && !isJsonObject(policy_metadata)) {
    return 'a transition with a wrong policy'
  }
  return review_result === null || isJsonObject(review_result)
    ? null
    : 'a transition with a wrong review result'
}

function isActor(value: Json | undefined): value is StatusActor {
  if (typeof value === 'string') return true
  if (!isJsonObject(value)) return false
  const keys = Object.keys(value).sort()
  return (
    keys.length === ACTOR_KEYS.length &&
    keys.every((key, at) => key === ACTOR_KEYS[at] && isTextOrNull(value[key] ?? null))
  )
}

function isTextOrNull(value: Json): value is string | null {
  return value === null || typeof value === 'string'
}
