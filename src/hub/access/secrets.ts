/** Secrets: 256 random bits, shown once, kept as their SHA-256. */
import { createHash, randomBytes } from 'node:crypto'

const TOKEN_PREFIX = 'kwk_'
const TICKET_PREFIX = 'kwt_'
const SESSION_PREFIX = 'kws_'
const CODE_PREFIX = 'kwc_'
const WEBHOOK_PREFIX = 'kwh_'
const SECRET_BYTES = 32
const BEARER = /^Bearer +(kw[kts]_[A-Za-z0-9_-]{43})$/i
const TICKET_WORD = /(?:^|,) *ticket\.(kwt_[A-Za-z0-9_-]{43}) *(?:,|$)/

export function newToken(): string {
  return newSecret(TOKEN_PREFIX)
}

/** A socket token: short-lived, kept in memory only. */
export function newTicket(): string {
  return newSecret(TICKET_PREFIX)
}

/** What the windows of one browser share, or what one window has for itself. */
export function newSessionSecret(): string {
  return newSecret(SESSION_PREFIX)
}

/** Good for one login. */
export function newCode(): string {
  return newSecret(CODE_PREFIX)
}

export function newWebhookSecret(): string {
  return newSecret(WEBHOOK_PREFIX)
}

export function isSessionSecret(secret: string): boolean {
  return secret.startsWith(SESSION_PREFIX)
}

function newSecret(prefix: string): string {
  return prefix + randomBytes(SECRET_BYTES).toString('base64url')
}

/**
 * Secrets are only ever looked up by this hash, so that the time of a comparison says nothing about one: to steer
 * it, a caller would have to choose SHA-256 prefixes of 256 random bits.
 */
export function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret, 'utf8').digest()
}

/** The secret of an `Authorization` header, or null where there is none of our form. */
export function bearerOf(header: string | undefined): string | null {
  return BEARER.exec(header ?? '')?.[1] ?? null
}

/** The socket token among the protocols that a browser offers, which can set no header; null where there is none. */
export function ticketAmong(protocols: string | undefined): string | null {
  return TICKET_WORD.exec(protocols ?? '')?.[1] ?? null
}
