/**
 * The user's state directory: where it is and what lies in it. Resolved at call time, never at
 * import: frozen paths would mix the state of parallel homes.
 */
import { createHash } from 'node:crypto'
import { chmodSync, closeSync, lstatSync, openSync, realpathSync, statSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'

import envPaths from 'env-paths'

import { StoreError, systemCode } from '../errors.ts'
import { syncFolder } from './files/durable-file.ts'
import { makeFolders } from './files/make-folders.ts'

const UUID_PATTERN = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const REPOSITORY_KEY_PATTERN = /^[0-9a-f]{32}$/
/**
 * Absolute path of the state directory: `KITTIWAKE_HOME` verbatim when not empty, else the
 * platform's.
 *
 * @throws StoreError STATE_RELATIVE
 */
export function stateDirectory(env: NodeJS.ProcessEnv): string {
  const home = env['KITTIWAKE_HOME'] ?? ''
  const path = home === '' ? envPaths('kittiwake', { suffix: '' }).data : home
  if (isAbsolute(path)) return resolve(path)
  // Each folder would have a state of its own: consent, login and clock, inside the work tree.
  if (home === '') throw relativeState('the home of this user', 'Mend HOME or XDG_DATA_HOME.')
  throw relativeState('KITTIWAKE_HOME', '`~` is not expanded in it.')
}

function relativeState(what: string, hint: string): StoreError {
  return new StoreError('STATE_RELATIVE', `${what} must be an absolute path`, { hint })
}

/** Whether `state` is the place that the platform gives to this user, under whatever spelling. */
export function isDefaultStateDirectory(state: string): boolean {
  return realPath(state) === realPath(envPaths('kittiwake', { suffix: '' }).data)
}

/** `<state>/projects/<uuid>/outbox.db`. @throws StoreError STATE_PATH */
export function outboxPath(state: string, projectUuid: string): string {
  return join(state, 'projects', checked(projectUuid, UUID_PATTERN), 'outbox.db')
}

/** The lock that the owner of the project's link holds. @throws StoreError STATE_PATH */
export function senderLeasePath(state: string, projectUuid: string): string {
  return join(state, 'projects', checked(projectUuid, UUID_PATTERN), 'sender.db')
}

/** What its user has declared to work on. @throws StoreError STATE_PATH */
export function focusPath(state: string, projectUuid: string): string {
  return join(state, 'projects', checked(projectUuid, UUID_PATTERN), 'focus.json')
}

/** What is kept of a purged project: its clocks, under a name that doesn't tell which project it was. @throws StoreError STATE_PATH */
export function retainedClockPath(state: string, projectUuid: string): string {
  const name = createHash('sha256').update(checked(projectUuid, UUID_PATTERN)).digest('hex')
  return join(state, 'clocks', `${name.slice(0, 32)}.json`)
}

/** The store of a repository without identity. @throws StoreError STATE_PATH */
export function unidentifiedOutboxPath(state: string, repositoryKey: string): string {
  return join(state, 'unidentified', checked(repositoryKey, REPOSITORY_KEY_PATTERN), 'outbox.db')
}

/** Where the embedded hub keeps its data unless told otherwise. */
export function hubDataDirectory(state: string): string {
  return join(state, 'hub')
}

/** First 32 hex of the SHA-256 of the real path of the git directory that all worktrees share. */
export function repositoryKeyOf(commonDir: string): string {
  const path = realPath(commonDir)
  return createHash('sha256').update(path, 'utf8').digest('hex').slice(0, 32)
}

/** SQLite opens no path of more than 511 bytes, and writes a journal beside each database. */
const FOLDER_BYTES_MAX = 490

/** Whether databases can lie in a folder below this state directory. */
export function isShortEnough(state: string): boolean {
  const uuid = '00000000-0000-0000-0000-000000000000'
  return Buffer.byteLength(dirname(outboxPath(state, uuid))) <= FOLDER_BYTES_MAX
}

/**
 * Makes a folder that only this user can enter, and makes its name survive a power cut.
 *
 * @throws StoreError STATE_UNREACHABLE
 */
export function makeStateFolder(path: string): void {
  try {
    makeFolder(path)
  } catch (error) {
    throw stateUnreachable(error)
  }
}

function makeFolder(path: string): void {
  if (Buffer.byteLength(path) > FOLDER_BYTES_MAX) {
    throw Object.assign(new Error('the path is too long'), { code: 'ENAMETOOLONG' })
  }
  const first = makeFolders(path, 0o700)
  if (first === null) return
  for (let folder = path; ; folder = dirname(folder)) {
    syncFolder(dirname(folder))
    if (folder === first || folder === dirname(folder)) return
  }
}

/**
 * Makes an empty file that only this user can read, and takes others' rights from one that is
 * there. A file that is there is never opened: to close a database by other means than SQLite drops
 * the locks that this process holds on it.
 *
 * @throws StoreError STATE_UNREACHABLE
 */
export function makeStateFile(path: string): void {
  try {
    makeFolder(dirname(path))
    if (!createEmpty(path) && process.platform !== 'win32') {
      if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600)
    }
  } catch (error) {
    throw stateUnreachable(error)
  }
}

function createEmpty(path: string): boolean {
  try {
    closeSync(openSync(path, 'wx', 0o600))
    return true
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false
    throw error
  }
}

function checked(id: string, pattern: RegExp): string {
  if (pattern.test(id)) return id
  throw new StoreError('STATE_PATH', 'the id of a store must be a lower-case UUID or 32 hex digits')
}

/** The one spelling of a path that is there; another is only made absolute. */
export function realPath(path: string): string {
  try {
    return realpathSync.native(path)
  } catch {
    return resolve(path)
  }
}

/**
 * Whether something is at a path in the state directory, a link to nothing too.
 *
 * @throws StoreError STATE_UNREACHABLE where that can't be told, as where a file stands in the directory's place
 */
export function isInState(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined
  } catch (error) {
    throw stateUnreachable(error)
  }
}

const DEFAULT_HINT = 'Check its rights, or set KITTIWAKE_HOME to another folder.'
/** By the code of the system; they go on from a message that names the place. */
const HINT_BY_CODE: Readonly<Record<string, string>> = {
  EEXIST:
    'Something else stands in its place; move it away, or set KITTIWAKE_HOME to another folder.',
  ENOTDIR: 'Its path leads through a file; set KITTIWAKE_HOME to another folder.',
  ENAMETOOLONG: 'Its path is too long; set KITTIWAKE_HOME to a shorter one.',
  ENOSPC: 'Its disk is full; free some space, or set KITTIWAKE_HOME to a folder on another one.',
}

export function stateUnreachable(cause: unknown): StoreError {
  const code = systemCode(cause)
  const why = code === null ? '' : `: ${code}`
  return new StoreError('STATE_UNREACHABLE', `the state directory can't be used${why}`, {
    hint: reachHint(cause),
    cause,
  })
}

/** What to do where the system doesn't let us to a place in the state directory. */
export function reachHint(cause: unknown): string {
  return HINT_BY_CODE[systemCode(cause) ?? ''] ?? DEFAULT_HINT
}
