/**
 * Rewrites events of the time before the cutover, offline: never on the way of a live event. Each step knows one old shape, and
 * all that apply are taken, in order; what comes out is judged anew. The input is never changed.
 */
import { SCHEMA_VERSION } from './event.ts'
import { findForbiddenKeys } from './values/inspect-value.ts'
import { isJsonObject, type Json, type JsonObject } from './json/json.ts'
import { uuidV5 } from './values/uuid-v5.ts'
import { judgeEvent, type Verdict } from './judge.ts'

/** The first three are published; the others put right what those leave. */
export type LegacyShape =
  | 'pre_3_0_envelope'
  | 'feature_keys_envelope'
  | 'awaiting_review_synonym'
  | 'nested_legacy_keys'
  | 'legacy_names'
  | 'old_schema_version'

export type Migration =
  | { readonly state: 'current'; readonly canonical: JsonObject; readonly verdict: Verdict }
  | {
      readonly state: 'normalized'
      readonly canonical: JsonObject
      readonly raw: JsonObject
      /** The first of them, by which the shape is known. */
      readonly legacy_shape: LegacyShape
      readonly legacy_shapes: readonly LegacyShape[]
      readonly verdict: Verdict
    }
  | {
      readonly state: 'unnormalizable'
      readonly reason: UnnormalizableReason
      readonly shape_hints: readonly string[]
      readonly raw: unknown
    }

export type UnnormalizableReason =
  | 'pre_3_0_envelope_missing_identity'
  | 'unrecognized_legacy_shape'
  | 'not_an_object'

type Step = {
  readonly shape: LegacyShape
  /** Null where the shape is another. */
  readonly apply: (event: JsonObject) => JsonObject | null
}

/** Projects that had no id get one by who wrote: the same for the same node and checkout. */
const LEGACY_NAMESPACE = 'fbed40a0-75c7-5b63-9cb5-040fd6aece46'
const RENAMED: Readonly<Record<string, string>> = {
  feature_slug: 'mission_slug',
  feature_number: 'mission_number',
}
const NAMES: Readonly<Record<string, string>> = {
  FeatureCreated: 'MissionCreated',
  FeatureClosed: 'MissionClosed',
}
const AGGREGATE = /^feature(?:_catalog)?(?=\/|$)/

const STEPS: readonly Step[] = [
  { shape: 'pre_3_0_envelope', apply: withIdentity },
  { shape: 'feature_keys_envelope', apply: withMissionKeys },
  { shape: 'awaiting_review_synonym', apply: withReviewLanes },
  { shape: 'nested_legacy_keys', apply: withoutNestedKeys },
  { shape: 'legacy_names', apply: withNewNames },
  { shape: 'old_schema_version', apply: withVersion },
]

/** Total. An event that is as it should be is `current` and stays as it is. */
export function migrateEvent(raw: unknown): Migration {
  if (!isJsonObject(raw)) {
    return { state: 'unnormalizable', reason: 'not_an_object', shape_hints: [], raw }
  }
  const before = judgeEvent(raw)
  if (before.valid) return { state: 'current', canonical: raw, verdict: before }
  if (isWithoutIdentity(raw)) {
    const hints = ['node_id', 'build_id'].filter((key) => textIn(raw, key) === '')
    if (hints.length > 0) {
      const shape_hints = hints.map((key) => `missing ${key}`)
      const reason = 'pre_3_0_envelope_missing_identity'
      return { state: 'unnormalizable', reason, shape_hints, raw }
    }
  }
  const legacy_shapes: LegacyShape[] = []
  let canonical = raw
  for (const { shape, apply } of STEPS) {
    const next = apply(canonical)
    if (next === null) continue
    canonical = next
    legacy_shapes.push(shape)
  }
  const [legacy_shape] = legacy_shapes
  if (legacy_shape === undefined) {
    const shape_hints = Object.keys(raw).sort()
    return { state: 'unnormalizable', reason: 'unrecognized_legacy_shape', shape_hints, raw }
  }
  const verdict = judgeEvent(canonical)
  return { state: 'normalized', canonical, raw, legacy_shape, legacy_shapes, verdict }
}

function isWithoutIdentity(event: JsonObject): boolean {
  const { event_type, payload } = event
  const hasShape = typeof event_type === 'string' && isJsonObject(payload)
  return hasShape && !Object.hasOwn(event, 'project_uuid')
}

function withIdentity(event: JsonObject): JsonObject | null {
  if (!isWithoutIdentity(event)) return null
  const { event_id, correlation_id, schema_version } = event
  const [node_id, build_id] = [textIn(event, 'node_id'), textIn(event, 'build_id')]
  return {
    ...event,
    project_uuid: uuidV5(LEGACY_NAMESPACE, `${node_id}/${build_id}`),
    schema_version: schema_version ?? SCHEMA_VERSION,
    ...(correlation_id === undefined && typeof event_id === 'string'
      ? { correlation_id: event_id }
      : {}),
  }
}

function withMissionKeys(event: JsonObject): JsonObject | null {
  if (!Object.keys(RENAMED).some((key) => Object.hasOwn(event, key))) return null
  const { payload } = event
  const renamed = withRenamedKeys(event)
  return isJsonObject(payload) ? { ...renamed, payload: withRenamedKeys(payload) } : renamed
}

/** What the new name has already stays. */
function withRenamedKeys(object: JsonObject): JsonObject {
  const entries = Object.entries(object).flatMap(([key, value]): [string, Json][] => {
    const name = Object.hasOwn(RENAMED, key) ? (RENAMED[key] ?? key) : key
    if (name === key) return [[key, value]]
    return Object.hasOwn(object, name) ? [] : [[name, value]]
  })
  return Object.fromEntries(entries)
}

function withReviewLanes(event: JsonObject): JsonObject | null {
  const { payload } = event
  if (!isJsonObject(payload)) return null
  const old = ['from_lane', 'to_lane'].filter((key) => payload[key] === 'awaiting-review')
  if (old.length === 0) return null
  const lanes = Object.fromEntries(old.map((key) => [key, 'in_review']))
  return { ...event, payload: { ...payload, ...lanes } }
}

/** Old keys wherever they still stand: renamed where they have a new name, a mission's key to its slug, the rest left out. */
function withoutNestedKeys(event: JsonObject): JsonObject | null {
  return findForbiddenKeys(event).length === 0 ? null : (cleaned(event, 0) as JsonObject)
}

const DEPTH_MAX = 64

function cleaned(value: Json, depth: number): Json {
  if (typeof value !== 'object' || value === null || depth === DEPTH_MAX) return value
  if (Array.isArray(value))
    return (value as readonly Json[]).map((item) => cleaned(item, depth + 1))
  const { mission_key, legacy_aggregate_id: _, ...others } = withRenamedKeys(value as JsonObject)
  const slug =
    mission_key === undefined || Object.hasOwn(others, 'mission_slug')
      ? {}
      : { mission_slug: mission_key }
  const entries = Object.entries({ ...others, ...slug })
  return Object.fromEntries(entries.map(([key, one]) => [key, cleaned(one, depth + 1)]))
}

function withNewNames(event: JsonObject): JsonObject | null {
  const { event_type, aggregate_id } = event
  const type =
    typeof event_type === 'string' && Object.hasOwn(NAMES, event_type)
      ? NAMES[event_type]
      : undefined
  const isOldAggregate = typeof aggregate_id === 'string' && AGGREGATE.test(aggregate_id)
  if (type === undefined && !isOldAggregate) return null
  return {
    ...event,
    ...(type === undefined ? {} : { event_type: type }),
    ...(isOldAggregate ? { aggregate_id: aggregate_id.replace(AGGREGATE, 'mission') } : {}),
  }
}

/** Once all else is put right: the version is a promise. */
function withVersion(event: JsonObject): JsonObject | null {
  const { schema_version } = event
  const [major = ''] = typeof schema_version === 'string' ? schema_version.split('.') : []
  const isOld = schema_version === undefined || (/^\d+$/.test(major) && Number(major) < 3)
  return isOld && typeof event['event_type'] === 'string'
    ? { ...event, schema_version: SCHEMA_VERSION }
    : null
}

/** Empty where there is none. */
function textIn(event: JsonObject, key: string): string {
  const value = event[key]
  return typeof value === 'string' ? value : ''
}
