/**
 * What kind of thing a value is that claims to be an envelope: good, or bad in one of five ways, each with its code. It looks
 * at shape, keys, lanes and three payloads; the cutover's signal and the moves of packages are left to the judgement.
 */
import { readOr } from './values/arguments.ts'
import { envelope as envelopeModel } from './envelope.ts'
import { findForbiddenKeys, hasTooManyValues } from './values/inspect-value.ts'
import { isJsonObject } from './json/json.ts'
import { normalisePayload } from './normalise.ts'
import { PAYLOAD_MODELS } from './registry.ts'
import { violationsOf, type Path, type Violation } from './values/violation.ts'
import { canonicalLane } from './wire-lanes.ts'

export type ValidationErrorCode =
  | 'FORBIDDEN_KEY'
  | 'UNKNOWN_LANE'
  | 'PAYLOAD_SCHEMA_FAIL'
  | 'ENVELOPE_SHAPE_INVALID'
  | 'RAW_HISTORICAL_ROW'

/** What is wrong, by a closed list of codes. The same input gives the same bytes. */
export type StructuredError = {
  readonly code: ValidationErrorCode
  readonly message: string
  readonly path: Path
  /** By code: `{key}`, `{lane}`, `{errors}`, `{missing}`, `{detected_shape}`. */
  readonly details: Readonly<Record<string, unknown>>
}

export type Classification =
  | { readonly valid: true }
  | { readonly valid: false; readonly error: StructuredError }

type Value = Readonly<Record<string, unknown>>

const REQUIRED = [
  'event_id',
  'event_type',
  'aggregate_id',
  'payload',
  'timestamp',
  'build_id',
  'node_id',
  'lamport_clock',
  'correlation_id',
  'project_uuid',
]
/** None of these stands in a row of before there were envelopes. */
const MODERN = ['lamport_clock', 'build_id', 'schema_version']
/** Keys that such rows are told by; each list is one shape. A line of a status log is one, too. */
const HISTORICAL = [
  ['type', 'ts'],
  ['wp', 'from', 'to'],
  ['lane', 'ts'],
  ['wp_id', 'lane'],
  ['wp_id', 'to_lane'],
  ['event_version'],
  ['occurred_at'],
]
const TYPED = ['MissionCreated', 'MissionClosed', 'WPStatusChanged'] as const

/** Total; of several faults the first in the published order. */
export function classifyEnvelope(input: unknown): Classification {
  try {
    return classify(input)
  } catch {
    return bad('ENVELOPE_SHAPE_INVALID', 'the value can not be read', [], {})
  }
}

/** Whether a lane's old name is a canonical lane, its alias, and the one that is expected. */
export function classifyLaneName(input: unknown): Classification {
  const value = readOr(() => (isJsonObject(input) ? { ...input } : {}), {}) as Value
  const { legacy_lane: name, canonical_lane: expected } = value
  const path = ['legacy_lane']
  if (typeof name !== 'string') return bad('PAYLOAD_SCHEMA_FAIL', 'a lane is text', path, {})
  const lane = canonicalLane(name)
  const isExpected = expected === undefined || expected === null || expected === lane
  return lane !== null && isExpected ? { valid: true } : unknownLane(name, path)
}

function classify(input: unknown): Classification {
  if (!isJsonObject(input)) {
    return bad('ENVELOPE_SHAPE_INVALID', 'an envelope is an object', [], {})
  }
  const missing = REQUIRED.filter((key) => !Object.hasOwn(input, key))
  if (missing.length > 0) return incomplete(input, missing)
  const [path] = findForbiddenKeys(input)
  if (path !== undefined) {
    const key = path.at(-1)
    return bad('FORBIDDEN_KEY', `forbidden legacy keys: ${key}`, path, { key })
  }
  if (hasTooManyValues(input)) {
    return bad('ENVELOPE_SHAPE_INVALID', 'more values than are looked through', [], {})
  }
  const { payload, event_type } = input
  if (!isJsonObject(payload)) {
    return bad('PAYLOAD_SCHEMA_FAIL', 'a payload is an object', ['payload'], {})
  }
  return laneFault(event_type, payload) ?? modelFault(input, payload) ?? { valid: true }
}

function incomplete(input: Value, missing: readonly string[]): Classification {
  const shape = HISTORICAL.find((keys) => keys.every((key) => Object.hasOwn(input, key)))
  if (shape === undefined || MODERN.some((key) => Object.hasOwn(input, key))) {
    const words = `missing: ${missing.join(', ')}`
    return bad('ENVELOPE_SHAPE_INVALID', words, [], { missing })
  }
  const details = { detected_shape: 'local_status_row' }
  return bad('RAW_HISTORICAL_ROW', `a row of before there were envelopes`, [], details)
}

function laneFault(eventType: unknown, payload: Value): Classification | null {
  if (eventType !== 'WPStatusChanged') return null
  for (const field of ['from_lane', 'to_lane']) {
    const name = payload[field] ?? null
    const path = ['payload', field]
    if (name === null) continue
    if (typeof name !== 'string') return bad('PAYLOAD_SCHEMA_FAIL', 'a lane is text', path, {})
    if (canonicalLane(name) === null) return unknownLane(name, path)
  }
  return null
}

function modelFault(input: Value, payload: Value): Classification | null {
  const parsed = envelopeModel.safeParse(input)
  if (!parsed.success) {
    const errors = violationsOf(parsed.error.issues, input, 'envelope', [])
    const inPayload = errors.some(({ path }) => path[0] === 'payload')
    return failed(inPayload ? 'PAYLOAD_SCHEMA_FAIL' : 'ENVELOPE_SHAPE_INVALID', errors)
  }
  const type = TYPED.find((name) => name === input['event_type'])
  if (type === undefined) return null
  const { value } = normalisePayload(type, payload)
  const typed = PAYLOAD_MODELS[type].safeParse(value)
  if (typed.success) return null
  return failed(
    'PAYLOAD_SCHEMA_FAIL',
    violationsOf(typed.error.issues, value, 'payload', ['payload']),
  )
}

function failed(code: ValidationErrorCode, errors: readonly Violation[]): Classification {
  const path = code === 'PAYLOAD_SCHEMA_FAIL' ? ['payload'] : (errors[0]?.path ?? [])
  return bad(code, `${errors.length} faults, first: ${errors[0]?.message}`, path, { errors })
}

function unknownLane(lane: string, path: Path): Classification {
  return bad('UNKNOWN_LANE', 'no lane has this name', path, { lane })
}

function bad(
  code: ValidationErrorCode,
  message: string,
  path: Path,
  details: StructuredError['details'],
): Classification {
  return { valid: false, error: { code, message, path, details } }
}
