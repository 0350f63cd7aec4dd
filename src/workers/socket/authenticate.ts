/** Exchanges the login for a ticket: a short-lived socket token and the URL it is good for. */
import type { JsonObject } from '../../contracts/json/json.ts'
import { requestHub } from '../../project/login/hub-request.ts'
import { isLoopback, readUrl } from '../../project/login/hub-url.ts'
import { isToken } from '../../project/login/login.ts'
import type { LoginReading, OpenLogin } from '../../project/login/login.ts'
import { refuse, refuseNetwork, refuseProtocol, refuseStatus } from './refusal.ts'
import type { Refusal } from './refusal.ts'

/** The longest that a ticket is trusted, whatever the hub says. */
const TICKET_LIFE_MAX_MS = 15 * 60_000
const TICKET_LIFE_DEFAULT_MS = 60_000

export type Ticket = {
  readonly token: string
  readonly url: string
  /** The hub's host, as frames of the stricter dialect name their target. */
  readonly target: string
  /** The id of the login that it was given for. */
  readonly login: string
  readonly lifeMs: number
}

export type Authentication = { readonly ticket: Ticket } | { readonly refusal: Refusal }

/** Never rejects. */
export async function authenticate(
  reading: LoginReading<OpenLogin>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Authentication> {
  if (reading.state !== 'present') return { refusal: refuseLogin(reading) }
  const { login } = reading
  const reply = await requestHub({
    method: 'POST',
    url: `${login.hub}/api/v1/ws-token`,
    token: login.token,
    body: { team_id: login.team_slug },
    timeoutMs,
    signal,
  })
  if (reply.kind === 'failed') return { refusal: refuseNetwork(reply.cause) }
  if (reply.status === 412) return { refusal: refuseProtocol(reply.body) }
  if (reply.status !== 200 && reply.status !== 201) {
    return { refusal: refuseStatus(reply.status, reply.retryAfterMs) }
  }
  const ticket = reply.body === null ? null : readTicket(reply.body, login)
  if (ticket === null) {
    return { refusal: refuse('HUB_PROTOCOL', 'the hub gave no usable socket token', 'transient') }
  }
  return { ticket }
}

export function refuseLogin(
  reading: Exclude<LoginReading<OpenLogin>, { state: 'present' }>,
): Refusal {
  if (reading.state === 'unusable') return { error: reading.error, class: 'unauthenticated' }
  const hint = 'Run `kittiwake auth login --hub URL --token-file FILE`.'
  return refuse('NOT_LOGGED_IN', 'there is no login', 'unauthenticated', hint)
}

function readTicket(body: JsonObject, login: OpenLogin): Ticket | null {
  const { ws_token: token, ws_url: url, expires_in: seconds } = body
  const hub = readUrl(login.hub)
  if (hub === null || !isToken(token) || typeof url !== 'string') return null
  if (!isSocketUrlOf(hub, url)) return null
  const lifeMs = typeof seconds === 'number' ? seconds * 1000 : TICKET_LIFE_DEFAULT_MS
  if (!(lifeMs > 0)) return null
  return {
    token,
    url,
    target: hub.host,
    login: login.id,
    lifeMs: Math.min(lifeMs, TICKET_LIFE_MAX_MS),
  }
}

/**
 * True where a token of this hub may be shown to that URL: the hub's own host, no weaker scheme, plain `ws` on
 * loopback only, and nothing in the query that looks like a token, because URLs end up in logs.
 */
export function isSocketUrlOf(hub: URL, text: string): boolean {
  const url = text.length <= 2048 ? readUrl(text) : null
  if (url === null || url.username !== '' || url.password !== '' || url.hash !== '') return false
  const isSameHost = url.hostname === hub.hostname || (isLoopback(url) && isLoopback(hub))
  const isSafe = url.protocol === 'wss:' || (url.protocol === 'ws:' && isPlainLoopback(hub, url))
  const namesToken = [...url.searchParams.keys()].some((key) => /token/i.test(key))
  return isSameHost && isSafe && !namesToken
}

function isPlainLoopback(hub: URL, url: URL): boolean {
  return hub.protocol === 'http:' && isLoopback(url)
}
