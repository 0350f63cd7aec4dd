/** The ledger's records of decisions: one compact, sorted, ASCII line each in `decisions.events.jsonl`. */
import { encodeJson, isJsonObject } from '../json/json.ts'
import type { Json, JsonObject } from '../json/json.ts'
import { isText } from '../values/scalars.ts'

export const DECISION_LOG = 'decisions.events.jsonl'

export type Actor = {
  readonly actor_id: string
  readonly actor_type: 'human' | 'llm' | 'service'
  readonly display_name?: string
  readonly provider?: string | null
  readonly model?: string | null
  readonly tool?: string | null
}

export type RequestedPayload = {
  readonly run_id: string
  readonly decision_id: string
  readonly step_id: string
  readonly question: string
  readonly options: readonly string[]
  readonly input_key: string | null
  readonly actor: Actor
}

export type AnsweredPayload = {
  readonly run_id: string
  readonly decision_id: string
  readonly answer: string
  readonly actor: Actor
}

type RecordOf<Type extends string, Payload> = {
  /** `YYYY-MM-DDTHH:MM:SS.ffffff+00:00`, always six digits. */
  readonly at: string
  /** Absent in logs of older writers. */
  readonly build_id?: string
  readonly event_id: string
  readonly event_type: Type
  /** The mission's ULID; null in logs of older writers. */
  readonly mission_id: string | null
  readonly payload: Payload
}

export type RequestedRecord = RecordOf<'DecisionInputRequested', RequestedPayload>
export type AnsweredRecord = RecordOf<'DecisionInputAnswered', AnsweredPayload>
export type DecisionRecord = RequestedRecord | AnsweredRecord

/** A decision as `decision log` shows it. */
export type Decision = {
  readonly decision_id: string
  readonly question: string
  readonly options: readonly string[]
  readonly answer: string | null
  readonly requested_at: string
  readonly answered_at: string | null
  /** The commit that first holds the answer, or null. */
  readonly commit: string | null
}

/** The record as one line without its line end. @throws InputError JSON_DEPTH, JSON_NUMBER */
export function encodeDecisionRecord(record: DecisionRecord): string {
  return encodeJson(record, 'compact')
}

/** The record that a parsed line holds, in either dialect and of older writers too, or null. */
export function parseDecisionRecord(value: Json): DecisionRecord | null {
  if (!isJsonObject(value)) return null
  const { at, build_id, event_id, event_type, mission_id, payload } = value
  if (!isInstant(at) || !isText(event_id) || payload === undefined || !isJsonObject(payload)) {
    return null
  }
  if (build_id !== undefined && !isText(build_id)) return null
  if (mission_id !== null && mission_id !== undefined && !isText(mission_id)) return null
  const stamp = { at, event_id, mission_id: mission_id ?? null }
  const stamped = build_id === undefined ? stamp : { ...stamp, build_id }
  if (event_type === 'DecisionInputRequested') {
    const requested = parseRequested(payload)
    return requested === null ? null : { ...stamped, event_type, payload: requested }
  }
  if (event_type === 'DecisionInputAnswered') {
    const answered = parseAnswered(payload)
    return answered === null ? null : { ...stamped, event_type, payload: answered }
  }
  return null
}

function parseRequested(payload: JsonObject): RequestedPayload | null {
  const { run_id, decision_id, step_id, question, options = [], input_key = null } = payload
  const actor = parseActor(payload['actor'])
  if (!isText(run_id) || !isText(decision_id) || !isText(step_id) || !isText(question)) return null
  if (!Array.isArray(options) || !options.every((option) => typeof option === 'string')) return null
  if ((input_key !== null && typeof input_key !== 'string') || actor === null) return null
  return { run_id, decision_id, step_id, question, options, input_key, actor }
}

function parseAnswered(payload: JsonObject): AnsweredPayload | null {
  const { run_id, decision_id, answer } = payload
  const actor = parseActor(payload['actor'])
  if (!isText(run_id) || !isText(decision_id) || !isText(answer) || actor === null) return null
  return { run_id, decision_id, answer, actor }
}

function parseActor(value: Json | undefined): Actor | null {
  if (value === undefined || !isJsonObject(value)) return null
  const { actor_id, actor_type, display_name, provider, model, tool } = value
  if (!isText(actor_id)) return null
  if (actor_type !== 'human' && actor_type !== 'llm' && actor_type !== 'service') return null
  if (![provider, model, tool].every(isNullableString)) return null
  if (display_name !== undefined && typeof display_name !== 'string') return null
  // Every value has just been checked, and what an actor says of itself beyond these is kept.
  return { ...value, actor_id, actor_type }
}

function isNullableString(value: Json | undefined): boolean {
  return value === undefined || value === null || typeof value === 'string'
}

function isInstant(value: Json | undefined): value is string {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value))
}
