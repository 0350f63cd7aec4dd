/** Who may do what: every route and every frame, by every kind of token. A new one without a row here fails. */
import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { CLIENT_FRAMES, HUB_FRAMES } from '#dist/contracts/wire/frame-schemas.js'
import { HTTP_BODIES as http } from '#dist/contracts/wire/http-schemas.js'
import type { JsonObject } from '#dist/contracts/json/json.js'
import { OPEN_ROUTES, ROUTES } from '#dist/hub/http/routes.js'
import type { Hub } from '#dist/hub/server.js'
import { createToken, issueToken, revokeToken } from '#dist/hub/access/tokens.js'
import { BACKENDS, serveOn } from './both-backends.ts'
import {
  batchOf,
  newCommit,
  newEvent,
  newLines,
  newPushed,
  newTicket,
  openLink,
  postBatch,
  readAll,
  refusedUpgrade,
  request,
} from './support.ts'

const STRANGERS = ['none', 'unknown', 'expired', 'revoked'] as const
const project_uuid = randomUUID()
const git_hash = 'c0'.repeat(20)

let hub: Hub
let tokenOf: Record<(typeof STRANGERS)[number] | 'own' | 'other', string | null>

async function start(backend: string): Promise<() => Promise<void>> {
  const { dataDir, stop, ...served } = await serveOn(backend)
  hub = served.hub
  const revoked = issueToken({ dataDir, team: 'acme', user: 'sam' })
  revokeToken(dataDir, revoked.token_id)
  tokenOf = {
    none: null,
    unknown: `kwk_${'A'.repeat(43)}`,
    expired: issueToken({ dataDir, team: 'acme', user: 'sam', ttlMs: 0 }).token,
    revoked: revoked.token,
    own: createToken({ dataDir, team: 'acme', user: 'sam' }),
    other: createToken({ dataDir, team: 'rival', user: 'kim' }),
  }
  // Hubs that share what they hold know within half a second.
  for (const token of [tokenOf.own, tokenOf.other]) {
    await vi.waitFor(async () => expect((await get('/api/v1/me')(token)).status).toBe(200), 5_000)
  }
  await postBatch(hub, tokenOf.own, { events: [newEvent({ project_uuid })] })
  const link = await openLink(hub, tokenOf.own ?? '')
  link.send(JSON.stringify(newCommit({ project_uuid, git_hash })))
  link.send(JSON.stringify(newLines({ project_uuid, git_hash })))
  await link.take(2)
  link.socket.close()
  await link.end()
  return stop
}

type RouteRow = {
  readonly ask: (token: string | null, project: string) => Promise<{ status: number; body: object }>
  readonly strangers: number
  readonly own: number
  readonly other: number
  readonly answer: z.ZodType
}

const get = (path: string) => (token: string | null) => request(hub, path, token)
const list = (path: string) => (token: string | null, project: string) =>
  request(hub, `${path}?project_uuid=${project}`, token)
const figures = async (token: string | null) => {
  // As a proxy asks for somebody elsewhere: from this machine no token is needed.
  const headers: Record<string, string> = { 'X-Forwarded-For': '203.0.113.7' }
  if (token !== null) headers['Authorization'] = `Bearer ${token}`
  const response = await fetch(`${hub.url}/metrics`, { headers })
  const text = await response.text()
  const body = response.ok ? { text } : (JSON.parse(text) as object)
  return { status: response.status, body }
}

const withLogin = { strangers: 401, own: 200 }
const ROW_BY_ROUTE: Readonly<Record<string, RouteRow>> = {
  'POST /api/v1/ws-token': {
    ask: (token) => request(hub, '/api/v1/ws-token', token, { method: 'POST' }),
    ...withLogin,
    other: 200,
    answer: http.ticket,
  },
  'GET /api/v1/me': { ask: get('/api/v1/me'), ...withLogin, other: 200, answer: http.me },
  'POST /api/v1/webhooks/git/{webhook_id}': {
    // No token helps: a webhook has a secret of its own.
    ask: (token) => {
      const path = '/api/v1/webhooks/git/whk_0123456789abcdef'
      return request(hub, path, token, { method: 'POST', body: '{}' })
    },
    strangers: 401,
    own: 401,
    other: 401,
    answer: http.refusal,
  },
  'POST /api/v1/session': {
    ask: (token) => {
      const body = JSON.stringify(token === null ? {} : { token })
      return request(hub, '/api/v1/session', null, { method: 'POST', body })
    },
    ...withLogin,
    other: 200,
    answer: http.session,
  },
  'POST /api/v1/session/end': {
    ask: (token) => request(hub, '/api/v1/session/end', token, { method: 'POST' }),
    ...withLogin,
    other: 200,
    answer: http.sessionEnd,
  },
  'GET /api/v1/projects': {
    ask: get('/api/v1/projects'),
    ...withLogin,
    other: 200,
    answer: http.projectsList,
  },
  'GET /api/v1/feed': {
    ask: list('/api/v1/feed'),
    ...withLogin,
    other: 404,
    answer: http.feedPage,
  },
  'GET /api/v1/local-only': {
    ask: list('/api/v1/local-only'),
    ...withLogin,
    other: 404,
    answer: http.localOnly,
  },
  'GET /api/v1/activity': {
    ask: list('/api/v1/activity'),
    ...withLogin,
    other: 404,
    answer: http.activity,
  },
  'GET /api/v1/events': {
    ask: list('/api/v1/events'),
    ...withLogin,
    other: 404,
    answer: http.eventsPage,
  },
  'GET /api/v1/commits': {
    ask: list('/api/v1/commits'),
    ...withLogin,
    other: 404,
    answer: http.commitsPage,
  },
  'GET /api/v1/missions': {
    ask: list('/api/v1/missions'),
    ...withLogin,
    other: 404,
    answer: http.missionsList,
  },
  'GET /api/v1/board': {
    ask: (token, project) =>
      request(hub, `/api/v1/board?project_uuid=${project}&mission=login`, token),
    ...withLogin,
    other: 404,
    answer: http.board,
  },
  'GET /api/v1/decisions': {
    ask: list('/api/v1/decisions'),
    ...withLogin,
    other: 404,
    answer: http.decisionsPage,
  },
  'GET /api/v1/glossary': {
    ask: list('/api/v1/glossary'),
    ...withLogin,
    other: 404,
    answer: http.glossary,
  },
  'POST /api/v1/events/batch/': {
    // Each team has projects of its own, and makes them by what it stores.
    ask: (token) => postBatch(hub, token, { events: [newEvent()] }),
    ...withLogin,
    other: 200,
    answer: http.batchResults,
  },
  'GET /api/v1/sync/health/': {
    ask: get('/api/v1/sync/health/'),
    ...withLogin,
    other: 200,
    answer: http.syncHealth,
  },
  'GET /health': { ask: get('/health'), strangers: 200, own: 200, other: 200, answer: http.health },
  'GET /readyz': { ask: get('/readyz'), strangers: 200, own: 200, other: 200, answer: http.ready },
  'GET /metrics': {
    ask: figures,
    ...withLogin,
    other: 200,
    answer: z.looseObject({ text: z.string() }),
  },
}

describe.each(BACKENDS)('every route on %s', (backend) => {
  beforeAll(() => start(backend))
  const routes = [...ROUTES, ...OPEN_ROUTES].map(({ method, path }) => `${method} ${path}`)

  it('has a row', () => {
    expect(routes.toSorted()).toEqual(Object.keys(ROW_BY_ROUTE).toSorted())
  })

  it.each(routes)('%s is for its own team', async (route) => {
    const row = ROW_BY_ROUTE[route]
    if (row === undefined) throw new Error('no row')
    const { ask, strangers, own, other, answer } = row
    for (const stranger of STRANGERS) {
      const { status, body } = await ask(tokenOf[stranger], project_uuid)
      expect([stranger, status]).toEqual([stranger, strangers])
      if (status === 401) expect(body).toMatchObject({ error: { code: 'UNAUTHENTICATED' } })
    }
    const foreign = await ask(tokenOf.other, project_uuid)
    const unknown = await ask(tokenOf.other, randomUUID())
    expect([foreign.status, unknown.status]).toEqual([other, other])
    if (other === 404) expect(foreign.body).toEqual(unknown.body)
    expect(JSON.stringify(foreign.body)).not.toContain('acme')
    const mine = await ask(tokenOf.own, project_uuid)
    expect(mine.status).toBe(own)
    expect(answer.safeParse(mine.body).error).toBeUndefined()
  })
})

type FrameRow = {
  readonly frame: () => JsonObject
  /** The types of the answers. */
  readonly own: readonly string[]
  readonly other: readonly string[]
}

const stored = (type: string) => ({ own: [type], other: [type] })
const ROW_BY_FRAME: Readonly<Record<string, FrameRow>> = {
  event: { frame: () => ({ type: 'event', ...newEvent() }), ...stored('ack') },
  events: {
    frame: () => ({ type: 'events', batch: 1, events: [newEvent()] }),
    ...stored('acks'),
  },
  LocalCommit: { frame: () => newCommit(), ...stored('LocalCommitAck') },
  LedgerLines: {
    frame: () => newLines({ project_uuid, git_hash }),
    own: ['LedgerLinesAck'],
    other: ['unknown_commit'],
  },
  CommitsPushed: {
    frame: () => newPushed(project_uuid, [git_hash]),
    own: ['CommitsPushedAck'],
    other: ['unknown_commit'],
  },
  pong: { frame: () => ({ type: 'pong', timestamp: 't' }), own: [], other: [] },
  subscribe: {
    frame: () => ({ type: 'subscribe', project_uuid }),
    own: ['subscribed', 'presence'],
    other: ['not_found'],
  },
  unsubscribe: {
    frame: () => ({ type: 'unsubscribe', project_uuid }),
    own: [],
    other: ['not_found'],
  },
  presence: {
    frame: () => ({ type: 'presence', project_uuid, focus: null }),
    own: [],
    other: ['not_found'],
  },
}

describe.each(BACKENDS)('every frame on %s', (backend) => {
  beforeAll(() => start(backend))
  const types = Object.keys(CLIENT_FRAMES)

  /** The answers to one frame on a connection of its own; a broken frame behind it marks their end. */
  async function answersTo(token: string | null, frame: JsonObject): Promise<string[]> {
    const link = await openLink(hub, token ?? '')
    link.send(JSON.stringify(frame), '{')
    const answers: string[] = []
    for (;;) {
      const answer = await link.next()
      const { type, error_category: category } = answer
      if (type === 'ping') continue
      const schema = HUB_FRAMES[type as keyof typeof HUB_FRAMES]
      expect(schema.safeParse(answer).error).toBeUndefined()
      if (category === 'invalid_frame') break
      answers.push(typeof category === 'string' ? category : type)
    }
    link.socket.close()
    await link.end()
    return answers
  }

  it('has a row', () => {
    expect(types.toSorted()).toEqual(Object.keys(ROW_BY_FRAME).toSorted())
  })

  it.each(types)('%s is for its own team', async (type) => {
    const row = ROW_BY_FRAME[type]
    if (row === undefined) throw new Error('no row')
    const { frame, own, other } = row
    expect(await answersTo(tokenOf.own, frame())).toEqual(own)
    expect(await answersTo(tokenOf.other, frame())).toEqual(other)
  })

  it.each(STRANGERS)(
    'needs a connection, which a token that is %s does not open',
    async (stranger) => {
      const token = tokenOf[stranger]
      const headers: Record<string, string> =
        token === null ? {} : { Authorization: `Bearer ${token}` }
      const { ws_url = '' } = await newTicket(hub, tokenOf.own ?? '')
      expect(await refusedUpgrade(ws_url, headers)).toEqual({
        status: 401,
        code: 'UNAUTHENTICATED',
      })
    },
  )

  it('of one team is shown to no other, though their projects have one name (S20)', async () => {
    const [own, other] = await Promise.all([
      openLink(hub, tokenOf.own ?? ''),
      openLink(hub, tokenOf.other ?? ''),
    ])
    const shared = randomUUID()
    const [mine, theirs] = [newEvent({ project_uuid: shared }), newEvent({ project_uuid: shared })]
    own.send(batchOf(1, [mine]))
    await own.take(1)
    other.send(batchOf(1, [theirs]))
    expect(await other.take(1)).toMatchObject([{ type: 'acks' }])
    for (const link of [own, other]) {
      link.send(JSON.stringify({ type: 'subscribe', project_uuid: shared }))
      expect(await link.take(2)).toMatchObject([{ type: 'subscribed', seq: 1 }, { present: [] }])
    }
    own.send(
      JSON.stringify({ type: 'presence', project_uuid: shared, focus: { mission: 'login' } }),
    )
    expect(await own.take(1)).toMatchObject([{ present: [{ focus: { mission: 'login' } }] }])
    other.send(batchOf(2, [newEvent({ project_uuid: shared })]))
    expect((await other.take(2)).map(({ type }) => type)).toEqual(['acks', 'event'])
    const rows = await readAll(hub, tokenOf.own ?? '', shared)
    expect(rows.map(({ event }) => event)).toEqual([mine])
  })
})
