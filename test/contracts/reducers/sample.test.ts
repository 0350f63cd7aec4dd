/** The reference's projection, held to its own outputs: every scenario and every golden of the sample. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { encodeJson } from '#dist/contracts/json/json.js'
import type { Json, JsonObject } from '#dist/contracts/json/json.js'
import { InputError } from '#dist/errors.js'
import { reduceEvents } from '#dist/contracts/reducers/reduce-events.js'
import type { ReducerFamily, ReduceOptions } from '#dist/contracts/reducers/types.js'
import { SeededRandom } from '../../support/seeded-random.ts'

const SAMPLE = join(import.meta.dirname, '../../../../shared/conformance')
const isThere = existsSync(SAMPLE)
if (!isThere && process.env['REQUIRE_SHARED'] !== '1') {
  console.warn('the conformance sample is not beside the repository: its replays are not compared')
}

type Scenario = {
  readonly name: string
  readonly reducer: ReducerFamily
  readonly options: ReduceOptions
  readonly events: readonly JsonObject[]
  readonly expected?: JsonObject
  readonly expected_error?: string
}

/** Each stream of the sample that has an output, and the reducer of that. */
const REPLAYS: readonly { readonly output: RegExp; readonly family: ReducerFamily }[] = [
  { output: /decisionpoint.*_output\.json$/, family: 'decisionpoint' },
  { output: /mission_audit.*_output\.json$/, family: 'mission_audit' },
  { output: /sync-ingest-.*_output\.json$/, family: 'sync' },
  { output: /_connector_output\.json$/, family: 'connector' },
  { output: /_sync_output\.json$/, family: 'sync' },
  { output: /canonical_output_snapshot\.json$/, family: 'dossier' },
]
const SHUFFLES = 200

describe.skipIf(!isThere && process.env['REQUIRE_SHARED'] !== '1')('the sample', () => {
  it('has its scenarios: each comes to the output of the reference, or to its error', () => {
    const scenarios = scenariosOf()
    expect(scenarios.length).toBeGreaterThanOrEqual(19)
    for (const { name, reducer, events, options, expected, expected_error } of scenarios) {
      for (const stream of variantsOf(events, 20)) {
        const reduced = attempt(() =>
          reduceEvents(reducer, stream, { ...options, reference: true }),
        )
        expect({ name, ...reduced }).toEqual({
          name,
          ...(expected_error === undefined
            ? { state: comparable(expected ?? {}) }
            : { error: expected_error }),
        })
      }
    }
  })

  it(`has its goldens: each stream comes to its own under ${SHUFFLES} shuffles with duplicates`, () => {
    const replays = replaysOf()
    expect(replays.length).toBeGreaterThanOrEqual(18)
    for (const { name, family, events, golden } of replays) {
      const texts = new Set(
        variantsOf(events, SHUFFLES).map((stream) =>
          encodeJson(reduceEvents(family, stream, { reference: true })),
        ),
      )
      expect({ name, outputs: texts.size }).toEqual({ name, outputs: 1 })
      const state = comparable(reduceEvents(family, events, { reference: true }))
      expect({ name, state }).toEqual({ name, state: comparable(golden) })
    }
  })
})

function scenariosOf(): readonly Scenario[] {
  const folder = join(SAMPLE, 'derived')
  const names = readdirSync(folder).filter((name) => name.startsWith('reducer_'))
  return names.map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Scenario)
}

function replaysOf() {
  const files = readdirSync(SAMPLE, { recursive: true, encoding: 'utf8' }).sort()
  return files.flatMap((name) => {
    const found = REPLAYS.find(({ output }) => output.test(name))
    if (found === undefined) return []
    const path = join(SAMPLE, name)
    const golden = JSON.parse(readFileSync(path, 'utf8')) as JsonObject
    const events = readFileSync(streamOf(path), 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => cutOver(JSON.parse(line) as JsonObject))
    return [{ name, family: found.family, events, golden: modern(golden) }]
  })
}

function streamOf(output: string): string {
  if (basename(output) === 'canonical_output_snapshot.json') {
    return join(output, '..', 'dossier_happy_path.jsonl')
  }
  return output.replace(/(?:_connector|_sync)?_output\.json$/, '.jsonl')
}

/** One golden is older than the cutover; its manifest says what it became. */
function cutOver(event: JsonObject): JsonObject {
  const { feature_slug, ...payload } = event['payload'] as JsonObject
  if (feature_slug === undefined) return event
  return {
    ...event,
    build_id: 'test-build',
    payload: {
      ...payload,
      mission_slug: feature_slug,
      mission_number: 14,
      mission_type: 'software-dev',
    },
  }
}

function modern({ feature_slug, ...golden }: JsonObject): JsonObject {
  if (feature_slug === undefined) return golden
  return {
    ...golden,
    mission_slug: feature_slug,
    mission_number: 14,
    mission_type: 'software-dev',
    audit_scope_hash: golden['audit_scope_hash'] ?? null,
  }
}

/** The stream as it is, backwards, and shuffled with some of it twice. */
function variantsOf(events: readonly JsonObject[], count: number): (readonly JsonObject[])[] {
  const random = new SeededRandom(7)
  const shuffled = Array.from({ length: count }, () => {
    const doubled = [...events, ...events.filter(() => random.next() < 0.4)]
    return doubled
      .map((event) => ({ event, at: random.next() }))
      .sort((a, b) => a.at - b.at)
      .map(({ event }) => event)
  })
  return [events, events.toReversed(), ...shuffled]
}

function attempt(work: () => JsonObject): { state: JsonObject } | { error: unknown } {
  try {
    return { state: comparable(work()) }
  } catch (error) {
    return { error: error instanceof InputError ? error.details['reference'] : error }
  }
}

/** Without the words of anomalies, and with sets in one order. */
function comparable(state: JsonObject): JsonObject {
  const anomalies = (state['anomalies'] ?? []) as readonly Json[]
  const users = 'transition_log' in state ? { user_connections: [], ...state } : state
  return {
    ...users,
    anomalies: anomalies.map((anomaly) => {
      const fields = Object.entries(anomaly as JsonObject)
      return Object.fromEntries(fields.filter(([key]) => key !== 'reason' && key !== 'message'))
    }),
  }
}
