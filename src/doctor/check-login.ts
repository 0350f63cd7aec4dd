/** Whether the stored login works: its file, its token, and what the hub says of it. */
import { openLogin, readLogin } from '../project/login/login.ts'
import type { OpenLogin } from '../project/login/login.ts'
import { isUsable } from '../project/login/token-store.ts'
import { verifyLogin } from '../project/login/verify-login.ts'
import { type Check, failed, failure, note, ok } from './check.ts'

const LOGIN_HINT = 'Run `kittiwake auth login --hub URL --token-file FILE`.'
/** Less than this left, and it is time for another token. */
const EXPIRY_NOTE_MS = 7 * 24 * 60 * 60 * 1000

/** Asks the hub, once. Never rejects. */
export async function checkLogin(state: string, signal?: AbortSignal): Promise<readonly Check[]> {
  const keyring = isUsable('keyring')
    ? ok('keyring', 'of the system, there and unlocked')
    : note('keyring', 'none that can be used; a token is kept in a file of its owner alone')
  const stored = readLogin(state)
  if (stored.state === 'absent') return [failed('login', 'there is none', LOGIN_HINT), keyring]
  if (stored.state === 'unusable') return [failure('login', stored.error), keyring]
  const { hub, team_slug } = stored.login
  const login = ok('login', `${hub} as team ${team_slug}`)
  const opened = openLogin(state)
  if (opened.state !== 'present') {
    const why = opened.state === 'unusable' ? opened.error : new Error('the login is gone')
    return [login, failure('token', why), keyring]
  }
  const token = ok('token', PLACES[opened.login.token_store])
  return [login, token, keyring, ...(await askHub(opened.login, signal))]
}

const PLACES = {
  file: 'kept in a file of its owner alone',
  keyring: 'kept in the keyring of the system',
  kernel: 'kept by the kernel until the machine restarts',
} as const

async function askHub(login: OpenLogin, signal?: AbortSignal): Promise<readonly Check[]> {
  try {
    const found = await verifyLogin({ ...login, ...(signal === undefined ? {} : { signal }) })
    if (found.team_slug !== login.team_slug) {
      return [failed('hub', `it knows the token as of team ${found.team_slug}`, LOGIN_HINT)]
    }
    return [ok('hub', 'takes the token'), ...checkExpiry(found.expires_at)]
  } catch (error) {
    return [failure('hub', error)]
  }
}

function checkExpiry(expiresAt: string | null): readonly Check[] {
  if (expiresAt === null) return []
  const detail = `the token is good until ${expiresAt}`
  if (Date.parse(expiresAt) - Date.now() > EXPIRY_NOTE_MS) return [ok('expiry', detail)]
  return [note('expiry', detail, 'Get another token in time from whoever runs the hub.')]
}
