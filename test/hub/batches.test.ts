import Database from 'better-sqlite3'
import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { BATCHES_MAX, BATCHES_PER_TOKEN_MAX } from '#dist/hub/limits.js'
import { createToken } from '#dist/hub/access/tokens.js'
import {
  batchOf,
  frameOf,
  newEvent,
  openLink,
  postBatch,
  readAll,
  request,
  startHub,
} from './support.ts'

const LIMITS = {
  max_events_per_batch: 1_000,
  max_decompressed_bytes_per_batch: 524_288,
  retry_after_min_seconds: 1,
  retry_after_max_seconds: 300,
}
const rejected = { type: 'error', status: 'rejected', retryable: false }
const newEvents = (count: number, project_uuid = randomUUID()) =>
  Array.from({ length: count }, () => newEvent({ project_uuid }))

describe('the snapshot', () => {
  it('names the limits and what a client may use', async () => {
    const { hub, token } = await startHub()
    const { ws_token, ws_url = '' } = (
      await request(hub, '/api/v1/ws-token', token, { method: 'POST' })
    ).body
    const { WebSocket } = await import('ws')
    const { TestLink } = await import('./support.ts')
    const headers = { Authorization: `Bearer ${ws_token}` }
    const snapshot = await new TestLink(new WebSocket(ws_url, { headers })).next()
    const epoch = expect.stringMatching(/^[0-9a-f-]{36}$/)
    const features = [
      'event_batches',
      'subscriptions',
      'presence',
      'ledger_lines',
      'pushed_commits',
    ]
    expect(snapshot).toEqual({
      type: 'snapshot',
      work_packages: [],
      epoch,
      limits: LIMITS,
      features,
    })
    const { body } = await request(hub, '/api/v1/sync/health/', token)
    const ingress = { sync_ingress: { limits: LIMITS }, protocol: '2.0' }
    expect(body).toEqual({ status: 'ok', ...ingress, epoch: snapshot['epoch'] })
  })
})

describe('array frames', () => {
  it('are acknowledged through the last of a transaction, and stored as single frames are', async () => {
    const { hub, token } = await startHub()
    const events = newEvents(90)
    const link = await openLink(hub, token)
    const parts = [0, 30, 60].map((from) => events.slice(from, from + 30))
    link.send(...parts.map((part, index) => batchOf(index + 1, part)))
    let count = 0
    for (let through = 0; through < 3;) {
      const acks = await link.next()
      through = Number(acks['through'])
      count += Number(acks['count'])
      const last_event_id = parts[through - 1]?.at(-1)?.event_id
      expect(acks).toEqual({
        type: 'acks',
        through,
        last_event_id,
        count: acks['count'],
        rejected: [],
      })
      expect(count).toBe(through * 30)
    }
    const stored = await readAll(hub, token, events[0]?.project_uuid ?? '')
    expect(stored.map(({ event }) => event)).toEqual(events)
  })

  it('name what is rejected, and mix with single frames', async () => {
    const { hub, token } = await startHub()
    const [single, good, other] = newEvents(3)
    const bad = { ...newEvent(), lamport_clock: -1 }
    const decision = newEvent({ event_type: 'DecisionInputAnswered' })
    const conflict = { ...good, lamport_clock: 7 }
    const twice = JSON.stringify(other).replace('{', '{"node_id":"x",')
    const link = await openLink(hub, token)
    link.send(frameOf(single ?? {}), batchOf(1, [good ?? {}, bad, decision, conflict, good ?? {}]))
    expect(await link.next()).toMatchObject({ type: 'ack', event_id: single?.event_id })
    const because = (event_id: unknown, error_category: string) => ({
      event_id,
      error_category,
      retryable: false,
    })
    expect(await link.next()).toEqual({
      type: 'acks',
      through: 1,
      last_event_id: good?.event_id,
      count: 5,
      rejected: [
        because(bad.event_id, 'invalid_event'),
        because(decision.event_id, 'event_type_not_allowed'),
        because(conflict.event_id, 'event_id_conflict'),
      ],
    })
    link.send(`{"type":"events","batch":2,"events":[${twice}]}`)
    expect(await link.next()).toMatchObject({
      rejected: [because(other?.event_id, 'invalid_event')],
    })
  })

  it('are never acknowledged past one that was not taken', async () => {
    const { hub, token } = await startHub()
    const [first, second, third] = newEvents(3)
    const link = await openLink(hub, token)
    link.send(
      batchOf(1, []),
      batchOf(1, [{ ...first, event_id: 'x' }]),
      batchOf(1, [first ?? {}]).replace('"events":[', '"events":[{}],"events":['),
      batchOf(2, [second ?? {}]),
      `{"type":"events","batch":1,"events":[{"event_id":1e999}]}`,
      batchOf(1, [third ?? {}]),
    )
    const answers = await link.take(6)
    expect(answers.slice(0, 5)).toEqual([
      { ...rejected, error_category: 'invalid_batch', batch: 1 },
      { ...rejected, error_category: 'invalid_batch', batch: 1 },
      { ...rejected, error_category: 'invalid_batch', batch: 1 },
      { ...rejected, error_category: 'batch_out_of_order', batch: 2 },
      { ...rejected, error_category: 'invalid_batch', batch: 1 },
    ])
    expect(answers[5]).toMatchObject({ through: 1, last_event_id: third?.event_id, count: 1 })
    const stored = await readAll(hub, token, first?.project_uuid ?? '')
    expect(stored.map(({ event }) => event.event_id)).toEqual([third?.event_id])
  })

  it('take 1,000 events and no more', async () => {
    const { hub, token } = await startHub()
    const events = newEvents(1_001)
    const link = await openLink(hub, token)
    link.send(batchOf(1, events), batchOf(1, events.slice(1)))
    expect(await link.next()).toMatchObject({ error_category: 'invalid_batch' })
    expect(await link.next()).toMatchObject({ type: 'acks', count: 1_000, through: 1 })
  })

  it('are not acknowledged when their transaction fails', async () => {
    const { hub, dataDir, token } = await startHub()
    const events = newEvents(3)
    const database = new Database(join(dataDir, 'hub.db'))
    database.exec(`CREATE TRIGGER fail BEFORE INSERT ON events WHEN NEW.event_id = '${events[2]?.event_id}'
      BEGIN SELECT RAISE(ABORT, 'disk'); END`)
    const link = await openLink(hub, token)
    link.send(batchOf(1, events))
    expect(await link.end()).toMatchObject({ code: 1011 })
    const { status, headers, body } = await postBatch(hub, token, { events })
    expect([status, headers.get('retry-after')]).toEqual([503, '1'])
    expect(body.error?.code).toBe('STORE_FAILED')
    database.exec('DROP TRIGGER fail')
    database.close()
    expect((await readAll(hub, token, events[0]?.project_uuid ?? '')).length).toBe(0)
    expect((await postBatch(hub, token, { events })).body.results).toHaveLength(3)
  })
})

describe('HTTP batches', () => {
  it('are stored with the transport keys off, and shown as frames are', async () => {
    const { hub, token } = await startHub()
    const [event, other] = newEvents(2)
    const link = await openLink(hub, token)
    const strict = { type: 'event', admission_generation: 1, binding_audience: 'a' }
    const bad = { ...newEvent(), payload: null }
    const first = await postBatch(hub, token, { events: [{ ...event, ...strict }, other ?? {}] })
    expect(first.body).toEqual({
      results: [event, other].map((one) => ({ event_id: one?.event_id, status: 'success' })),
    })
    expect(await link.take(2)).toEqual([event, other].map((one) => ({ type: 'event', ...one })))
    const conflict = { ...other, lamport_clock: 9 }
    const again = await postBatch(hub, token, { events: [event ?? {}, bad, conflict] })
    expect(again.body.results).toEqual([
      { event_id: event?.event_id, status: 'duplicate' },
      {
        event_id: bad.event_id,
        status: 'rejected',
        error_message: expect.stringContaining('contract'),
        error_category: 'invalid_event',
        retryable: false,
      },
      expect.objectContaining({ status: 'rejected', error_category: 'event_id_conflict' }),
    ])
    const stored = await readAll(hub, token, event?.project_uuid ?? '')
    expect(stored.map((row) => row.event)).toEqual([event, other])
  })

  it('have an answer for each kind of body that is not taken', async () => {
    const { hub, token } = await startHub()
    const events = newEvents(1_001)
    const zip = (value: unknown): Buffer => gzipSync(JSON.stringify(value))
    const large = newEvent({ payload: { text: 'x'.repeat(524_288) } })
    const cases: readonly (readonly [string | Buffer, Record<string, string>, number, unknown])[] =
      [
        [zip({ events: [] }), {}, 400, 'No events provided'],
        [zip({}), {}, 400, 'No events provided'],
        [zip({ events: {} }), {}, 400, 'No events provided'],
        [zip([]), {}, 400, 'a JSON object is expected'],
        [zip({ events: [events[0], {}] }), {}, 400, 'An event has no readable event_id'],
        [zip({ events: [null] }), {}, 400, 'An event has no readable event_id'],
        [gzipSync('{"events":[{}],"events":[]}'), {}, 400, 'No events provided'],
        ['not gzip', {}, 400, 'The body is not gzip'],
        [zip({ events }).subarray(0, 100), {}, 400, 'The body is not gzip'],
        [zip({ events }), {}, 413, { code: 'TOO_LARGE', message: expect.any(String) }],
        [zip({ events: [large] }), {}, 413, expect.anything()],
        // A bomb whose end is cut off: it is never inflated as far as that.
        [gzipSync(Buffer.alloc(64 * 1024 * 1024)).subarray(0, -100), {}, 413, expect.anything()],
        [Buffer.alloc(600_000), {}, 413, expect.anything()],
        [zip({ events: [large] }), { 'Content-Encoding': 'br' }, 415, expect.anything()],
        [zip({ events }), { 'Content-Type': 'text/plain' }, 415, expect.anything()],
      ]
    for (const [index, [body, headers, status, error]] of cases.entries()) {
      const answer = await postBatch(hub, token, body, headers)
      expect([index, answer.status, answer.body.error]).toEqual([index, status, error])
    }
    const plain = JSON.stringify({ events: events.slice(0, 1) })
    const taken = await postBatch(hub, token, plain, { 'Content-Encoding': 'identity' })
    expect(taken.body.results).toMatchObject([{ status: 'success' }])
  })

  it.each([
    ['1.9', 'client-too-old'],
    ['3.0', 'client-too-new'],
    ['two', 'client-protocol-unparseable'],
  ])('of protocol %s are answered with 412 and what to do', async (protocol, error_code) => {
    const { hub, token } = await startHub()
    const events = newEvents(1)
    const headers = { 'X-Spec-Kitty-Sync-Protocol': protocol }
    const { status, body } = await postBatch(hub, token, { events }, headers)
    expect({ status, body }).toEqual({
      status: 412,
      body: {
        error_code,
        error_description: expect.any(String),
        sync_protocol: { upgrade_guidance: expect.stringContaining('protocol 2') },
      },
    })
    expect(await readAll(hub, token, events[0]?.project_uuid ?? '')).toEqual([])
    const minor = { 'X-Spec-Kitty-Sync-Protocol': '2.7' }
    expect((await postBatch(hub, token, { events }, minor)).status).toBe(200)
  })

  it('are read a few at once, fewer of each token, and none is read slowly for long (F35)', async () => {
    const { hub, dataDir, token } = await startHub({ requestTimeoutMs: 2_000 })
    const others = Array.from({ length: BATCHES_MAX / BATCHES_PER_TOKEN_MAX }, () =>
      createToken({ dataDir, team: 'acme', user: 'kim' }),
    )
    const slow = await Promise.all(
      Array.from({ length: BATCHES_MAX }, async (_, index) => {
        const head = [
          'POST /api/v1/events/batch/ HTTP/1.1',
          `Host: 127.0.0.1:${hub.port}`,
          `Authorization: Bearer ${others[index % others.length]}`,
          'Content-Type: application/json',
          'Content-Length: 100',
        ]
        const socket = connect(hub.port, '127.0.0.1').on('error', () => {})
        const closed = once(socket, 'close')
        socket.setEncoding('utf8').write(`${head.join('\r\n')}\r\n\r\n{`)
        const answered = once(socket, 'data') as Promise<[string]>
        return { closed, answered }
      }),
    )
    const reading = `kittiwake_hub_batches ${BATCHES_MAX}\n`
    while (!(await (await fetch(`${hub.url}/metrics`)).text()).includes(reading));
    const refusals = await Promise.all(
      [others[0] ?? '', token].map((who) => postBatch(hub, who, { events: newEvents(1) })),
    )
    expect(refusals.map(({ status, body }) => [status, body.error?.code])).toEqual([
      [429, 'TOO_MANY_BATCHES'],
      [503, 'HUB_BUSY'],
    ])
    expect(refusals.map(({ headers }) => headers.get('retry-after'))).toEqual(['1', '1'])
    for (const { closed, answered } of slow) {
      expect((await answered)[0]).toMatch(/^HTTP\/1\.1 408 /)
      await closed
    }
    expect((await postBatch(hub, token, { events: newEvents(1) })).status).toBe(200)
  })
})
