/** The bytes of a ledger file, from inside the worktree and nowhere else. */
import { constants } from 'node:fs'
import type { BigIntStats } from 'node:fs'
import { lstat, open, realpath } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { systemCode } from '../../errors.ts'
import { CommitDeferral } from './deferral.ts'

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

/** Throws CommitDeferral `path_refused` for all that is not a regular file at a plain path of the worktree. */
export async function readWorktreeFile(worktree: string, path: string): Promise<WorktreeFile> {
  const names = path.split('/')
  if (path.length > MAX_PATH_LENGTH || names.some((name) => REFUSED_NAME.test(name))) {
    throw refused('A path of the ledger is not a plain path inside the worktree.')
  }
  const absolute = join(worktree, ...names)
  await refuseForeignFolders(worktree, names.slice(0, -1))
  const handle = await openRegular(absolute)
  try {
    const read = await readStable(handle)
    const folder = await realpath(dirname(absolute))
    if (folder !== dirname(absolute)) throw refused('A folder of the ledger is a symbolic link.')
    return { path, ...read }
  } finally {
    await handle.close()
  }
}

async function refuseForeignFolders(worktree: string, names: readonly string[]): Promise<void> {
  let folder = worktree
  for (const name of names) {
    folder = join(folder, name)
    const state = await lstat(folder).catch(() => null)
    if (state?.isDirectory() !== true) {
      throw refused('A folder of the ledger is missing, or is not a folder.')
    }
    if ((await lstat(join(folder, '.git')).catch(() => null)) !== null) {
      throw refused('A folder of the ledger is a repository of its own.')
    }
  }
}

/** A symbolic link is not followed, and a pipe is not waited for. */
async function openRegular(path: string): Promise<FileHandle> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  const handle = await open(path, flags).catch((error: unknown) => {
    const code = systemCode(error)
    if (code === 'ENOENT' || code === 'ELOOP' || code === 'ENXIO' || code === 'ENOTDIR') {
      throw refused('A file of the ledger is missing, or is not a regular file.')
    }
    throw error
  })
  const state = await handle.stat()
  if (state.isFile() && state.size <= MAX_FILE_BYTES) return handle
  await handle.close()
  throw refused('A file of the ledger is not a regular file, or is too large.')
}

/** Reads until nothing was written meanwhile; the index must describe the very bytes that are committed. */
async function readStable(handle: FileHandle): Promise<{ bytes: Buffer; stats: BigIntStats }> {
  let before = await handle.stat({ bigint: true })
  for (let reads = 0; reads < MAX_READS; reads += 1) {
    const bytes = await readBytes(handle, Number(before.size))
    const after = await handle.stat({ bigint: true })
    const same = after.size === before.size && after.mtimeNs === before.mtimeNs
    if (same && BigInt(bytes.length) === after.size) return { bytes, stats: after }
    before = after
  }
  throw new CommitDeferral(
    'io_error',
    'A file of the ledger changes all the time while it is read.',
  )
}

async function readBytes(handle: FileHandle, size: number): Promise<Buffer> {
  const bytes = Buffer.alloc(Math.min(size, MAX_FILE_BYTES))
  let filled = 0
  while (filled < bytes.length) {
    const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return bytes.subarray(0, filled)
}

function refused(message: string): CommitDeferral {
  return new CommitDeferral('path_refused', message)
}
