/**
 * The HTTP routes: one table, from which the tests take their matrix of teams. Longer than usual: the handlers
 * stand under their table.
 */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { UUID_V4_PATTERN } from '../contracts/event.ts'
import { parseJsonObject } from '../contracts/json.ts'
import { answer, refuse } from './answer.ts'
import { hostInUrl } from './guard.ts'
import type { Refusal } from './guard.ts'
import { BODY_BYTES_MAX, PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX, TICKET_TTL_S } from './limits.ts'
import type { Logins } from './login.ts'
import type { Collection, HubStore } from './store.ts'
import type { Session, Tickets } from './tickets.ts'

export const SOCKET_PATH = '/api/v1/ws'

/** What the routes work on. */
export type Desk = {
  readonly store: HubStore
  readonly tickets: Tickets
  readonly logins: Logins
}

type Visit = {
  readonly desk: Desk
  readonly request: IncomingMessage
  readonly session: Session
  readonly query: URLSearchParams
}

type Route = {
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** The body of the answer, as JSON. Throws a `RequestFault`. */
  readonly handle: (visit: Visit) => string | Promise<string>
}

/** Every route that needs a login. `/health` and the socket are the two others. */
export const ROUTES: readonly Route[] = [
  { method: 'POST', path: '/api/v1/ws-token', handle: giveTicket },
  { method: 'GET', path: '/api/v1/me', handle: tellWho },
  { method: 'GET', path: '/api/v1/events', handle: (visit) => listRows(visit, 'events', 'event') },
  {
    method: 'GET',
    path: '/api/v1/commits',
    handle: (visit) => listRows(visit, 'commits', 'commit'),
  },
]

class RequestFault extends Error {
  readonly refusal: Refusal
  constructor(status: number, code: string, message: string) {
    super(message)
    this.refusal = { status, code, message }
  }
}

/** Answers one guarded request. Rejects only where the store fails. */
export async function visit(
  desk: Desk,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [path = '', search = ''] = (request.url ?? '').split('?', 2)
  if (path === '/health' && request.method === 'GET')
    return answer(response, 200, '{"status":"ok"}')
  const route = findRoute(request, path)
  if ('refusal' in route) return refuse(response, route.refusal, route.headers)
  const { session, refusal } = desk.logins.ofRequest(request)
  if (refusal !== null) return refuse(response, refusal, CHALLENGE_BY_STATUS.get(refusal.status))
  try {
    const query = new URLSearchParams(search)
    answer(response, 200, await route.handle({ desk, request, session, query }))
  } catch (error) {
    if (!(error instanceof RequestFault)) throw error
    // A body that was refused may still be on its way; it is not waited for.
    refuse(response, error.refusal, { Connection: 'close' })
  }
}

const CHALLENGE_BY_STATUS: ReadonlyMap<number, Readonly<Record<string, string>>> = new Map([
  [401, { 'WWW-Authenticate': 'Bearer' } as Readonly<Record<string, string>>],
  [429, { 'Retry-After': '1' }],
])

type NoRoute = { readonly refusal: Refusal; readonly headers: Readonly<Record<string, string>> }

function findRoute({ method }: IncomingMessage, path: string): Route | NoRoute {
  const route = ROUTES.find((candidate) => candidate.path === path)
  const allowed = path === '/health' ? 'GET' : route?.method
  if (allowed === undefined) {
    return { refusal: { status: 404, code: 'NOT_FOUND', message: 'no such route' }, headers: {} }
  }
  if (route !== undefined && method === allowed) return route
  return {
    refusal: { status: 405, code: 'METHOD_NOT_ALLOWED', message: `use ${allowed}` },
    headers: { Allow: allowed },
  }
}

async function giveTicket({ desk, request, session }: Visit): Promise<string> {
  const body = await readBody(request)
  if (body !== '') {
    try {
      parseJsonObject(body)
    } catch {
      throw new RequestFault(400, 'BAD_REQUEST', 'a JSON object is expected as the body')
    }
  }
  const host = request.headers.host ?? hostInUrl('127.0.0.1')
  return JSON.stringify({
    ws_token: desk.tickets.issue(session),
    ws_url: `ws://${host}${SOCKET_PATH}`,
    expires_in: TICKET_TTL_S,
    session_id: randomUUID(),
  })
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > BODY_BYTES_MAX) {
      throw new RequestFault(413, 'TOO_LARGE', `a body has at most ${BODY_BYTES_MAX} bytes`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function tellWho({ session: { team, user } }: Visit): string {
  return JSON.stringify({ team_slug: team, user })
}

// The rows are put together as text: they are the very bytes that their writers sent.
function listRows({ desk, session, query }: Visit, collection: Collection, name: string): string {
  const page = desk.store.page(collection, {
    team: session.team,
    project_uuid: projectOf(query),
    after: numberOf(query, 'after', 0, Number.MAX_SAFE_INTEGER, 0),
    limit: numberOf(query, 'limit', 1, PAGE_ROWS_MAX, PAGE_ROWS_DEFAULT),
  })
  const rows = page.rows.map(({ seq, received_at, body }) => {
    const at = new Date(received_at).toISOString()
    return `{"seq":${seq},"received_at":"${at}","${name}":${body}}`
  })
  const damaged = page.damaged.length > 0 ? `,"damaged":${JSON.stringify(page.damaged)}` : ''
  return `{"${collection}":[${rows.join(',')}],"next":${page.next}${damaged}}`
}

function projectOf(query: URLSearchParams): string {
  const project = only(query, 'project_uuid')
  if (project === null || !UUID_V4_PATTERN.test(project)) {
    throw new RequestFault(400, 'BAD_REQUEST', 'project_uuid is expected: a lower-case v4 UUID')
  }
  return project
}

function numberOf(
  query: URLSearchParams,
  name: string,
  min: number,
  max: number,
  fallback: number,
): number {
  const text = only(query, name)
  if (text === null) return fallback
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  throw new RequestFault(400, 'BAD_REQUEST', `${name} is expected between ${min} and ${max}`)
}

function only(query: URLSearchParams, name: string): string | null {
  const values = query.getAll(name)
  if (values.length > 1) throw new RequestFault(400, 'BAD_REQUEST', `${name} is there twice`)
  return values[0] ?? null
}
