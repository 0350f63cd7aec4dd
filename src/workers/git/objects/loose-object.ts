/** The file that holds one object, and what is said of an object that can't be had. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inflateSync } from 'node:zlib'
import { hashOf } from '../../../project/git/object-id.ts'
import { isPartialClone } from '../../../project/git/repository-format.ts'
import { CommitDeferral } from '../deferral.ts'
import type { RawObject } from './object-store.ts'

export function loosePath(commonDir: string, oid: string): string {
  return join(commonDir, 'objects', oid.slice(0, 2), oid.slice(2))
}

/** Whether a file is this object, whole: a crash of another writer can leave an empty one under its name. */
export function isWhole(path: string, oid: string): boolean {
  return contentOf(path, oid) !== null
}

/** Null where the object has no file of its own, or one that is damaged. */
export function readLoose(commonDir: string, oid: string): RawObject | null {
  const content = contentOf(loosePath(commonDir, oid), oid)
  if (content === null) return null
  const header = content.indexOf(0)
  const type = content.toString('latin1', 0, content.indexOf(0x20))
  return { type, bytes: content.subarray(header + 1) }
}

/** Checked by its name, header included. */
function contentOf(path: string, oid: string): Buffer | null {
  try {
    const content = inflateSync(readFileSync(path))
    return createHash(hashOf(oid)).update(content).digest('hex') === oid ? content : null
  } catch {
    return null
  }
}

/** An object that the repository ought to have. */
export function missing(commonDir: string): CommitDeferral {
  const message = isPartialClone(commonDir)
    ? 'An object of the branch was not fetched, as this is a partial clone. Run `git fetch --refetch --no-filter`.'
    : 'An object of the branch is not in this repository. Fetch it, or run git fsck.'
  return new CommitDeferral('repository_unsupported', message)
}

export function unreadable(cause?: unknown): CommitDeferral {
  const message = 'An object of the branch can not be read. Run git fsck and repair the repository.'
  return new CommitDeferral('io_error', message, cause)
}
