/** Who may look, what they are shown, and what may be asked. */
import { once } from 'node:events'
import { type IncomingHttpHeaders, request } from 'node:http'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { WebSocket } from 'ws'
import { Drawings } from '#dist/inspect/drawing.js'
import { Feed } from '#dist/inspect/feed.js'
import { machineDefinitions } from '#dist/inspect/machines.js'
import { stampNow, type Unnumbered } from '#dist/inspect/feed-message.js'
import { ANSWER, WELCOME } from '#dist/inspect/client-protocol.js'
import type { Shown } from '#dist/inspect/server/conversation.js'
import { InspectServer } from '#dist/inspect/server/inspect-server.js'

type Line = Readonly<Record<string, unknown>> & { readonly type: string }
type Headers = Readonly<Record<string, string>>

function fate(eventId: string): Unnumbered {
  return { type: 'kittiwake.fate', ...stampNow(), eventId, stage: 'stored' }
}

async function start(shown: Partial<Shown> = {}, used?: (url: string) => void) {
  const feed = new Feed()
  const server = await InspectServer.start({
    shown: { feed, drawings: new Drawings(), trace: null, fate: null, send: null, ...shown },
    ...(used === undefined ? {} : { used }),
  })
  onTestFinished(() => server.stop())
  return { server, feed, origin: `http://127.0.0.1:${server.port}` }
}

/** By hand, because `fetch` sets Host and Origin itself. */
async function get(url: string, headers: Headers = {}, method = 'GET', path?: string) {
  const asked = request(url, {
    headers,
    method,
    agent: false,
    ...(path === undefined ? {} : { path }),
  })
  asked.end()
  const [response] = await once(asked, 'response')
  let body = ''
  for await (const chunk of response) body += String(chunk)
  return {
    status: response.statusCode as number,
    headers: response.headers as IncomingHttpHeaders,
    body,
  }
}

/** What a browser has after it was led from the printed link to the page. */
async function enter(server: InspectServer) {
  const { headers } = await get(server.url)
  const cookie = headers['set-cookie']?.[0]?.split(';')[0] ?? ''
  const secret = (headers['location'] ?? '').split('#session=')[1] ?? ''
  return { cookie, secret }
}

class Window {
  readonly lines: Line[] = []
  readonly socket: WebSocket

  constructor(port: number, protocols: readonly string[], headers: Headers) {
    this.socket = new WebSocket(`ws://127.0.0.1:${port}/feed`, [...protocols], { headers })
    this.socket.on('message', (data) => {
      for (const line of (data as Buffer).toString('utf8').split('\n'))
        this.lines.push(JSON.parse(line) as Line)
    })
    this.socket.on('error', () => undefined)
    onTestFinished(() => this.socket.terminate())
  }

  say(message: object | string): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message))
  }

  async until(done: (lines: readonly Line[]) => boolean): Promise<readonly Line[]> {
    await vi.waitFor(() => expect(done(this.lines)).toBe(true), { timeout: 20_000, interval: 5 })
    return this.lines
  }

  async answer(ask: object): Promise<Line> {
    this.say(ask)
    const isIt = (line: Line): boolean =>
      line.type === 'kittiwake.answer' && 'id' in ask && line['id'] === ask.id
    return (await this.until((all) => all.some(isIt))).find(isIt) as Line
  }
}

async function openWindow(server: InspectServer, hello: object | null = {}): Promise<Window> {
  const { cookie, secret } = await enter(server)
  const origin = `http://127.0.0.1:${server.port}`
  const window = new Window(server.port, ['kittiwake.inspect.1', `session.${secret}`], {
    cookie,
    origin,
  })
  await once(window.socket, 'open')
  if (hello !== null) {
    window.say({ type: 'kittiwake.hello', protocol: 1, ...hello })
    await window.until(([first]) => first?.type === 'kittiwake.welcome')
  }
  return window
}

async function statusOf(window: Window): Promise<number> {
  const [, response] = await once(window.socket, 'unexpected-response')
  return response.statusCode as number
}

describe('the inspector lets nobody in', () => {
  it('without the link, with a wrong one, or with one that was used', async () => {
    const used = vi.fn()
    const { server, origin } = await start({}, used)
    const { url } = server
    expect((await get(`${origin}/`)).status).toBe(401)
    expect((await get(`${origin}/index.html`)).status).toBe(401)
    expect((await get(`${origin}/?token=`)).status).toBe(401)
    expect((await get(`${origin}/?token=${'A'.repeat(43)}`)).status).toBe(401)
    expect((await get(url)).status).toBe(303)
    expect((await get(url)).status).toBe(401)
    expect(used.mock.calls).toEqual([[server.url]])
    expect(server.url).not.toBe(url)
    expect((await get(server.url, {}, 'POST')).status).toBe(405)
  })

  it.each([
    ['a foreign Host', { host: 'kittiwake.example' }],
    ['a rebound Host with our port', { host: 'kittiwake.example:PORT' }],
    ['a Host without a port', { host: '127.0.0.1' }],
    ['a foreign Origin', { origin: 'https://kittiwake.example' }],
    ['an Origin of another port', { origin: 'http://127.0.0.1:1' }],
    ['an opaque Origin', { origin: 'null' }],
    ['a script of another site', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }],
  ])('by %s, also with the link or the cookie', async (_, wrong) => {
    const { server, origin } = await start()
    const { cookie, secret } = await enter(server)
    const headers = Object.fromEntries(
      Object.entries(wrong).map(([key, value]) => [
        key,
        value.replace('PORT', String(server.port)),
      ]),
    )
    expect((await get(server.url, headers)).status).toBe(403)
    expect((await get(`${origin}/`, { ...headers, cookie })).status).toBe(403)
    const protocols = ['kittiwake.inspect.1', `session.${secret}`]
    const window = new Window(server.port, protocols, { origin, cookie, ...headers })
    expect(await statusOf(window)).toBe(403)
    // The link was not spent by it.
    expect((await get(server.url)).status).toBe(303)
  })

  it('to the feed without Origin, cookie, secret or subprotocol (S17)', async () => {
    const { server, origin } = await start()
    const { cookie, secret } = await enter(server)
    const word = 'kittiwake.inspect.1'
    const own = `session.${secret}`
    const refused: [string[], Headers, number][] = [
      [[word, own], { cookie }, 403],
      [[word, own], { origin }, 401],
      [[word], { origin, cookie }, 401],
      [[own], { origin, cookie }, 401],
      [[word, `session.${'A'.repeat(43)}`], { origin, cookie }, 401],
      [[word, own], { origin, cookie: cookie.replace(/=.*/, '=A') }, 401],
    ]
    for (const [protocols, headers, status] of refused) {
      expect(await statusOf(new Window(server.port, protocols, headers))).toBe(status)
    }
    const window = new Window(server.port, [word, own], { origin, cookie })
    await once(window.socket, 'open')
    expect(window.socket.protocol).toBe(word)
  })

  it('to a file that is not of the page, or to what may run or come from elsewhere (S26)', async () => {
    const { server, origin } = await start()
    const { cookie } = await enter(server)
    const page = await get(`${origin}/`, { cookie })
    expect(page.status).toBe(200)
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
    const policy = String(page.headers['content-security-policy'])
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'")
    expect(policy).not.toMatch(/unsafe|https?:|\*/)
    expect(page.headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    })
    expect((await get(origin, { cookie }, 'GET', '//[')).status).toBe(404)
    for (const path of [
      '/../package.json',
      '/%2e%2e/package.json',
      '/feed',
      '//etc/passwd',
      '/index.html/',
    ]) {
      expect((await get(`${origin}${path}`, { cookie })).status).toBe(404)
    }
    expect((await get(`${origin}/`, { cookie })).body).not.toContain(server.url)
  })
})

describe('a window', () => {
  it('is greeted, shown what there is and what comes, and goes on where it was', async () => {
    const { server, feed } = await start()
    feed.tell(fate('a'))
    feed.tell(fate('b'))
    const window = await openWindow(server)
    const lines = await window.until(({ length }) => length === 3)
    expect(WELCOME.parse(lines[0])).toMatchObject({
      session: feed.session,
      source: 'live',
      resumed: false,
      keyframe: 0,
      firstSeq: 1,
      lastSeq: 2,
      allowSend: false,
    })
    feed.tell(fate('c'))
    await window.until((all) => all.at(-1)?.['eventId'] === 'c')
    expect(lines.slice(1).map(({ seq, eventId }) => [seq, eventId])).toEqual([
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
    ])
    window.socket.close()
    feed.tell(fate('d'))
    const again = await openWindow(server, { session: feed.session, after: 3 })
    const [welcome, first] = await again.until(({ length }) => length === 2)
    expect(welcome).toMatchObject({ resumed: true, keyframe: 0 })
    expect(first).toMatchObject({ seq: 4, eventId: 'd' })
    const other = await openWindow(server, { session: 'of before', after: 3 })
    expect((await other.until(({ length }) => length === 5))[0]).toMatchObject({ resumed: false })
  })

  it('asks for drawings, fates and sends, and has an answer to each', async () => {
    const sent: unknown[] = []
    const { server, feed } = await start({
      fate: async (eventId) => ({
        eventId,
        state: 'pending',
        obstacle: 'no_consent',
        hint: 'Run it.',
      }),
      send: (...args) => void sent.push(args),
    })
    const [machine] = machineDefinitions()
    if (machine === undefined) throw new Error('no machine')
    const { name, hash, root } = machine
    feed.tell({ type: 'kittiwake.machine', ...stampNow(), name, hash, root })
    const window = await openWindow(server)
    const ask = (id: number, fields: object) =>
      window.answer({ type: 'kittiwake.ask', id, ...fields })
    const drawn = await ask(1, { ask: 'drawing', hash })
    expect(ANSWER.parse(drawn)).toMatchObject({ ok: true, drawing: { hash } })
    expect(await ask(2, { ask: 'drawing', hash: '0'.repeat(16) })).toMatchObject({
      ok: false,
      error: { code: 'MACHINE_UNKNOWN' },
    })
    expect(await ask(3, { ask: 'fate', eventId: 'x' })).toMatchObject({
      ok: true,
      fate: { obstacle: 'no_consent' },
    })
    expect(
      await ask(4, { ask: 'send', sessionId: 'p/main/x:1', event: { type: 'connection.login' } }),
    ).toMatchObject({ ok: true })
    expect(sent).toEqual([['p/main/x:1', { type: 'connection.login' }]])
  })

  it('may send nothing unless that was allowed, and asks nothing of a trace', async () => {
    const { server } = await start()
    const window = await openWindow(server)
    const send = { ask: 'send', sessionId: 'p/main/x:1', event: { type: 'x' } }
    expect(await window.answer({ type: 'kittiwake.ask', id: 1, ...send })).toMatchObject({
      error: { code: 'SEND_NOT_ALLOWED' },
    })
    expect(
      await window.answer({ type: 'kittiwake.ask', id: 2, ask: 'fate', eventId: 'x' }),
    ).toMatchObject({ error: { code: 'FATE_UNKNOWN' } })
  })

  it.each([
    ['no hello', '{"type":"kittiwake.ask","id":1,"ask":"fate","eventId":"x"}'],
    ['no JSON', 'hello'],
    ['nesting without end', '['.repeat(10_000)],
    [
      'a frame that is too long',
      JSON.stringify({ type: 'kittiwake.hello', protocol: 1, session: 'x'.repeat(70_000) }),
    ],
  ])('that says %s is shown out', async (_, text) => {
    const { server } = await start()
    const window = await openWindow(server, null)
    window.say(text)
    const [code] = await once(window.socket, 'close')
    expect([1008, 1009]).toContain(code)
    expect(window.lines).toEqual([])
  })

  it('hears when the server ends', async () => {
    const { server } = await start()
    const window = await openWindow(server)
    const closed = once(window.socket, 'close')
    await server.stop()
    expect((await closed)[0]).toBe(1001)
  })
})

it('refuses a port that is taken', async () => {
  const { server } = await start()
  const shown = { feed: new Feed(), drawings: new Drawings(), trace: null, fate: null, send: null }
  await expect(InspectServer.start({ shown, port: server.port })).rejects.toMatchObject({
    code: 'INSPECT_PORT',
  })
})
