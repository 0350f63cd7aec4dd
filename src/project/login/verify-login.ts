/** Asks the hub whose token this is, before it is kept. */
import { LinkError } from '../../errors.ts'
import { HUB_TIMEOUT_MS, requestHub } from './hub-request.ts'
import type { HubReply } from './hub-request.ts'
import { parseHubUrl } from './hub-url.ts'
import { isTeamSlug, isToken } from './login.ts'

const USER_PATTERN = /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{1,256}$/u

export type VerifiedLogin = {
  readonly team_slug: string
  readonly user: string
  /** When the token ends to be good, RFC 3339; null where it doesn't, or the hub doesn't say. */
  readonly expires_at: string | null
}

/**
 * Whose token it is, by `GET <hub>/api/v1/me`.
 *
 * @throws LinkError HUB_URL, TOKEN_INVALID, HUB_UNREACHABLE (retryable), HUB_TLS, NOT_AUTHENTICATED, HUB_PROTOCOL
 */
export async function verifyLogin(options: {
  readonly hub: string
  readonly token: string
  readonly signal?: AbortSignal
  readonly timeoutMs?: number
}): Promise<VerifiedLogin> {
  const hub = parseHubUrl(options.hub)
  if (!isToken(options.token)) {
    throw new LinkError('TOKEN_INVALID', 'a token has 8 to 4096 visible ASCII characters', {
      hint: 'Check that the token file holds the token and nothing else.',
    })
  }
  const reply = await requestHub({
    method: 'GET',
    url: `${hub}/api/v1/me`,
    token: options.token,
    timeoutMs: options.timeoutMs ?? HUB_TIMEOUT_MS,
    signal: options.signal,
  })
  return readMe(reply)
}

function readMe(reply: HubReply): VerifiedLogin {
  if (reply.kind === 'failed') throw reply.cause === 'tls' ? untrusted() : unreachable(reply.cause)
  if (reply.status === 401 || reply.status === 403) {
    throw new LinkError('NOT_AUTHENTICATED', `the hub refused the token (${reply.status})`, {
      hint: 'Get a new token from whoever runs the hub.',
    })
  }
  if (reply.status === 408 || reply.status === 429 || reply.status >= 500) {
    throw unreachable(`status ${reply.status}`)
  }
  const team = reply.body?.['team_slug']
  const user = reply.body?.['user']
  const isUser = typeof user === 'string' && USER_PATTERN.test(user)
  if (reply.status === 200 && isTeamSlug(team) && isUser) {
    return { team_slug: team, user, expires_at: readTime(reply.body?.['expires_at']) }
  }
  throw new LinkError('HUB_PROTOCOL', `this URL did not answer as a hub (${reply.status})`, {
    hint: 'Check the URL: is it the hub itself, with no proxy page or redirect before it?',
  })
}

function readTime(value: unknown): string | null {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN
  return Number.isNaN(ms) ? null : new Date(ms).toISOString()
}

function unreachable(cause: string): LinkError {
  return new LinkError('HUB_UNREACHABLE', `the hub can't be reached (${cause})`, {
    hint: 'Check the network and that the hub is up, then try again.',
    retryable: true,
  })
}

function untrusted(): LinkError {
  return new LinkError('HUB_TLS', "the hub's certificate is not trusted", {
    hint: 'Check the host name, the date and the certificate authority (NODE_EXTRA_CA_CERTS).',
  })
}
