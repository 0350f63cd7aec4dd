/**
 * Runs a manifest of conformance data: each entry names a file and what is to be found of it. Scenarios of reducers beside it
 * are run, too.
 */
import { basename, join, relative, resolve } from 'node:path'
import { judgeOutput, judgeReduction, judgeScenario, scenariosIn } from './conformance-reducers.ts'
import { classifyEnvelope, classifyLaneName, type Classification } from './contracts/classify.ts'
import { EVENT_TEXT_MAX, readEventText } from './contracts/event-text.ts'
import { isJsonObject, type JsonObject } from './contracts/json/json.ts'
import { migrateEvent } from './contracts/migrate.ts'
import { assertOccurrencePreserved } from './contracts/occurrence.ts'
import { canonicalLane, syncLaneOf } from './contracts/wire-lanes.ts'
import { InputError, KittiwakeError } from './errors.ts'
import { validateEvent } from './events/validate-event.ts'
import { readText } from './project/files/bounded-file.ts'

export type EntryResult = {
  readonly id: string
  readonly path: string
  /** What kind of entry it is: a plain one is `event`. */
  readonly kind: string
  readonly state: 'passed' | 'failed' | 'skipped'
  /** Why it failed or was skipped. */
  readonly detail: string | null
}

type Entry = {
  readonly id: string
  readonly path: string
  readonly event_type: string
  readonly fixture_type: string
  readonly notes: string
  readonly isValid: boolean
  readonly class: string | null
  readonly code: string | null
}

/** A manifest, or one of its files, in bytes. */
const FILE_BYTES_MAX = 16 * 1024 * 1024
const FIXTURES = 'fixtures'
/** Scenarios of reducers; a manifest does not name them. */
const DERIVED = 'derived'
const MANIFEST = 'manifest.json'

/** @throws InputError MANIFEST_UNREADABLE */
export function runConformance(folder: string): readonly EntryResult[] {
  const root = resolve(folder)
  const manifest = readManifest(root)
  const entries = manifest.entries.map((entry) => {
    const found = judge(root, join(root, manifest.fixtures, entry.path), entry)
    const kind = entry.class ?? (entry.fixture_type || 'event')
    return { id: entry.id, path: entry.path, kind, ...found }
  })
  return [...entries, ...scenariosIn(join(root, DERIVED)).map(judgeOne)]
}

function judgeOne(path: string): EntryResult {
  const id = basename(path, '.json')
  return {
    id,
    path: join(DERIVED, basename(path)),
    kind: 'scenario',
    ...foundOf(judgeScenario(path)),
  }
}

function foundOf(difference: string | null): Found {
  return difference === null ? PASSED : failed(difference)
}

type Found = Pick<EntryResult, 'state' | 'detail'>
type Judge = (entry: Entry, value: unknown) => Found

function judge(root: string, path: string, entry: Entry): Found {
  if (relative(root, path).startsWith('..')) return failed('the path leads out of the folder')
  const text = readText(path, FILE_BYTES_MAX)
  if (text === null) return failed('the file can not be read')
  if (entry.fixture_type === 'replay_stream') return judgeStream(text)
  if (entry.fixture_type === 'reducer_output')
    return foundOf(judgeOutput(path, entry.event_type, entry.notes))
  if (entry.fixture_type === 'reduction') return foundOf(judgeReduction(path, entry.event_type))
  const read = readEventText(text, FILE_BYTES_MAX)
  if (!read.ok) return failed(read.violations[0]?.message ?? 'not JSON')
  return judgeOf(entry)(entry, read.value)
}

function judgeOf({ class: name, fixture_type, event_type }: Entry): Judge {
  if (name !== null) return judgeClass
  if (fixture_type === 'timestamp_semantics') return judgeOccurrence
  if (fixture_type === 'legacy_normalization') return judgeLegacy
  if (event_type === 'LaneMapping') return judgeLanes
  // What no type names is judged by its class, in the other list.
  if (event_type.startsWith('<')) return () => skipped('judged by its class')
  return judgeEvent
}

const judgeEvent: Judge = ({ event_type, isValid }, value) => {
  const { valid, violations } = validateEvent(inputOf(value), event_type, { strict: true })
  if (valid === isValid) return PASSED
  const [first] = violations
  return failed(valid ? 'valid' : `${first?.path.join('.')}: ${first?.message} (${first?.code})`)
}

const judgeClass: Judge = (entry, value) => {
  const isLanes = entry.class === 'lane_mapping_legacy'
  const found: Classification = (isLanes ? classifyLaneName : classifyEnvelope)(inputOf(value))
  const code = found.valid ? null : found.error.code
  // Of rows of before there were envelopes their own code is the ideal; to refuse them is enough.
  const isAnyCode = entry.code === null || entry.class === 'historical_row_raw'
  if (found.valid === entry.isValid && (isAnyCode || entry.code === code)) return PASSED
  return failed(code ?? 'valid')
}

const judgeLanes: Judge = ({ isValid }, value) => {
  const mappings = Array.isArray(value) ? (value as unknown[]) : [value]
  const areLanes = mappings.map(objectOf).every(({ canonical, expected_sync: sync }) => {
    const lane = typeof canonical === 'string' ? canonicalLane(canonical) : null
    if (lane === null || lane !== canonical) return false
    // Which of the short lists is meant is not said.
    return sync === undefined || sync === syncLaneOf(lane, 1) || sync === syncLaneOf(lane, 2)
  })
  return areLanes === isValid ? PASSED : failed(areLanes ? 'all are lanes' : 'one is no lane')
}

const judgeOccurrence: Judge = ({ isValid }, value) => {
  const { envelope, consumer_simulation: simulation } = objectOf(value)
  const persisted = objectOf(simulation)['persisted_occurrence_time']
  try {
    assertOccurrencePreserved(objectOf(envelope), persisted)
    return isValid ? PASSED : failed('preserved')
  } catch (error) {
    if (!(error instanceof KittiwakeError)) throw error
    return isValid ? failed(error.message) : PASSED
  }
}

const PUBLISHED_SHAPES: ReadonlySet<string> = new Set([
  'pre_3_0_envelope',
  'feature_keys_envelope',
  'awaiting_review_synonym',
])

const judgeLegacy: Judge = (_, value) => {
  const { expected, expected_reason, legacy_shape } = objectOf(value)
  const found = migrateEvent(inputOf(value))
  const isNormalized = found.state === 'normalized' && PUBLISHED_SHAPES.has(found.legacy_shape)
  if (isNormalized !== (expected === 'normalized')) return failed(found.state)
  if (found.state === 'normalized' && (legacy_shape ?? found.legacy_shape) !== found.legacy_shape) {
    return failed(found.legacy_shape)
  }
  const reason = found.state === 'unnormalizable' ? found.reason : expected_reason
  return (expected_reason ?? reason) === reason ? PASSED : failed(found.state)
}

/** That its lines are events is what a stream promises; which of them are valid, it doesn't say. */
function judgeStream(text: string): Found {
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const read = readEventText(line, EVENT_TEXT_MAX)
    const isEvent = read.ok && isJsonObject(read.value) && isJsonObject(read.value['payload'])
    if (!isEvent) return failed(`line ${index + 1} is no event`)
  }
  return PASSED
}

/** A manifest may name another folder for its files, within its own. */
function readManifest(root: string): {
  readonly fixtures: string
  readonly entries: readonly Entry[]
} {
  const text = readText(join(root, MANIFEST), FILE_BYTES_MAX)
  const read = text === null ? null : readEventText(text, FILE_BYTES_MAX)
  const manifest = objectOf(read?.ok === true ? read.value : null)
  const { fixtures, classes, folder } = manifest
  const plain = Array.isArray(fixtures) ? (fixtures as unknown[]) : null
  if (plain === null) {
    throw new InputError('MANIFEST_UNREADABLE', `no ${MANIFEST} with fixtures can be read there`, {
      hint: `Name the folder that holds ${MANIFEST} and ${FIXTURES}/.`,
    })
  }
  const classed = objectOf(classes)['entries']
  const all = [...plain, ...(Array.isArray(classed) ? (classed as unknown[]) : [])]
  return {
    fixtures: typeof folder === 'string' ? folder : FIXTURES,
    entries: all.map(entryOf),
  }
}

function entryOf(value: unknown): Entry {
  const entry = objectOf(value)
  const word = (key: string): string => (typeof entry[key] === 'string' ? entry[key] : '')
  return {
    id: word('id'),
    path: word('path'),
    event_type: word('event_type'),
    fixture_type: word('fixture_type'),
    notes: word('notes'),
    isValid: (word('expected_result') || word('expected')) === 'valid',
    class: word('class') || null,
    code: word('expected_error_code') || null,
  }
}

/** Of a wrapped entry, what it is about. */
function inputOf(value: unknown): unknown {
  return isJsonObject(value) && value['input'] !== undefined ? value['input'] : value
}

function objectOf(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {}
}

const PASSED: Found = { state: 'passed', detail: null }

function failed(detail: string): Found {
  return { state: 'failed', detail: `found: ${detail}` }
}

function skipped(detail: string): Found {
  return { state: 'skipped', detail }
}
