/** How a browser gets in: by a token or a one-time link, with two secrets of which neither is good alone. */
import { once } from 'node:events'
import { randomUUID } from 'node:crypto'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { WebSocket } from 'ws'
import { serveHub } from '#dist/hub/server.js'
import { createToken, issueToken, listTokens, revokeToken } from '#dist/hub/access/tokens.js'
import { newCommit, newEvent, newTicket, openLink, postBatch } from './support.ts'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { refusedUpgrade, request, startHub, TestLink } from './support.ts'
import type { TestHub } from './support.ts'

type Window = { readonly secret: string; readonly cookie: string }
type Url = { readonly url: string }

async function enter(hub: Url, body: object, headers: Record<string, string> = {}) {
  const init = { method: 'POST', body: JSON.stringify(body), headers }
  const answer = await request(hub, '/api/v1/session', null, init)
  const setCookie = answer.headers.get('set-cookie') ?? ''
  const window: Window = {
    secret: String(answer.body['secret']),
    cookie: setCookie.split(';')[0] ?? '',
  }
  return { ...answer, setCookie, window }
}

const me = (hub: Url, { secret, cookie }: Partial<Window>) =>
  request(hub, '/api/v1/me', secret ?? null, { headers: cookie === undefined ? {} : { cookie } })
const codeOf = (link: string): string => new URL(link).hash.replace('#code=', '')

describe('a window', () => {
  it('is let in by a token, and holds a secret that is good with the cookie of its browser alone', async () => {
    const { hub, dataDir, token } = await startHub()
    const { status, setCookie, body, window } = await enter(hub, { token })
    expect(status).toBe(200)
    expect(body).toMatchObject({ team_slug: 'acme', user: 'sam' })
    expect(setCookie).toMatch(
      new RegExp(
        `^kittiwake-hub-${hub.port}=kws_\\S{43}; HttpOnly; SameSite=Strict; Path=/; Max-Age=\\d+$`,
      ),
    )
    expect((await me(hub, window)).body).toMatchObject({ team_slug: 'acme', user: 'sam' })
    const other = await enter(hub, { token: createToken({ dataDir, team: 'rival', user: 'kim' }) })
    const cases = [
      { secret: window.secret },
      { cookie: window.cookie },
      { secret: window.secret, cookie: other.window.cookie },
      { secret: window.cookie.split('=')[1] ?? '', cookie: window.cookie },
      { secret: `kws_${'A'.repeat(43)}`, cookie: window.cookie },
    ]
    for (const one of cases) expect((await me(hub, one)).status).toBe(401)
    // Neither secret lies in the data.
    const data = ['hub.db', 'hub.db-wal'].map((name) => readFileSync(join(dataDir, name), 'latin1'))
    expect(data.join('')).not.toContain(window.secret)
    expect(data.join('')).not.toContain(window.cookie.split('=')[1])
  })

  it.each([{}, { token: 7 }, { token: 'kwk_x' }, { code: 'kwc_x' }, { token: null, code: null }])(
    'is not let in by %j',
    async (body) => {
      const { hub } = await startHub()
      const { status, setCookie } = await enter(hub, body)
      expect([status, setCookie]).toEqual([401, ''])
      const init = { method: 'POST', body: '[' }
      expect((await request(hub, '/api/v1/session', null, init)).status).toBe(400)
    },
  )

  it('shares the cookie of its browser with the windows that are there, of whoever', async () => {
    const { hub, dataDir, token } = await startHub()
    const first = await enter(hub, { token })
    const rival = createToken({ dataDir, team: 'rival', user: 'kim' })
    const second = await enter(hub, { token: rival }, { cookie: first.window.cookie })
    expect(second.window.cookie).toBe(first.window.cookie)
    expect((await me(hub, first.window)).body).toMatchObject({ team_slug: 'acme' })
    expect((await me(hub, second.window)).body).toMatchObject({ team_slug: 'rival' })
    // One that somebody made up is not taken over.
    const name = first.window.cookie.split('=')[0]
    const made = `${name}=kws_${'B'.repeat(43)}`
    expect((await enter(hub, { token }, { cookie: made })).window.cookie).not.toBe(made)
  })

  it('is let in by a one-time link once, as a token that can be revoked', async () => {
    const { hub, dataDir } = await startHub()
    const link = await hub.invite({ team: 'acme', user: 'dashboard' })
    expect(link.startsWith(`${hub.url}/#code=kwc_`)).toBe(true)
    const { window } = await enter(hub, { code: codeOf(link) })
    expect((await me(hub, window)).body).toMatchObject({ team_slug: 'acme', user: 'dashboard' })
    expect((await enter(hub, { code: codeOf(link) })).status).toBe(401)
    const made = listTokens(dataDir).find(({ user }) => user === 'dashboard')
    expect(made).toMatchObject({ state: 'live', ends_at: expect.any(Number) })
    revokeToken(dataDir, made?.token_id ?? '')
    expect((await me(hub, window)).status).toBe(401)
    await expect(hub.invite({ team: 'no team', user: 'x' })).rejects.toThrow('a team is')
  })

  it('stays over a restart of the hub, and ends when it is asked to or when its token ends', async () => {
    const { hub, dataDir } = await startHub()
    const { token, token_id } = issueToken({ dataDir, team: 'acme', user: 'sam' })
    const [one, two] = [await enter(hub, { token }), await enter(hub, { token })]
    const { port } = hub
    await hub.stop()
    const again = await serveHub({ dataDir, port })
    onTestFinished(() => again.stop())
    // The first request may go out on a connection of before.
    await vi.waitFor(async () => expect((await me(again, one.window)).status).toBe(200))
    expect((await me(again, two.window)).status).toBe(200)
    const { secret, cookie } = one.window
    const init = { method: 'POST', headers: { cookie } }
    expect((await request(again, '/api/v1/session/end', secret, init)).body).toEqual({
      ended: true,
    })
    expect((await me(again, one.window)).status).toBe(401)
    expect((await me(again, two.window)).status).toBe(200)
    revokeToken(dataDir, token_id)
    expect((await me(again, two.window)).status).toBe(401)
  })
})

describe('the page of the hub itself', () => {
  const own = ({ hub }: TestHub) => ({ Origin: hub.url, 'Sec-Fetch-Site': 'same-origin' })

  it('may ask for what no other page may', async () => {
    const world = await startHub()
    const { hub, token } = world
    expect((await enter(hub, { token }, own(world))).status).toBe(200)
    const elsewhere = [
      { Origin: 'http://evil.example' },
      { Origin: 'null' },
      { Origin: `http://localhost:${hub.port}` },
      { Origin: `http://127.0.0.1:${hub.port + 1}` },
      { Origin: hub.url, 'Sec-Fetch-Site': 'cross-site' },
      { Origin: hub.url, 'Sec-Fetch-Site': 'same-site' },
    ]
    for (const headers of elsewhere) {
      const { status, body } = await enter(hub, { token }, headers as Record<string, string>)
      expect([status, body.error?.code]).toEqual([403, 'ORIGIN_REFUSED'])
    }
  })

  it('opens a socket by a socket token among its protocols, once', async () => {
    const world = await startHub()
    const { hub, token } = world
    const { ws_token = '', ws_url = '' } = await newTicket(hub, token)
    const protocols = ['kittiwake.hub.1', `ticket.${ws_token}`]
    const offered = { 'Sec-WebSocket-Protocol': protocols.join(', ') }
    expect(await refusedUpgrade(ws_url, { ...offered, Origin: 'http://evil.example' })).toEqual({
      status: 403,
      code: 'ORIGIN_REFUSED',
    })
    const link = new TestLink(new WebSocket(ws_url, protocols, { headers: own(world) }))
    expect(await link.next()).toMatchObject({ type: 'snapshot' })
    // The secret is not said again.
    expect(link.socket.protocol).toBe('kittiwake.hub.1')
    expect(await refusedUpgrade(ws_url, offered)).toMatchObject({ status: 401 })
    for (const word of [token, 'ticket.kwt_x', `ticket.${token}`]) {
      const headers = { 'Sec-WebSocket-Protocol': `kittiwake.hub.1, ${word}` }
      expect(await refusedUpgrade(ws_url, headers)).toMatchObject({ status: 401 })
    }
    link.socket.close()
    await once(link.socket, 'close')
  })
})

describe('what a dashboard reads', () => {
  it('is of the own team: its projects, what happened before a place, when, and what is local only', async () => {
    const { hub, dataDir, token } = await startHub()
    const rival = createToken({ dataDir, team: 'rival', user: 'kim' })
    const project_uuid = randomUUID()
    const [first, second] = ['harbour', 'pier'].map((project_slug) =>
      newEvent({ project_uuid, project_slug }),
    )
    if (first === undefined || second === undefined) throw new Error('no events')
    await postBatch(hub, token, { events: [first] })
    const link = await openLink(hub, token)
    const commit = newCommit({ project_uuid })
    link.send(JSON.stringify(commit))
    await link.take(1)
    await postBatch(hub, token, { events: [second] })
    const get = async (path: string, as = token) => (await request(hub, `/api/v1/${path}`, as)).body
    expect(await get('projects')).toMatchObject({
      projects: [{ project_uuid, slug: 'pier', head: 3, missions: 0, local_only: 1 }],
    })
    expect(await get('projects', rival)).toEqual({ projects: [] })
    const query = `project_uuid=${project_uuid}`
    const shown = { ...commit, local_only: true, user: 'sam', seq: 2 }
    expect(await get(`feed?${query}`)).toEqual({
      feed: [{ type: 'event', ...first, seq: 1 }, shown, { type: 'event', ...second, seq: 3 }],
      next: 0,
    })
    expect(await get(`feed?${query}&before=3&limit=1`)).toEqual({ feed: [shown], next: 2 })
    expect(await get(`feed?${query}&before=2&limit=9`)).toMatchObject({
      next: 0,
      feed: [{ seq: 1 }],
    })
    expect(await get(`feed?${query}&before=1`)).toEqual({ feed: [], next: 0 })
    expect(await get(`local-only?${query}`)).toEqual({ commits: [shown], is_cut: false })
    const { hours } = (await get(`activity?${query}`)) as { hours?: Record<string, number>[] }
    const sum = (key: string) => (hours ?? []).reduce((all, hour) => all + (hour[key] ?? 0), 0)
    expect([sum('events'), sum('commits'), sum('rows')]).toEqual([2, 1, 0])
  })
})
