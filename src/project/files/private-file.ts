/** A file that only its owner may read: replaced as a whole or not at all, and never read through a link. */
import * as fs from 'node:fs'
import { dirname } from 'node:path'
import { replaceDurably, sweepLeftovers, syncFolder } from './durable-file.ts'

/** Older than this, a temporary file belongs to a process that died. */
const TEMPORARY_AGE_MAX_MS = 60_000
const IS_POSIX = process.platform !== 'win32'
// Neither a link nor a pipe in the file's place may lead us elsewhere or hold us up.
const READ_FLAGS =
  fs.constants.O_RDONLY | (fs.constants.O_NOFOLLOW ?? 0) | (fs.constants.O_NONBLOCK ?? 0)

export type PrivateReading =
  | { readonly state: 'read'; readonly text: string }
  /** Others may read it, so that it is no secret any more. */
  | { readonly state: 'too_open' }
  | { readonly state: 'not_a_small_file' }

/** @throws the system's own errors, `ENOENT` among them */
export function readPrivateFile(path: string, bytesMax: number): PrivateReading {
  // One descriptor for the check and the read, so that the file can't be exchanged in between.
  const descriptor = fs.openSync(path, READ_FLAGS)
  try {
    const stat = fs.fstatSync(descriptor)
    if (!stat.isFile() || stat.size > bytesMax) return { state: 'not_a_small_file' }
    if (IS_POSIX && (stat.mode & 0o077) !== 0) return { state: 'too_open' }
    return { state: 'read', text: fs.readFileSync(descriptor, 'utf8') }
  } finally {
    fs.closeSync(descriptor)
  }
}

/**
 * As `readPrivateFile`, of a file that somebody named: a link is followed, and what is another user's, root's as a rule, may be
 * readable by a group, since that is how this user gets to read it.
 *
 * @throws the system's own errors
 */
export function readNamedSecret(path: string, bytesMax: number): PrivateReading {
  const descriptor = fs.openSync(path, fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0))
  try {
    const stat = fs.fstatSync(descriptor)
    if (!stat.isFile() || stat.size > bytesMax) return { state: 'not_a_small_file' }
    const open = stat.uid === process.getuid?.() ? 0o077 : 0o037
    if (IS_POSIX && (stat.mode & open) !== 0) return { state: 'too_open' }
    return { state: 'read', text: fs.readFileSync(descriptor, 'utf8') }
  } finally {
    fs.closeSync(descriptor)
  }
}

/** True where others than the owner may put files into the directory. */
export function isOpenToWriters(directory: string): boolean {
  return IS_POSIX && (fs.statSync(directory).mode & 0o022) !== 0
}

/**
 * Replaces it by a file of mode 0600.
 *
 * @throws the system's own errors; then the old file stands
 */
export function replacePrivateFile(path: string, text: string): void {
  sweepLeftovers(path, TEMPORARY_AGE_MAX_MS)
  replaceDurably(path, { text, mode: 0o600 })
}

/** Removes the file and every temporary one beside it; true where the file was there. */
export function removePrivateFile(path: string): boolean {
  if (!fs.existsSync(dirname(path))) return false
  sweepLeftovers(path)
  const wasThere = fs.lstatSync(path, { throwIfNoEntry: false }) !== undefined
  fs.rmSync(path, { force: true })
  syncFolder(dirname(path))
  return wasThere
}
