/** Events as they come, in any order and any number of times, as the one ordered stream that they are. */
import { compareJson } from '../json/compare-json.ts'
import { normaliseId } from '../values/event-id.ts'
import { byPlace, compareText } from '../event-order.ts'
import { isJsonObject } from '../json/json.ts'
import type { Json, JsonObject } from '../json/json.ts'
import { isoFormat, parseTimestamp } from '../values/timestamp.ts'
import type { Anomaly, Input } from './types.ts'
import { textOf } from './values.ts'

export type Stream = {
  /** Ordered, each id once. */
  readonly events: readonly Input[]
  /** What has no place in the stream, and ids that stand for more than one event. */
  readonly anomalies: readonly Anomaly[]
}

type Order = (a: Input, b: Input) => number

/** Total, and the same for every order of `values`. */
export function readStream(values: readonly unknown[], isReference: boolean): Stream {
  const inputs: Input[] = []
  const faults = new Map<string, Anomaly>()
  for (const value of values) {
    const read = readEvent(value)
    if ('payload' in read) inputs.push(read)
    // Without an id, how often it was sent can't be told from how many there are.
    else faults.set(JSON.stringify(read), read)
  }
  const { events, conflicts } = unique(inputs, isReference ? referenceOrder() : byPlace)
  return { events, anomalies: [...[...faults.values()].sort(compareFaults), ...conflicts] }
}

/** Of one id the one that comes first counts; the reference doesn't ask whether the others say the same. */
function unique(
  inputs: readonly Input[],
  order: Order,
): { readonly events: readonly Input[]; readonly conflicts: readonly Anomaly[] } {
  const byId = new Map<string, Input>()
  const variantsById = new Map<string, Input[]>()
  for (const input of inputs) {
    const known = byId.get(input.event_id)
    if (known === undefined) {
      byId.set(input.event_id, input)
      continue
    }
    const variants = variantsById.get(input.event_id) ?? [known]
    if (variants.some((other) => isSame(input, other))) continue
    variants.push(input)
    variantsById.set(input.event_id, variants)
  }
  for (const [id, variants] of variantsById) {
    const [first] = variants.sort((a, b) => order(a, b) || compareContent(a, b))
    if (first !== undefined) byId.set(id, first)
  }
  return {
    events: [...byId.values()].sort(order),
    conflicts: [...variantsById]
      .map(conflictOf)
      .sort((a, b) => compareText(a.event_id, b.event_id)),
  }
}

function conflictOf([event_id, variants]: readonly [string, readonly Input[]]): Anomaly {
  const detail = `${variants.length} different events have this id; the first of them counts`
  const event_type = variants[0]?.event_type ?? ''
  return { code: 'event_id_conflict', event_id, event_type, detail }
}

function isSame(a: Input, b: Input): boolean {
  return a.raw === b.raw || compareContent(a, b) === 0
}

function compareContent(a: Input, b: Input): number {
  return compareJson(contentOf(a), contentOf(b))
}

/** What the contract names, spelled one way: a copy that passed another program has lost what that doesn't know. */
function contentOf({ raw, timestamp, ...event }: Input): JsonObject {
  return {
    ...event,
    timestamp: isoTime(timestamp),
    build_id: raw['build_id'] ?? null,
    causation_id: idOf(raw['causation_id']),
    correlation_id: idOf(raw['correlation_id']),
    project_slug: raw['project_slug'] ?? null,
    schema_version: raw['schema_version'] ?? null,
    data_tier: raw['data_tier'] ?? 0,
  }
}

function idOf(value: Json | undefined): Json {
  return typeof value === 'string' ? (normaliseId(value) ?? value) : (value ?? null)
}

/** By the clock, the text of the time, and the id. */
function referenceOrder(): Order {
  const times = new Map<string, string>()
  const timeOf = ({ timestamp }: Input): string => {
    const known = times.get(timestamp) ?? isoTime(timestamp)
    times.set(timestamp, known)
    return known
  }
  return (a, b) =>
    a.lamport_clock - b.lamport_clock ||
    (a.timestamp === b.timestamp ? 0 : compareText(timeOf(a), timeOf(b))) ||
    compareText(a.event_id, b.event_id)
}

function isoTime(text: string): string {
  const time = parseTimestamp(text)
  return time === null ? text : isoFormat(time)
}

/** The event, or why it is none. Lenient where reducing doesn't need more: `validateEvent` judges envelopes. */
function readEvent(value: unknown): Input | Anomaly {
  if (!isJsonObject(value)) return malformed({}, '', 'an event is an object')
  const { lamport_clock: clock, payload, timestamp, node_id: node } = value
  const id = textOf(value, 'event_id')
  if (id === '') return malformed(value, 'event_id', 'an event has an id')
  const type = textOf(value, 'event_type')
  if (type === '') return malformed(value, 'event_type', 'an event has a type')
  if (typeof clock !== 'number' || !Number.isSafeInteger(clock) || clock < 0) {
    return malformed(value, 'lamport_clock', 'a clock is a whole number from 0 to 2^53 − 1')
  }
  if (typeof timestamp !== 'string') return malformed(value, 'timestamp', 'a time is a text')
  if (typeof node !== 'string') return malformed(value, 'node_id', 'an event names its node')
  if (!isJsonObject(payload)) return malformed(value, 'payload', 'a payload is an object')
  return {
    event_id: normaliseId(id) ?? id,
    event_type: type,
    lamport_clock: clock,
    node_id: node,
    timestamp,
    project_uuid: textOf(value, 'project_uuid') || null,
    aggregate_id: textOf(value, 'aggregate_id'),
    payload,
    raw: value,
  }
}

function malformed(value: JsonObject, path: string, detail: string): Anomaly {
  return {
    code: 'malformed_event',
    event_id: textOf(value, 'event_id'),
    event_type: textOf(value, 'event_type'),
    path,
    detail,
  }
}

function compareFaults(a: Anomaly, b: Anomaly): number {
  return (
    compareText(a.event_id, b.event_id) ||
    compareText(a.event_type, b.event_type) ||
    compareText(a.path ?? '', b.path ?? '')
  )
}
