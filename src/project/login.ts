/**
 * The login of this state directory, `login.json`: which hub, as which team, with which token. Only its owner may
 * read it, it is replaced as a whole or not at all, and its token never shows in an error, a log or an argument.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseJsonObject } from '../contracts/json.ts'
import { KittiwakeError, LinkError, systemCode } from '../errors.ts'
import { parseHubUrl } from './hub-url.ts'
import {
  isOpenToWriters,
  readPrivateFile,
  removePrivateFile,
  replacePrivateFile,
} from './private-file.ts'

export const LOGIN_FILE = 'login.json'
const LOGIN_BYTES_MAX = 64 * 1024

export type Login = {
  /** As `parseHubUrl` spells it. */
  readonly hub: string
  readonly token: string
  readonly team_slug: string
}

/** Read totally: there, not there, or unusable for a reason that can be shown or thrown. */
export type LoginReading =
  | { readonly state: 'present'; readonly login: Login }
  | { readonly state: 'absent' }
  | { readonly state: 'unusable'; readonly faults: readonly string[]; readonly error: LinkError }

/** A token that can stand in a header: 8 to 4096 visible ASCII characters. */
export function isToken(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21-\x7e]{8,4096}$/.test(value)
}

export function isTeamSlug(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(value)
}

/** Reads `<state>/login.json`; never throws, never writes. */
export function readLogin(state: string): LoginReading {
  try {
    return { state: 'present', login: parseLogin(readText(join(state, LOGIN_FILE))) }
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return { state: 'absent' }
    const fault =
      error instanceof LinkError
        ? error
        : invalid(`the login can't be read: ${systemCode(error) ?? 'its content is damaged'}`)
    return { state: 'unusable', faults: [fault.message], error: fault }
  }
}

function readText(path: string): string {
  const reading = readPrivateFile(path, LOGIN_BYTES_MAX)
  if (reading.state === 'read') return reading.text
  if (reading.state === 'not_a_small_file') throw invalid('the login is not a small file')
  throw new LinkError('LOGIN_TOO_OPEN', 'the login must be readable by its owner only', {
    hint: `Run \`chmod 600\` on ${LOGIN_FILE} in the state directory and get a new token: others may have read it.`,
  })
}

function parseLogin(text: string): Login {
  const value = parseJsonObject(text, LOGIN_BYTES_MAX)
  return checkLogin({ hub: value['hub'], token: value['token'], team_slug: value['team_slug'] })
}

function checkLogin(value: { hub: unknown; token: unknown; team_slug: unknown }): Login {
  if (typeof value.hub !== 'string') throw invalid('the login names no hub')
  if (!isToken(value.token)) throw invalid('the login holds no usable token')
  if (!isTeamSlug(value.team_slug)) throw invalid('the login names no usable team')
  return { hub: parseHubUrl(value.hub), token: value.token, team_slug: value.team_slug }
}

/**
 * Replaces the login, durably; the state directory is made, for its owner alone, where there is none.
 *
 * @throws LinkError LOGIN_INVALID, HUB_URL, LOGIN_DIRECTORY_TOO_OPEN, LOGIN_WRITE
 */
export function writeLogin(state: string, login: Login): void {
  const checked = checkLogin(login)
  try {
    mkdirSync(state, { recursive: true, mode: 0o700 })
    refuseOpenDirectory(state)
    replacePrivateFile(join(state, LOGIN_FILE), `${JSON.stringify(checked)}\n`)
  } catch (error) {
    throw error instanceof KittiwakeError ? error : unwritable(error)
  }
}

// Who may write the directory may put a login of their own in place, and so receive our events.
function refuseOpenDirectory(state: string): void {
  if (!isOpenToWriters(state)) return
  throw new LinkError('LOGIN_DIRECTORY_TOO_OPEN', 'others may write into the state directory', {
    hint: 'Run `chmod 700` on the state directory, or choose another with KITTIWAKE_HOME.',
  })
}

/** Removes the login and what a dead writer left of one; true where there was one. @throws LinkError LOGIN_WRITE */
export function removeLogin(state: string): boolean {
  try {
    return removePrivateFile(join(state, LOGIN_FILE))
  } catch (error) {
    throw unwritable(error)
  }
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
