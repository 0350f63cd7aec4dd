/** The hub's tokens: 256 random bits, shown once, kept as their SHA-256. */
import { createHash, randomBytes } from 'node:crypto'
import { InputError, LinkError } from '../errors.ts'
import { openDatabase } from './database.ts'
import { TOKENS_MAX } from './limits.ts'

export type TokenRequest = {
  readonly dataDir: string
  readonly team: string
  readonly user: string
}

const TOKEN_PREFIX = 'kwk_'
const TICKET_PREFIX = 'kwt_'
const SECRET_BYTES = 32
const BUSY_TIMEOUT_MS = 5_000
const TEAM = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/
const USER = /^[^\p{C}]{1,128}$/u
const BEARER = /^Bearer +(kw[kt]_[A-Za-z0-9_-]{43})$/i

/**
 * A new token for a user of a team, before a hub serves the folder or while it does. It can't be read again.
 *
 * @throws InputError HUB_TEAM_INVALID, HUB_USER_INVALID
 * @throws LinkError HUB_DATA_UNUSABLE, HUB_DATA_NEWER, HUB_TOKENS_FULL
 */
export function createToken({ dataDir, team, user }: TokenRequest): string {
  if (!TEAM.test(team)) {
    throw new InputError('HUB_TEAM_INVALID', 'a team is 1 to 64 of A-Z a-z 0-9 . _ -', {
      hint: 'Name the team by its slug, such as "acme".',
    })
  }
  if (!USER.test(user) || user.trim() === '') {
    throw new InputError('HUB_USER_INVALID', 'a user is 1 to 128 printable characters', {
      hint: 'Name the user by a login, such as "sam".',
    })
  }
  const token = newSecret(TOKEN_PREFIX)
  const database = openDatabase(dataDir, BUSY_TIMEOUT_MS)
  try {
    const insert = database.transaction(() => {
      const count = Number(database.prepare('SELECT count(*) FROM tokens').pluck().get())
      if (count >= TOKENS_MAX) {
        throw new LinkError('HUB_TOKENS_FULL', `the hub holds at most ${TOKENS_MAX} tokens`, {
          hint: 'Delete unused rows from the table "tokens" of hub.db.',
        })
      }
      database
        .prepare('INSERT INTO tokens (token_hash, team, user, created_at) VALUES (?, ?, ?, ?)')
        .run(hashSecret(token), team, user, Date.now())
    })
    insert.immediate()
    return token
  } finally {
    database.close()
  }
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
