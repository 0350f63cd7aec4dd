/**
 * One caller at a time, across threads and processes: an exclusive SQLite transaction on a file of its own in the
 * git directory, which the kernel ends when its holder dies. No other code may open these files: to close any
 * descriptor of one drops the POSIX lock of this process.
 */
import { lstatSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { GitError, KittiwakeError, systemCode } from '../../errors.ts'
import { asProjectError, pathTooLong } from '../files/replace-file.ts'

export type LockName = 'identity' | 'worktrees' | 'setup' | 'ledger' | 'metadata'

export type LockOptions = {
  /** By default as long as the holder of this lock may rightly need. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/** The folder inside the common git directory that is this runtime's alone. */
export const STATE_DIRECTORY = 'kittiwake'

// The first three are held for runs of git. A commit of the ledger takes milliseconds.
const TIMEOUT_MS: Readonly<Record<LockName, number>> = {
  identity: 90_000,
  worktrees: 90_000,
  setup: 90_000,
  ledger: 10_000,
  metadata: 10_000,
}
const RETRY_MIN_MS = 5
const RETRY_MAX_MS = 40
/** Between two looks of the one whose turn it is. */
const TURN_MS = 2
/** SQLite's own limit of 512, with the name of a journal. */
const PATH_BYTES_MAX = 504
/** Whoever frees the lock and comes back within this time lets those go first who wait. */
const COURTESY_MS = 50
const freedAtByPath = new Map<string, number>()

/**
 * Runs `work` as the only caller of this repository that does under this name, in this process too. Waits without
 * blocking the thread. Not re-entrant.
 *
 * @throws GitError LEDGER_LOCKED or, under another name, REPOSITORY_BUSY (both retryable); LOCK_ABORTED,
 *   LOCK_UNUSABLE; ProjectError PATH_TOO_LONG, REPOSITORY_READ_ONLY, WRITE_FAILED; and what `work` throws
 */
export async function withRepositoryLock<T>(
  commonDir: string,
  name: LockName,
  work: () => T | Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  const path = join(commonDir, STATE_DIRECTORY, name)
  const database = openLock(`${path}.db`)
  try {
    await take(database, path, name, options)
    try {
      return await work()
    } finally {
      freedAtByPath.set(path, performance.now())
    }
  } finally {
    // Closing rolls the empty transaction back, and with it frees the lock.
    database.close()
  }
}

function openLock(path: string): Database.Database {
  const folder = dirname(path)
  try {
    makeFolder(folder)
    if (!lstatSync(folder).isDirectory()) throw unusable()
    if (lstatSync(path, { throwIfNoEntry: false })?.isFile() === false) throw unusable()
    // No waiting inside SQLite: it would stop this thread, and with it a holder in the same process.
    return new Database(path, { timeout: 0 })
  } catch (error) {
    const isTooLong = Buffer.byteLength(path) > PATH_BYTES_MAX
    throw isTooLong && /CANTOPEN/.test(systemCode(error) ?? '')
      ? pathTooLong(error)
      : asLockError(error)
  }
}

/** Not recursive: where there is no repository, none must appear. */
function makeFolder(path: string): void {
  try {
    mkdirSync(path)
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error
  }
}

/** One waits for the lock itself, and the others for its place: so none is always the last. */
async function take(
  database: Database.Database,
  path: string,
  name: LockName,
  { signal, timeoutMs = TIMEOUT_MS[name] }: LockOptions,
): Promise<void> {
  const isBack = performance.now() - (freedAtByPath.get(path) ?? -Infinity) < COURTESY_MS
  if (!isBack && tryTake(database)) return
  const deadline = performance.now() + timeoutMs
  const until = async (wanted: Database.Database, restMs: () => number): Promise<void> => {
    while (!tryTake(wanted)) {
      if (signal?.aborted === true) throw aborted()
      if (performance.now() >= deadline) throw busy(name)
      await delay(restMs(), undefined, signal === undefined ? {} : { signal }).catch(() => {
        throw aborted()
      })
    }
  }
  const turn = openLock(`${path}-turn.db`)
  try {
    await until(turn, () => RETRY_MIN_MS + Math.random() * (RETRY_MAX_MS - RETRY_MIN_MS))
    await until(database, () => TURN_MS)
  } finally {
    turn.close()
  }
}

function tryTake(database: Database.Database): boolean {
  try {
    // Nothing is ever written, and a journal would be a file made and removed each time.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    return true
  } catch (error) {
    if (/^SQLITE_(?:BUSY|LOCKED)/.test(systemCode(error) ?? '')) return false
    throw asLockError(error)
  }
}

function busy(name: LockName): GitError {
  const code = name === 'ledger' ? 'LEDGER_LOCKED' : 'REPOSITORY_BUSY'
  return new GitError(code, 'another process is writing to this repository', {
    hint: 'Run the command again in a moment, or end the other one.',
    retryable: true,
  })
}

function aborted(): GitError {
  return new GitError('LOCK_ABORTED', 'the wait for the repository was aborted', {
    retryable: true,
  })
}

function asLockError(error: unknown): KittiwakeError {
  if (error instanceof KittiwakeError) return error
  const code = systemCode(error) ?? ''
  if (/^SQLITE_(?:READONLY|CANTOPEN|FULL|IOERR)/.test(code)) return asProjectError(error)
  // A file or a dangling link stands where a folder should be, or no repository at all.
  const isForeign = code.startsWith('SQLITE_') || /^E(?:NOENT|EXIST|NOTDIR)$/.test(code)
  return isForeign ? unusable(error) : asProjectError(error)
}

function unusable(cause?: unknown): GitError {
  return new GitError(
    'LOCK_UNUSABLE',
    'the files in kittiwake/ of the git directory are expected to be SQLite files of ours',
    {
      hint: 'Remove those that end in .db while no other command runs, then try again: they hold no data.',
      cause,
    },
  )
}
