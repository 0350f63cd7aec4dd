/** What concurrent events come to, whatever their order and number. */
import { describe, expect, it } from 'vitest'
import type { Json } from '#dist/contracts/json/json.js'
import { mergeCounter, mergeSet, mergeState } from '#dist/contracts/merges.js'
import type { Mergeable } from '#dist/contracts/merges.js'
import { fc, property } from '../support/property.ts'

const eventOf = (id: string, payload: Readonly<Record<string, Json>>, node = 'x'): Mergeable => ({
  event_id: id,
  lamport_clock: 1,
  node_id: node,
  aggregate_id: 'wp/WP01',
  payload,
})
const codeOf = (code: string) => expect.objectContaining({ code })

const lists = fc.array(
  fc.record({
    id: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
    tags: fc.array(fc.constantFrom('t', 'u', 'v')),
  }),
)

describe('a set that only grows', () => {
  property([lists, lists, lists])('commutes, associates and repeats', (one, two, three) => {
    const [a, b, c] = [one, two, three].map((list, at) =>
      list.map(({ id, tags }) => eventOf(`${at}${id}${tags.join('')}`, { tags })),
    ) as [Mergeable[], Mergeable[], Mergeable[]]
    const all = mergeSet([...a, ...b, ...c])
    expect(mergeSet([...c, ...b, ...a, ...b])).toEqual(all)
    const left = eventOf('left', { tags: mergeSet([...a, ...b]).tags })
    expect(mergeSet([left, ...c]).tags).toEqual(all.tags)
  })

  it('takes a text for one tag, nothing for none, and tells what is no tag', () => {
    const events = [
      eventOf('a', { tags: 'reef' }),
      eventOf('b', { tags: null }),
      eventOf('c', {}),
      eventOf('d', { tags: ['shoal', 3] }),
    ]
    expect(mergeSet(events)).toEqual({
      tags: ['reef', 'shoal'],
      passed_over: [{ event_id: 'd', path: 'tags' }],
    })
  })
})

describe('a counter', () => {
  property([fc.array(fc.integer({ min: -9, max: 9 }))])('counts each event once', (deltas) => {
    const events = deltas.map((delta, at) => eventOf(String(at), { delta }))
    const sum = deltas.reduce((total, delta) => total + delta, 0)
    expect(mergeCounter([...events, ...events.toReversed()]).value).toBe(sum)
  })

  it('counts an id once, however it is spelled', () => {
    const ids = ['01K0AAAAAAAAAAAAAAAAAAAAAA', '01k0aaaaaaaaaaaaaaaaaaaaaa']
    expect(mergeCounter(ids.map((id) => eventOf(id, { delta: 1 }))).value).toBe(1)
  })

  it('passes over what is no whole number, and says where it can not count on', () => {
    const events = [eventOf('a', { delta: 2 }), eventOf('b', { delta: '5' }), eventOf('c', {})]
    expect(mergeCounter(events)).toEqual({
      value: 2,
      passed_over: [{ event_id: 'b', path: 'delta' }],
    })
    const large = ['a', 'b'].map((id) => eventOf(id, { delta: Number.MAX_SAFE_INTEGER }))
    expect(() => mergeCounter(large)).toThrow(codeOf('COUNTER_EXHAUSTED'))
  })
})

describe('one state of several', () => {
  const priorities = { done: 2, blocked: 2, planned: 1 }

  property([
    fc.uniqueArray(
      fc.record({
        id: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
        state: fc.constantFrom('done', 'blocked', 'planned'),
        node: fc.constantFrom('x', 'y'),
      }),
      { selector: ({ id }) => id, minLength: 1 },
    ),
  ])('is the same for every order', (list) => {
    const events = list.map(({ id, state, node }) => eventOf(id, { state }, node))
    const merged = mergeState(events, priorities)
    expect(mergeState([...events.toReversed(), ...events], priorities)).toEqual(merged)
  })

  it('is that of the highest priority; between equals the first counts, and people look', () => {
    const events = [
      eventOf('a', { state: 'planned' }, 'x'),
      eventOf('b', { state: 'done' }, 'z'),
      eventOf('c', { status: 'blocked' }, 'y'),
    ]
    expect(mergeState(events, priorities)).toEqual({
      merged_event: events[2],
      resolution_note: 'blocked of priority 2, over 2 others',
      requires_manual_review: true,
      conflicting_events: [events[0], events[2], events[1]],
    })
    expect(mergeState(events.slice(0, 1), priorities)).toMatchObject({
      resolution_note: 'one event: planned',
      requires_manual_review: false,
    })
    const alike = [eventOf('a', { lane: 'done' }), eventOf('b', { lane: 'done' }, 'y')]
    expect(mergeState(alike, priorities, 'lane')).toMatchObject({
      resolution_note: '2 events agree: done',
      requires_manual_review: false,
    })
  })

  it.each<[string, readonly Mergeable[]]>([
    ['MERGE_EMPTY', []],
    [
      'MERGE_NOT_CONCURRENT',
      [eventOf('a', { state: 'done' }), { ...eventOf('b', { state: 'done' }), lamport_clock: 2 }],
    ],
    ['MERGE_STATE', [eventOf('a', { state: 'toString' })]],
    ['MERGE_STATE', [eventOf('a', {})]],
  ])('is refused with the code %s', (code, events) => {
    expect(() => mergeState(events, priorities)).toThrow(codeOf(code))
  })
})
