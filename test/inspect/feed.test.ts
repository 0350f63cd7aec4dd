/** Feeds and who reads them: numbers without gaps, a keyframe that is true, slow readers that hold nobody up. */
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { BoundedTeller } from '#dist/inspect/bounded-teller.js'
import { Feed } from '#dist/inspect/feed.js'
import { FeedReader } from '#dist/inspect/feed-reader.js'
import { stampNow, type Unnumbered } from '#dist/inspect/feed-message.js'
import type { FeedMessage } from '#dist/inspect/protocol.js'
import { Sampler, WINDOW_MESSAGES_MAX, WINDOW_MS } from '#dist/inspect/sampler.js'
import { fc, property } from '../support/property.ts'

const stamp = stampNow()
/** Of the feeds here that fold. */
const MAX = 200

function actor(key: string): Unnumbered {
  return {
    type: '@xstate.actor',
    ...stamp,
    sessionId: key,
    rootId: 'root',
    parentId: null,
    name: key,
    kind: 'machine',
    machine: null,
    snapshot: { status: 'active', value: 'first' },
  }
}

function snapshot(key: string, value: string, status: 'active' | 'done' = 'active'): Unnumbered {
  return {
    type: '@xstate.snapshot',
    ...stamp,
    sessionId: key,
    rootId: 'root',
    event: { type: 'x' },
    snapshot: { status, value },
  }
}

function ended(process = stamp.process): Unnumbered {
  return { type: 'kittiwake.ended', ...stamp, process, reason: 'gone' }
}

/** What somebody who has read these lines takes the actors to be in. */
function statesIn(lines: readonly string[]): Map<string, string> {
  const states = new Map<string, string>()
  for (const line of lines) {
    const message = JSON.parse(line) as FeedMessage
    if (message.type === '@xstate.actor' || message.type === '@xstate.snapshot') {
      if (message.snapshot.status === 'active')
        states.set(message.sessionId, JSON.stringify(message.snapshot.value))
      else states.delete(message.sessionId)
    }
    if (message.type === 'kittiwake.ended') states.clear()
  }
  return states
}

class Outlet {
  readonly lines: string[] = []
  waits = 0

  send(text: string): void {
    this.lines.push(...text.split('\n'))
  }

  waiting(): number {
    return this.waits
  }
}

function fill(feed: Feed, count: number): void {
  for (let at = 0; at < count; at += 1)
    feed.tell({ type: 'kittiwake.fate', ...stamp, eventId: `e${at}`, stage: 'stored' })
}

function read(feed: Feed, place: number): { outlet: Outlet; reader: FeedReader } {
  const outlet = new Outlet()
  const reader = new FeedReader(feed, outlet, place)
  onTestFinished(() => reader.stop())
  return { outlet, reader }
}

describe('a feed', () => {
  it('numbers without gaps, and finds the place behind a number', () => {
    const feed = new Feed()
    expect(feed.placeAfter(1)).toBeNull()
    fill(feed, 3)
    expect([feed.firstSeq, feed.lastSeq, feed.start, feed.end]).toEqual([1, 3, 0, 3])
    expect([0, 1, 2, 3, 4].map((seq) => feed.placeAfter(seq))).toEqual([0, 1, 2, 3, null])
  })

  it('keeps the newest whole, and of the older what is needed to understand them', () => {
    const feed = new Feed({ messagesMax: MAX })
    feed.tell({
      type: 'kittiwake.machine',
      ...stamp,
      hash: '0'.repeat(16),
      name: 'm',
      root: machineRoot(),
    })
    for (const key of ['a', 'b', 'c']) feed.tell(actor(key))
    feed.tell(snapshot('a', 'second'))
    feed.tell(snapshot('b', 'over', 'done'))
    fill(feed, MAX)
    expect(feed.end - feed.start).toBeLessThanOrEqual(MAX)
    expect(feed.keyframe.map(({ type, key }) => [type, key])).toEqual([
      ['kittiwake.machine', '0'.repeat(16)],
      ['@xstate.actor', 'a'],
      ['@xstate.actor', 'c'],
      ['@xstate.snapshot', 'a'],
    ])
    expect(feed.placeAfter(1)).toBeNull()
    expect(feed.placeAfter(feed.firstSeq - 1)).toBe(feed.start)
    feed.tell(ended())
    fill(feed, MAX)
    expect(feed.keyframe.map(({ type }) => type)).toEqual(['kittiwake.machine'])
    expect(feed.machine('0'.repeat(16))).toEqual(machineRoot())
  })

  it('is bounded by what its lines take, too', () => {
    const feed = new Feed()
    const eventId = 'x'.repeat(1_000_000)
    for (let at = 0; at < 100; at += 1)
      feed.tell({ type: 'kittiwake.fate', ...stamp, eventId, stage: 'stored' })
    expect(feed.end - feed.start).toBeLessThan(70)
    expect(feed.lastSeq).toBe(100)
  })
})

const step = fc.oneof(
  fc.record({ kind: fc.constant('actor' as const), key: fc.constantFrom('a', 'b', 'c') }),
  fc.record({
    kind: fc.constant('snapshot' as const),
    key: fc.constantFrom('a', 'b', 'c'),
    value: fc.constantFrom('x', 'y'),
  }),
  fc.record({ kind: fc.constant('done' as const), key: fc.constantFrom('a', 'b', 'c') }),
  fc.record({ kind: fc.constant('ended' as const) }),
  fc.record({ kind: fc.constant('many' as const), count: fc.integer({ min: 1, max: 150 }) }),
)

property([fc.array(step, { maxLength: 12 })], { numRuns: 200 })(
  'the keyframe and the buffer together tell every state that all messages told',
  (steps) => {
    const feed = new Feed({ messagesMax: MAX })
    const whole = new Feed({ messagesMax: Infinity })
    for (const one of steps) {
      for (const each of [feed, whole]) {
        if (one.kind === 'many') fill(each, one.count)
        else
          each.tell(
            one.kind === 'actor'
              ? actor(one.key)
              : one.kind === 'snapshot'
                ? snapshot(one.key, one.value)
                : one.kind === 'done'
                  ? snapshot(one.key, 'z', 'done')
                  : ended(),
          )
      }
    }
    const linesOf = (from: Feed): string[] => {
      const lines = from.keyframe.map(({ line }) => line)
      for (let place = from.start; place < from.end; place += 1)
        lines.push(from.at(place)?.line ?? '')
      return lines
    }
    // Of an actor that was never told, nothing counts.
    const known = (states: Map<string, string>) => [...states].map((one) => one.join()).sort()
    expect(known(statesIn(linesOf(feed)))).toEqual(known(statesIn(linesOf(whole))))
  },
)

describe('who reads a feed', () => {
  it('gets what there is at once, what comes soon after, and each once', async () => {
    const feed = new Feed()
    fill(feed, 1_000)
    const { outlet } = read(feed, feed.start)
    expect(outlet.lines).toHaveLength(1_000)
    fill(feed, 10)
    await vi.waitFor(() => expect(outlet.lines).toHaveLength(1_010))
    expect(outlet.lines.map((line) => (JSON.parse(line) as FeedMessage).seq)).toEqual(
      Array.from({ length: 1_010 }, (_, at) => at + 1),
    )
  })

  it('and is too slow is sent nothing meanwhile, then told what it missed, and is right again', async () => {
    const feed = new Feed({ messagesMax: MAX })
    feed.tell(actor('a'))
    const { outlet } = read(feed, feed.start)
    const quick = read(feed, feed.start).outlet
    outlet.waits = 2 * 1024 * 1024
    feed.tell(snapshot('a', 'second'))
    fill(feed, MAX + 1)
    feed.tell(snapshot('a', 'third'))
    await vi.waitFor(() => expect(statesIn(quick.lines).get('a')).toBe('"third"'))
    expect(outlet.lines).toHaveLength(1)
    outlet.waits = 0
    await vi.waitFor(() => expect(statesIn(outlet.lines).get('a')).toBe('"third"'))
    const messages = outlet.lines.map((line) => JSON.parse(line) as FeedMessage)
    const numbers = messages.map(({ seq }) => seq)
    expect(numbers).toEqual([...numbers].sort((one, other) => one - other))
    const sampled = messages.find(({ type }) => type === 'kittiwake.sampled')
    expect(sampled).toMatchObject({
      reason: 'slow_reader',
      leftOut: feed.lastSeq - messages.length + 1,
    })
  })

  it('and stops hears nothing more', async () => {
    const feed = new Feed()
    const { outlet, reader } = read(feed, 0)
    fill(feed, 1)
    reader.stop()
    const other = read(feed, 0).outlet
    fill(feed, 1)
    await vi.waitFor(() => expect(other.lines).toHaveLength(2))
    expect(outlet.lines).toEqual([])
  })
})

describe('a sampler', () => {
  it('takes a budget in each window, a little more of who is quiet, and counts the rest', () => {
    const sampler = new Sampler()
    const [busy, quiet] = [{}, {}]
    for (let at = 0; at < WINDOW_MESSAGES_MAX; at += 1) {
      expect(sampler.takes(busy, 1_000)).toBe(true)
      sampler.told()
    }
    expect(sampler.takes(busy, 1_000)).toBe(false)
    expect(sampler.takes(quiet, 1_000)).toBe(true)
    expect(sampler.takesOne(1_000)).toBe(false)
    sampler.leave('@xstate.event', 1_010)
    sampler.leave('@xstate.event', 1_020)
    sampler.leave('kittiwake.fate', 1_030)
    const leftOut = {
      count: 3,
      byType: { '@xstate.event': 2, 'kittiwake.fate': 1 },
      fromMono: 1_010,
      toMono: 1_040,
    }
    expect(sampler.takeLeftOut(1_040)).toEqual(leftOut)
    expect(sampler.takeLeftOut(1_050)).toBeNull()
    expect([sampler.takeSum(), sampler.takeSum()]).toEqual([3, 0])
    expect(sampler.takes(busy, 1_000 + WINDOW_MS)).toBe(true)
  })
})

it('a teller leaves out what its reader can not take, and says so before the next', () => {
  const written: Unnumbered[] = []
  let isFull = false
  const teller = new BoundedTeller({
    write: (message) => written.push(message),
    isFull: () => isFull,
  })
  teller.tell(actor('a'))
  isFull = true
  teller.tell(snapshot('a', 'x'))
  teller.tell(snapshot('a', 'y'))
  teller.tell(ended())
  expect(written).toHaveLength(1)
  isFull = false
  teller.tell(snapshot('a', 'z'))
  expect(written.map(({ type }) => type)).toEqual([
    '@xstate.actor',
    'kittiwake.sampled',
    '@xstate.snapshot',
  ])
  expect(written[1]).toMatchObject({
    leftOut: 3,
    byType: { '@xstate.snapshot': 2, 'kittiwake.ended': 1 },
  })
  teller.flush()
  expect(written).toHaveLength(3)
})

function machineRoot() {
  return {
    id: 'm',
    key: 'm',
    type: 'atomic' as const,
    initial: [],
    entry: [],
    exit: [],
    invoke: [],
    tags: [],
    transitions: [],
    states: [],
  }
}
