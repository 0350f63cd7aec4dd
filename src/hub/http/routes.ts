/** The HTTP routes: one table, from which the tests take their matrix of teams and the documents their paths. */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { BatchLimits } from '../../contracts/wire/frames.ts'
import { BATCH_EVENTS_MAX } from '../../contracts/wire/frame-schemas.ts'
import { parseJsonObject } from '../../contracts/json/json.ts'
import type { JsonObject } from '../../contracts/json/json.ts'
import { takePush } from './webhook-route.ts'
import { WEBHOOK_PREFIX } from '../access/webhooks.ts'
import { answer, refuse } from './answer.ts'
import { takeBatch } from './batch-route.ts'
import { LinkError } from '../../errors.ts'
import { hostInUrl, isFromThisMachine } from '../access/guard.ts'
import type { Refusal } from '../access/guard.ts'
import {
  BATCH_BYTES_MAX,
  BODY_BYTES_MAX,
  RETRY_AFTER_MAX_S,
  RETRY_AFTER_MIN_S,
  TICKET_TTL_S,
} from '../limits.ts'
import { listDecisions, listMissions, showBoard, showGlossary } from './ledger-routes.ts'
import { listCommits, listEvents } from './list-routes.ts'
import { listFeed, listLocalOnly, listProjects, showActivity } from './project-routes.ts'
import { readBody, RequestFault } from './request-body.ts'
import { enter, leave } from './session-routes.ts'
import type { Desk, Visit } from './visit.ts'

export const SOCKET_PATH = '/api/v1/ws'
const SESSION_PATH = '/api/v1/session'
export const PROTOCOL = '2.0'

/** What a hub takes at once, as it tells its clients. */
export const BATCH_LIMITS: BatchLimits = {
  max_events_per_batch: BATCH_EVENTS_MAX,
  max_decompressed_bytes_per_batch: BATCH_BYTES_MAX,
  retry_after_min_seconds: RETRY_AFTER_MIN_S,
  retry_after_max_seconds: RETRY_AFTER_MAX_S,
}

type Route = {
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** The body of the answer, as JSON. Throws a `RequestFault`. */
  readonly handle: (visit: Visit) => string | Promise<string>
}

/** Every route that needs a login. */
export const ROUTES: readonly Route[] = [
  { method: 'POST', path: '/api/v1/ws-token', handle: giveTicket },
  { method: 'GET', path: '/api/v1/me', handle: tellWho },
  { method: 'POST', path: '/api/v1/session/end', handle: leave },
  { method: 'GET', path: '/api/v1/projects', handle: listProjects },
  { method: 'GET', path: '/api/v1/feed', handle: listFeed },
  { method: 'GET', path: '/api/v1/local-only', handle: listLocalOnly },
  { method: 'GET', path: '/api/v1/activity', handle: showActivity },
  { method: 'GET', path: '/api/v1/events', handle: listEvents },
  { method: 'GET', path: '/api/v1/commits', handle: listCommits },
  { method: 'GET', path: '/api/v1/missions', handle: listMissions },
  { method: 'GET', path: '/api/v1/board', handle: showBoard },
  { method: 'GET', path: '/api/v1/decisions', handle: listDecisions },
  { method: 'GET', path: '/api/v1/glossary', handle: showGlossary },
  { method: 'POST', path: '/api/v1/events/batch/', handle: takeBatch },
  { method: 'GET', path: '/api/v1/sync/health/', handle: tellHealth },
]

/** The others, beside the socket and the page. The figures are for this machine, and for whoever has a token. */
export const OPEN_ROUTES = [
  { method: 'POST', path: `${WEBHOOK_PREFIX}{webhook_id}` },
  { method: 'POST', path: SESSION_PATH },
  { method: 'GET', path: '/health' },
  { method: 'GET', path: '/readyz' },
  { method: 'GET', path: '/metrics' },
] as const

/** Answers one guarded request. Rejects only where the store fails. */
export async function visit(
  desk: Desk,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [path = '', search = ''] = (request.url ?? '').split('?', 2)
  if (request.method === 'GET' && desk.pages.show(request, response, path)) return
  const isWebhook = path.startsWith(WEBHOOK_PREFIX)
  const refused = refusedMethod(request, isWebhook ? `${WEBHOOK_PREFIX}{webhook_id}` : path)
  if (refused !== null) return refuse(response, refused.refusal, refused.headers)
  if (path === '/health') return answer(response, 200, '{"status":"ok"}')
  if (path === '/readyz') return tellReady(desk, response)
  if (path === '/metrics' && isFromThisMachine(request, desk.publicUrl))
    return showFigures(desk, response)
  try {
    if (isWebhook) return await takePush(desk, request, response)
    if (path === SESSION_PATH) return await enter(desk, request, response)
    await desk.logins.learn(request)
    const { session, refusal } = desk.logins.ofRequest(request)
    if (refusal !== null) return refuse(response, refusal)
    const route = ROUTES.find((candidate) => candidate.path === path)
    if (route === undefined) return showFigures(desk, response)
    const query = new URLSearchParams(search)
    answer(response, 200, await route.handle({ desk, request, session, query }))
  } catch (error) {
    if (error instanceof LinkError && error.code === 'HUB_AWAY') return refuse(response, AWAY)
    if (!(error instanceof RequestFault)) throw error
    // A body that was refused may still be on its way; it is not waited for.
    refuse(response, error.refusal, { Connection: 'close' })
  }
}

type Refused = { readonly refusal: Refusal; readonly headers: Readonly<Record<string, string>> }

/** What only the other hubs can tell has to wait. */
export const AWAY: Refusal = {
  status: 503,
  code: 'HUB_AWAY',
  message: 'the hub does not reach the other hubs; try again in a few seconds',
}

function refusedMethod({ method }: IncomingMessage, path: string): Refused | null {
  const route = [...ROUTES, ...OPEN_ROUTES].find((candidate) => candidate.path === path)
  if (route === undefined) {
    return { refusal: { status: 404, code: 'NOT_FOUND', message: 'no such route' }, headers: {} }
  }
  if (method === route.method) return null
  return {
    refusal: { status: 405, code: 'METHOD_NOT_ALLOWED', message: `use ${route.method}` },
    headers: { Allow: route.method },
  }
}

/** For a balancer, which is not to send anybody to a hub that could answer nothing. */
function tellReady({ state }: Desk, response: ServerResponse): void {
  const now = state()
  answer(response, now === 'ready' ? 200 : 503, JSON.stringify({ status: now }))
}

function showFigures(desk: Desk, response: ServerResponse): void {
  answer(response, 200, desk.figures(), {
    'Content-Type': 'text/plain; version=0.0.4; charset=utf-8',
  })
}

async function giveTicket({ desk, request, session }: Visit): Promise<string> {
  const { team_id } = objectIn((await readBody(request, BODY_BYTES_MAX)).toString('utf8'))
  // Whoever means another team must not deliver to this one.
  if (team_id !== undefined && team_id !== session.team) {
    throw new RequestFault(403, 'NOT_A_TEAM_MEMBER', 'the token is of another team')
  }
  return JSON.stringify({
    ws_token: await desk.tickets.issue(session),
    ws_url: socketUrlFor(request, desk.publicUrl),
    expires_in: TICKET_TTL_S,
    session_id: randomUUID(),
  })
}

/** By the name under which it was asked: a client takes no socket of another host, and none in the clear for one by TLS. */
function socketUrlFor(request: IncomingMessage, publicUrl: URL | null): string {
  if (publicUrl !== null && !isFromThisMachine(request, publicUrl)) {
    const { protocol, host, pathname } = publicUrl
    const scheme = protocol === 'https:' ? 'wss' : 'ws'
    return `${scheme}://${host}${pathname.replace(/\/$/, '')}${SOCKET_PATH}`
  }
  return `ws://${request.headers.host ?? hostInUrl('127.0.0.1')}${SOCKET_PATH}`
}

function objectIn(text: string): JsonObject {
  if (text === '') return {}
  try {
    return parseJsonObject(text)
  } catch {
    throw new RequestFault(400, 'BAD_REQUEST', 'a JSON object is expected as the body')
  }
}

function tellWho({ session: { team, user, endsAt } }: Visit): string {
  const expires_at = endsAt === null ? null : new Date(endsAt).toISOString()
  return JSON.stringify({ team_slug: team, user, expires_at })
}

function tellHealth({ desk }: Visit): string {
  return JSON.stringify({
    status: 'ok',
    sync_ingress: { limits: BATCH_LIMITS },
    protocol: PROTOCOL,
    epoch: desk.store.epoch.id,
  })
}
