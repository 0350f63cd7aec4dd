/** The bytes of a ledger file, from inside the worktree and nowhere else. */
import { closeSync, constants, fstatSync, openSync, readSync, realpathSync } from 'node:fs'
import type { BigIntStats } from 'node:fs'
import { dirname, join } from 'node:path'
import { systemCode } from '../../../errors.ts'
import { CommitDeferral } from '../deferral.ts'
import { stateOrNull } from './path-state.ts'

export type WorktreeFile = {
  readonly path: string
  readonly bytes: Buffer
  readonly stats: BigIntStats
}

const MAX_FILE_BYTES = 256 * 1024 * 1024
const MAX_PATH_LENGTH = 1024
const MAX_READS = 5
/** What git or a file system of another kind would take for something else. */
const REFUSED_NAME = /^(?:\.{0,2}|\.git|git~\d+|.*[\p{Cc}\\:].*|.*[. ])$/iu

/** @throws CommitDeferral `path_refused` for all that is not a regular file at a plain path of the worktree. */
export function readWorktreeFile(worktree: string, path: string): WorktreeFile {
  const names = path.split('/')
  if (path.length > MAX_PATH_LENGTH || names.some((name) => REFUSED_NAME.test(name))) {
    throw refused('A path of the ledger is not a plain path inside the worktree.')
  }
  const absolute = join(worktree, ...names)
  refuseForeignFolders(worktree, names.slice(0, -1))
  const { bytes, stats } = readRegular(absolute)
  if (realpathSync(dirname(absolute)) !== dirname(absolute)) {
    throw refused('A folder of the path is a symbolic link.')
  }
  return { path, bytes, stats }
}

/** @throws CommitDeferral `path_refused` where a folder is missing, is none, or is a repository of its own. */
export function refuseForeignFolders(worktree: string, names: readonly string[]): void {
  let folder = worktree
  for (const name of names) {
    folder = join(folder, name)
    if (stateOrNull(folder)?.isDirectory() !== true) {
      throw refused('A folder of the path is missing, or is not a folder.')
    }
    if (stateOrNull(join(folder, '.git')) !== null) {
      throw refused('A folder of the path is a repository of its own.')
    }
  }
}

/** The bytes of a regular file, with what the index shall say of them. A link is not followed, a pipe not waited for. */
export function readRegular(path: string): { readonly bytes: Buffer; readonly stats: BigIntStats } {
  const fd = openRegular(path)
  try {
    return readStable(fd)
  } finally {
    closeSync(fd)
  }
}

function openRegular(path: string): number {
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOENT' || code === 'ELOOP' || code === 'ENXIO' || code === 'ENOTDIR') {
      throw refused('A file of the path is missing, or is not a regular file.')
    }
    throw error
  }
  const state = fstatSync(fd)
  if (state.isFile() && state.size <= MAX_FILE_BYTES) return fd
  closeSync(fd)
  throw refused('A file of the path is not a regular file, or is too large.')
}

/** Reads until nothing was written meanwhile; the index must describe the very bytes that are committed. */
function readStable(fd: number): { bytes: Buffer; stats: BigIntStats } {
  let before = fstatSync(fd, { bigint: true })
  for (let reads = 0; reads < MAX_READS; reads += 1) {
    const bytes = readBytes(fd, Number(before.size))
    const after = fstatSync(fd, { bigint: true })
    const same = after.size === before.size && after.mtimeNs === before.mtimeNs
    if (same && BigInt(bytes.length) === after.size) return { bytes, stats: after }
    before = after
  }
  throw new CommitDeferral('io_error', 'A file changes all the time while it is read.')
}

function readBytes(fd: number, size: number): Buffer {
  const bytes = Buffer.alloc(Math.min(size, MAX_FILE_BYTES))
  let filled = 0
  while (filled < bytes.length) {
    const count = readSync(fd, bytes, filled, bytes.length - filled, filled)
    if (count === 0) break
    filled += count
  }
  return bytes.subarray(0, filled)
}

export function refused(message: string): CommitDeferral {
  return new CommitDeferral('path_refused', message)
}
