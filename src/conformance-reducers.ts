/** Outputs of reducers, as conformance data has them: held to the projection of the reference, but for words of anomalies. */
import { readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { compareJson } from './contracts/json/compare-json.ts'
import { readEventText } from './contracts/event-text.ts'
import { encodeJson, isJsonObject } from './contracts/json/json.ts'
import type { Json, JsonObject } from './contracts/json/json.ts'
import { isReducerFamily } from './contracts/reducers/families.ts'
import { reduceEvents } from './contracts/reducers/reduce-events.ts'
import type { ReducerFamily, ReduceOptions } from './contracts/reducers/types.ts'
import { InputError } from './errors.ts'
import { readText } from './project/files/bounded-file.ts'
import { namesIn } from './project/files/names-in.ts'

/** Null where it is as expected; else what is not. */
type Difference = string | null

/** A stream, or an output, in bytes. */
const FILE_BYTES_MAX = 16 * 1024 * 1024

/** By the name of the state that an output is of. */
const FAMILY_BY_STATE: ReadonlyMap<string, ReducerFamily> = new Map([
  ['ReducedStatus', 'status'],
  ['ReducedMissionState', 'lifecycle'],
  ['ReducedCollaborationState', 'collaboration'],
  ['ReducedGlossaryState', 'glossary'],
  ['DecisionPointState', 'decisionpoint'],
  ['ReducedDecisionPointState', 'decisionpoint'],
  ['MissionAuditState', 'mission_audit'],
  ['ReducedMissionAuditState', 'mission_audit'],
  ['MissionDossierState', 'dossier'],
  ['ReducedMissionRunState', 'mission_next'],
  ['ReducedConnectorState', 'connector'],
  ['ReducedSyncState', 'sync'],
])

/** Of an output and the stream beside it; `notes` may name that. */
export function judgeOutput(path: string, state: string, notes: string): Difference {
  const family = FAMILY_BY_STATE.get(state)
  const golden = documentOf(path)
  const stream = streamBeside(path, notes)
  const text = stream === null ? null : readText(stream, FILE_BYTES_MAX)
  if (family === undefined) return 'no reducer has this state'
  if (!isJsonObject(golden) || text === null) return 'the output, or its stream, can not be read'
  const events = text.split('\n').filter((line) => line.trim() !== '')
  return differenceOf(family, events.map(valueOf), {}, golden)
}

/** Of a stream and what this program's own rules make of it, `NAME.golden.json` beside `NAME.jsonl`. */
export function judgeReduction(path: string, family: string): Difference {
  const golden = readText(path, FILE_BYTES_MAX)
  const text = readText(path.replace(/\.golden\.json$/, '.jsonl'), FILE_BYTES_MAX)
  if (!isReducerFamily(family)) return 'no reducer of this name'
  if (golden === null || text === null) return 'the state, or its stream, can not be read'
  const events = text.split('\n').filter((line) => line.trim() !== '')
  const state = encodeJson(reduceEvents(family, events.map(valueOf)))
  return state === golden.trimEnd() ? null : 'another state'
}

/** Of a scenario: a reducer, its options and events, and what it comes to or which error it throws. */
export function judgeScenario(path: string): Difference {
  const scenario = documentOf(path)
  if (!isJsonObject(scenario)) return 'the scenario can not be read'
  const { reducer, events, options, expected, expected_error } = scenario
  if (typeof reducer !== 'string' || !isReducerFamily(reducer) || !Array.isArray(events)) {
    return 'no reducer, or no events'
  }
  const wanted = isJsonObject(expected) ? expected : (expected_error ?? null)
  return differenceOf(reducer, events, isJsonObject(options) ? options : {}, wanted)
}

/** The paths of the scenarios of a folder; none where there is no such folder. */
export function scenariosIn(folder: string): readonly string[] {
  try {
    const names = readdirSync(folder).filter((name) => /^reducer_.*\.json$/.test(name))
    return names.sort().map((name) => join(folder, name))
  } catch {
    return []
  }
}

function differenceOf(
  family: ReducerFamily,
  events: readonly unknown[],
  options: JsonObject,
  expected: Json,
): Difference {
  const found = attempt(family, events, options)
  if (typeof found === 'string') return found === expected ? null : `ends with ${found}`
  if (!isJsonObject(expected)) return 'ends with a state'
  const [ours, theirs] = [comparable(found), comparable(expected)]
  const keys = [...new Set([...Object.keys(ours), ...Object.keys(theirs)])]
  const differing = keys.find((key) => compareJson(ours[key] ?? null, theirs[key] ?? null) !== 0)
  return differing === undefined ? null : `${differing} is another`
}

/** The state, or the class of the error that the reference throws. */
function attempt(
  family: ReducerFamily,
  events: readonly unknown[],
  options: ReduceOptions,
): JsonObject | string {
  try {
    return reduceEvents(family, events, { ...options, reference: true })
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    const { reference } = error.details
    return typeof reference === 'string' ? reference : error.code
  }
}

const WORDS: ReadonlySet<string> = new Set(['reason', 'message'])
/** What is a set, and so has no order; or an object of sets. */
const SETS: ReadonlySet<string> = new Set([
  'seen_delivery_pairs',
  'active_drivers',
  'participants_by_focus',
])

function comparable(state: JsonObject): JsonObject {
  const entries = Object.entries(state).map(([key, value]): [string, Json] => {
    if (key === 'anomalies' && Array.isArray(value)) return [key, value.map(withoutWords)]
    if (SETS.has(key)) return [key, unordered(value)]
    // Older outputs have no roster.
    if (key === 'user_connections' && Array.isArray(value) && value.length === 0) return [key, null]
    return [key, value]
  })
  return Object.fromEntries(entries)
}

function unordered(value: Json): Json {
  if (Array.isArray(value)) return (value as readonly Json[]).toSorted(compareJson)
  if (!isJsonObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, unordered(one)]))
}

function withoutWords(anomaly: Json): Json {
  if (!isJsonObject(anomaly)) return anomaly
  return Object.fromEntries(Object.entries(anomaly).filter(([key]) => !WORDS.has(key)))
}

/** The one with the longest name that the output's begins with, or that the notes name, or the only one there. */
function streamBeside(output: string, notes: string): string | null {
  const folder = dirname(output)
  const name = basename(output)
  const streams = namesIn(folder).filter((other) => other.endsWith('.jsonl'))
  const found =
    longest(streams.filter((other) => name.startsWith(`${other.slice(0, -'.jsonl'.length)}_`))) ??
    longest(streams.filter((other) => notes.includes(other))) ??
    (streams.length === 1 ? streams[0] : undefined)
  return found === undefined ? null : join(folder, found)
}

function longest(names: readonly string[]): string | undefined {
  return names.toSorted((a, b) => b.length - a.length)[0]
}

function documentOf(path: string): unknown {
  const text = readText(path, FILE_BYTES_MAX)
  return text === null ? null : valueOf(text)
}

function valueOf(text: string): unknown {
  const read = readEventText(text, FILE_BYTES_MAX)
  return read.ok ? read.value : null
}
