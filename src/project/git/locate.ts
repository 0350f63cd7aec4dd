/**
 * Finds the repository around a folder by reading git's files; no process is started, nothing is
 * written.
 */
import { realpathSync, statSync } from 'node:fs'
import { basename, dirname, join, parse, resolve } from 'node:path'
import { ProjectError, systemCode } from '../../errors.ts'
import { readGitText } from '../files/bounded-file.ts'
import { gitBoolean, lastValue, readGitConfig, readGitConfigFile } from './git-config.ts'
import { gitDirIn, isDirectory, isGitDir, realGitDir, unreadable } from './git-dir.ts'
import { pathTooLong } from '../files/replace-file.ts'
import type { Repository } from '../types.ts'

type Found = {
  /** The folder that holds `.git`. */
  readonly folder: string
  readonly gitDir: string
}

const POINTER_SIZE_MAX_BYTES = 16 * 1024

/**
 * The repository that `cwd` stands in. From a linked worktree, `root` is the main checkout; a
 * submodule is a repository of its own.
 *
 * @throws ProjectError NOT_A_REPOSITORY, PATH_NOT_UTF8, PATH_TOO_LONG, BARE_REPOSITORY, REPOSITORY_UNREADABLE
 */
export async function locateRepository(cwd: string): Promise<Repository> {
  const found = findGitDir(realFolder(cwd))
  const pointer = readGitText(join(found.gitDir, 'commondir'), POINTER_SIZE_MAX_BYTES)
  if (pointer === null) {
    const root = mainCheckout(found.gitDir, found.folder)
    return { root, worktree: root, gitDir: found.gitDir, commonDir: found.gitDir }
  }
  const commonDir = realGitDir(resolve(found.gitDir, pointer))
  const root = mainCheckout(commonDir, basename(commonDir) === '.git' ? dirname(commonDir) : null)
  return { root, worktree: found.folder, gitDir: found.gitDir, commonDir }
}

/**
 * The git directory that all worktrees share, of a bare repository too: all that reading history needs.
 *
 * @throws ProjectError NOT_A_REPOSITORY, REPOSITORY_UNREADABLE
 */
export async function locateGitDirectory(cwd: string): Promise<string> {
  const gitDir = gitDirAround(realFolder(cwd))
  const pointer = readGitText(join(gitDir, 'commondir'), POINTER_SIZE_MAX_BYTES)
  return pointer === null ? gitDir : realGitDir(resolve(gitDir, pointer))
}

function gitDirAround(start: string): string {
  const { root } = parse(start)
  for (let folder = start; ; folder = dirname(folder)) {
    const gitDir = isGitDir(folder) ? folder : gitDirIn(folder)
    if (gitDir !== null) return gitDir
    if (folder === root) throw notARepository()
  }
}

function realFolder(cwd: string): string {
  try {
    const path = realpathSync(resolve(cwd))
    return statSync(path).isDirectory() ? path : dirname(path)
  } catch (error) {
    // What Node could not decode stands as this character, and is found no more.
    if (cwd.includes('\ufffd') && systemCode(error) === 'ENOENT') throw notUtf8()
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') throw notARepository()
    if (systemCode(error) === 'ENAMETOOLONG') throw pathTooLong(error)
    throw unreadable('the folder')
  }
}

function findGitDir(start: string): Found {
  const { root } = parse(start)
  for (let folder = start; ; folder = dirname(folder)) {
    const gitDir = gitDirIn(folder)
    if (gitDir !== null) return { folder, gitDir }
    // Without `.git`, a folder that looks like a git directory is a bare one, or the inside of
    // `.git`.
    if (isGitDir(folder)) throw bare()
    if (folder === root) throw notARepository()
  }
}

// `core.worktree` counts for the main checkout only; a linked worktree is where its `.git` file
// stands.
function mainCheckout(commonDir: string, folder: string | null): string {
  const shared = readGitConfig(commonDir)
  const split = gitBoolean(lastValue(shared, 'extensions.worktreeconfig')) === true
  const own = split ? readGitConfigFile(join(commonDir, 'config.worktree')) : []
  const entries = [...shared, ...own]
  if (gitBoolean(lastValue(entries, 'core.bare')) === true) throw bare()
  const configured = lastValue(entries, 'core.worktree')
  const path = configured === null ? folder : resolve(commonDir, configured)
  if (path === null) throw unreadable('the main checkout', 'Run this in the main checkout.')
  try {
    const root = realpathSync(path)
    if (isDirectory(root)) return root
  } catch {
    // Answered below.
  }
  throw unreadable('the main checkout', 'Check `core.worktree` in the configuration of git.')
}

function notARepository(): ProjectError {
  return new ProjectError('NOT_A_REPOSITORY', 'a git repository is expected around this folder', {
    hint: 'Change into a repository, or make one with `git init`.',
  })
}

function notUtf8(): ProjectError {
  return new ProjectError('PATH_NOT_UTF8', 'the path of this folder is expected to be UTF-8', {
    hint: 'Rename the folder whose name is in another encoding.',
  })
}

function bare(): ProjectError {
  return new ProjectError(
    'BARE_REPOSITORY',
    'a checkout is expected; this is a bare repository or the inside of a git directory',
    { hint: 'Change into a checkout of this repository, or make one with `git clone`.' },
  )
}
