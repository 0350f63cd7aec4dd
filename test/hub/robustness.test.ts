import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import * as fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createToken } from '#dist/hub/access/tokens.js'
import { anyText } from '../support/any-text.ts'
import {
  frameOf,
  newCommit,
  newEvent,
  openLink,
  readAll,
  request,
  spawnMeasuredHub,
  startHub,
  temporaryFolder,
} from './support.ts'
import type { TestLink } from './support.ts'

/** Proves that the hub still takes and acknowledges. */
async function expectServing(hub: { readonly url: string }, token: string): Promise<void> {
  const event = newEvent()
  const link = await openLink(hub, token)
  link.send(frameOf(event))
  expect(await link.next()).toMatchObject({ event_id: event.event_id, status: 'accepted' })
  link.socket.close()
  await link.end()
}

/** The TCP socket below a client's WebSocket, to write what a WebSocket would not. */
function wireOf(link: TestLink): Socket {
  return (link.socket as unknown as { readonly _socket: Socket })._socket
}

const mutations = fc.oneof(
  anyText(),
  fc.json(),
  fc
    .tuple(fc.constantFrom(...Object.keys(newEvent())), fc.jsonValue())
    .map(([key, value]) => JSON.stringify({ type: 'event', ...newEvent(), [key]: value })),
  fc
    .tuple(fc.constantFrom(...Object.keys(newCommit())), fc.jsonValue())
    .map(([key, value]) => JSON.stringify({ ...newCommit(), [key]: value })),
  fc.tuple(fc.nat(400), fc.string({ minLength: 1, maxLength: 3 })).map(([at, text]) => {
    const frame = frameOf(newEvent())
    return frame.slice(0, at) + text + frame.slice(at + text.length)
  }),
)

describe('malformed frames', () => {
  it('serves on through thousands of broken frames, one answer each (I26)', async () => {
    const { hub, token } = await startHub()
    await fc.assert(
      fc.asyncProperty(fc.array(mutations, { minLength: 50, maxLength: 250 }), async (frames) => {
        const link = await openLink(hub, token)
        link.send(...frames)
        const answers = await link.take(frames.length)
        for (const { type } of answers) expect(['ack', 'error', 'LocalCommitAck']).toContain(type)
        link.socket.close()
        await link.end()
      }),
      { numRuns: 35 },
    )
    await expectServing(hub, token)
  })

  it('names the id where there is one, and keeps answers in the order of the frames', async () => {
    const { hub, token } = await startHub()
    const [good, bad, last] = [newEvent(), newEvent({ lamport_clock: -1 }), newEvent()]
    const link = await openLink(hub, token)
    link.send(frameOf(good), '{', frameOf(bad), '{"type":"subscribe"}', frameOf(last))
    const rejected = { type: 'error', status: 'rejected', retryable: false }
    expect(await link.take(5)).toEqual([
      { type: 'ack', event_id: good.event_id, status: 'accepted' },
      { ...rejected, error_category: 'invalid_frame' },
      { ...rejected, error_category: 'invalid_event', event_id: bad.event_id },
      { ...rejected, error_category: 'invalid_frame' },
      { type: 'ack', event_id: last.event_id, status: 'accepted' },
    ])
  })

  it('refuses an event with a key twice, because readers would not agree on it', async () => {
    const { hub, token } = await startHub()
    const event = newEvent()
    const twice = frameOf(event).replace(
      /}$/,
      `,"project_u\\u0075id":${JSON.stringify(event.project_uuid)}}`,
    )
    const link = await openLink(hub, token)
    link.send(twice)
    expect(await link.next()).toMatchObject({
      error_category: 'invalid_event',
      event_id: event.event_id,
    })
  })

  it('keeps no transport key, however it is escaped', async () => {
    const { hub, token } = await startHub()
    const event = newEvent({ payload: { type: 'kept', nested: ['}', ']', '\\"', '\\'] } })
    const { event_id, project_uuid, ...rest } = event
    const text = `  { "\\u0074ype" : "event" ,\n "event_id":"${event_id}" , "project_uuid" :"${
      project_uuid
    }" ,${JSON.stringify(rest).slice(1)}  `
    const link = await openLink(hub, token)
    link.send(text)
    expect(await link.next()).toMatchObject({ event_id, status: 'accepted' })
    const [row] = await readAll(hub, token, project_uuid)
    expect(row?.event).toEqual(event)
  })

  it('closes with 1008 after 256 broken frames', async () => {
    const { hub, token } = await startHub()
    const link = await openLink(hub, token)
    link.send(...Array.from({ length: 257 }, () => '{'))
    expect(await link.end()).toMatchObject({ code: 1008 })
    await expectServing(hub, token)
  })

  it('closes with 1003 on a binary frame, 1009 on a giant one, 1007 on bad UTF-8', async () => {
    const { hub, token } = await startHub()
    const binary = await openLink(hub, token)
    binary.socket.send(Buffer.from(frameOf(newEvent())), { binary: true })
    expect((await binary.end()).code).toBe(1003)
    const giant = await openLink(hub, token)
    giant.socket.send('x'.repeat(2 * 1024 * 1024 + 1))
    expect((await giant.end()).code).toBe(1009)
    const garbled = await openLink(hub, token)
    garbled.socket.send(Buffer.from([0xff, 0xfe]), { binary: false })
    expect((await garbled.end()).code).toBe(1007)
    await expectServing(hub, token)
  })

  it.each([
    ['a length of 2^62', [0x81, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ['reserved bits', [0xf1, 0x80, 0, 0, 0, 0]],
    ['an unmasked frame', [0x81, 0x02, 0x7b, 0x7d]],
    ['an unknown opcode', [0x83, 0x80, 0, 0, 0, 0]],
  ])('closes on %s and serves on', async (_, bytes) => {
    const { hub, token } = await startHub()
    const link = await openLink(hub, token)
    wireOf(link).write(Buffer.from(bytes))
    expect([1002, 1006, 1009]).toContain((await link.end()).code)
    await expectServing(hub, token)
  })

  it('bears 100,000 levels and prototype keys (S05)', async () => {
    const { hub, token } = await startHub()
    const link = await openLink(hub, token)
    const event = frameOf(newEvent())
    const deep = '['.repeat(100_000) + ']'.repeat(100_000)
    link.send(event.replace('"note"', `"deep":${deep},"note"`))
    link.send(event.replace('"note"', '"__proto__":{"polluted":true},"note"'))
    for (const frame of await link.take(2)) {
      expect(frame).toMatchObject({ error_category: 'invalid_frame' })
    }
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
    await expectServing(hub, token)
  })

  it('takes an event of 1 MiB', async () => {
    const { hub, token } = await startHub()
    const event = newEvent({ payload: { text: 'x'.repeat(1024 * 1024) } })
    const link = await openLink(hub, token)
    link.send(frameOf(event))
    expect(await link.next()).toMatchObject({ status: 'accepted' })
    expect(await readAll(hub, token, event.project_uuid)).toHaveLength(1)
  })
})

describe('malformed HTTP', () => {
  async function statusOf(port: number, text: string): Promise<number> {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    let received = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      received += chunk
    })
    socket.write(text)
    await once(socket, 'close')
    return Number(/^HTTP\/1\.1 (\d{3}) /.exec(received)?.[1])
  }

  it('has an answer for each kind of nonsense', async () => {
    const { hub, token } = await startHub()
    const head = `Host: 127.0.0.1:${hub.port}\r\nAuthorization: Bearer ${token}\r\n`
    const close = 'Connection: close\r\n\r\n'
    const cases: readonly (readonly [string, number])[] = [
      ['NONSENSE\r\n\r\n', 400],
      ['GET /health HTTP/1.1\r\n\r\n', 400],
      [`GET http://evil.example/health HTTP/1.1\r\n${head}${close}`, 400],
      [`GET /${'x'.repeat(3_000)} HTTP/1.1\r\n${head}${close}`, 400],
      [`GET /health HTTP/1.1\r\n${head}X: ${'x'.repeat(20_000)}\r\n${close}`, 431],
      [`GET //evil.example/health HTTP/1.1\r\n${head}${close}`, 404],
      [`GET /api/v1/nothing HTTP/1.1\r\n${head}${close}`, 404],
      [`DELETE /api/v1/events HTTP/1.1\r\n${head}${close}`, 405],
      [`GET /api/v1/ws-token HTTP/1.1\r\n${head}${close}`, 405],
      [`POST /health HTTP/1.1\r\n${head}Content-Length: 0\r\n${close}`, 405],
      [`POST /api/v1/ws-token HTTP/1.1\r\n${head}Content-Length: 5\r\n${close}{"a":`, 400],
      [`POST /api/v1/ws-token HTTP/1.1\r\n${head}Content-Length: 2\r\n${close}[]`, 400],
      [`POST /api/v1/ws-token HTTP/1.1\r\n${head}Content-Length: 2\r\n${close}{}`, 200],
      [
        `POST /api/v1/ws-token HTTP/1.1\r\n${head}Content-Length: 70000\r\n${close}${'x'.repeat(70_000)}`,
        413,
      ],
      [`GET /api/v1/ws HTTP/1.1\r\n${head}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n`, 401],
    ]
    for (const [text, status] of cases) {
      expect([text.slice(0, 60), await statusOf(hub.port, text)]).toEqual([
        text.slice(0, 60),
        status,
      ])
    }
    await expectServing(hub, token)
  })

  it.each([
    ['no project', ''],
    ['a malformed project', 'project_uuid=x'],
    ['a negative cursor', `project_uuid=${randomUUID()}&after=-1`],
    ['a cursor of letters', `project_uuid=${randomUUID()}&after=1e3`],
    ['a limit of 0', `project_uuid=${randomUUID()}&limit=0`],
    ['a limit above 1000', `project_uuid=${randomUUID()}&limit=1001`],
    ['two cursors', `project_uuid=${randomUUID()}&after=1&after=2`],
  ])('answers 400 to a list with %s', async (_, query) => {
    const { hub, token } = await startHub()
    for (const list of ['events', 'commits']) {
      const { status, body } = await request(hub, `/api/v1/${list}?${query}`, token)
      expect(status).toBe(400)
      expect(body.error?.code).toBe('BAD_REQUEST')
    }
  })

  it('lets nobody sit on a half-sent request for long (F35)', async () => {
    const { hub, token } = await startHub()
    const started = performance.now()
    const texts = ['', 'GET /health HTTP/1.1\r\nHost:', `GET /health HTTP/1.1\r\nX: y\r\n`]
    const statuses = await Promise.all(texts.map((text) => statusOf(hub.port, text)))
    expect(performance.now() - started).toBeLessThan(9_000)
    expect(statuses.slice(1)).toEqual([408, 408])
    await expectServing(hub, token)
  })

  it('closes its answers to caches, frames and scripts', async () => {
    const { hub } = await startHub()
    const { headers } = await request(hub, '/health', null)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(headers.has('access-control-allow-origin')).toBe(false)
  })
})

describe('lists', () => {
  it('are read page by page by their cursor, which stays where nothing follows', async () => {
    const { hub, token } = await startHub()
    const project_uuid = randomUUID()
    const events = Array.from({ length: 1_201 }, () => newEvent({ project_uuid }))
    const link = await openLink(hub, token)
    link.send(...events.map(frameOf))
    await link.take(events.length)
    const list = (query: string) =>
      request(hub, `/api/v1/events?project_uuid=${project_uuid}${query}`, token)
    const first = (await list('')).body
    expect(first.events).toHaveLength(500)
    expect(first.next).toBe(first.events?.at(-1)?.seq)
    const all = await readAll(hub, token, project_uuid, 1_000)
    expect(all.map(({ event }) => event.event_id)).toEqual(events.map(({ event_id }) => event_id))
    expect((await list('&after=999999')).body).toEqual({ events: [], next: 999_999 })
  })

  it('end a page early where the events are large, and lose none', async () => {
    const { hub, token } = await startHub()
    const project_uuid = randomUUID()
    const payload = { text: 'x'.repeat(1_000_000) }
    const events = Array.from({ length: 7 }, () => newEvent({ project_uuid, payload }))
    const link = await openLink(hub, token)
    link.send(...events.map(frameOf))
    await link.take(events.length)
    const { body } = await request(hub, `/api/v1/events?project_uuid=${project_uuid}`, token)
    expect(body.events?.length).toBeLessThan(7)
    expect(await readAll(hub, token, project_uuid)).toHaveLength(7)
  })
})

describe('liveness', () => {
  it('pings, and takes the echo for a sign of life', async () => {
    const { hub, token } = await startHub({ pingIntervalMs: 20 })
    const link = await openLink(hub, token)
    for (let i = 0; i < 10; i++) {
      const { type, timestamp } = await link.next()
      expect(type).toBe('ping')
      link.send(JSON.stringify({ type: 'pong', timestamp }))
    }
    expect(link.closed).toBeNull()
  })

  it('cuts a peer off that owes two answers (F36)', async () => {
    const { hub, token } = await startHub({ pingIntervalMs: 20 })
    const link = await openLink(hub, token)
    expect((await link.end()).code).toBe(1006)
  })

  it('cuts a peer off that sends a frame byte by byte, and owes two answers meanwhile (F35)', async () => {
    const { hub, token } = await startHub({ pingIntervalMs: 50 })
    const link = await openLink(hub, token)
    const wire = wireOf(link)
    // A masked text frame of 60,000 bytes, whose end never comes.
    wire.write(Buffer.from([0x81, 0xfe, 0xea, 0x60, 0, 0, 0, 0]))
    const drip = setInterval(() => wire.write('x'), 5)
    onTestFinished(() => clearInterval(drip))
    expect((await link.end()).code).toBe(1006)
    await expectServing(hub, token)
  })

  it('does not take another pong for an answer (F36)', async () => {
    const { hub, token } = await startHub({ pingIntervalMs: 50 })
    const link = await openLink(hub, token)
    const flood = setInterval(() => link.send('{"type":"pong","timestamp":"t"}'), 20)
    onTestFinished(() => clearInterval(flood))
    expect((await link.end()).code).toBe(1006)
  })
})

describe('a slow reader', () => {
  it('is closed, while the ingest goes on and is acknowledged (F29)', async () => {
    const { hub, token } = await startHub()
    const [sender, slow] = await Promise.all([openLink(hub, token), openLink(hub, token)])
    slow.socket.pause()
    const payload = { text: 'x'.repeat(10_000) }
    const events = Array.from({ length: 2_000 }, () => newEvent({ payload }))
    for (const event of events) sender.send(frameOf(event))
    const acks = await sender.take(events.length)
    expect(acks.every(({ status }) => status === 'accepted')).toBe(true)
    slow.socket.resume()
    expect([1006, 1013]).toContain((await slow.end()).code)
    await expectServing(hub, token)
  })
})

describe('memory', () => {
  it('stays below 256 MB when a peer floods and reads no answer (I25)', async () => {
    const dataDir = temporaryFolder()
    const token = createToken({ dataDir, team: 'acme', user: 'sam' })
    const hub = await spawnMeasuredHub(dataDir)
    const link = await openLink(hub, token)
    link.socket.pause()
    const frame = frameOf(newEvent())
    for (let i = 0; i < 200 && link.closed === null; i++) {
      link.send(...Array.from({ length: 1_000 }, () => frame))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await expectServing(hub, token)
    expect(await hub.rss()).toBeLessThan(256 * 1024 * 1024)
  })

  it('stays below 256 MB when 40 peers send more than fits, and every event is acknowledged', async () => {
    const dataDir = temporaryFolder()
    const token = createToken({ dataDir, team: 'acme', user: 'sam' })
    const hub = await spawnMeasuredHub(dataDir)
    const payload = { text: 'x'.repeat(100_000) }
    const frames = Array.from({ length: 1_600 }, () => newEvent({ payload })).map(frameOf)
    const links = await Promise.all(
      // Each of a team of its own: without fan-out, all the memory is that of the intake.
      Array.from({ length: 40 }, (_, i) =>
        openLink(hub, createToken({ dataDir, team: `team${i}`, user: 'sam' })),
      ),
    )
    links.forEach((link, i) => link.send(...frames.slice(i * 40, i * 40 + 40)))
    const peaks = await Promise.all([
      ...links.map(async (link) => {
        for (const frame of await link.take(40)) expect(frame['status']).toBe('accepted')
        return 0
      }),
      hub.rss(),
    ])
    expect(Math.max(...peaks, await hub.rss())).toBeLessThan(256 * 1024 * 1024)
    await expectServing(hub, token)
  })
})
