/**
 * Who may look: whoever has the link that was printed, once. Web pages of others can't: neither directly (Origin), nor
 * under a name that was rebound to this machine (Host), nor from another port of it, which is shown our cookie but not the
 * session's secret.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

export const SUBPROTOCOL = 'kittiwake.inspect.1'
const SECRET_PREFIX = 'session.'
const SECRET_BYTES = 32
const NAMES = ['127.0.0.1', 'localhost']
/** Windows; the oldest one then needs a new link. */
const SESSIONS_MAX = 32

/** What `/?token=` gives: one cookie for all windows, since a browser keeps but one, and a secret for each. */
export type Session = { readonly cookie: string; readonly secret: string }

export type Refusal = { readonly status: 401 | 403; readonly code: string }

export class Access {
  #port = 0
  #token = newSecret()
  readonly #cookie = newSecret()
  readonly #secrets: string[] = []

  listensOn(port: number): void {
    this.#port = port
  }

  /** Good for one session; then there is another one. */
  get token(): string {
    return this.#token
  }

  get cookieName(): string {
    return `kittiwake-inspect-${this.#port}`
  }

  get origins(): readonly string[] {
    return this.#hosts.map((host) => `http://${host}`)
  }

  /** Spends the token. */
  enter(token: string): Session | null {
    if (!isSame(token, this.#token)) return null
    this.#token = newSecret()
    const secret = newSecret()
    this.#secrets.push(secret)
    if (this.#secrets.length > SESSIONS_MAX) this.#secrets.shift()
    return { cookie: this.#cookie, secret }
  }

  /** Whether the request may be looked at further. */
  refuseHost({ headers }: IncomingMessage): Refusal | null {
    const isOurs = this.#hosts.includes(headers.host ?? '')
    if (!isOurs) return { status: 403, code: 'HOST_REFUSED' }
    const { origin } = headers
    const isForeign = origin !== undefined && origin !== `http://${headers.host}`
    const site = headers['sec-fetch-site']
    // A link of another page leads here with the token alone, which no page knows.
    const isCross = site === 'cross-site' && headers['sec-fetch-mode'] !== 'navigate'
    return isForeign || isCross ? { status: 403, code: 'ORIGIN_REFUSED' } : null
  }

  /** Whether files may be read. */
  refuseFiles(request: IncomingMessage): Refusal | null {
    return this.#hasCookie(request) ? null : { status: 401, code: 'TOKEN_MISSING' }
  }

  /** Whether the feed may be read. */
  refuseFeed(request: IncomingMessage): Refusal | null {
    const { headers } = request
    if (headers.origin === undefined) return { status: 403, code: 'ORIGIN_REFUSED' }
    const words = (headers['sec-websocket-protocol'] ?? '').split(',').map((word) => word.trim())
    const given = words.find((word) => word.startsWith(SECRET_PREFIX))?.slice(SECRET_PREFIX.length)
    const isOurs =
      this.#hasCookie(request) &&
      words.includes(SUBPROTOCOL) &&
      this.#secrets.some((secret) => isSame(given ?? '', secret))
    return isOurs ? null : { status: 401, code: 'TOKEN_MISSING' }
  }

  /** A browser leaves the default port out. */
  get #hosts(): readonly string[] {
    return NAMES.map((name) => (this.#port === 80 ? name : `${name}:${this.#port}`))
  }

  #hasCookie({ headers }: IncomingMessage): boolean {
    const start = `${this.cookieName}=`
    const parts = (headers.cookie ?? '').split(';').map((part) => part.trim())
    const found = parts.find((part) => part.startsWith(start))
    return found !== undefined && isSame(found.slice(start.length), this.#cookie)
  }
}

function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url')
}

function isSame(one: string, other: string): boolean {
  return timingSafeEqual(hashOf(one), hashOf(other))
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
