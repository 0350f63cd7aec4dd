/**
 * The login of this state directory, `login.json`: which hub, as which team, and where its token lies. Only its owner may
 * read it, it is replaced as a whole or not at all, and its token never shows in an error, a log or an argument.
 */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseJsonObject } from '../../contracts/json/json.ts'
import type { JsonObject } from '../../contracts/json/json.ts'
import { KittiwakeError, LinkError, StoreError, systemCode } from '../../errors.ts'
import { parseHubUrl } from './hub-url.ts'
import { withLoginLock } from './login-lock.ts'
import {
  isOpenToWriters,
  readPrivateFile,
  removePrivateFile,
  replacePrivateFile,
} from '../files/private-file.ts'
import { isInState, makeStateFolder } from '../state-directory.ts'
import { findToken, forgetToken, keepToken } from './token-store.ts'
import type { TokenStore } from './token-store.ts'

export const LOGIN_FILE = 'login.json'
const LOGIN_BYTES_MAX = 64 * 1024

/** A login as it is stored, without its token. */
export type Login = {
  /** As `parseHubUrl` spells it. */
  readonly hub: string
  readonly team_slug: string
  /** Another one for each login; empty where an older version wrote it. */
  readonly id: string
  readonly token_store: TokenStore
}

export type OpenLogin = Login & { readonly token: string }

/** Read totally: there, not there, or unusable for a reason that can be shown or thrown. */
export type LoginReading<Found = Login> =
  | { readonly state: 'present'; readonly login: Found }
  | { readonly state: 'absent' }
  | {
      readonly state: 'unusable'
      readonly faults: readonly string[]
      readonly error: LinkError | StoreError
    }

export type NewLogin = { readonly hub: string; readonly token: string; readonly team_slug: string }

export type WriteOptions = {
  /** Where the token is kept; default: in the file. */
  readonly tokenStore?: TokenStore
  /** The id of the login that this one replaces, null for none; refused where another one is there by now. */
  readonly replaces?: string | null
}

/** What the file holds: the token itself, or the name under which a keyring has it. */
type Stored = Login & { readonly secret: string }

/** A token that can stand in a header: 8 to 4096 visible ASCII characters. */
export function isToken(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21-\x7e]{8,4096}$/.test(value)
}

export function isTeamSlug(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(value)
}

/** Reads `<state>/login.json`, and no keyring; never throws, never writes. */
export function readLogin(state: string): LoginReading {
  return read(state, ({ hub, team_slug, id, token_store }) => ({ hub, team_slug, id, token_store }))
}

/** The login with its token, for whoever is about to show it to the hub; never throws, never writes. */
export function openLogin(state: string): LoginReading<OpenLogin> {
  return read(state, ({ secret, ...login }) => ({ ...login, token: tokenOf(login, secret) }))
}

function read<Found>(state: string, look: (stored: Stored) => Found): LoginReading<Found> {
  try {
    // Asked first: to fail costs ten times as much, and many work without a hub.
    if (!isInState(join(state, LOGIN_FILE))) return { state: 'absent' }
    return { state: 'present', login: look(readStored(state)) }
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return { state: 'absent' }
    const fault =
      error instanceof LinkError || error instanceof StoreError
        ? error
        : invalid(`the login can't be read: ${systemCode(error) ?? 'its content is damaged'}`)
    return { state: 'unusable', faults: [fault.message], error: fault }
  }
}

function tokenOf({ token_store: store }: Login, secret: string): string {
  const token = store === 'file' ? secret : findToken(store, secret)
  if (isToken(token)) return token
  throw new LinkError('TOKEN_GONE', 'the keyring does not hold the token of this login any more', {
    hint: 'Run `kittiwake auth login` again.',
  })
}

function readStored(state: string): Stored {
  const value = parseJsonObject(readText(join(state, LOGIN_FILE)), LOGIN_BYTES_MAX)
  const { token_store: store = 'file', id = '' } = value
  if (store !== 'file' && store !== 'keyring' && store !== 'kernel') {
    throw invalid('the login keeps its token in a place that is not known here')
  }
  if (typeof id !== 'string') throw invalid('the login has no usable id')
  const secret = store === 'file' ? value['token'] : value['token_name']
  if (store === 'file' ? !isToken(secret) : typeof secret !== 'string') throw tokenless()
  return { ...checkHub(value), id, token_store: store, secret: secret as string }
}

/** The hub and the team of a login, as a store knows them; undefined without a login. */
export function hubOf(reading: LoginReading): { origin: string; team: string } | undefined {
  if (reading.state !== 'present') return undefined
  return { origin: reading.login.hub, team: reading.login.team_slug }
}

/**
 * The hub that a login, named by its id, leads to, in the epoch that it is in; null where another login is stored by now. So
 * no mailbox has to hold the names of hubs and teams.
 */
export function targetBy(
  state: string,
  { login: id, epoch }: { readonly login: string; readonly epoch: string | null },
): { origin: string; team: string; epoch: string | null } | null {
  const reading = readLogin(state)
  const hub = hubOf(reading)
  if (reading.state !== 'present' || hub === undefined || reading.login.id !== id) return null
  return { ...hub, epoch }
}

function readText(path: string): string {
  const reading = readPrivateFile(path, LOGIN_BYTES_MAX)
  if (reading.state === 'read') return reading.text
  if (reading.state === 'not_a_small_file') throw invalid('the login is not a small file')
  throw new LinkError('LOGIN_TOO_OPEN', 'the login must be readable by its owner only', {
    hint: `Run \`chmod 600\` on ${LOGIN_FILE} in the state directory and get a new token: others may have read it.`,
  })
}

function checkHub(value: JsonObject | NewLogin): Pick<Login, 'hub' | 'team_slug'> {
  const { hub, team_slug } = value as Record<string, unknown>
  if (typeof hub !== 'string') throw invalid('the login names no hub')
  if (!isTeamSlug(team_slug)) throw invalid('the login names no usable team')
  return { hub: parseHubUrl(hub), team_slug }
}

/**
 * Replaces the login, durably; the state directory is made, for its owner alone, where there is none.
 *
 * @throws LinkError LOGIN_INVALID, HUB_URL, LOGIN_DIRECTORY_TOO_OPEN, LOGIN_WRITE, LOGIN_CHANGED, LOGIN_BUSY (both
 *   retryable), TOKEN_STORE_UNUSABLE
 */
export function writeLogin(state: string, login: NewLogin, options: WriteOptions = {}): void {
  const { tokenStore = 'file', replaces } = options
  const checked = checkHub(login)
  if (!isToken(login.token)) throw tokenless()
  try {
    makeStateFolder(state)
    refuseOpenDirectory(state)
    withLoginLock(state, () => {
      const before = storedOrNull(state)
      if (replaces !== undefined && (before?.id ?? null) !== replaces) {
        // Somebody else has stored the same: that is what was wanted.
        if (before !== null && isSame(before, login, tokenStore)) return
        throw changed()
      }
      const secret = tokenStore === 'file' ? login.token : keepToken(tokenStore, state, login.token)
      const id = randomBytes(8).toString('hex')
      const after: Stored = { ...checked, id, token_store: tokenStore, secret }
      try {
        replacePrivateFile(join(state, LOGIN_FILE), render(after))
      } catch (error) {
        forgetQuietly(after)
        throw error
      }
      if (before !== null) forgetQuietly(before)
    })
  } catch (error) {
    throw error instanceof KittiwakeError ? error : unwritable(error)
  }
}

function render({ secret, ...login }: Stored): string {
  const key = login.token_store === 'file' ? 'token' : 'token_name'
  return `${JSON.stringify({ ...login, [key]: secret })}\n`
}

function isSame(stored: Stored, { hub, token, team_slug }: NewLogin, store: TokenStore): boolean {
  if (stored.hub !== parseHubUrl(hub) || stored.team_slug !== team_slug) return false
  if (stored.token_store !== store) return false
  try {
    return tokenOf(stored, stored.secret) === token
  } catch {
    return false
  }
}

/** Null also where the one that is there can't be read: a new login is how one mends it. */
function storedOrNull(state: string): Stored | null {
  try {
    return readStored(state)
  } catch {
    return null
  }
}

/** The login is gone all the same; a token that a locked keyring keeps is of no use without its hub. */
function forgetQuietly({ token_store: store, secret }: Stored): void {
  if (store === 'file') return
  try {
    forgetToken(store, secret)
  } catch {
    return
  }
}

// Who may write the directory may put a login of their own in place, and so receive our events.
function refuseOpenDirectory(state: string): void {
  if (!isOpenToWriters(state)) return
  throw new LinkError('LOGIN_DIRECTORY_TOO_OPEN', 'others may write into the state directory', {
    hint: 'Run `chmod 700` on the state directory, or choose another with KITTIWAKE_HOME.',
  })
}

/**
 * Removes the login, its token in a keyring, and what a dead writer left of one; true where there was one.
 *
 * @throws LinkError LOGIN_WRITE, LOGIN_BUSY (retryable); StoreError STATE_UNREACHABLE
 */
export function removeLogin(state: string): boolean {
  if (!isInState(join(state, LOGIN_FILE)) && !existsSync(state)) return false
  try {
    return withLoginLock(state, () => {
      const before = storedOrNull(state)
      const removed = removePrivateFile(join(state, LOGIN_FILE))
      if (before !== null) forgetQuietly(before)
      return removed
    })
  } catch (error) {
    throw error instanceof KittiwakeError ? error : unwritable(error)
  }
}

function changed(): LinkError {
  return new LinkError('LOGIN_CHANGED', 'another login was stored meanwhile, and stays', {
    hint: 'See `kittiwake auth status`; run `kittiwake auth login` again to replace it.',
    retryable: true,
  })
}

function tokenless(): LinkError {
  return invalid('the login holds no usable token')
}

function invalid(message: string): LinkError {
  return new LinkError('LOGIN_INVALID', message, { hint: 'Run `kittiwake auth login` again.' })
}

function unwritable(error: unknown): LinkError {
  const code = systemCode(error) ?? 'unknown fault'
  return new LinkError(
    'LOGIN_WRITE',
    `the login can't be changed in the state directory: ${code}`,
    {
      hint: 'Check the owner and the free space of the state directory.',
    },
  )
}
