import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { readGreeting } from '#dist/workers/socket/greeting.js'
import { readFrame } from '#dist/workers/socket/incoming.js'
import { LINK_LIMITS } from '#dist/workers/socket/limits.js'
import type { LinkLimits } from '#dist/workers/socket/limits.js'
import type { Link } from '#dist/workers/socket/link.js'
import { Sender } from '#dist/workers/socket/sender.js'
import { fc, property } from '../../support/property.ts'
import {
  ARRAYS,
  Facts,
  PROJECT,
  ScriptedHub,
  acksOf,
  commitItem,
  eventItem,
  goLive,
  idsOf,
  linkTo,
  range,
} from './scripted-hub.ts'
import type { Frame, Script } from './scripted-hub.ts'

const CHILD = fileURLToPath(new URL('../../support/link-child.mjs', import.meta.url))
const open: { hub: ScriptedHub; link: Link }[] = []

async function start(frame: NonNullable<Script['frame']>, limits: Partial<LinkLimits> = {}) {
  const hub = await ScriptedHub.start({
    greet: (peer) => peer.send(JSON.stringify(ARRAYS)),
    frame,
  })
  const facts = new Facts()
  const link = linkTo(hub, facts, { limits: { ackMs: 100, closeMs: 300, ...limits } })
  open.push({ hub, link })
  await goLive(link, facts)
  return { hub, facts, link }
}

afterEach(async () => {
  for (const { hub, link } of open.splice(0)) {
    await link.close()
    await hub.stop()
  }
})

const items = range(40).map((index) => eventItem(index))
const ids = items.map((item) => item.id)

describe('a hub that takes array frames', () => {
  it('gets them in order, many under way at once, and one word settles many of them', async () => {
    const frames: Frame[] = []
    const { facts, link } = await start(
      (frame, peer) => {
        frames.push(frame)
        if (frames.length < 4) return
        const count = frames.reduce((sum, one) => sum + idsOf(one).length, 0)
        peer.send(JSON.stringify({ ...acksOf(frame), count }))
      },
      { arrayEventsMax: 10 },
    )
    expect(facts.seen).toMatchObject([{ type: 'socket.snapshot', epoch: 'epoch-1' }])
    const answer = await link.deliver('events', 1, items)
    expect(answer).toMatchObject({ accepted: ids, rejected: [], unanswered: 0 })
    expect(frames.map((frame) => [frame['type'], frame['batch'], idsOf(frame).length])).toEqual(
      [1, 2, 3, 4].map((number) => ['events', number, 10]),
    )
    expect(frames.flatMap(idsOf)).toEqual(ids)
  })

  it('gets the stored bodies byte for byte, and commits one by one as before', async () => {
    const { hub, link } = await start((frame, peer) => {
      const ack = { type: 'LocalCommitAck', git_hash: frame['git_hash'] }
      peer.send(JSON.stringify('git_hash' in frame ? ack : acksOf(frame)))
    })
    await link.deliver('events', 1, items.slice(0, 2))
    await link.deliver('commits', 2, [commitItem(1)])
    const bodies = items.slice(0, 2).map((item) => item.frame)
    expect(hub.texts).toEqual([
      `{"batch":1,"events":[${bodies.join(',')}],"type":"events"}`,
      commitItem(1).frame,
    ])
  })

  it('says which of them it refuses for good, and which it takes at another time', async () => {
    const no = (id: string | undefined, retryable: boolean) => ({
      event_id: id,
      error_category: retryable ? 'storage_busy' : 'invalid_event',
      retryable,
    })
    const { link } = await start((frame, peer) => {
      const rejected = [no(ids[1], false), no(ids[2], true)]
      peer.send(JSON.stringify({ ...acksOf(frame), rejected }))
    })
    expect(await link.deliver('events', 1, items.slice(0, 4))).toMatchObject({
      accepted: [ids[0], ids[3]],
      rejected: [{ id: ids[1], reason: 'invalid_event', isFinal: true }],
      unanswered: 1,
    })
  })

  it('gets no event without consent, and no other of the array waits for it (L12)', async () => {
    const other = '00000000-0000-4000-8000-000000000000'
    const { hub } = await start((frame, peer) => peer.send(JSON.stringify(acksOf(frame))))
    const facts = new Facts()
    const link = linkTo(hub, facts, { granted: (uuid) => uuid === PROJECT })
    open.unshift({ hub, link })
    await goLive(link, facts)
    const batch = [eventItem(1), eventItem(2, other), eventItem(3)]
    expect(await link.deliver('events', 1, batch)).toMatchObject({ unanswered: 1 })
    expect(hub.frames.flatMap(idsOf)).toEqual([eventItem(1).id, eventItem(3).id])
  })

  const wrong: readonly (readonly [string, (frame: Frame) => object])[] = [
    ['of a frame never sent', () => ({ through: 2 })],
    ['of frame 0', () => ({ through: 0 })],
    ['with another last event', () => ({ last_event_id: ids[0] })],
    ['with one event too many', (frame) => ({ count: idsOf(frame).length + 1 })],
    ['with one event too few', (frame) => ({ count: idsOf(frame).length - 1 })],
    ['with a count as text', () => ({ count: '3' })],
    ['without `rejected`', () => ({ rejected: undefined })],
    ['with a key too many', () => ({ seq: 1 })],
    ['that refuse a foreign event', () => ({ rejected: [refusal(eventItem(99).id)] })],
    ['that refuse one twice', () => ({ rejected: [refusal(ids[0]), refusal(ids[0])] })],
    [
      'that refuse by free text',
      () => ({ rejected: [{ ...refusal(ids[0]), error_category: 'No!' }] }),
    ],
    ['as a single ack', () => ({ type: 'ack', event_id: ids[0], status: 'accepted' })],
  ]
  it.each(wrong)('settles nothing by acks %s (L11, S12)', async (_name, change) => {
    const { hub, facts, link } = await start((frame, peer) => {
      const lie = change(frame)
      const isSingle = 'event_id' in lie
      peer.send(JSON.stringify(isSingle ? lie : { ...acksOf(frame), ...lie }))
    })
    expect(await link.deliver('events', 1, items.slice(0, 3))).toMatchObject({
      accepted: [],
      rejected: [],
      unanswered: 3,
    })
    hub.send({ type: 'ping', timestamp: 'after it' })
    await facts.first('socket.pinged')
    expect(link.counts.stray).toBe(1)
  })

  it('that acks late settles nothing of the next try, and is understood again after it', async () => {
    const late: Frame[] = []
    const { hub, facts, link } = await start((frame) => late.push(acksOf(frame)))
    expect(await link.deliver('events', 1, items.slice(0, 2))).toMatchObject({ unanswered: 2 })
    hub.send(late[0])
    hub.send({ type: 'ping', timestamp: 'after it' })
    await facts.first('socket.pinged')
    hub.script = { frame: (frame, peer) => peer.send(JSON.stringify(acksOf(frame))) }
    const answer = await link.deliver('events', 2, items.slice(0, 3))
    expect(answer).toMatchObject({ accepted: ids.slice(0, 3), unanswered: 0 })
  })
})

describe('a hub that reads slowly', () => {
  it('is waited for, and what waits for it stays small', async () => {
    const hub = await ScriptedHub.start({
      greet: (peer) => peer.send(JSON.stringify(ARRAYS)),
      frame: (frame, peer) => {
        peer.send(JSON.stringify(acksOf(frame)))
        hub.frames.length = hub.texts.length = 0
        peer.pause()
        setTimeout(() => peer.resume(), 1)
      },
    })
    onTestFinished(() => hub.stop())
    // With so little room what isn't needed is collected, and what is kept by mistake shows.
    const child = ['--max-old-space-size=32', CHILD, hub.url, '16']
    const { stdout } = await promisify(execFile)(process.execPath, child, { timeout: 60_000 })
    const { accepted, bytes, before, most } = JSON.parse(stdout) as Record<string, number>
    const mib = (count = 0) => Math.round(count / 1024 / 1024)
    const grown = mib(most) - mib(before)
    console.log(`a slow hub: ${mib(bytes)} MiB sent by ${mib(most)} MiB resident, ${grown} more`)
    expect(accepted).toBe(16 * 64)
    expect(grown).toBeLessThan(48)
  })
})

function refusal(id: string | undefined) {
  return { event_id: id, error_category: 'invalid_event', retryable: false }
}

describe('what an array frame holds', () => {
  it('is bounded by events and by bytes, by our own limits and by those of the hub', () => {
    const bytes = eventItem(10).frame.length
    const sizes = (limits: Partial<LinkLimits>, said: object = {}) =>
      framesOf(limits, said).map((frame) => idsOf(frame).length)
    expect(sizes({ arrayEventsMax: 16 })).toEqual([16, 16, 8])
    expect(sizes({ arrayBytesMax: bytes * 15 + 1 })).toEqual([15, 15, 10])
    expect(sizes({}, { max_events_per_batch: 20 })).toEqual([20, 20])
    expect(sizes({}, { max_decompressed_bytes_per_batch: bytes * 30 })).toEqual([30, 10])
    expect(sizes({ arrayBytesMax: 1 })).toHaveLength(40)
  })

  it('waits for acks once the window is full', () => {
    const sent = framesOf({ arrayEventsMax: 8, arrayUnackedMax: 16 }, {})
    expect(sent.map((frame) => idsOf(frame).length)).toEqual([8, 8])
  })
})

function framesOf(limits: Partial<LinkLimits>, said: object): Frame[] {
  const { sender, sent } = quiet(limits, said)
  void sender.deliver('events', 1, items)
  sender.end()
  return sent
}

/** A sender whose frames go nowhere, and whose time stands still. */
function quiet(limits: Partial<LinkLimits>, said: object = {}) {
  const sent: Frame[] = []
  const sender = new Sender({
    outlet: {
      send: (text) => sent.push(JSON.parse(text) as Frame),
      unwrittenBytes: () => 0,
      together: (act) => act(),
    },
    granted: () => true,
    limits: { ...LINK_LIMITS, ...limits },
    setTimer: () => () => {},
  })
  sender.open(readGreeting({ ...ARRAYS, limits: said } as never), 'hub')
  return { sender, sent }
}

const id = fc.oneof(fc.constantFrom(...ids, 'nobody'), fc.constant(null))
const lie = fc.record({
  through: fc.oneof(fc.integer({ min: -1, max: 9 }), fc.constant(null)),
  last: fc.option(id),
  count: fc.option(fc.integer({ min: -1, max: 41 })),
  rejected: fc.array(id, { maxLength: 3 }),
})

property([fc.array(lie, { maxLength: 40 }), fc.integer({ min: 1, max: 12 })])(
  'whatever a hub says, only the exact word on what was sent settles it, once (L11)',
  async (lies, arrayEventsMax) => {
    const { sender, sent } = quiet({ arrayEventsMax })
    const answer = sender.deliver('events', 1, items)
    // What is not said by a lie is said truly: half of them are true but for one thing.
    let settledThrough = 0
    const expected = new Set<string>()
    const refused = new Set<string>()
    for (const { through, last, count, rejected } of lies) {
      const due = sent.filter((frame) => Number(frame['batch']) > settledThrough)
      const spoken = due.filter((frame) => Number(frame['batch']) <= Number(through))
      const own = spoken.flatMap(idsOf)
      const isSent = sent.some((frame) => frame['batch'] === through)
      const said = {
        type: 'acks',
        through,
        last_event_id: last ?? own.at(-1) ?? ids[0],
        count: count ?? own.length,
        rejected: rejected.map((one) => ({ ...refusal(one ?? ids[0]) })),
      }
      const frame = readFrame(JSON.stringify(said), null, 1e6)
      const counted = frame.kind === 'acks' && sender.settleArrays(frame.acks)
      const named = said.rejected.map((one) => one.event_id)
      const isTrue =
        isSent &&
        Number(through) > settledThrough &&
        said.last_event_id === own.at(-1) &&
        said.count === own.length &&
        new Set(named).size === named.length &&
        named.every((one) => own.includes(one ?? ''))
      expect(counted).toBe(isTrue)
      if (!counted) continue
      settledThrough = Number(through)
      for (const one of own) (named.includes(one) ? refused : expected).add(one)
    }
    sender.end()
    const delivered = await answer
    expect(delivered.accepted).toEqual([...expected])
    expect(delivered.rejected.map((one) => one.id)).toEqual([...refused])
    expect(delivered.unanswered).toBe(items.length - expected.size - refused.size)
  },
)
