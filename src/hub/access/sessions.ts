/**
 * How a browser logs in: with a token, or with the code of a one-time link. A window then has a secret of its own, which
 * its scripts know, and its browser another, which they can't read: neither is good without the other. Both are kept as
 * hashes with the data, so that a window stays logged in while the hub is started anew.
 */
import type { IncomingMessage } from 'node:http'
import { z } from 'zod'
import type { Shared } from '../backend.ts'
import { CODE_TTL_MS, CODES_MAX, SESSION_TTL_MS } from '../limits.ts'
import { hashSecret, newCode, newSessionSecret } from './secrets.ts'
import type { HubStore } from '../data/store.ts'
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

const SHARED_CODE = z.object({ team: z.string(), user: z.string(), expiresAt: z.number() })

export class Sessions {
  readonly #store: Pick<HubStore, 'sessions'>
  readonly #dataDir: string
  readonly #shared: Shared | null
  readonly #codeByHash = new Map<string, Code>()
  readonly #nowMs: () => number

  constructor(
    store: Pick<HubStore, 'sessions'>,
    dataDir: string,
    shared: Shared | null = null,
    nowMs: () => number = () => performance.now(),
  ) {
    this.#shared = shared
    this.#store = store
    this.#dataDir = dataDir
    this.#nowMs = nowMs
  }

  /** A code that lets one window in, once. */
  async invite(guest: Guest): Promise<string> {
    const code = newCode()
    if (this.#shared !== null) {
      const value = JSON.stringify({ ...guest, expiresAt: Date.now() + CODE_TTL_MS })
      await this.#shared.passes.put(`code.${keyOf(code)}`, value)
      return code
    }
    if (this.#codeByHash.size >= CODES_MAX) this.#codeByHash.clear()
    this.#codeByHash.set(keyOf(code), { guest, expiresAtMs: this.#nowMs() + CODE_TTL_MS })
    return code
  }

  /** Uses a code up: the secret of a new token, which is listed and can be revoked as any other. Null where it is not good. */
  async redeem(code: string): Promise<string | null> {
    const guest = await this.#guestOf(keyOf(code))
    if (guest === null) return null
    const { token } = issueToken({ dataDir: this.#dataDir, ...guest, ttlMs: SESSION_TTL_MS })
    await this.#shared?.tell()
    return token
  }

  async #guestOf(key: string): Promise<Guest | null> {
    if (this.#shared !== null) {
      const text = await this.#shared.passes.take(`code.${key}`)
      if (text === null) return null
      const { expiresAt, ...guest } = SHARED_CODE.parse(JSON.parse(text))
      return expiresAt > Date.now() ? guest : null
    }
    const known = this.#codeByHash.get(key)
    this.#codeByHash.delete(key)
    return known === undefined || known.expiresAtMs <= this.#nowMs() ? null : known.guest
  }

  /** Lets a window in, for as long as its token is good, and a week at most. */
  async open(request: IncomingMessage, { secret: token, endsAt }: Session): Promise<Entered> {
    const now = Date.now()
    const known = browserOf(request)
    const isKnown = known !== null && this.#store.sessions.knows(hashSecret(known), now)
    const browser = isKnown ? known : newSessionSecret()
    const secret = newSessionSecret()
    const ends_at = Math.min(endsAt ?? Number.POSITIVE_INFINITY, now + SESSION_TTL_MS)
    const hashes = { secret_hash: hashSecret(secret), browser_hash: hashSecret(browser) }
    const token_hash = Buffer.from(token, 'hex')
    if (this.#shared === null) this.#store.sessions.add({ ...hashes, token_hash, ends_at }, now)
    else {
      const told = { secret_hash: hex(hashes.secret_hash), browser_hash: hex(hashes.browser_hash) }
      await this.#shared.record({ kind: 'session', ...told, token_hash: token, ends_at })
    }
    return { secret, browser, endsAt: ends_at }
  }

  /** The hash of the secret of the token that a window was let in by; null where either secret is missing. */
  tokenOf(request: IncomingMessage, secret: string): Buffer | null {
    const browser = browserOf(request)
    const found = this.#store.sessions.find(hashSecret(secret), Date.now())
    if (found === null || browser === null) return null
    return found.browser_hash.equals(hashSecret(browser)) ? found.token_hash : null
  }

  async end(secret: string): Promise<void> {
    const hash = hashSecret(secret)
    if (this.#shared === null) this.#store.sessions.end(hash)
    else await this.#shared.record({ kind: 'session_end', secret_hash: hex(hash) })
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

// A browser shows the cookies of a host to all of its ports, so there is a name for each, as the browser knows it: behind a
// balancer all hubs have the same.
function cookieName({ headers }: IncomingMessage): string {
  return `kittiwake-hub-${/:(\d+)$/.exec(headers.host ?? '')?.[1] ?? 0}`
}

function keyOf(code: string): string {
  return hex(hashSecret(code))
}

function hex(bytes: Buffer): string {
  return bytes.toString('hex')
}
