import { afterEach, describe, expect, it } from 'vitest'
import {
  BUILD,
  Facts,
  PROJECT,
  SNAPSHOT,
  ScriptedHub,
  TICKET,
  commitItem,
  eventItem,
  goLive,
  linkTo,
  range,
} from './scripted-hub.ts'
import type { Script } from './scripted-hub.ts'
import type { Link, LinkOptions } from '#dist/workers/socket/link.js'

const open: { hub: ScriptedHub; link: Link }[] = []

async function start(script: Script, options: Partial<LinkOptions> = {}) {
  const hub = await ScriptedHub.start(script)
  const facts = new Facts()
  const link = linkTo(hub, facts, { limits: { ackMs: 150, closeMs: 300 }, ...options })
  open.push({ hub, link })
  return { hub, facts, link }
}

afterEach(async () => {
  for (const { hub, link } of open.splice(0)) {
    await link.close()
    await hub.stop()
  }
})

const ack: Script['frame'] = (frame, peer) => {
  if (frame['type'] === 'event') {
    peer.send(JSON.stringify({ type: 'ack', event_id: frame['event_id'], status: 'accepted' }))
  }
  if (frame['type'] === 'LocalCommit') {
    peer.send(JSON.stringify({ type: 'LocalCommitAck', git_hash: frame['git_hash'] }))
  }
}

describe('a link to an honest hub', () => {
  it('opens with the ticket in a header and never in a URL', async () => {
    const { hub, facts, link } = await start({})
    expect(await goLive(link, facts)).toBe(1)
    expect(hub.upgrades[0]?.headers.authorization).toBe(`Bearer ${TICKET}`)
    expect(hub.upgrades[0]?.url).toBe('/ws')
    expect(hub.upgrades[0]?.headers['sec-websocket-extensions']).toBeUndefined()
    expect(facts.seen).toEqual([
      {
        type: 'socket.snapshot',
        connection: 1,
        login: 'a login',
        epoch: null,
        takes: [],
      },
    ])
  })

  it('delivers more events than the window holds, in order, and answers when each is acked (L3)', async () => {
    const { hub, facts, link } = await start({ frame: ack }, { limits: { unackedMax: 7 } })
    await goLive(link, facts)
    const items = range(500).map((index) => eventItem(index))
    const answer = await link.deliver('events', 4, items)
    expect(answer).toEqual({
      type: 'socket.delivered',
      sink: 'events',
      batch: 4,
      accepted: items.map((item) => item.id),
      rejected: [],
      unanswered: 0,
    })
    expect(hub.frames.map((frame) => frame['event_id'])).toEqual(items.map((item) => item.id))
  })

  it('sends the stored body byte for byte with the type added', async () => {
    const { hub, facts, link } = await start({ frame: ack })
    await goLive(link, facts)
    const item = eventItem(1)
    await link.deliver('events', 1, [item])
    expect(hub.texts).toEqual([`${item.frame.slice(0, -1)},"type":"event"}`])
  })

  it('sends a commit frame as it is, takes its ack, and keeps its seven keys', async () => {
    const { hub, facts, link } = await start({ frame: ack })
    await goLive(link, facts)
    const items = [commitItem(1), commitItem(2)]
    const answer = await link.deliver('commits', 1, items)
    expect(answer).toMatchObject({ accepted: items.map((item) => item.id), unanswered: 0 })
    expect(hub.texts).toEqual(items.map((item) => item.frame))
  })

  it('takes a duplicate for an acceptance, because the hub has it', async () => {
    const { facts, link } = await start({
      frame: (frame, peer) =>
        peer.send(
          JSON.stringify({ type: 'ack', event_id: frame['event_id'], status: 'duplicate' }),
        ),
    })
    await goLive(link, facts)
    expect(await link.deliver('events', 1, [eventItem(1)])).toMatchObject({
      accepted: [eventItem(1).id],
    })
  })

  it('reports what the hub rejects for good with its category, and leaves the retryable undelivered', async () => {
    const { facts, link } = await start({
      frame: (frame, peer) => {
        const retryable = frame['event_id'] === eventItem(2).id
        const error_category = retryable ? 'storage_busy' : 'project_not_admitted'
        peer.send(
          JSON.stringify({
            type: 'error',
            event_id: frame['event_id'],
            status: 'rejected',
            error_category,
            retryable,
          }),
        )
      },
    })
    await goLive(link, facts)
    expect(await link.deliver('events', 1, [eventItem(1), eventItem(2)])).toMatchObject({
      accepted: [],
      rejected: [{ id: eventItem(1).id, reason: 'project_not_admitted' }],
      unanswered: 1,
    })
  })

  it('carries commits and events at once', async () => {
    const { facts, link } = await start({ frame: ack })
    await goLive(link, facts)
    const events = range(40).map((index) => eventItem(index))
    const commits = range(40).map((index) => commitItem(index))
    const answers = await Promise.all([
      link.deliver('events', 1, events),
      link.deliver('commits', 2, commits),
    ])
    expect(answers).toMatchObject([
      { sink: 'events', batch: 1, unanswered: 0 },
      { sink: 'commits', batch: 2, unanswered: 0 },
    ])
  })

  it('answers each ping with its timestamp and reports it', async () => {
    const { hub, facts, link } = await start({})
    await goLive(link, facts)
    const ponged = new Promise((resolve) => {
      hub.script = { frame: resolve }
    })
    hub.send({ type: 'ping', timestamp: '2026-01-01T00:00:00Z' })
    expect(await ponged).toEqual({ type: 'pong', timestamp: '2026-01-01T00:00:00Z' })
    expect(await facts.first('socket.pinged')).toEqual({ type: 'socket.pinged', connection: 1 })
  })

  it('closes within the handshake and says so exactly once', async () => {
    const { facts, link } = await start({})
    await goLive(link, facts)
    expect(await link.close()).toEqual({ type: 'socket.closing' })
    expect(await link.close()).toEqual({ type: 'socket.closing' })
    expect(facts.seen.filter((fact) => fact.type === 'socket.closed')).toEqual([
      {
        type: 'socket.closed',
        connection: 1,
        class: 'transient',
        code: 1000,
        reason: 'LINK_CLOSED',
      },
    ])
  })

  it('numbers its connections and closes the old one before it opens a new one', async () => {
    const { facts, link } = await start({})
    await goLive(link, facts)
    expect(await goLive(link, facts)).toBe(2)
    expect(facts.seen.map((fact) => [fact.type, fact.connection])).toEqual([
      ['socket.snapshot', 1],
      ['socket.closed', 1],
      ['socket.snapshot', 2],
    ])
  })
})

describe('acks that match nothing (L11)', () => {
  const event = eventItem(1)
  const wrong: readonly (readonly [string, unknown])[] = [
    ['an unknown id', { type: 'ack', event_id: eventItem(9).id, status: 'accepted' }],
    ['an unknown status', { type: 'ack', event_id: event.id, status: 'stored' }],
    ['a rejected status', { type: 'ack', event_id: event.id, status: 'rejected' }],
    ['a missing status', { type: 'ack', event_id: event.id }],
    ['a key too many', { type: 'ack', event_id: event.id, status: 'accepted', seq: 1 }],
    ['an id of another kind', { type: 'ack', event_id: [event.id], status: 'accepted' }],
    ['a commit ack of that id', { type: 'LocalCommitAck', git_hash: event.id }],
    [
      'an error without a category',
      { type: 'error', event_id: event.id, status: 'rejected', retryable: false },
    ],
    [
      'an error with text for a category',
      {
        type: 'error',
        event_id: event.id,
        status: 'rejected',
        error_category: 'No. See http://x',
        retryable: false,
      },
    ],
  ]
  it.each(wrong)('leave the event undelivered: %s', async (_name, frame) => {
    const { facts, link } = await start({
      frame: (_frame, peer) => peer.send(JSON.stringify(frame)),
    })
    await goLive(link, facts)
    expect(await link.deliver('events', 1, [event])).toMatchObject({
      accepted: [],
      rejected: [],
      unanswered: 1,
    })
    expect(link.counts.stray).toBe(1)
  })

  const wrongCommitAcks: readonly (readonly [string, object])[] = [
    ['another project', { project_uuid: '00000000-0000-4000-8000-000000000000' }],
    ['another build', { build_id: '00000000-0000-4000-8000-000000000000' }],
    ['a project that is no text', { project_uuid: 7 }],
    ['an unknown status', { status: 'stored' }],
    ['an event ack of that hash', { type: 'ack', event_id: commitItem(1).id, status: 'accepted' }],
  ]
  it.each(wrongCommitAcks)('leave the commit undelivered: %s', async (_name, extra) => {
    const { facts, link } = await start({
      frame: (frame, peer) =>
        peer.send(
          JSON.stringify({ type: 'LocalCommitAck', git_hash: frame['git_hash'], ...extra }),
        ),
    })
    await goLive(link, facts)
    expect(await link.deliver('commits', 1, [commitItem(1)])).toMatchObject({
      accepted: [],
      unanswered: 1,
    })
    expect(link.counts.stray).toBe(1)
  })

  it('count once: the second ack of an event changes nothing', async () => {
    const { facts, link } = await start({
      frame: (frame, peer) => {
        const text = JSON.stringify({
          type: 'ack',
          event_id: frame['event_id'],
          status: 'accepted',
        })
        peer.send(text)
        if (frame['event_id'] === eventItem(1).id) peer.send(text)
      },
    })
    await goLive(link, facts)
    expect(await link.deliver('events', 1, [eventItem(1), eventItem(2)])).toMatchObject({
      accepted: [eventItem(1).id, eventItem(2).id],
      unanswered: 0,
    })
    expect(link.counts.stray).toBe(1)
  })

  it('are those for a frame of an older connection, though they come on the new one', async () => {
    const { hub, facts, link } = await start({})
    await goLive(link, facts)
    const sent = new Promise<void>((resolve) => {
      hub.script = { frame: () => resolve() }
    })
    const first = link.deliver('events', 1, [eventItem(1)])
    await sent
    hub.script = {}
    await goLive(link, facts)
    expect(await first).toMatchObject({ accepted: [], unanswered: 1 })
    hub.script = {
      frame: (frame, peer, text) => {
        peer.send(JSON.stringify({ type: 'ack', event_id: eventItem(1).id, status: 'accepted' }))
        ack(frame, peer, text)
      },
    }
    expect(await link.deliver('events', 2, [eventItem(2)])).toMatchObject({
      accepted: [eventItem(2).id],
      unanswered: 0,
    })
    expect(link.counts.stray).toBe(1)
  })

  it('are late ones: an ack after the wait is a stray, and the next delivery asks again (S12)', async () => {
    const { hub, facts, link } = await start({})
    await goLive(link, facts)
    expect(await link.deliver('events', 1, [eventItem(1)])).toMatchObject({ unanswered: 1 })
    hub.send({ type: 'ack', event_id: eventItem(1).id, status: 'accepted' })
    hub.send({ type: 'ping', timestamp: 'after the late ack' })
    await facts.first('socket.pinged')
    expect(link.counts.stray).toBe(1)
    hub.script = { frame: ack }
    expect(await link.deliver('events', 2, [eventItem(1)])).toMatchObject({
      accepted: [eventItem(1).id],
    })
  })
})

describe('acks that are lost', () => {
  it('leave exactly their own events undelivered', async () => {
    const { facts, link } = await start({
      frame: (frame, peer, text) => {
        if (Number(frame['lamport_clock']) % 3 !== 0) ack(frame, peer, text)
      },
    })
    await goLive(link, facts)
    const items = range(30).map((index) => eventItem(index))
    const answer = await link.deliver('events', 1, items)
    const kept = items.filter((_, index) => index % 3 !== 0).map((item) => item.id)
    expect(answer).toMatchObject({ accepted: kept, unanswered: 10 })
  })

  it('are waited for as long as other acks come', async () => {
    const { hub, facts, link } = await start({}, { limits: { ackMs: 400 } })
    await goLive(link, facts)
    const items = range(6).map((index) => eventItem(index))
    let acked = 0
    const timer = setInterval(() => {
      const item = items[acked++]
      hub.send({ type: 'ack', event_id: item?.id, status: 'accepted' })
    }, 150)
    const answer = await link.deliver('events', 1, items)
    clearInterval(timer)
    expect(answer).toMatchObject({ accepted: items.map((item) => item.id), unanswered: 0 })
  })
})

describe('consent (L12)', () => {
  const other = '00000000-0000-4000-8000-000000000000'

  it('keeps the frames of a project without it back, and counts them unanswered', async () => {
    const { hub, facts, link } = await start(
      { frame: ack },
      { granted: (projectUuid) => projectUuid === PROJECT },
    )
    await goLive(link, facts)
    const answer = await link.deliver('events', 1, [
      eventItem(1),
      eventItem(2, other),
      eventItem(3),
    ])
    expect(answer).toMatchObject({
      accepted: [eventItem(1).id, eventItem(3).id],
      unanswered: 1,
    })
    expect(hub.texts.join('')).not.toContain(other)
  })

  it('stops between two frames when it is withdrawn', async () => {
    let granted = true
    const { hub, facts, link } = await start(
      {
        frame: (frame, peer, text) => {
          if (frame['event_id'] === eventItem(2).id) granted = false
          ack(frame, peer, text)
        },
      },
      { granted: () => granted, limits: { unackedMax: 1, ackMs: 150 } },
    )
    await goLive(link, facts)
    const items = range(10).map((index) => eventItem(index))
    expect(await link.deliver('events', 1, items)).toMatchObject({
      accepted: items.slice(0, 3).map((item) => item.id),
      unanswered: 7,
    })
    expect(hub.frames).toHaveLength(3)
  })

  it('that cannot be read means no', async () => {
    const { hub, facts, link } = await start(
      { frame: ack },
      {
        granted: () => {
          throw new Error('unreadable')
        },
      },
    )
    await goLive(link, facts)
    expect(await link.deliver('commits', 1, [commitItem(1)])).toMatchObject({ unanswered: 1 })
    expect(hub.frames).toEqual([])
  })

  it('is not lent by an item that names another project than its frame', async () => {
    const { hub, facts, link } = await start({ frame: ack })
    await goLive(link, facts)
    const events = [{ ...eventItem(1, other), projectUuid: PROJECT }]
    const commits = [{ ...commitItem(1, other), projectUuid: PROJECT }]
    const rejected = [{ reason: 'frame_malformed' }]
    expect(await link.deliver('events', 1, events)).toMatchObject({ rejected })
    expect(await link.deliver('commits', 2, commits)).toMatchObject({ rejected })
    expect(hub.frames).toEqual([])
  })
})

describe('a hub of the stricter dialect', () => {
  const admission = { admission_generation: 3, binding_audience: 'hub-a' }
  const greet: Script['greet'] = (peer) => peer.send(JSON.stringify({ ...SNAPSHOT, ...admission }))
  const whole = (frame: { readonly [key: string]: unknown }) => ({
    type: 'LocalCommitAck',
    git_hash: frame['git_hash'],
    build_id: BUILD,
    project_uuid: PROJECT,
    ...admission,
    status: 'accepted',
    received_at: '2026-01-01T00:00:00Z',
  })

  it('gets the three admission keys on events and commits, sorted', async () => {
    const { hub, facts, link } = await start({
      greet,
      frame: (frame, peer, text) => {
        if (frame['type'] === 'event') ack(frame, peer, text)
        else peer.send(JSON.stringify(whole(frame)))
      },
    })
    await goLive(link, facts)
    expect(await link.deliver('events', 1, [eventItem(1)])).toMatchObject({ unanswered: 0 })
    expect(await link.deliver('commits', 2, [commitItem(1)])).toMatchObject({
      accepted: [commitItem(1).id],
    })
    expect(hub.frames).toMatchObject([
      { ...admission, spec_kitty_delivery_identity: eventItem(1).id, type: 'event' },
      {
        ...admission,
        spec_kitty_delivery_identity: `local-commit:127.0.0.1:${hub.port}:${BUILD}:${commitItem(1).id}`,
      },
    ])
    for (const frame of hub.frames) {
      expect(Object.keys(frame)).toEqual(Object.keys(frame).sort())
    }
  })

  it.each([
    ['a missing key', { received_at: undefined }],
    ['an extra key', { seq: 1 }],
    ['another generation', { admission_generation: 2 }],
    ['another audience', { binding_audience: 'hub-b' }],
  ])('must ack with its exact key set: %s changes nothing (S12)', async (_name, change) => {
    const { facts, link } = await start({
      greet,
      frame: (frame, peer) => peer.send(JSON.stringify({ ...whole(frame), ...change })),
    })
    await goLive(link, facts)
    expect(await link.deliver('commits', 1, [commitItem(1)])).toMatchObject({ unanswered: 1 })
    expect(link.counts.stray).toBe(1)
  })

  it('may refuse a commit by its closed refusal set', async () => {
    const { facts, link } = await start({
      greet,
      frame: (frame, peer) => {
        const { received_at: _, ...ids } = whole(frame)
        const error_category = 'local_commit_payload_conflict'
        peer.send(JSON.stringify({ ...ids, status: 'rejected', error_category, retryable: false }))
      },
    })
    await goLive(link, facts)
    expect(await link.deliver('commits', 1, [commitItem(1)])).toMatchObject({
      rejected: [{ id: commitItem(1).id, reason: 'local_commit_payload_conflict' }],
    })
  })

  it('is not assumed from half an announcement', async () => {
    const { hub, facts, link } = await start({
      greet: (peer) => peer.send(JSON.stringify({ ...SNAPSHOT, admission_generation: 3 })),
      frame: ack,
    })
    await goLive(link, facts)
    await link.deliver('commits', 1, [commitItem(1)])
    expect(hub.texts).toEqual([commitItem(1).frame])
  })
})
