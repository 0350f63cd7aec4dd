/** Reads a file of somebody else's: bounded, regular files only, never blocked by a pipe, never a throw. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { systemCode } from '../../errors.ts'

export type BoundedRead =
  | { readonly state: 'read'; readonly bytes: Buffer; readonly mode: number }
  | { readonly state: 'absent' }
  | { readonly state: 'unusable'; readonly reason: 'not_a_file' | 'too_large' | 'unreadable' }

type Options = {
  /** False refuses a symbolic link as the last component. */
  readonly followLink: boolean
}

// Windows has neither flag.
const NO_FOLLOW = constants.O_NOFOLLOW ?? 0
const NO_BLOCK = constants.O_NONBLOCK ?? 0

/** The bytes of `path` if it is a regular file of at most `sizeMaxBytes`. */
export function readBounded(path: string, sizeMaxBytes: number, options: Options): BoundedRead {
  let fd: number
  try {
    const flags = constants.O_RDONLY | NO_BLOCK | (options.followLink ? 0 : NO_FOLLOW)
    fd = openSync(path, flags)
  } catch (error) {
    return unopened(error)
  }
  try {
    const stats = fstatSync(fd)
    if (!stats.isFile()) return { state: 'unusable', reason: 'not_a_file' }
    if (stats.size > sizeMaxBytes) return { state: 'unusable', reason: 'too_large' }
    const bytes = readAll(fd, stats.size, sizeMaxBytes)
    if (bytes === null) return { state: 'unusable', reason: 'too_large' }
    return { state: 'read', bytes, mode: stats.mode & 0o777 }
  } catch {
    return { state: 'unusable', reason: 'unreadable' }
  } finally {
    closeSync(fd)
  }
}

/** The text of such a file, or null where there is none to use. */
export function readText(
  path: string,
  sizeMaxBytes: number,
  options: Options = { followLink: true },
): string | null {
  const read = readBounded(path, sizeMaxBytes, options)
  return read.state === 'read' ? read.bytes.toString('utf8') : null
}

/** The text of a small file of git's, without trailing white space, or null where there is none to use. */
export function readGitText(path: string, sizeMaxBytes: number): string | null {
  return readText(path, sizeMaxBytes)?.trimEnd() ?? null
}

function unopened(error: unknown): BoundedRead {
  const code = systemCode(error)
  if (code === 'ENOENT' || code === 'ENOTDIR') return { state: 'absent' }
  if (code === 'ELOOP' || code === 'ENXIO') return { state: 'unusable', reason: 'not_a_file' }
  return { state: 'unusable', reason: 'unreadable' }
}

// The file may grow while it is read, so the size that stat gave is only a start.
function readAll(fd: number, sizeBytes: number, sizeMaxBytes: number): Buffer | null {
  let buffer = Buffer.alloc(Math.min(sizeBytes, sizeMaxBytes) + 1)
  let length = 0
  for (;;) {
    const count = readSync(fd, buffer, length, buffer.length - length, null)
    if (count === 0) return buffer.subarray(0, length)
    length += count
    if (length > sizeMaxBytes) return null
    if (length === buffer.length) {
      buffer = Buffer.concat([buffer, Buffer.alloc(Math.min(buffer.length, sizeMaxBytes) + 1)])
    }
  }
}
