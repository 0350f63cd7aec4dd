import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { fc } from '../../support/property.ts'
import {
  Facts,
  SNAPSHOT,
  ScriptedHub,
  TICKET,
  TOKEN,
  eventItem,
  goLive,
  linkTo,
  range,
  reply,
} from './scripted-hub.ts'
import type { Script } from './scripted-hub.ts'
import { HUB_BODY_BYTES_MAX } from '#dist/project/login/hub-request.js'
import type { Link, LinkOptions } from '#dist/workers/socket/link.js'

const open: { hub: ScriptedHub; link: Link }[] = []

async function start(script: Script, options: Partial<LinkOptions> = {}) {
  const hub = await ScriptedHub.start(script)
  const facts = new Facts()
  const limits = { ackMs: 150, closeMs: 200, openMs: 300, authenticateMs: 300, ...options.limits }
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

const ack: Script['frame'] = (frame, peer) => {
  if (frame['type'] !== 'event') return
  peer.send(JSON.stringify({ type: 'ack', event_id: frame['event_id'], status: 'accepted' }))
}

describe('authenticate', () => {
  const table = [
    [301, 'refused', 'HUB_REDIRECT'],
    [302, 'refused', 'HUB_REDIRECT'],
    [307, 'refused', 'HUB_REDIRECT'],
    [308, 'refused', 'HUB_REDIRECT'],
    [400, 'transient', 'HUB_PROTOCOL'],
    [401, 'unauthenticated', 'NOT_AUTHENTICATED'],
    [403, 'refused', 'HUB_FORBIDDEN'],
    [404, 'refused', 'HUB_PROTOCOL'],
    [408, 'transient', 'HUB_UNREACHABLE'],
    [418, 'transient', 'HUB_PROTOCOL'],
    [426, 'refused', 'HUB_PROTOCOL'],
    [429, 'transient', 'HUB_BUSY'],
    [500, 'transient', 'HUB_UNREACHABLE'],
    [502, 'transient', 'HUB_UNREACHABLE'],
    [503, 'transient', 'HUB_BUSY'],
  ] as const

  it.each(table)('answers status %i as %s with %s', async (status, closeClass, code) => {
    const { link } = await start({
      token: (_request, response, hub) =>
        reply(response, status, '<html>', { location: `${hub.url}/elsewhere` }),
    })
    expect(await link.authenticate()).toMatchObject({
      type: 'socket.refused',
      class: closeClass,
      error: { code, retryable: closeClass === 'transient' },
    })
  })

  it.each(table)(
    'treats status %i at the upgrade the same way',
    async (status, closeClass, code) => {
      const { hub, link } = await start({
        upgrade: (socket) => {
          const head = `HTTP/1.1 ${status} No\r\nLocation: http://127.0.0.1:${hub.port}/elsewhere`
          socket.end(`${head}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`)
        },
      })
      await link.authenticate()
      expect(await link.open()).toMatchObject({
        type: 'socket.refused',
        class: closeClass,
        error: { code },
      })
      expect(hub.upgrades).toHaveLength(1)
    },
  )

  it('asks once, with the token in a header, and follows no redirect (S13)', async () => {
    const { hub, link } = await start({
      token: (_request, response, hub) => {
        reply(response, 307, '', { location: `${hub.url}/elsewhere` })
      },
    })
    await link.authenticate()
    expect(hub.tokenRequests).toHaveLength(1)
    expect(hub.tokenRequests[0]?.headers.authorization).toBe(`Bearer ${TOKEN}`)
    expect(hub.tokenRequests[0]?.body).toBe('{"team_id":"harbour"}')
  })

  it.each([
    ['7', 7000],
    ['999999', 15 * 60_000],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
    ['soon', undefined],
  ])('passes Retry-After %s on, capped', async (text, retryAfterMs) => {
    const { link } = await start({
      token: (_request, response) => reply(response, 429, '', { 'retry-after': text }),
    })
    const answer = await link.authenticate()
    expect(answer).toHaveProperty('class', 'transient')
    expect('retryAfterMs' in answer ? answer.retryAfterMs : undefined).toBe(retryAfterMs)
  })

  const rubbish: readonly (readonly [string, (hub: ScriptedHub) => string])[] = [
    ['an empty body', () => ''],
    ['HTML', () => '<html>Sign in to the hotel</html>'],
    ['an array', () => '[]'],
    ['no token', (hub) => JSON.stringify({ ...hub.ticket, ws_token: undefined })],
    ['a token with a line end', (hub) => JSON.stringify({ ...hub.ticket, ws_token: 'a\r\nX: 1' })],
    ['a giant body', () => `"${'x'.repeat(80 * 1024)}"`],
    ['an expired ticket', (hub) => JSON.stringify({ ...hub.ticket, expires_in: 0 })],
    [
      "another host's URL",
      (hub) => JSON.stringify({ ...hub.ticket, ws_url: 'wss://elsewhere.example/ws' }),
    ],
    [
      'a plain URL to another host',
      (hub) => JSON.stringify({ ...hub.ticket, ws_url: 'ws://elsewhere.example/ws' }),
    ],
    [
      'a token in the query',
      (hub) => JSON.stringify({ ...hub.ticket, ws_url: `${hub.ticket.ws_url}?Access_Token=x` }),
    ],
    ['no URL', (hub) => JSON.stringify({ ...hub.ticket, ws_url: 'not a url' })],
    ['an http URL', (hub) => JSON.stringify({ ...hub.ticket, ws_url: hub.url })],
    [
      'credentials in the URL',
      (hub) => JSON.stringify({ ...hub.ticket, ws_url: `ws://u:p@127.0.0.1:${hub.port}/` }),
    ],
  ]
  it.each(rubbish)('takes 200 with %s for a passing fault of the hub', async (_name, body) => {
    const { link } = await start({
      token: (_request, response, hub) => reply(response, 200, body(hub)),
    })
    expect(await link.authenticate()).toMatchObject({
      type: 'socket.refused',
      class: 'transient',
      error: { code: 'HUB_PROTOCOL' },
    })
    expect(await link.open()).toMatchObject({ error: { code: 'LINK_TICKET' } })
  })

  it('gives up on a hub that drips its answer, at the deadline for the whole', async () => {
    const { link } = await start({
      token: (_request, response) => {
        response.writeHead(200)
        const timer = setInterval(() => response.write(' '), 20)
        response.on('close', () => clearInterval(timer))
      },
    })
    expect(await link.authenticate()).toMatchObject({
      class: 'transient',
      error: { code: 'HUB_UNREACHABLE' },
    })
  })

  it('reads no more of an answer than there can be, and waits for no end of it', async () => {
    const token: Script['token'] = (_request, response) => {
      response.writeHead(200).write('x'.repeat(HUB_BODY_BYTES_MAX + 1))
    }
    const limits = { authenticateMs: 10_000 }
    const { link } = await start({ token }, { limits })
    // At its deadline it would be HUB_UNREACHABLE.
    expect(await link.authenticate()).toMatchObject({ error: { code: 'HUB_PROTOCOL' } })
  })

  it('answers transient where nobody listens', async () => {
    const { hub, link } = await start({})
    await hub.stop()
    expect(await link.authenticate()).toMatchObject({
      class: 'transient',
      error: { code: 'HUB_UNREACHABLE', retryable: true },
    })
  })

  it('is cut short by a close', async () => {
    let arrived: () => void = () => {}
    const waiting = new Promise<void>((resolve) => {
      arrived = resolve
    })
    const { link } = await start({ token: () => arrived() }, { limits: { authenticateMs: 60_000 } })
    const answer = link.authenticate()
    await waiting
    await link.close()
    expect(await answer).toMatchObject({ type: 'socket.refused', error: { code: 'LINK_CLOSED' } })
  })

  it('says what is wrong with the login, and asks nobody', async () => {
    const { hub, link } = await start({}, { login: () => ({ state: 'absent' }) })
    expect(await link.authenticate()).toMatchObject({
      class: 'unauthenticated',
      error: { code: 'NOT_LOGGED_IN' },
    })
    expect(hub.tokenRequests).toEqual([])
  })

  it('shows the token in none of its answers (S19)', async () => {
    for (const status of [200, 302, 401, 403, 429, 500]) {
      const { link } = await start({
        token: (_request, response) => reply(response, status, TOKEN, { location: TOKEN }),
      })
      const answers = JSON.stringify([await link.authenticate(), await link.open()])
      expect(answers).not.toContain(TOKEN)
      expect(answers).not.toContain(TICKET)
    }
  })
})

describe('open', () => {
  it('needs a ticket of its own each time', async () => {
    const { facts, link } = await start({})
    expect(await link.open()).toMatchObject({ error: { code: 'LINK_TICKET' } })
    await goLive(link, facts)
    expect(await link.open()).toMatchObject({ error: { code: 'LINK_TICKET' } })
  })

  it('refuses a ticket that ran out', async () => {
    let at = 0
    const { hub, link } = await start({}, { now: () => at })
    await link.authenticate()
    at = 60_000
    expect(await link.open()).toMatchObject({ error: { code: 'LINK_TICKET' } })
    expect(hub.upgrades).toEqual([])
  })

  it('has one deadline for the handshake, whether the hub is silent or drips', async () => {
    const silent = await start({ upgrade: () => {} })
    const dripping = await start({
      upgrade: (socket) => {
        socket.write('HTTP/1.1 101 Switching Protocols\r\nX-Slow: ')
        const timer = setInterval(() => socket.write('a'), 20)
        socket.on('error', () => {})
        socket.on('close', () => clearInterval(timer))
      },
    })
    for (const { link } of [silent, dripping]) {
      await link.authenticate()
      const started = performance.now()
      expect(await link.open()).toMatchObject({
        class: 'transient',
        error: { code: 'HUB_UNREACHABLE' },
      })
      expect(performance.now() - started).toBeGreaterThanOrEqual(295)
      expect(performance.now() - started).toBeLessThan(2000)
    }
  })

  it.each(['rubbish\r\n\r\n', 'HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\n\r\n', ''])(
    'refuses a handshake of %j',
    async (text) => {
      const { facts, link } = await start({ upgrade: (socket) => socket.end(text) })
      await link.authenticate()
      expect(await link.open()).toMatchObject({ type: 'socket.refused', class: 'transient' })
      expect(facts.seen).toEqual([])
    },
  )

  it('is cut short by a close, and opens nothing afterwards', async () => {
    let arrived: () => void = () => {}
    const waiting = new Promise<void>((resolve) => {
      arrived = resolve
    })
    const { facts, link } = await start(
      { upgrade: () => arrived() },
      { limits: { openMs: 60_000 } },
    )
    await link.authenticate()
    const answer = link.open()
    await waiting
    await link.close()
    expect(await answer).toMatchObject({ error: { code: 'LINK_CLOSED' } })
    expect(facts.seen).toEqual([])
  })
})

describe('the first frame', () => {
  const firsts: readonly (readonly [string, string | Buffer])[] = [
    ['a ping', JSON.stringify({ type: 'ping', timestamp: 'x' })],
    ['an ack', JSON.stringify({ type: 'ack', event_id: 'x', status: 'accepted' })],
    ['a snapshot without work packages', JSON.stringify({ type: 'snapshot' })],
    ['no JSON', 'hello'],
    ['binary', Buffer.from(JSON.stringify(SNAPSHOT))],
  ]
  it.each(firsts)('must be a snapshot: %s ends the connection', async (_name, first) => {
    const { facts, link } = await start({ greet: (peer) => peer.send(first) })
    await link.authenticate()
    await link.open()
    expect(await facts.first('socket.closed')).toMatchObject({
      connection: 1,
      class: 'transient',
      reason: 'HUB_PROTOCOL',
    })
    expect(facts.count('socket.snapshot')).toBe(0)
  })

  it('is waited for: until it comes nothing is sent', async () => {
    const limits = { ackMs: 60_000 }
    const { hub, link } = await start({ greet: () => {}, frame: ack }, { limits })
    await link.authenticate()
    await link.open()
    expect(await link.deliver('events', 1, [eventItem(1)])).toMatchObject({ unanswered: 1 })
    expect(hub.frames).toEqual([])
  })

  it('reports one snapshot a connection, however many come', async () => {
    const { hub, facts, link } = await start({ frame: ack })
    await goLive(link, facts)
    hub.send(SNAPSHOT)
    hub.send({ type: 'ping', timestamp: 'after' })
    await facts.first('socket.pinged')
    expect(facts.count('socket.snapshot')).toBe(1)
  })
})

describe('a connection that breaks', () => {
  it('in mid-frame by a reset leaves what was not acked undelivered, and says so once', async () => {
    const { hub, facts, link } = await start({})
    await goLive(link, facts)
    hub.script = {
      frame: (frame, peer, text) => {
        if (frame['lamport_clock'] === 3) {
          const socket = [...hub.sockets].find((one) => !one.destroyed)
          // A text frame that announces 100 bytes and brings 3.
          socket?.write(Buffer.from([0x81, 100, 0x7b, 0x22, 0x74]), () => socket.resetAndDestroy())
        } else if (Number(frame['lamport_clock']) < 3) ack(frame, peer, text)
      },
    }
    const items = range(50).map((index) => eventItem(index))
    expect(await link.deliver('events', 1, items)).toMatchObject({
      accepted: items.slice(0, 3).map((item) => item.id),
      unanswered: 47,
    })
    await facts.first('socket.closed')
    await link.close()
    expect(facts.seen.filter((fact) => fact.type === 'socket.closed')).toMatchObject([
      { connection: 1, class: 'transient', reason: 'LINK_LOST' },
    ])
  })

  it.each([
    [1000, 'transient'],
    [1001, 'transient'],
    [1011, 'transient'],
    [4401, 'unauthenticated'],
    [4403, 'refused'],
  ] as const)(
    'with code %i is %s, and the text of the hub is not repeated',
    async (code, closeClass) => {
      const { hub, facts, link } = await start({})
      await goLive(link, facts)
      hub.peer?.close(code, 'go to http://elsewhere.example')
      expect(await facts.first('socket.closed')).toEqual({
        type: 'socket.closed',
        connection: 1,
        class: closeClass,
        code,
        reason: 'HUB_CLOSED',
      })
    },
  )

  it('answers a later delivery at once with nothing delivered', async () => {
    const { hub, facts, link } = await start({}, { limits: { ackMs: 60_000 } })
    await goLive(link, facts)
    hub.peer?.terminate()
    await facts.first('socket.closed')
    expect(await link.deliver('events', 9, [eventItem(1)])).toEqual({
      type: 'socket.delivered',
      sink: 'events',
      batch: 9,
      accepted: [],
      rejected: [],
      unanswered: 1,
    })
  })

  it('closes by force where the hub does not take part in closing', async () => {
    const { hub, facts, link } = await start({})
    await goLive(link, facts)
    for (const socket of hub.sockets) socket.pause()
    const started = performance.now()
    await link.close()
    expect(performance.now() - started).toBeLessThan(2000)
    expect(facts.count('socket.closed')).toBe(1)
  })

  it('is over by the close deadline where the hub says good-bye and stays', async () => {
    const { facts, link } = await start({
      upgrade: (socket, request) => {
        const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`
        const accept = createHash('sha1').update(key).digest('base64')
        const head = 'HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade'
        const goodBye = Buffer.from([0x88, 2, 0x03, 0xe8])
        socket.write(`${head}\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`)
        socket.write(goodBye)
      },
    })
    await link.authenticate()
    const started = performance.now()
    expect(await link.open()).toMatchObject({ type: 'socket.opened' })
    expect(await facts.first('socket.closed')).toMatchObject({ code: 1000, reason: 'HUB_CLOSED' })
    expect(performance.now() - started).toBeLessThan(2000)
  })

  it('ends a waiting delivery as soon as it is told to close, though the hub does not take part', async () => {
    const { hub, facts, link } = await start({}, { limits: { ackMs: 60_000, closeMs: 60_000 } })
    await goLive(link, facts)
    const sent = new Promise<void>((resolve) => {
      hub.script = { frame: () => resolve() }
    })
    const answer = link.deliver('events', 1, [eventItem(1)])
    await sent
    for (const socket of hub.sockets) socket.pause()
    const closed = link.close()
    expect(await answer).toMatchObject({ accepted: [], unanswered: 1 })
    expect(facts.count('socket.closed')).toBe(0)
    hub.peer?.terminate()
    await closed
    expect(facts.count('socket.closed')).toBe(1)
  })
})

describe('a black hole', () => {
  it('takes the writes and answers nothing: memory stays bounded and nothing counts as delivered', async () => {
    const limits = { highWaterBytes: 256 * 1024, lowWaterBytes: 64 * 1024, ackMs: 200 }
    const { hub, facts, link } = await start({}, { limits })
    await goLive(link, facts)
    for (const socket of hub.sockets) socket.pause()
    const padding = 'x'.repeat(256 * 1024)
    const items = range(200).map((index) => {
      const item = eventItem(index)
      return { ...item, frame: item.frame.replace('{"agg', `{"a":"${padding}","agg`) }
    })
    const before = process.memoryUsage().arrayBuffers
    const answer = await link.deliver('events', 1, items)
    expect(answer).toMatchObject({ accepted: [], rejected: [], unanswered: 200 })
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024)
    await link.close()
    expect(facts.count('socket.closed')).toBe(1)
  })
})

describe('a hostile hub', () => {
  it('that sends a frame beyond the limit is cut off (S11)', async () => {
    const { hub, facts, link } = await start({}, { limits: { payloadBytesMax: 64 * 1024 } })
    await goLive(link, facts)
    hub.peer?.send(JSON.stringify({ type: 'event', text: 'x'.repeat(64 * 1024) }))
    expect(await facts.first('socket.closed')).toMatchObject({ class: 'transient' })
  })

  const raw: readonly (readonly [string, readonly number[]])[] = [
    ['a giant declared length', [0x81, 127, 0, 0, 0, 16, 0, 0, 0, 0]],
    ['bad UTF-8', [0x81, 2, 0xc3, 0x28]],
    ['a reserved bit', [0xc1, 2, 0x7b, 0x7d]],
    ['an unknown opcode', [0x83, 0]],
    ['a masked frame', [0x81, 0x82, 0, 0, 0, 0, 0x7b, 0x7d]],
    ['a continuation of nothing', [0x80, 2, 0x7b, 0x7d]],
    ['a close code that must not be sent', [0x88, 2, 0x03, 0xed]],
  ]
  it.each(raw)('that sends %s is cut off cleanly (S11)', async (_name, bytes) => {
    const { hub, facts, link } = await start({})
    await goLive(link, facts)
    for (const socket of hub.sockets) socket.write(Buffer.from(bytes))
    expect(await facts.first('socket.closed')).toMatchObject({
      connection: 1,
      class: 'transient',
    })
    expect(facts.count('socket.closed')).toBe(1)
  })

  it('that sends commands, paths and programs is heard as data alone: nothing is done, said or answered (S14)', async () => {
    const { hub, facts, link } = await start({ frame: ack })
    await goLive(link, facts)
    const before = facts.seen.length
    const planted = join(tmpdir(), `planted-by-a-hub-${process.pid}`)
    for (const type of ['exec', 'command', 'write', 'event', 'config', 'login', 'redirect']) {
      hub.send({
        type,
        command: `touch ${planted}`,
        argv: ['touch', planted],
        path: planted,
        file: `../../../..${planted}`,
        hub: 'https://elsewhere.example',
        event: { payload: { path: planted, text: '$(touch x)' } },
      })
    }
    const item = eventItem(1)
    expect(await link.deliver('events', 1, [item])).toMatchObject({ accepted: [item.id] })
    expect(facts.seen.slice(before)).toEqual([])
    expect(hub.frames.map(({ event_id }) => event_id)).toEqual([item.id])
    expect(existsSync(planted)).toBe(false)
  })

  it('that sends malformed frames without end is cut off at the limit (S11)', async () => {
    const { hub, facts, link } = await start({}, { limits: { malformedMax: 20 } })
    await goLive(link, facts)
    for (const _ of range(50)) hub.peer?.send('{')
    expect(await facts.first('socket.closed')).toMatchObject({ reason: 'HUB_PROTOCOL' })
    expect(link.counts.malformed).toBe(20)
  })

  it('that floods pings gets a bounded number of pongs', async () => {
    const at = 5000
    const { hub, facts, link } = await start(
      { frame: ack },
      { now: () => at, limits: { pingsPerSecondMax: 10 } },
    )
    await goLive(link, facts)
    for (const _ of range(200)) hub.send({ type: 'ping', timestamp: 'x' })
    await link.deliver('events', 1, [eventItem(1)])
    expect(facts.count('socket.pinged')).toBe(10)
    expect(hub.frames.filter((frame) => frame['type'] === 'pong')).toHaveLength(10)
    expect(link.counts.floodedPings).toBe(190)
  })

  it('can send any text or bytes at all: the listener goes on and no verdict is invented', async () => {
    const { hub, facts, link } = await start(
      { frame: ack },
      { limits: { malformedMax: 1e6, ackMs: 30_000 } },
    )
    await goLive(link, facts)
    const type = fc.constantFrom('ack', 'acks', 'error', 'LocalCommitAck', 'ping', 'snapshot', 7)
    const id = fc.constantFrom(eventItem(7).id, eventItem(8).id, '__proto__', null, 1)
    const shaped = fc.record(
      {
        type,
        event_id: id,
        git_hash: id,
        status: fc.constantFrom('accepted', 'stored', null, {}),
        retryable: fc.boolean(),
        error_category: fc.string(),
        through: fc.constantFrom(0, 1, 2 ** 53, '1'),
        last_event_id: id,
        count: fc.constantFrom(0, 1, -1),
        rejected: fc.constantFrom([], [{}], null),
        timestamp: fc.anything(),
      },
      { requiredKeys: [] },
    )
    const frame = fc.oneof(
      fc.string(),
      fc.uint8Array({ maxLength: 64 }),
      fc.json(),
      shaped.map((value) => JSON.stringify(value) ?? ''),
      fc.constant('['.repeat(50_000)),
      fc.constant('{"type":"ping","timestamp":1e999}'),
      fc.constant('{"__proto__":{"type":"ack"},"type":"ack"}'),
    )
    let round = 100
    await fc.assert(
      fc.asyncProperty(fc.array(frame, { maxLength: 20 }), async (frames) => {
        for (const data of frames) hub.peer?.send(data)
        const item = eventItem(round++)
        const answer = await link.deliver('events', 1, [item])
        expect(answer).toMatchObject({ accepted: [item.id], rejected: [], unanswered: 0 })
      }),
      { numRuns: 150 },
    )
    expect(facts.count('socket.closed')).toBe(0)
  })
})

describe('a hub that is named by https', () => {
  let server: Server | null = null
  afterEach(() => {
    server?.close()
  })

  it('never gets the token in the clear where it does not speak TLS (S13)', async () => {
    const heard: Buffer[] = []
    server = createServer((socket: Socket) => {
      socket.on('error', () => {})
      socket.on('data', (data) => {
        heard.push(data)
        socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
      })
    })
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
    const answer = await linkTo({ url }, new Facts()).authenticate()
    expect(answer).toMatchObject({ type: 'socket.refused' })
    expect(heard.length).toBeGreaterThan(0)
    expect(Buffer.concat(heard).toString('latin1')).not.toContain(TOKEN)
  })
})
