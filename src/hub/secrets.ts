/** Secrets: 256 random bits, shown once, kept as their SHA-256. */
import { createHash, randomBytes } from 'node:crypto'

const TOKEN_PREFIX = 'kwk_'
const TICKET_PREFIX = 'kwt_'
const SECRET_BYTES = 32
const BEARER = /^Bearer +(kw[kt]_[A-Za-z0-9_-]{43})$/i

export function newToken(): string {
  return newSecret(TOKEN_PREFIX)
}

/** A socket token: short-lived, kept in memory only. */
export function newTicket(): string {
  return newSecret(TICKET_PREFIX)
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
