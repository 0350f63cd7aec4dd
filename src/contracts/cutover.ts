/**
 * The cutover: from version 3.0.0 on, events of the time before are refused, not understood in passing. Fails closed.
 * Programs route on the words of the messages. Source: the event contracts.
 */
import { InputError } from '../errors.ts'
import { SCHEMA_VERSION } from './event.ts'
import { findForbiddenKeys, hasTooManyValues, VALUES_MAX } from './values/inspect-value.ts'
import { isJsonObject } from './json/json.ts'
import { violation, type Path, type Violation } from './values/violation.ts'

/** The policy as data, which other programs read from `schemas/cutover.json`. */
export const CUTOVER_ARTIFACT = deepFreeze({
  artifact_version: '1.0.0',
  release_version: '3.0.0',
  signal_field_name: 'schema_version',
  signal_location: 'event_envelope',
  cutover_contract_version: SCHEMA_VERSION,
  accepted_major: 3,
  forbidden_legacy_keys: ['feature_slug', 'feature_number', 'mission_key'],
  forbidden_legacy_event_names: ['FeatureCreated', 'FeatureClosed'],
  forbidden_legacy_aggregate_names: ['feature', 'feature_catalog'],
  forbidden_legacy_contract_surfaces: ['legacy-cleanup'],
})

type Envelope = Readonly<Record<string, unknown>>

const { signal_field_name: SIGNAL, accepted_major, cutover_contract_version } = CUTOVER_ARTIFACT

/** What the envelope says it is; null where it says nothing. */
export function cutoverSignal(envelope: Envelope): unknown {
  return Object.hasOwn(envelope, SIGNAL) ? (envelope[SIGNAL] ?? null) : null
}

/** What is of before the cutover in the envelope itself. Its keys, at any depth, are found by the walk through the value. */
export function cutoverViolations(envelope: Envelope): readonly Violation[] {
  const found: Violation[] = []
  const add = (path: Path, message: string): void => {
    found.push(violation('gate', 'cutover_policy', path, message))
  }
  const signal = signalFault(cutoverSignal(envelope))
  if (signal !== null) add([SIGNAL], signal)
  const { event_type, aggregate_id } = envelope
  if (names('forbidden_legacy_event_names').includes(event_type)) {
    add(['event_type'], 'forbidden legacy event names')
  }
  if (names('forbidden_legacy_aggregate_names').includes(kindOf(aggregate_id))) {
    add(['aggregate_id'], 'forbidden legacy aggregate names')
  }
  return found
}

/** Whether the value is of before the cutover, or says nothing of it. Total. */
export function isPreCutover(value: unknown): boolean {
  return faultsOf(value).length > 0
}

/** @throws InputError PRE_CUTOVER with the first fault, which names what is wrong in the published words */
export function assertCutover(value: unknown): void {
  const [first] = faultsOf(value)
  if (first === undefined) return
  throw new InputError('PRE_CUTOVER', first, {
    hint: 'Rewrite it offline with `kittiwake migrate-events`.',
  })
}

function faultsOf(value: unknown): readonly string[] {
  try {
    return isJsonObject(value) ? faultsIn(value) : [`missing canonical cutover signal ${SIGNAL}`]
  } catch {
    // A getter or a proxy threw; what it said may quote data.
    return ['the value can not be read']
  }
}

function faultsIn(value: Envelope): readonly string[] {
  const gate = cutoverViolations(value)
  const inGate = gate.map(({ message }) => message)
  const words = keyFault(value)
  if (words === null) return inGate
  // The published order: the signal, the keys, the names.
  const isSignal = gate[0]?.path[0] === SIGNAL
  return isSignal ? [...inGate.slice(0, 1), words, ...inGate.slice(1)] : [words, ...inGate]
}

function keyFault(value: Envelope): string | null {
  const keys = findForbiddenKeys(value).map((path) => String(path.at(-1)))
  if (keys.length > 0) return `forbidden legacy keys: ${[...new Set(keys)].sort().join(', ')}`
  return hasTooManyValues(value)
    ? `forbidden legacy keys: not looked for among more than ${VALUES_MAX} values`
    : null
}

function signalFault(signal: unknown): string | null {
  if (signal === cutover_contract_version) return null
  if (signal === null) return `missing canonical cutover signal ${SIGNAL}`
  if (typeof signal !== 'string') return `${SIGNAL} must be a string`
  const [major = ''] = signal.split('.', 1)
  if (!/^\d+$/.test(major)) return `${SIGNAL} must start with a numeric major version`
  if (Number(major) !== accepted_major) {
    return `unsupported cutover major version; expected: ${accepted_major}`
  }
  return `cutover signal must equal ${cutover_contract_version}`
}

function names(
  key: 'forbidden_legacy_event_names' | 'forbidden_legacy_aggregate_names',
): readonly unknown[] {
  return CUTOVER_ARTIFACT[key]
}

function kindOf(aggregateId: unknown): unknown {
  return typeof aggregateId === 'string' ? aggregateId.split('/', 1)[0] : null
}

function deepFreeze<Value extends object>(value: Value): Readonly<Value> {
  for (const part of Object.values(value)) {
    if (typeof part === 'object' && part !== null) Object.freeze(part)
  }
  return Object.freeze(value)
}
