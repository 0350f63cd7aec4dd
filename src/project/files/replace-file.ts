/** Replaces a file of the repository durably, so that a planted link catches nothing. */
import { closeSync, constants, existsSync, openSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { ProjectError, systemCode } from '../../errors.ts'
import { replaceDurably, syncFolder } from './durable-file.ts'
import type { Content } from './durable-file.ts'
import { makeFolders } from './make-folders.ts'
import { noFolder, pathWithoutLinks } from './safe-path.ts'

type Target = {
  readonly root: string
  /** Folders below `root`, made where they are missing. */
  readonly folders: readonly string[]
  readonly name: string
}

/**
 * Writes beside the target, fsyncs, renames, fsyncs the folder. Answers whether the file was
 * replaced.
 *
 * @throws ProjectError PATH_REFUSED, PATH_TOO_LONG, REPOSITORY_READ_ONLY, WRITE_FAILED
 */
export function replaceFile(target: Target, content: Content): boolean {
  const folder = pathWithoutLinks(target.root, target.folders)
  pathWithoutLinks(folder, [target.name])
  try {
    makeDurably(target.root, target.folders)
    return inFolder(folder, (base) => replaceDurably(join(base, target.name), content))
  } catch (error) {
    throw asProjectError(error)
  }
}

/** The typed error for a write that the system refused. */
export function asProjectError(error: unknown): ProjectError {
  if (error instanceof ProjectError) return error
  const code = systemCode(error)
  // What the system did not refuse is a bug, or a broken installation, and keeps its own words.
  if (code === null) throw error
  if (/^(?:EACCES|EPERM|EROFS|SQLITE_(?:READONLY|CANTOPEN).*)$/.test(code)) {
    return new ProjectError('REPOSITORY_READ_ONLY', 'the repository is expected to be writable', {
      hint: 'Check the permissions and the owner of the checkout and of its git directory.',
      cause: error,
    })
  }
  if (code === 'ENAMETOOLONG') return pathTooLong(error)
  if (code === 'ENOTDIR' || code === 'EEXIST') {
    return noFolder(
      'Move away the file that stands in the place of .kittify or a folder in it.',
      error,
    )
  }
  return new ProjectError('WRITE_FAILED', `writing into the repository failed (${code})`, {
    hint: 'Check the free space and the health of the disk, then try again.',
    cause: error,
    retryable: true,
  })
}

export function pathTooLong(cause: unknown): ProjectError {
  return new ProjectError('PATH_TOO_LONG', 'the path of the repository is too long', {
    hint: 'Move the repository to a folder with a shorter path: files in its git directory have at most 504 bytes.',
    cause,
  })
}

function makeDurably(root: string, folders: readonly string[]): void {
  let parent = root
  for (const folder of folders) {
    const path = join(parent, folder)
    if (!existsSync(path)) {
      makeFolders(path)
      syncFolder(parent)
    }
    parent = path
  }
}

// On Linux the work is done through the open folder, so that a link swapped in meanwhile is not
// followed.
function inFolder<T>(folder: string, work: (base: string) => T): T {
  if (process.platform !== 'linux' || !existsSync('/proc/self/fd')) return work(folder)
  const fd = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  try {
    const base = `/proc/self/fd/${fd}`
    if (realpathSync(base) !== folder) {
      throw new ProjectError('PATH_REFUSED', 'the folder changed its place while it was written to')
    }
    return work(base)
  } finally {
    closeSync(fd)
  }
}
