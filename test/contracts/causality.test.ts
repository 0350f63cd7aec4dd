/** What came before what, and the orders that follow from it. */
import { describe, expect, it } from 'vitest'
import {
  Causality,
  findConcurrent,
  isConcurrent,
  topologicalOrder,
} from '#dist/contracts/causality.js'
import type { Caused } from '#dist/contracts/causality.js'
import { compareJson } from '#dist/contracts/json/compare-json.js'
import { compareEvents } from '#dist/contracts/event-order.js'
import type { Json } from '#dist/contracts/json/json.js'
import { fc, property } from '../support/property.ts'

const place = (event_id: string, lamport_clock: number, node_id = 'a', more = {}): Caused => ({
  event_id,
  lamport_clock,
  node_id,
  aggregate_id: 'mission/M1',
  causation_id: null,
  ...more,
})
const idsOf = (events: readonly Caused[]): string => events.map(({ event_id }) => event_id).join('')

const events = fc.uniqueArray(
  fc.record({
    event_id: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'),
    lamport_clock: fc.nat(3),
    node_id: fc.constantFrom('x', 'y', '\u{1f426}', '\uffff'),
    aggregate_id: fc.constantFrom('m', 'n'),
    causation_id: fc.constantFrom('a', 'c', 'z', null),
  }),
  { selector: ({ event_id }) => event_id },
)

describe('the order of events', () => {
  property([events, fc.nat(7)])('is total, and one for every order they come in', (list, turn) => {
    const turned = [...list.slice(turn), ...list.slice(0, turn)]
    expect(turned.toSorted(compareEvents)).toEqual(list.toSorted(compareEvents))
    for (const a of list) {
      for (const b of list) expect(compareEvents(a, b) === 0).toBe(a.event_id === b.event_id)
    }
  })

  it('is by clock, node and id, by code point', () => {
    const list = [
      place('a', 2),
      place('b', 1, '\u{1f426}'),
      place('d', 1, '\uffff'),
      place('c', 1, '\uffff'),
    ]
    expect(idsOf(list.toSorted(compareEvents))).toBe('cdba')
  })
})

describe('the order of causes', () => {
  property([events, fc.nat(7)])('has causes first, and is one for every order', (list, turn) => {
    const turned = [...list.slice(turn), ...list.slice(0, turn), ...list.slice(0, 1)]
    const sort = (some: readonly Caused[]): string => {
      try {
        return idsOf(topologicalOrder(some))
      } catch {
        return 'cycle'
      }
    }
    const sorted = sort(list)
    expect(sort(turned)).toBe(sorted)
    if (sorted === 'cycle') return
    for (const { event_id, causation_id } of list) {
      const cause = sorted.indexOf(causation_id ?? '-')
      expect(cause).toBeLessThan(sorted.indexOf(event_id))
    }
  })

  it('holds where clocks say otherwise', () => {
    const list = [place('a', 1, 'x', { causation_id: 'c' }), place('b', 2), place('c', 3)]
    expect(idsOf(topologicalOrder(list))).toBe('bca')
  })

  it('names an event that is a cause of itself', () => {
    const list = [
      place('a', 1, 'x', { causation_id: 'b' }),
      place('b', 2, 'x', { causation_id: 'a' }),
    ]
    expect(() => topologicalOrder(list)).toThrow(
      expect.objectContaining({ code: 'CAUSATION_CYCLE', details: { event_id: 'a' } }),
    )
  })
})

describe('concurrency', () => {
  it('is sure for two nodes at one tick of one aggregate', () => {
    expect(isConcurrent(place('a', 1, 'x'), place('b', 1, 'y'))).toBe(true)
    expect(isConcurrent(place('a', 1, 'x'), place('b', 1, 'x'))).toBe(false)
    expect(isConcurrent(place('a', 1, 'x'), place('b', 2, 'y'))).toBe(false)
    const other = place('b', 1, 'y', { aggregate_id: 'mission/M2' })
    expect(isConcurrent(place('a', 1, 'x'), other)).toBe(false)
    const groups = findConcurrent([
      place('b', 1, 'y'),
      place('a', 1, 'x'),
      place('c', 2, 'x'),
      other,
      place('a', 1, 'x'),
    ])
    expect(groups.map(idsOf)).toEqual(['ab'])
  })

  it('is told by history where clocks differ', () => {
    const history = new Causality([
      place('a', 1, 'x'),
      place('b', 2, 'x'),
      place('c', 3, 'y', { causation_id: 'a' }),
      place('d', 4, 'y'),
      place('e', 5, 'z', { causation_id: 'gone' }),
    ])
    expect(history.relation('a', 'd')).toBe('before')
    expect(history.relation('d', 'a')).toBe('after')
    expect(history.relation('b', 'd')).toBe('concurrent')
    expect(history.relation('e', 'a')).toBe('concurrent')
    expect(history.relation('a', 'a')).toBe('same')
    expect(() => history.relation('a', 'gone')).toThrow(
      expect.objectContaining({ code: 'EVENT_UNKNOWN' }),
    )
  })
})

describe('the order of JSON', () => {
  const sign = (number: number): number => Math.sign(number) + 0

  property([fc.jsonValue(), fc.jsonValue(), fc.jsonValue()])('is an order', (x, y, z) => {
    const [a, b, c] = [x as Json, y as Json, z as Json]
    expect(sign(compareJson(a, b))).toBe(sign(-compareJson(b, a)))
    if (compareJson(a, b) <= 0 && compareJson(b, c) <= 0) {
      expect(compareJson(a, c)).toBeLessThanOrEqual(0)
    }
    expect(compareJson(a, structuredClone(a))).toBe(0)
  })

  it('does not look at the order of keys', () => {
    expect(compareJson({ a: 1, b: [2, null] }, { b: [2, null], a: 1 })).toBe(0)
    expect(compareJson({ a: 1 }, { b: 1 })).toBeLessThan(0)
    expect(compareJson([true, 1], [true, '1'])).toBeLessThan(0)
  })
})

describe('an id in several spellings', () => {
  const ULID = '01K0AAAAAAAAAAAAAAAAAAAAAA'
  const UUID = '9f1c7a52-3a1b-4c6e-8a5e-0123456789ab'
  const spellings = [UUID, UUID.toUpperCase(), UUID.replaceAll('-', '')]

  it('is one event', () => {
    const copies = spellings.map((id) => place(id, 1))
    expect(topologicalOrder(copies)).toHaveLength(1)
    expect(isConcurrent(place(ULID, 1), place(ULID.toLowerCase(), 1, 'b'))).toBe(false)
    expect(compareEvents(place(UUID, 1), place(UUID.toUpperCase(), 1))).toBe(0)
  })

  it.each(spellings)('is the cause that %s names', (causation_id) => {
    const cause = place(UUID, 2, 'b')
    const effect = place(ULID, 1, 'a', { causation_id })
    expect(topologicalOrder([effect, cause])).toEqual([cause, effect])
    const history = new Causality([effect, cause])
    expect(history.relation(UUID.toUpperCase(), ULID.toLowerCase())).toBe('before')
    const circle = { ...cause, causation_id: ULID.toLowerCase() }
    expect(() => topologicalOrder([effect, circle])).toThrow(
      expect.objectContaining({ code: 'CAUSATION_CYCLE' }),
    )
  })
})
