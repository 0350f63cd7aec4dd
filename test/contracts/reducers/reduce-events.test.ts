/** What holds of every reducer: order, repetition, foreign events, other aggregates and hostile input. */
import { describe, expect, it } from 'vitest'
import { EVENT_TYPES } from '#dist/contracts/event-types.js'
import { compareEvents } from '#dist/contracts/event-order.js'
import type { Placed } from '#dist/contracts/event-order.js'
import { encodeJson } from '#dist/contracts/json/json.js'
import type { JsonObject } from '#dist/contracts/json/json.js'
import { byFamily } from '#dist/contracts/reducers/families.js'
import { reduceEvents } from '#dist/contracts/reducers/reduce-events.js'
import { FAMILIES } from '#dist/contracts/reducers/types.js'
import type { ReducerFamily } from '#dist/contracts/reducers/types.js'
import { streamOf } from '../../../scripts/replay-streams.mjs'
import { fc, property } from '../../support/property.ts'
import {
  acceptedOf,
  eventOf,
  idOf,
  joinOf,
  moveOf,
  personOf,
} from '../../support/reducer-events.ts'
import { SeededRandom } from '../../support/seeded-random.ts'

const EVENTS = 60
const SHUFFLES = 25
const OWN: ReadonlySet<ReducerFamily> = new Set(['artifact', 'analytics'])
const WITH_REFERENCE = FAMILIES.filter((family) => !OWN.has(family))
const streams = new Map(
  FAMILIES.map((family) => [family, streamOf(family, EVENTS) as JsonObject[]]),
)
const streamFor = (family: ReducerFamily): readonly JsonObject[] => streams.get(family) ?? []
const mixed = [...streams.values()].flat()
const textOf = (family: ReducerFamily, events: readonly unknown[]): string =>
  JSON.stringify(reduceEvents(family, events))

describe.each(FAMILIES)('the reducer %s', (family) => {
  const events = streamFor(family)
  const once = textOf(family, events)

  it('comes to the same bytes for every order of the events, however often one stands there', () => {
    expect(reduceEvents(family, events).aggregates.length).toBeGreaterThan(1)
    for (const stream of shuffles(events)) expect(textOf(family, stream)).toBe(once)
  })

  it('takes no notice of events of other families but those that both fold', () => {
    const types = new Set(events.map(({ event_type }) => event_type))
    const foreign = mixed.filter(({ event_type }) => !types.has(event_type ?? null))
    const alone = reduceEvents(family, events)
    const among = reduceEvents(family, [...foreign, ...events])
    expect(among.aggregates.filter(({ state }) => isOf(alone, state))).toEqual(alone.aggregates)
  })

  it('keeps aggregates apart: two streams at once come to what each comes to alone', () => {
    const others = events.map((event) => otherProject(event))
    const both = reduceEvents(family, [...events, ...others])
    const [one, two] = [reduceEvents(family, events), reduceEvents(family, others)]
    expect(both.aggregates).toEqual([...one.aggregates, ...two.aggregates])
    expect(both.event_count).toBe(one.event_count + two.event_count)
  })

  it('answers up to an event what the events up to it come to', () => {
    const ordered = events.toSorted((a, b) => compareEvents(placeOf(a), placeOf(b)))
    const cut = Math.floor(ordered.length / 2)
    const as_of = placeOf(ordered[cut] ?? {}).event_id
    expect(reduceEvents(family, events, { as_of })).toEqual(
      reduceEvents(family, ordered.slice(0, cut + 1)),
    )
  })
})

describe.each(WITH_REFERENCE)('the projection of the reference for %s', (family) => {
  it('is the same for every order, too', () => {
    const own = streamFor(family).filter(({ aggregate_id }) => aggregate_id === 'kind/0')
    const reduce = (events: readonly unknown[]): string =>
      encodeJson(reduceEvents(family, events, { reference: true, mode: 'permissive' }))
    for (const stream of shuffles(own)) expect(reduce(stream)).toBe(reduce(own))
  })
})

describe('the registry', () => {
  it('gives each reducer its types; lifecycle and artifact look at moves and creations, too', () => {
    const borrowed = new Set(['WPStatusChanged', 'MissionCreated'])
    for (const family of FAMILIES) {
      const own = Object.entries(EVENT_TYPES).filter(([, { reducer }]) => reducer === family)
      const names = own.map(([name]) => name)
      const extra = [...byFamily(family).types].filter((name) => !names.includes(name))
      expect({
        family,
        missing: names.filter((name) => !byFamily(family).types.has(name)),
      }).toEqual({ family, missing: [] })
      expect(extra.filter((name) => !borrowed.has(name))).toEqual([])
    }
  })
})

describe('a stream of anything', () => {
  const hostile = fc.oneof(
    fc.jsonValue(),
    fc.record({
      event_id: fc.constantFrom('a', 'b', '__proto__', idOf(1)),
      event_type: fc.constantFrom(...mixed.map(({ event_type }) => event_type), 'toString'),
      lamport_clock: fc.constantFrom(0, 1, 2, 2 ** 53, -1, Number.NaN, '1'),
      node_id: fc.constantFrom('', '\ud800', 'é', '\u{1f426}'),
      timestamp: fc.constantFrom('2026-06-01T07:00:00Z', 'now', ''),
      project_uuid: fc.constantFrom('p', null),
      payload: fc.oneof(
        fc.constantFrom(...mixed.map(({ payload }) => payload)),
        fc.dictionary(fc.constantFrom('__proto__', 'wp_id', 'mission_id'), fc.jsonValue()),
      ),
    }),
  )

  property([
    fc.constantFrom(...FAMILIES),
    fc.array(hostile, { maxLength: 12 }),
    fc.infiniteStream(fc.nat()),
  ])('never throws, and its order does not matter', (family, values, keys) => {
    const shuffled = values
      .map((value) => ({ value, key: keys.next().value ?? 0 }))
      .sort((a, b) => a.key - b.key)
      .map(({ value }) => value)
    expect(textOf(family, [...shuffled, ...values])).toBe(textOf(family, values))
  })

  it('tells of events that share an id, whichever of them comes first', () => {
    const events = [acceptedOf(1, 'd1'), acceptedOf(1, 'd2'), acceptedOf(1, 'd3')]
    const found = reduceEvents('sync', events)
    expect(found.anomalies).toEqual([
      {
        code: 'event_id_conflict',
        event_id: idOf(1),
        event_type: 'SyncIngestAccepted',
        detail: '3 different events have this id; the first of them counts',
      },
    ])
    for (const stream of shuffles(events)) expect(reduceEvents('sync', stream)).toEqual(found)
  })

  it('takes a copy that was spelled anew for the same event', () => {
    const event = acceptedOf(1, 'd1')
    const copy = { ...event, timestamp: '2026-06-01T07:00:01Z', causation_id: null, data_tier: 0 }
    const relayed = { ...event, git_branch: 'main', event_id: idOf(1).toLowerCase() }
    expect(reduceEvents('sync', [event, copy, relayed])).toMatchObject({
      anomalies: [],
      event_count: 1,
    })
  })

  it('has no member that its prototype would take', () => {
    const events = [joinOf(1, '__proto__'), joinOf(2, 'constructor')]
    const { aggregates } = reduceEvents('collaboration', events)
    const participants = aggregates[0]?.state['participants'] ?? {}
    expect(Object.keys(participants)).toEqual(['__proto__', 'constructor'])
  })

  it('may be deeper than the call stack', () => {
    const deep = eventOf(1, 'ParticipantLeft', {
      participant_id: 'p',
      mission_id: 'M1',
      more: nested(),
    })
    const other = { ...deep, payload: { participant_id: 'p', mission_id: 'M1', more: nested(1) } }
    const found = reduceEvents('collaboration', [deep, deep, other])
    expect(found.anomalies.map(({ code }) => code)).toEqual(['event_id_conflict', 'not_active'])
  })

  it('says where an event or a payload is wrong', () => {
    const events = [null, {}, { ...acceptedOf(1, 'd'), lamport_clock: 2 ** 53 }, acceptedOf(2, '')]
    expect(reduceEvents('sync', events).anomalies).toEqual([
      expect.objectContaining({ code: 'malformed_event', event_id: '', path: '' }),
      expect.objectContaining({ code: 'malformed_event', event_id: '', path: 'event_id' }),
      expect.objectContaining({
        code: 'malformed_event',
        event_id: idOf(1),
        path: 'lamport_clock',
      }),
      expect.objectContaining({
        code: 'malformed_payload',
        event_id: idOf(2),
        path: 'delivery_id',
      }),
    ])
  })
})

describe('what a caller gets wrong', () => {
  it.each<[string, () => unknown]>([
    ['REDUCER_UNKNOWN', () => reduceEvents('toString' as ReducerFamily, [])],
    ['EVENTS_EXPECTED', () => reduceEvents('status', {} as [])],
    ['AS_OF_UNKNOWN', () => reduceEvents('status', [moveOf(1, null, 'planned')], { as_of: 'x' })],
    ['ROSTER_INVALID', () => reduceEvents('collaboration', [], { roster: { p: {} } })],
    ['REFERENCE_UNKNOWN', () => reduceEvents('artifact', [], { reference: true })],
    [
      'ANOMALY',
      () =>
        reduceEvents('collaboration', [personOf(1, 'PresenceHeartbeat', 'p')], { mode: 'strict' }),
    ],
  ])('is refused with the code %s', (code, reduce) => {
    expect(reduce).toThrow(expect.objectContaining({ name: 'InputError', code }))
  })
})

/** Shuffled, and some of it twice. */
function shuffles(events: readonly JsonObject[]): (readonly JsonObject[])[] {
  const random = new SeededRandom(11)
  return Array.from({ length: SHUFFLES }, () =>
    [...events, ...events.filter(() => random.next() < 0.3)]
      .map((event) => ({ event, at: random.next() }))
      .sort((a, b) => a.at - b.at)
      .map(({ event }) => structuredClone(event)),
  )
}

function isOf({ aggregates }: ReturnType<typeof reduceEvents>, state: JsonObject): boolean {
  const text = encodeJson(state)
  return (aggregates as readonly { state: JsonObject }[]).some(
    (one) => encodeJson(one.state) === text,
  )
}

function otherProject(event: JsonObject): JsonObject {
  const text = JSON.stringify(event)
    .replaceAll('3f0c1a52-7d54-4a3e-9c1b-2b7e6f8d9a10', '9f0c1a52-7d54-4a3e-9c1b-2b7e6f8d9a10')
    .replaceAll('"01K', '"02K')
  return JSON.parse(text) as JsonObject
}

function placeOf({ lamport_clock, node_id, event_id }: JsonObject): Placed {
  return {
    lamport_clock: lamport_clock as number,
    node_id: node_id as string,
    event_id: event_id as string,
  }
}

function nested(leaf = 0): JsonObject {
  let value: JsonObject = { leaf }
  for (let depth = 0; depth < 100_000; depth += 1) value = { a: value }
  return value
}
