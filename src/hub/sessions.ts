/**
 * How a browser logs in: with a token, or with the code of a one-time link. A window then has a secret of its own, which
 * its scripts know, and its browser another, which they can't read: neither is good without the other. Both are kept as
 * hashes with the data, so that a window stays logged in while the hub is started anew.
 */
import type { IncomingMessage } from 'node:http'
import { CODE_TTL_MS, CODES_MAX, SESSION_TTL_MS } from './limits.ts'
import { hashSecret, newCode, newSessionSecret } from './secrets.ts'
import type { HubStore } from './store.ts'
import { issueToken } from './tokens.ts'
import type { Session } from './tickets.ts'

/** Whom a one-time link lets in. */
export type Guest = { readonly team: string; readonly user: string }

/** What a window gets. */
export type Entered = {
  /** For the window. */
  readonly secret: string
  /** For the browser's cookie. */
  readonly browser: string
  readonly endsAt: number
}

type Code = { readonly guest: Guest; readonly expiresAtMs: number }

export class Sessions {
  readonly #store: Pick<HubStore, 'sessions'>
  readonly #dataDir: string
  readonly #codeByHash = new Map<string, Code>()
  readonly #nowMs: () => number

  constructor(
    store: Pick<HubStore, 'sessions'>,
    dataDir: string,
    nowMs: () => number = () => performance.now(),
  ) {
    this.#store = store
    this.#dataDir = dataDir
    this.#nowMs = nowMs
  }

  /** A code that lets one window in, once. */
  invite(guest: Guest): string {
    const code = newCode()
    if (this.#codeByHash.size >= CODES_MAX) this.#codeByHash.clear()
    this.#codeByHash.set(keyOf(code), { guest, expiresAtMs: this.#nowMs() + CODE_TTL_MS })
    return code
  }

  /** Uses a code up: the secret of a new token, which is listed and can be revoked as any other. Null where it is not good. */
  redeem(code: string): string | null {
    const key = keyOf(code)
    const known = this.#codeByHash.get(key)
    this.#codeByHash.delete(key)
    if (known === undefined || known.expiresAtMs <= this.#nowMs()) return null
    return issueToken({ dataDir: this.#dataDir, ...known.guest, ttlMs: SESSION_TTL_MS }).token
  }

  /** Lets a window in, for as long as its token is good, and a week at most. */
  open(request: IncomingMessage, { secret: token, endsAt }: Session): Entered {
    const now = Date.now()
    const known = browserOf(request)
    const isKnown = known !== null && this.#store.sessions.knows(hashSecret(known), now)
    const browser = isKnown ? known : newSessionSecret()
    const secret = newSessionSecret()
    const ends_at = Math.min(endsAt ?? Number.POSITIVE_INFINITY, now + SESSION_TTL_MS)
    const hashes = { secret_hash: hashSecret(secret), browser_hash: hashSecret(browser) }
    const token_hash = Buffer.from(token, 'hex')
    this.#store.sessions.add({ ...hashes, token_hash, ends_at }, now)
    return { secret, browser, endsAt: ends_at }
  }

  /** The hash of the secret of the token that a window was let in by; null where either secret is missing. */
  tokenOf(request: IncomingMessage, secret: string): Buffer | null {
    const browser = browserOf(request)
    const found = this.#store.sessions.find(hashSecret(secret), Date.now())
    if (found === null || browser === null) return null
    return found.browser_hash.equals(hashSecret(browser)) ? found.token_hash : null
  }

  end(secret: string): void {
    this.#store.sessions.end(hashSecret(secret))
  }
}

/** The header that gives a browser its secret: for no script, and for no page of others. */
export function cookieFor(request: IncomingMessage, browser: string, isSecure: boolean): string {
  const parts = [`${cookieName(request)}=${browser}`, 'HttpOnly', 'SameSite=Strict', 'Path=/']
  return [...parts, `Max-Age=${SESSION_TTL_MS / 1_000}`, ...(isSecure ? ['Secure'] : [])].join('; ')
}

function browserOf(request: IncomingMessage): string | null {
  const start = `${cookieName(request)}=`
  const parts = (request.headers.cookie ?? '').split(';').map((part) => part.trim())
  return parts.find((part) => part.startsWith(start))?.slice(start.length) ?? null
}

// A browser shows the cookies of a host to all of its ports, so each hub has a name of its own.
function cookieName({ socket }: IncomingMessage): string {
  return `kittiwake-hub-${socket.localPort ?? 0}`
}

function keyOf(code: string): string {
  return hashSecret(code).toString('hex')
}
