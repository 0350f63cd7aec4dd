import { describe, expect, it } from 'vitest'
import { readGreeting } from '#dist/workers/socket/greeting.js'
import { LINK_LIMITS, SLOWEST_BYTES_PER_MS } from '#dist/workers/socket/limits.js'
import type { LinkLimits } from '#dist/workers/socket/limits.js'
import { Sender } from '#dist/workers/socket/sender.js'
import { fc, property } from '../../support/property.ts'
import { SNAPSHOT, eventItem, range } from './scripted-hub.ts'

/** An outlet whose bytes leave, and a clock whose time passes, only when the test says so. */
class Bench {
  readonly sent: string[] = []
  readonly timers = new Map<() => void, number>()
  unwritten: { bytes: number; written: () => void }[] = []
  sender: Sender

  constructor(limits: Partial<LinkLimits> = {}) {
    this.sender = new Sender({
      outlet: {
        send: (frame, written) => {
          this.sent.push(frame)
          this.unwritten.push({ bytes: frame.length, written })
        },
        unwrittenBytes: () => this.unwritten.reduce((sum, one) => sum + one.bytes, 0),
        together: (act) => act(),
      },
      granted: () => true,
      limits: { ...LINK_LIMITS, ...limits },
      setTimer: (act, ms) => {
        this.timers.set(act, ms)
        return () => this.timers.delete(act)
      },
    })
    this.sender.open(readGreeting(SNAPSHOT), 'hub')
  }

  write(count: number): void {
    for (const { written } of this.unwritten.splice(0, count)) written()
  }

  accept(id: string): boolean {
    return this.sender.settle({ sink: 'events', id, outcome: 'accepted', reason: '' })
  }

  expire(): void {
    for (const act of this.timers.keys()) act()
  }
}

const items = range(40).map((index) => eventItem(index))
const frameBytes = eventItem(0).frame.length + ',"type":"event"'.length

describe('the window', () => {
  it('holds at most so many frames without a verdict, and opens by one with each', () => {
    const bench = new Bench({ unackedMax: 4 })
    void bench.sender.deliver('events', 1, items)
    expect(bench.sent).toHaveLength(4)
    expect(bench.accept(items[2]?.id ?? '')).toBe(true)
    expect(bench.sent).toHaveLength(5)
  })

  it('holds at most so many bytes, but always one frame', () => {
    const bench = new Bench({ unackedBytesMax: 1 })
    void bench.sender.deliver('events', 1, items)
    expect(bench.sent).toHaveLength(1)
  })

  it('pauses at the high water mark, and resumes only below the low one', () => {
    const bench = new Bench({
      highWaterBytes: frameBytes * 8,
      lowWaterBytes: frameBytes * 2,
    })
    void bench.sender.deliver('events', 1, items)
    expect(bench.sent).toHaveLength(8)
    expect(bench.accept(items[0]?.id ?? '')).toBe(true)
    bench.write(5)
    expect(bench.sent).toHaveLength(8)
    bench.write(1)
    expect(bench.sent).toHaveLength(14)
  })

  it('takes one batch a sink at a time, and no more items than the limit', async () => {
    const bench = new Bench({ batchItemsMax: 3 })
    const first = bench.sender.deliver('events', 1, items)
    expect(await bench.sender.deliver('events', 2, items)).toMatchObject({
      batch: 2,
      unanswered: 40,
    })
    expect(bench.sent).toHaveLength(3)
    bench.sender.end()
    expect(await first).toMatchObject({ batch: 1, unanswered: 40 })
  })

  it('refuses a frame that the hub would cut the connection for, and sends the rest', async () => {
    const bench = new Bench({ frameBytesMax: 1000 })
    const large = eventItem(1)
    const frame = large.frame.replace('"payload":{}', `"payload":{"a":"${'x'.repeat(1000)}"}`)
    const answer = bench.sender.deliver('events', 1, [{ ...large, frame }, eventItem(2)])
    bench.accept(eventItem(2).id)
    expect(await answer).toMatchObject({
      accepted: [eventItem(2).id],
      rejected: [{ id: large.id, reason: 'frame_too_large' }],
      unanswered: 0,
    })
  })
})

describe('the wait for verdicts', () => {
  it('is longer by what the unanswered bytes need on the slowest uplink', () => {
    const bench = new Bench()
    void bench.sender.deliver('events', 1, items)
    expect([...bench.timers.values()]).toEqual([
      LINK_LIMITS.ackMs + bench.sent.join('').length / SLOWEST_BYTES_PER_MS,
    ])
  })

  it('ends with what was acked, and nothing is left that waits', async () => {
    const bench = new Bench()
    const answer = bench.sender.deliver('events', 1, items)
    bench.accept(items[5]?.id ?? '')
    bench.expire()
    expect(await answer).toMatchObject({ accepted: [items[5]?.id], unanswered: 39 })
    expect(bench.accept(items[6]?.id ?? '')).toBe(false)
    expect(bench.timers.size).toBe(0)
  })

  it('leaves no timer behind a batch that is fully answered', async () => {
    const bench = new Bench()
    const answer = bench.sender.deliver('events', 1, [eventItem(1)])
    bench.accept(eventItem(1).id)
    expect(await answer).toMatchObject({ unanswered: 0 })
    expect(bench.timers.size).toBe(0)
  })
})

property([
  fc.array(
    fc.oneof(
      fc.record({ do: fc.constant('verdict' as const), id: fc.nat(49), accepted: fc.boolean() }),
      fc.record({ do: fc.constant('write' as const), count: fc.nat(5) }),
      fc.record({ do: fc.constant('expire' as const) }),
      fc.record({ do: fc.constant('end' as const) }),
    ),
    { maxLength: 120 },
  ),
  fc.integer({ min: 1, max: 50 }),
])(
  'whatever comes in whatever order, only a verdict after its send answers for an item (L11)',
  async (steps, unackedMax) => {
    const bench = new Bench({ unackedMax, highWaterBytes: frameBytes * 6, lowWaterBytes: 0 })
    const answer = bench.sender.deliver('events', 1, items)
    const accepted = new Set<string>()
    const rejected = new Set<string>()
    for (const step of steps) {
      if (step.do === 'write') bench.write(step.count)
      if (step.do === 'expire') bench.expire()
      if (step.do === 'end') bench.sender.end()
      if (step.do !== 'verdict') continue
      const { id } = eventItem(step.id)
      const wasSent = bench.sent.some((frame) => frame.includes(id))
      const outcome = step.accepted ? 'accepted' : 'rejected'
      const counted = bench.sender.settle({ sink: 'events', id, outcome, reason: 'no' })
      if (counted) expect(wasSent && !accepted.has(id) && !rejected.has(id)).toBe(true)
      if (counted) (step.accepted ? accepted : rejected).add(id)
    }
    bench.sender.end()
    const delivered = await answer
    expect(delivered.accepted).toEqual([...accepted])
    expect(delivered.rejected.map((one) => one.id)).toEqual([...rejected])
    expect(delivered.unanswered).toBe(items.length - accepted.size - rejected.size)
    expect(bench.timers.size).toBe(0)
  },
)
