import { connect } from 'node:net'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { serveHub } from '#dist/hub/server.js'
import { createToken } from '#dist/hub/access/tokens.js'
import {
  frameOf,
  newEvent,
  newTicket,
  openLink,
  refusedUpgrade,
  request,
  startHub,
  temporaryFolder,
} from './support.ts'

const UNKNOWN = `kwk_${'A'.repeat(43)}`

/** Sends bytes as they are, and gives back all that comes until the hub closes. */
async function raw(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.on('error', () => {})
  let received = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    received += chunk
  })
  socket.write(text)
  await once(socket, 'close')
  return received
}

function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1])
}

describe('access', () => {
  it('answers health without a login and without a secret (S15)', async () => {
    const { hub } = await startHub()
    const { status, body } = await request(hub, '/health', null)
    expect({ status, body }).toEqual({ status: 200, body: { status: 'ok' } })
  })

  it('says who the token speaks for', async () => {
    const { hub, token } = await startHub()
    const { body } = await request(hub, '/api/v1/me', token)
    expect(body).toEqual({ team_slug: 'acme', user: 'sam', expires_at: null })
  })

  it.each(['abc', '', `${UNKNOWN}A`])(
    'refuses %j, which has not the form of a token',
    async (token) => {
      const { hub } = await startHub()
      expect((await request(hub, '/api/v1/me', token)).status).toBe(401)
    },
  )

  it('takes a socket token for nothing but a socket, and a login token for nothing but HTTP', async () => {
    const { hub, token } = await startHub()
    const { ws_token = '', ws_url = '' } = await newTicket(hub, token)
    expect((await request(hub, '/api/v1/me', ws_token)).status).toBe(401)
    const login = { Authorization: `Bearer ${token}` }
    expect(await refusedUpgrade(ws_url, login)).toMatchObject({ status: 401 })
  })

  it('lets a socket token in once', async () => {
    const { hub, token } = await startHub()
    const { ws_token = '', ws_url = '' } = await newTicket(hub, token)
    const headers = { Authorization: `Bearer ${ws_token}` }
    expect(await refusedUpgrade(ws_url, { ...headers, Origin: 'http://x' })).toMatchObject({
      status: 403,
    })
    const { WebSocket } = await import('ws')
    const socket = new WebSocket(ws_url, { headers })
    await once(socket, 'open')
    socket.close()
    expect(await refusedUpgrade(ws_url, headers)).toMatchObject({ status: 401 })
  })

  it('gives a socket token for the own team only, whether others are there or not', async () => {
    const { hub, token } = await startHub()
    const ask = (team_id: unknown) =>
      request(hub, '/api/v1/ws-token', token, { method: 'POST', body: JSON.stringify({ team_id }) })
    expect((await ask('acme')).status).toBe(200)
    for (const team of ['rival', '', 7]) {
      const { status, body } = await ask(team)
      expect([status, body.error?.code]).toEqual([403, 'NOT_A_TEAM_MEMBER'])
    }
  })

  it('never takes a token from the URL of a socket', async () => {
    const { hub, token } = await startHub()
    const { ws_token = '', ws_url = '' } = await newTicket(hub, token)
    expect(await refusedUpgrade(`${ws_url}?token=${ws_token}`, {})).toMatchObject({ status: 404 })
    const headers = { Authorization: `Bearer ${ws_token}` }
    const elsewhere = ws_url.replace('/ws', '/other')
    expect(await refusedUpgrade(elsewhere, headers)).toMatchObject({ status: 404 })
  })

  it.each(['http://evil.example', 'null', 'http://127.0.0.1:1'])(
    'refuses the web page %s for sockets and for POST (S15, S17)',
    async (origin) => {
      const { hub, token } = await startHub()
      const { ws_token = '', ws_url = '' } = await newTicket(hub, token)
      const headers = { Authorization: `Bearer ${ws_token}`, Origin: origin }
      expect(await refusedUpgrade(ws_url, headers)).toEqual({ status: 403, code: 'ORIGIN_REFUSED' })
      const answer = await raw(
        hub.port,
        `POST /api/v1/ws-token HTTP/1.1\r\nHost: 127.0.0.1:${hub.port}\r\nOrigin: ${origin}\r\n` +
          `Authorization: Bearer ${token}\r\nContent-Length: 0\r\n\r\n`,
      )
      expect(statusOf(answer)).toBe(403)
    },
  )

  it('refuses reads that a browser made for another site', async () => {
    const { hub, token } = await startHub()
    const answer = await raw(
      hub.port,
      `GET /api/v1/me HTTP/1.1\r\nHost: 127.0.0.1:${hub.port}\r\n` +
        `Sec-Fetch-Site: cross-site\r\nAuthorization: Bearer ${token}\r\n\r\n`,
    )
    expect(statusOf(answer)).toBe(403)
  })

  it('answers on loopback to loopback names with its port only (S16)', async () => {
    const { hub, token } = await startHub()
    const ask = async (host: string): Promise<number> =>
      statusOf(
        await raw(
          hub.port,
          `GET /api/v1/me HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n` +
            `Authorization: Bearer ${token}\r\n\r\n`,
        ),
      )
    for (const name of ['127.0.0.1', 'localhost', 'LocalHost', '[::1]']) {
      expect(await ask(`${name}:${hub.port}`)).toBe(200)
    }
    for (const host of ['evil.example', `evil.example:${hub.port}`, 'localhost', 'localhost:1']) {
      expect(await ask(host)).toBe(403)
    }
    expect(await ask('a b')).toBe(400)
  })

  it('answers to the name of its proxy, too, by sockets of that name, and takes nobody for near who comes by it', async () => {
    const { hub, token } = await startHub({ publicUrl: 'https://hub.example.org/kw/' })
    const ask = async (host: string, way = 'POST /api/v1/ws-token', more = ''): Promise<string> =>
      raw(
        hub.port,
        `${way} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nContent-Length: 0\r\n` +
          `${more || `Authorization: Bearer ${token}`}\r\n\r\n`,
      )
    const near = `127.0.0.1:${hub.port}`
    const far = '"ws_url":"wss://hub.example.org/kw/api/v1/ws"'
    for (const host of ['hub.example.org', 'Hub.Example.org', 'hub.example.org:443']) {
      expect(await ask(host)).toContain(far)
    }
    const forwarded = `X-Forwarded-For: 192.0.2.1\r\nAuthorization: Bearer ${token}`
    expect(await ask(near, undefined, forwarded)).toContain(far)
    expect(await ask(near)).toContain(`"ws_url":"ws://${near}/api/v1/ws"`)
    expect(statusOf(await ask('hub.example.org:80'))).toBe(403)
    expect(statusOf(await ask('example.org'))).toBe(403)
    const figures = (host: string) => ask(host, 'GET /metrics', 'Accept: */*')
    expect([statusOf(await figures('hub.example.org')), statusOf(await figures(near))]).toEqual([
      401, 200,
    ])
    for (const publicUrl of ['hub.example.org', 'http://hub.example.org', 'https://a:b@c']) {
      const refused = expect(serveHub({ dataDir: temporaryFolder(), publicUrl })).rejects
      await refused.toMatchObject({ code: 'HUB_URL' })
    }
  })

  it('refuses a socket under a foreign name (S16)', async () => {
    const { hub, token } = await startHub()
    const { ws_token = '', ws_url = '' } = await newTicket(hub, token)
    const headers = { Authorization: `Bearer ${ws_token}`, Host: 'evil.example' }
    expect(await refusedUpgrade(ws_url, headers)).toEqual({ status: 403, code: 'HOST_REFUSED' })
  })

  it('knows a token that is made while it serves', async () => {
    const { hub, dataDir } = await startHub()
    const token = createToken({ dataDir, team: 'late', user: 'kim' })
    expect(token).toMatch(/^kwk_[A-Za-z0-9_-]{43}$/)
    const { body } = await request(hub, '/api/v1/me', token)
    expect(body).toEqual({ team_slug: 'late', user: 'kim', expires_at: null })
  })

  it('holds 64 sockets of a token and no more', async () => {
    const { hub, token } = await startHub()
    const gone = await openLink(hub, token)
    gone.socket.close()
    await gone.end()
    const links = await Promise.all(Array.from({ length: 64 }, () => openLink(hub, token)))
    const { ws_token = '', ws_url = '' } = await newTicket(hub, token)
    const headers = { Authorization: `Bearer ${ws_token}` }
    expect(await refusedUpgrade(ws_url, headers)).toEqual({ status: 429, code: 'TOO_MANY_SOCKETS' })
    links[0]?.socket.close()
    await links[0]?.end()
    expect((await openLink(hub, token)).closed).toBeNull()
  })

  it('answers many failed logins with 429, and good ones as ever (S22)', async () => {
    const { hub, token } = await startHub()
    const answers = await Promise.all(
      Array.from({ length: 300 }, () => request(hub, '/api/v1/me', UNKNOWN)),
    )
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401, 429]))
    expect((await request(hub, '/api/v1/me', token)).status).toBe(200)
  })
})

describe('two teams', () => {
  it('may use the same event id; each keeps its own', async () => {
    const { hub, dataDir, token } = await startHub()
    const rival = createToken({ dataDir, team: 'rival', user: 'kim' })
    const event = newEvent()
    for (const [who, lamport_clock] of [
      [token, 1],
      [rival, 2],
    ] as const) {
      const link = await openLink(hub, who)
      link.send(frameOf({ ...event, lamport_clock }))
      expect(await link.next()).toMatchObject({ status: 'accepted' })
      const path = `/api/v1/events?project_uuid=${event.project_uuid}`
      const { body } = await request(hub, path, who)
      expect(body.events?.map((row) => row.event['lamport_clock'])).toEqual([lamport_clock])
    }
  })
})
