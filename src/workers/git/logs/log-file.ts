/** The file of one append-only log: a regular file in real folders inside its worktree, never larger than its bound. */
import { constants } from 'node:fs'
import type { Stats } from 'node:fs'
import { lstat, open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { GitError, systemCode } from '../../../errors.ts'
import type { DurableFs, OnStep } from '../disk/durable-fs.ts'

export type LogPlace = {
  /** Real path; the log never leaves it. */
  readonly worktree: string
  /** Absolute path of the log. */
  readonly path: string
  /** Names the side files of this log. */
  readonly mission: string
  readonly fs: DurableFs
  readonly onStep: OnStep
  /** Called when an unfinished last line has its side file. */
  readonly onTorn: () => void
}

/** The largest log that is read or extended. */
export const LOG_BYTES_MAX = 64 * 1024 * 1024

// Windows has neither flag; `lstat` has looked before.
const FLAGS = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
const READ = constants.O_RDONLY
const APPEND = constants.O_RDWR | constants.O_APPEND

/** The log, or null where there is none. @throws GitError LEDGER_PATH_UNSAFE, LEDGER_TOO_LARGE. */
export async function readLog(place: LogPlace): Promise<Buffer | null> {
  if (!(await isFolderSafe(place))) return null
  const handle = await openLog(place, READ)
  if (handle === null) return null
  try {
    return await handle.readFile()
  } finally {
    await handle.close()
  }
}

/** For reading and appending; null where there is none. */
export async function openForAppend(place: LogPlace): Promise<FileHandle | null> {
  return (await isFolderSafe(place)) ? openLog(place, APPEND) : null
}

/** Makes the log and its folders where they are missing, one real folder at a time. */
export async function createLog(place: LogPlace): Promise<void> {
  if ((await isFolderSafe(place)) && (await stateOf(place.path)) !== null) return
  if ((await stateOf(place.worktree)) === null) {
    throw new GitError('WORKTREE_MISSING', 'The worktree of the mission is gone.', {
      hint: 'Restore it with git worktree, then run the command again.',
    })
  }
  for (const folder of foldersOf(place)) {
    await place.fs.makeDirectory(folder)
    await place.fs.syncDirectory(dirname(folder))
  }
  place.onStep('create', place.path)
  const handle = await open(place.path, 'wx').catch((error: unknown) => {
    throw writeFailed(error)
  })
  await handle.close()
}

async function isFolderSafe(place: LogPlace): Promise<boolean> {
  for (const folder of foldersOf(place)) {
    const state = await stateOf(folder)
    if (state === null) return false
    if (!state.isDirectory()) throw unsafePath()
  }
  return true
}

function foldersOf({ worktree, path }: LogPlace): string[] {
  const between = relative(worktree, dirname(path)).split(sep)
  if (between.includes('..') || between.includes('')) throw unsafePath()
  return between.map((_, index) => join(worktree, ...between.slice(0, index + 1)))
}

async function openLog({ path }: LogPlace, mode: number): Promise<FileHandle | null> {
  const state = await stateOf(path)
  if (state === null) return null
  if (!state.isFile()) throw unsafePath()
  const handle = await open(path, mode | FLAGS).catch((error: unknown) => {
    if (systemCode(error) === 'ELOOP' || systemCode(error) === 'ENXIO') throw unsafePath()
    throw writeFailed(error)
  })
  const opened = await handle.stat()
  // What is added to a file with a second name is added to whatever has that name, and that may lie anywhere.
  const isOurs = opened.isFile() && (mode === READ || opened.nlink === 1)
  if (isOurs && opened.size <= LOG_BYTES_MAX) return handle
  await handle.close()
  throw isOurs ? logTooLarge() : unsafePath()
}

async function stateOf(path: string): Promise<Stats | null> {
  try {
    return await lstat(path)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null
    if (systemCode(error) === 'ENOTDIR') throw unsafePath()
    throw writeFailed(error)
  }
}

export function unsafePath(): GitError {
  return new GitError(
    'LEDGER_PATH_UNSAFE',
    'A log must be a regular file in real folders inside the worktree.',
    {
      hint: 'Replace the symbolic link, hard link or special file on its way by a plain file or folder.',
    },
  )
}

export function logTooLarge(): GitError {
  return new GitError('LEDGER_TOO_LARGE', `A log has at most ${LOG_BYTES_MAX} bytes.`, {
    hint: 'Go on in a new mission.',
  })
}

export function writeFailed(cause: unknown): GitError {
  const code = systemCode(cause)
  const detail = code === null ? '' : ` (${code})`
  return new GitError('LEDGER_WRITE_FAILED', `The disk refused the log${detail}.`, {
    hint: 'Free space or check permissions and the disk, then run the command again.',
    cause,
    retryable: true,
  })
}
