import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import type { Link, LinkOptions } from '#dist/workers/socket/link.js'
import {
  ARRAYS,
  Facts,
  ScriptedHub,
  TOKEN,
  acksOf,
  commitItem,
  eventItem,
  goLive,
  healthOf,
  linkTo,
  range,
  reply,
  resultsOf,
} from './scripted-hub.ts'
import type { Script } from './scripted-hub.ts'

const open: { hub: ScriptedHub; link: Link }[] = []
const items = range(40).map((index) => eventItem(index))
const ids = items.map((item) => item.id)

const BOMB = gzipSync(Buffer.alloc(128 * 1024 * 1024, 32), { level: 1 })

const takesBatches: Script = {
  health: (response) => reply(response, 200, healthOf()),
  batch: (batch, response) => reply(response, 200, resultsOf(batch.ids)),
  frame: (frame, peer) =>
    peer.send(JSON.stringify({ type: 'ack', event_id: frame['event_id'], status: 'accepted' })),
}

async function start(script: Script, options: Partial<LinkOptions> = {}) {
  const hub = await ScriptedHub.start(script)
  const facts = new Facts()
  const limits = { backlogEvents: 5, batchMs: 5_000, closeMs: 200, ...options.limits }
  const link = linkTo(hub, facts, { ...options, limits })
  open.push({ hub, link })
  return { hub, facts, link }
}

afterEach(async () => {
  for (const { hub, link } of open.splice(0)) {
    await link.close()
    await hub.stop()
  }
})

describe('a link by HTTP', () => {
  it('delivers events, says which hub it reached, and has no way for commits', async () => {
    const { hub, facts, link } = await start(takesBatches)
    expect(await link.probe()).toEqual({ type: 'socket.probed', connection: 1 })
    expect(facts.seen).toEqual([
      {
        type: 'socket.snapshot',
        connection: 1,
        login: 'a login',
        epoch: 'e1',
        takes: [],
      },
    ])
    expect(await link.deliver('events', 1, items)).toMatchObject({ accepted: ids, unanswered: 0 })
    expect(await link.deliver('commits', 2, [commitItem(1)])).toMatchObject({ unanswered: 1 })
    expect(hub.batches).toMatchObject([{ ids }])
    expect(hub.batchHeaders[0]).toMatchObject({
      authorization: `Bearer ${TOKEN}`,
      'content-type': 'application/json',
      'content-encoding': 'gzip',
      'accept-encoding': 'identity',
      'x-spec-kitty-sync-protocol': '2.0',
    })
  })

  it('asks an older hub by a batch of nothing, and keeps to what a hub advertises', async () => {
    const older = await start({
      batch: ({ ids: some }, response) =>
        some.length === 0
          ? reply(response, 400, '{"error":"No events provided"}')
          : reply(response, 200, resultsOf(some)),
    })
    expect(await older.link.probe()).toMatchObject({ type: 'socket.probed' })
    const { hub, link } = await start({
      ...takesBatches,
      health: (response) => reply(response, 200, healthOf({ max_events_per_batch: 15 })),
    })
    await link.probe()
    await link.deliver('events', 1, items)
    expect(hub.batches.map((batch) => batch.ids.length)).toEqual([15, 15, 10])
  })

  const others: readonly (readonly [string, Script, string])[] = [
    ['takes no batches', {}, 'HUB_PROTOCOL'],
    ['shows a page', { health: (response) => reply(response, 200, '<html>') }, 'HUB_PROTOCOL'],
    [
      'answers with another JSON',
      { health: (response) => reply(response, 200, '{}') },
      'HUB_PROTOCOL',
    ],
    ['points elsewhere', { health: (response) => reply(response, 302) }, 'HUB_REDIRECT'],
    ['wants another protocol', { health: (response) => reply(response, 412) }, 'PROTOCOL_MISMATCH'],
    ['says nothing', { health: () => {} }, 'HUB_UNREACHABLE'],
  ]
  it.each(others)('is not there where the hub %s', async (_name, script, code) => {
    const { link } = await start(script, { limits: { probeMs: 200 } })
    expect(await link.probe()).toMatchObject({ type: 'socket.refused', error: { code } })
    expect(await link.deliver('events', 1, items)).toMatchObject({ unanswered: 40 })
  })

  it('asks for consent before each batch (L12)', async () => {
    let granted = true
    const { hub, link } = await start(
      {
        health: (response) => reply(response, 200, healthOf({ max_events_per_batch: 10 })),
        batch: (batch, response) => {
          granted = hub.batches.length < 2
          reply(response, 200, resultsOf(batch.ids))
        },
      },
      { granted: () => granted },
    )
    await link.probe()
    const answer = await link.deliver('events', 1, items)
    expect(answer).toMatchObject({ accepted: ids.slice(0, 20), unanswered: 20 })
    expect(hub.batches.flatMap((batch) => batch.ids)).toEqual(ids.slice(0, 20))
  })

  it('sends nothing by a login of another hub or team than it reached (S13)', async () => {
    let team_slug = 'harbour'
    const { hub, link, facts } = await start(takesBatches, {
      login: () => ({
        state: 'present',
        login: { hub: hub.url, token: TOKEN, team_slug, id: '', token_store: 'file' },
      }),
    })
    await link.probe()
    team_slug = 'other'
    expect(await link.deliver('events', 1, items)).toMatchObject({ unanswered: 40 })
    expect(hub.batches).toEqual([])
    expect(facts.count('socket.halted')).toBe(1)
  })

  it('ends with the request under way when it is to finish, and keeps its answer', async () => {
    const { hub, link } = await start({
      health: (response) => reply(response, 200, healthOf({ max_events_per_batch: 10 })),
    })
    await link.probe()
    let answer: () => void = () => {}
    const arrived = new Promise<void>((resolve) => {
      hub.script = {
        batch: (batch, response) => {
          answer = () => reply(response, 200, resultsOf(batch.ids))
          resolve()
        },
      }
    })
    const delivered = link.deliver('events', 1, items)
    await arrived
    expect(link.finish()).toEqual({ type: 'socket.finished' })
    answer()
    expect(await delivered).toMatchObject({ accepted: ids.slice(0, 10), unanswered: 30 })
    expect(hub.batches).toHaveLength(1)
  })

  it('begins no batch once the pass has taken its time', async () => {
    const { link } = await start(
      {
        health: (response) => reply(response, 200, healthOf({ max_events_per_batch: 10 })),
        batch: (batch, response) =>
          void setTimeout(() => reply(response, 200, resultsOf(batch.ids)), 60),
      },
      { limits: { passMs: 50 } },
    )
    await link.probe()
    const answer = await link.deliver('events', 1, items)
    expect(answer).toMatchObject({ accepted: ids.slice(0, 10), unanswered: 30 })
  })

  const lies: readonly (readonly [string, NonNullable<Script['batch']>, string])[] = [
    ['says nothing', () => {}, 'HUB_UNREACHABLE'],
    [
      'drips its answer',
      (_batch, response) => {
        const timer = setInterval(() => response.write(' '), 20)
        response.on('close', () => clearInterval(timer))
      },
      'HUB_UNREACHABLE',
    ],
    ['cuts the line', (_batch, response) => response.destroy(), 'HUB_UNREACHABLE'],
    [
      'sends a bomb',
      (_batch, response) => {
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(BOMB)
      },
      'HUB_PROTOCOL',
    ],
    [
      'never ends its answer',
      (_batch, response) => {
        const write = (): void => {
          while (!response.destroyed && response.write('x'.repeat(65_536)));
        }
        response.on('drain', write)
        write()
      },
      'HUB_PROTOCOL',
    ],
    ['answers with rubbish', (_batch, response) => reply(response, 200, '\0'), 'HUB_PROTOCOL'],
    [
      'points elsewhere',
      (_batch, response) => reply(response, 308, '', { location: '/elsewhere' }),
      'HUB_REDIRECT',
    ],
  ]
  it.each(lies)('takes nothing for delivered where the hub %s', async (_name, batch, code) => {
    const batchMs = code === 'HUB_UNREACHABLE' ? 200 : 30_000
    const { hub, facts, link } = await start({ ...takesBatches, batch }, { limits: { batchMs } })
    await link.probe()
    const before = process.memoryUsage.rss()
    const answer = await link.deliver('events', 1, items)
    expect(answer).toMatchObject({ accepted: [], rejected: [], unanswered: 40 })
    expect(await facts.first('socket.halted')).toMatchObject({ connection: 1, error: { code } })
    expect(hub.tokenRequests).toEqual([])
    expect(process.memoryUsage.rss() - before).toBeLessThan(64 * 1024 * 1024)
  })

  it('is cut short by a close', async () => {
    const { facts, link } = await start({ ...takesBatches, batch: () => void link.close() })
    await link.probe()
    expect(await link.deliver('events', 1, items)).toMatchObject({ unanswered: 40 })
    expect(facts.seen.at(-1)).toMatchObject({ error: { code: 'LINK_CLOSED' } })
  })
})

describe('a backlog beside a connection', () => {
  it('goes by HTTP, and what HTTP leaves goes by the connection', async () => {
    const { hub, facts, link } = await start({
      ...takesBatches,
      batch: (batch, response) => reply(response, 200, resultsOf(batch.ids.slice(0, 30))),
    })
    await goLive(link, facts)
    expect(await link.deliver('events', 1, items)).toMatchObject({ accepted: ids, unanswered: 0 })
    expect(hub.batches).toHaveLength(1)
    expect(hub.frames.map((frame) => frame['event_id'])).toEqual(ids.slice(30))
    await link.deliver('events', 2, items.slice(0, 5))
    expect(hub.batches).toHaveLength(1)
  })

  it('goes by the connection alone after HTTP was refused, and HTTP is asked no more', async () => {
    const { hub, facts, link } = await start({
      ...takesBatches,
      batch: (_batch, response) => reply(response, 500),
    })
    await goLive(link, facts)
    for (const batch of [1, 2]) {
      expect(await link.deliver('events', batch, items)).toMatchObject({ unanswered: 0 })
    }
    expect([hub.batches.length, hub.frames.length]).toEqual([1, 80])
    expect(facts.count('socket.halted')).toBe(0)
  })

  it('never goes by HTTP to a hub that takes array frames', async () => {
    const { hub, facts, link } = await start({
      ...takesBatches,
      greet: (peer) => peer.send(JSON.stringify(ARRAYS)),
      frame: (frame, peer) => peer.send(JSON.stringify(acksOf(frame))),
    })
    await goLive(link, facts)
    expect(await link.deliver('events', 1, items)).toMatchObject({ unanswered: 0 })
    expect(hub.batches).toEqual([])
  })

  it('does not outlive its connection', async () => {
    const { facts, link, hub } = await start(
      { ...takesBatches, batch: () => hub.peer?.terminate() },
      { limits: { batchMs: 60_000 } },
    )
    await goLive(link, facts)
    expect(await link.deliver('events', 1, items)).toMatchObject({ accepted: [], unanswered: 40 })
  })
})
