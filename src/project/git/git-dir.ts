/** Recognises git directories, and follows a `.git` file to the one it names. */
import { accessSync, constants, realpathSync, statSync } from 'node:fs'
import { isAbsolute, join, resolve } from 'node:path'
import { ProjectError, systemCode } from '../../errors.ts'
import { readBounded, readGitText } from '../files/bounded-file.ts'

const POINTER_SIZE_MAX_BYTES = 16 * 1024

/**
 * The git directory of a folder that has one at `.git`, else null.
 *
 * @throws ProjectError REPOSITORY_UNREADABLE
 */
export function gitDirIn(folder: string): string | null {
  const path = join(folder, '.git')
  const kind = kindOf(path)
  if (kind === 'other') return null
  if (kind === 'directory') {
    const gitDir = realpathSync(path)
    if (isGitDir(gitDir)) return gitDir
    if (canRead(gitDir)) return null
    throw unreadable('the folder .git')
  }
  const read = readBounded(path, POINTER_SIZE_MAX_BYTES, { followLink: true })
  if (read.state !== 'read') throw unreadable('the file .git')
  const target = pointedTo(read.bytes.toString('utf8'))
  if (target === null) throw unreadable('the file .git')
  return realGitDir(isAbsolute(target) ? target : resolve(folder, target))
}

/** Where a `.git` file points; null where it doesn't. A path may hold line ends, but not end in one. */
export function pointedTo(text: string): string | null {
  return /^gitdir: ([\s\S]+?)[\r\n]*$/.exec(text)?.[1] ?? null
}

function kindOf(path: string): 'directory' | 'file' | 'other' {
  try {
    const stats = statSync(path)
    if (stats.isDirectory()) return 'directory'
    return stats.isFile() ? 'file' : 'other'
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'other'
    throw unreadable('.git')
  }
}

/** The real path of a git directory. @throws ProjectError REPOSITORY_UNREADABLE */
export function realGitDir(path: string): string {
  try {
    const gitDir = realpathSync(path)
    if (isGitDir(gitDir)) return gitDir
  } catch {
    // The answer below is the same for a folder that is gone and for one that is no git directory.
  }
  throw unreadable('the git directory that .git points to', WORKTREE_HINT)
}

const WORKTREE_HINT =
  'After a move, run `git worktree repair` in the main checkout; for a submodule, ' +
  '`git submodule update --init`.'

/** Whether git would take this folder as a git directory. */
export function isGitDir(path: string): boolean {
  const head = readGitText(join(path, 'HEAD'), POINTER_SIZE_MAX_BYTES)
  if (head === null || !/^(?:ref:\s*refs\/|[0-9a-f]{40})/.test(head)) return false
  // The git directory of a linked worktree borrows objects and refs from the common one.
  if (readGitText(join(path, 'commondir'), POINTER_SIZE_MAX_BYTES) !== null) return true
  return isDirectory(join(path, 'objects')) && isDirectory(join(path, 'refs'))
}

export function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}

function canRead(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.X_OK)
    const head = readBounded(join(path, 'HEAD'), POINTER_SIZE_MAX_BYTES, { followLink: true })
    return head.state !== 'unusable' || head.reason !== 'unreadable'
  } catch {
    return false
  }
}

export function unreadable(what: string, hint?: string): ProjectError {
  return new ProjectError('REPOSITORY_UNREADABLE', `${what} can't be read as git's`, {
    hint: hint ?? 'Check its permissions and owner; `git status` tells more.',
  })
}
