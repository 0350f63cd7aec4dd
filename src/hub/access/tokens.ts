/** The hub's tokens: who they speak for and how long. Each has one secret, for a while two after a rotation. */
import { randomBytes } from 'node:crypto'
import { InputError, LinkError } from '../../errors.ts'
import { inTransaction } from '../data/database.ts'
import type { Connection } from '../data/database.ts'
import { TOKENS_MAX } from '../limits.ts'
import { hashSecret, newToken } from './secrets.ts'

export type TokenRequest = {
  readonly dataDir: string
  readonly team: string
  readonly user: string
  /** For ever where it is left out. */
  readonly ttlMs?: number
}

export type IssuedToken = {
  readonly token_id: string
  /** The secret. It can't be read again. */
  readonly token: string
  readonly ends_at: number | null
}

export type TokenRow = {
  readonly token_id: string
  readonly team: string
  readonly user: string
  readonly created_at: number
  readonly state: 'live' | 'expired' | 'revoked'
  readonly ends_at: number | null
  /** How long the secret before the last rotation is good for, where it still is. */
  readonly old_secret_ends_at: number | null
}

const TEAM = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/
const USER = /^[^\p{C}]{1,128}$/u
const ID_BYTES = 8

/**
 * A new token for a user of a team, before a hub serves the folder or while it does.
 *
 * @throws InputError HUB_TEAM_INVALID, HUB_USER_INVALID
 * @throws LinkError HUB_DATA_UNUSABLE, HUB_DATA_NEWER, HUB_TOKENS_FULL
 */
export function issueToken({ dataDir, team, user, ttlMs }: TokenRequest): IssuedToken {
  checkHolder(team, user)
  return inTransaction(dataDir, true, (database, now) => {
    makeRoom(database, now)
    const token_id = `tok_${randomBytes(ID_BYTES).toString('hex')}`
    database
      .prepare('INSERT INTO tokens VALUES (?, ?, ?, ?, ?, NULL)')
      .run(token_id, team, user, now, ttlMs ?? null)
    return { token_id, ...addSecret(database, token_id, now, ttlMs ?? null) }
  })
}

/** As `issueToken`; the secret alone. */
export function createToken(request: TokenRequest): string {
  return issueToken(request).token
}

/** All tokens, oldest first. @throws LinkError HUB_DATA_MISSING, HUB_DATA_UNUSABLE, HUB_DATA_NEWER */
export function listTokens(dataDir: string): readonly TokenRow[] {
  return inTransaction(dataDir, false, (database, now) =>
    database
      .prepare<[], StoredToken>(`${TOKENS} ORDER BY t.created_at, t.token_id`)
      .all()
      .map((token) => rowOf(token, now)),
  )
}

/** The teams that somebody may still speak for; none where there is no data yet. @throws LinkError HUB_DATA_UNUSABLE, HUB_DATA_NEWER */
export function teamsOf(dataDir: string): readonly string[] {
  try {
    const live = listTokens(dataDir).filter(({ state }) => state === 'live')
    return [...new Set(live.map(({ team }) => team))]
  } catch (error) {
    if (error instanceof LinkError && error.code === 'HUB_DATA_MISSING') return []
    throw error
  }
}

/**
 * A new secret, which lives as long as the token was made for, from now on. The one before ends after `graceMs`,
 * any older one at once.
 *
 * @throws LinkError HUB_TOKEN_UNKNOWN, HUB_TOKEN_REVOKED, HUB_DATA_MISSING, HUB_DATA_UNUSABLE, HUB_DATA_NEWER
 */
export function rotateToken(dataDir: string, tokenId: string, graceMs: number): IssuedToken {
  return inTransaction(dataDir, false, (database, now) => {
    const { revoked_at, ttl_ms, secret_id } = find(database, tokenId)
    if (revoked_at !== null) throw revoked()
    database
      .prepare('DELETE FROM secrets WHERE token_id = ? AND secret_id <> ?')
      .run(tokenId, secret_id)
    database
      .prepare(
        'UPDATE secrets SET ends_at = min(coalesce(ends_at, @end), @end) WHERE secret_id = @id',
      )
      .run({ id: secret_id, end: now + graceMs })
    return { token_id: tokenId, ...addSecret(database, tokenId, now, ttl_ms) }
  })
}

/**
 * Ends a token for good, with all its secrets; again, it changes nothing.
 *
 * @throws LinkError HUB_TOKEN_UNKNOWN, HUB_DATA_MISSING, HUB_DATA_UNUSABLE, HUB_DATA_NEWER
 */
export function revokeToken(dataDir: string, tokenId: string): TokenRow {
  return inTransaction(dataDir, false, (database, now) => {
    find(database, tokenId)
    database
      .prepare('UPDATE tokens SET revoked_at = coalesce(revoked_at, ?) WHERE token_id = ?')
      .run(now, tokenId)
    database.prepare('DELETE FROM secrets WHERE token_id = ?').run(tokenId)
    return rowOf(find(database, tokenId), now)
  })
}

/** A token with its newest secret, and the end of the one before. */
type StoredToken = Omit<TokenRow, 'state'> & {
  readonly ttl_ms: number | null
  readonly revoked_at: number | null
  readonly secret_id: number | null
}

const TOKENS = `
  SELECT t.token_id, t.team, t.user, t.created_at, t.ttl_ms, t.revoked_at, s.secret_id, s.ends_at,
    (SELECT ends_at FROM secrets o WHERE o.token_id = t.token_id AND o.secret_id < s.secret_id)
      AS old_secret_ends_at
  FROM tokens t LEFT JOIN secrets s ON s.secret_id =
    (SELECT max(secret_id) FROM secrets n WHERE n.token_id = t.token_id)`

function find(database: Connection, tokenId: string): StoredToken {
  const found = database
    .prepare<[string], StoredToken>(`${TOKENS} WHERE t.token_id = ?`)
    .get(tokenId)
  if (found !== undefined) return found
  throw new LinkError('HUB_TOKEN_UNKNOWN', 'this hub has no token with that id', {
    hint: 'See the ids with `kittiwake hub token list`.',
  })
}

function rowOf(stored: StoredToken, now: number): TokenRow {
  const { token_id, team, user, created_at, revoked_at, secret_id, ends_at } = stored
  const hasEnded = secret_id === null || (ends_at !== null && ends_at <= now)
  const state = revoked_at !== null ? 'revoked' : hasEnded ? 'expired' : 'live'
  const old = stored.old_secret_ends_at
  const old_secret_ends_at = old !== null && old > now ? old : null
  return { token_id, team, user, created_at, state, ends_at, old_secret_ends_at }
}

function addSecret(
  database: Connection,
  tokenId: string,
  now: number,
  ttlMs: number | null,
): Omit<IssuedToken, 'token_id'> {
  const token = newToken()
  const ends_at = ttlMs === null ? null : now + ttlMs
  database
    .prepare('INSERT INTO secrets VALUES (NULL, ?, ?, ?)')
    .run(hashSecret(token), tokenId, ends_at)
  return { token, ends_at }
}

// Tokens that have ended are kept to be listed, until their room is needed.
function makeRoom(database: Connection, now: number): void {
  const count = database.prepare('SELECT count(*) FROM tokens').pluck()
  if (Number(count.get()) < TOKENS_MAX) return
  database.prepare('DELETE FROM secrets WHERE ends_at <= ?').run(now)
  database.exec('DELETE FROM tokens WHERE token_id NOT IN (SELECT token_id FROM secrets)')
  if (Number(count.get()) < TOKENS_MAX) return
  throw new LinkError('HUB_TOKENS_FULL', `the hub holds at most ${TOKENS_MAX} tokens`, {
    hint: 'Revoke those that nobody uses, with `kittiwake hub token revoke ID`.',
  })
}

function revoked(): LinkError {
  return new LinkError('HUB_TOKEN_REVOKED', 'a revoked token gets no new secret', {
    hint: 'Make another one with `kittiwake hub token create --team T --user U`.',
  })
}

/** @throws InputError HUB_TEAM_INVALID, HUB_USER_INVALID */
export function checkHolder(team: string, user: string): void {
  checkTeam(team)
  if (!USER.test(user) || user.trim() === '') {
    throw new InputError('HUB_USER_INVALID', 'a user is 1 to 128 printable characters', {
      hint: 'Name the user by a login, such as "sam".',
    })
  }
}

/** @throws InputError HUB_TEAM_INVALID */
export function checkTeam(team: string): void {
  if (!TEAM.test(team)) {
    throw new InputError('HUB_TEAM_INVALID', 'a team is 1 to 64 of A-Z a-z 0-9 . _ -', {
      hint: 'Name the team by its slug, such as "acme".',
    })
  }
}
