/**
 * The state that a stream of events comes to. The answer depends on the set of events alone: not on their order in the
 * stream, and not on how often one of them stands there.
 */
import { InputError } from '../../errors.ts'
import { checkedOptions, isFlag, type OptionChecks, readOr } from '../values/arguments.ts'
import { normaliseId } from '../values/event-id.ts'
import { compareText } from '../event-order.ts'
import { isJsonObject } from '../json/json.ts'
import type { JsonObject } from '../json/json.ts'
import type { AnomalyCode } from './anomaly-codes.ts'
import { byFamily } from './families.ts'
import { isParticipant, readPayload } from './payloads.ts'
import { readStream, type Stream } from './read-stream.ts'
import { reduceAsReference } from './reference.ts'
import type {
  Aggregate,
  Anomaly,
  Family,
  Input,
  ReduceOptions,
  ReducerFamily,
  Reduction,
  Run,
} from './types.ts'
import { entry } from './values.ts'

/**
 * Reduces events of any families, of which the reducer takes its own. Bad events never throw: they are anomalies.
 *
 * With `reference: true` the answer is the reference's one state, whatever aggregates the events are of, and the errors that
 * it throws are thrown, as InputError with the class in `details.reference`.
 *
 * @param events envelopes of schema 3.0.0, as parsed JSON
 * @throws InputError REDUCER_UNKNOWN, OPTIONS_INVALID, EVENTS_EXPECTED, ROSTER_INVALID, AS_OF_UNKNOWN; ANOMALY in strict mode
 */
export function reduceEvents(
  family: ReducerFamily,
  events: readonly unknown[],
  options: ReduceOptions & { readonly reference: true },
): JsonObject
export function reduceEvents(
  family: ReducerFamily,
  events: readonly unknown[],
  options?: ReduceOptions & { readonly reference?: false },
): Reduction
export function reduceEvents(
  family: ReducerFamily,
  events: readonly unknown[],
  options: ReduceOptions,
): Reduction | JsonObject
export function reduceEvents(
  family: ReducerFamily,
  events: readonly unknown[],
  options: ReduceOptions = {},
): Reduction | JsonObject {
  const found = byFamily(family)
  const given = checkedOptions(options, CHECKS)
  const isReference = given.reference === true
  if (!Array.isArray(events))
    throw new InputError('EVENTS_EXPECTED', 'a list of events is expected')
  checkRoster(given.roster)
  const stream = upTo(readStream(events, isReference), given.as_of ?? null)
  return isReference
    ? reduceAsReference(family, found, stream, given)
    : reduce(family, found, stream, given)
}

const CHECKS: OptionChecks<ReduceOptions> = {
  mode: (value) => value === 'strict' || value === 'permissive',
  // Its own error says what a roster is.
  roster: () => true,
  as_of: (value) => typeof value === 'string',
  reference: isFlag,
}

function reduce(
  name: ReducerFamily,
  family: Family,
  stream: Stream,
  options: ReduceOptions,
): Reduction {
  const own = stream.events.filter(({ event_type }) => family.types.has(event_type))
  const run = new PlainRun(options, stream.events)
  for (const anomaly of stream.anomalies) run.note(anomaly)
  const valid = own.map((event) => run.accept(event)).filter((event) => event !== null)
  const aggregates = [...groupsOf(valid, family, run).values()].map(
    ({ key, events }): Aggregate => {
      return {
        project_uuid: events[0]?.project_uuid ?? null,
        key,
        event_count: events.length,
        last_processed_event_id: events.at(-1)?.event_id ?? null,
        state: family.fold(events, run),
      }
    },
  )
  return {
    family: name,
    aggregates: aggregates.sort(compareAggregates),
    anomalies: run.anomalies(),
    event_count: own.length,
    last_processed_event_id: own.at(-1)?.event_id ?? null,
  }
}

type Group = { readonly key: string; readonly events: Input[] }

/** Within each project by key: keys are names of that project only. */
function groupsOf(events: readonly Input[], family: Family, run: PlainRun): readonly Group[] {
  const projects = new Map<string, Map<string, Group>>()
  const keys = family.keysOf(events)
  for (const [at, event] of events.entries()) {
    const key = keys[at] ?? null
    if (key === null) {
      run.report(event, 'aggregate_unknown', 'the payload does not say what it belongs to')
      continue
    }
    const groups = entry(projects, event.project_uuid ?? '', () => new Map<string, Group>())
    entry(groups, key, () => ({ key, events: [] })).events.push(event)
  }
  return [...projects.values()].flatMap((groups) => [...groups.values()])
}

function compareAggregates(a: Aggregate, b: Aggregate): number {
  return compareText(a.project_uuid ?? '', b.project_uuid ?? '') || compareText(a.key, b.key)
}

/** Our own rules: every payload is judged before any is folded, and anomalies stand in the order of their events. */
class PlainRun implements Run {
  readonly reference = false
  readonly roster: Readonly<Record<string, JsonObject>>
  readonly #isStrict: boolean
  readonly #events: readonly Input[]
  readonly #anomalies: Anomaly[] = []

  constructor({ mode, roster }: ReduceOptions, events: readonly Input[]) {
    this.roster = roster ?? {}
    this.#isStrict = mode === 'strict'
    this.#events = events
  }

  /** The event with the payload as it counts, or null. */
  accept(event: Input): Input | null {
    const parsed = readPayload(event.event_type, event.payload)
    if (parsed.ok) {
      return parsed.payload === event.payload ? event : { ...event, payload: parsed.payload }
    }
    this.report(event, 'malformed_payload', parsed.detail, { path: parsed.path })
    return null
  }

  parse(event: Input): JsonObject {
    return event.payload
  }

  report(event: Input, code: AnomalyCode, detail: string, { path }: { path?: string } = {}): void {
    const { event_id, event_type } = event
    const where = path === undefined || path === '' ? {} : { path }
    this.note({ code, event_id, event_type, ...where, detail })
  }

  challenge(event: Input, code: AnomalyCode, detail: string): void {
    this.report(event, code, detail)
  }

  refuse(event: Input, code: AnomalyCode, detail: string): never {
    throw strictly({ code, event_id: event.event_id, event_type: event.event_type, detail })
  }

  note(anomaly: Anomaly): void {
    if (this.#isStrict) throw strictly(anomaly)
    this.#anomalies.push(anomaly)
  }

  anomalies(): readonly Anomaly[] {
    if (this.#anomalies.length === 0) return []
    const placeById = new Map(this.#events.map(({ event_id }, at) => [event_id, at]))
    const placeOf = ({ event_id }: Anomaly): number => placeById.get(event_id) ?? -1
    return this.#anomalies.toSorted((a, b) => placeOf(a) - placeOf(b))
  }
}

function strictly({ code, event_id, event_type, detail }: Anomaly): InputError {
  return new InputError('ANOMALY', `${event_type || 'an event'} ${event_id}: ${detail} (${code})`, {
    hint: 'Mend the stream, or reduce it with mode permissive, which tells of every anomaly.',
    details: { anomaly: code, event_id, event_type },
  })
}

function upTo(stream: Stream, asOf: string | null): Stream {
  if (asOf === null) return stream
  const id = normaliseId(asOf) ?? asOf
  const at = stream.events.findIndex(({ event_id }) => event_id === id)
  if (at !== -1) return { ...stream, events: stream.events.slice(0, at + 1) }
  throw new InputError('AS_OF_UNKNOWN', 'the event up to which to reduce is not in the stream', {
    hint: 'Give the event_id of one of the events, as it is spelled there.',
  })
}

function checkRoster(roster: unknown): void {
  if (roster === undefined) return
  const isRoster = (): boolean => isJsonObject(roster) && Object.values(roster).every(isParticipant)
  if (readOr(isRoster, false)) return
  throw new InputError('ROSTER_INVALID', 'a roster is an object of participants by their ids')
}
