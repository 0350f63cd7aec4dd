/**
 * Changes the configuration of a repository so that a power cut leaves it old or new. Git itself syncs it at no time: it edits a
 * copy here, which is fsynced before it takes the file's place, under git's own lock.
 */
import { COPYFILE_EXCL } from 'node:constants'
import { chmodSync, copyFileSync, linkSync, lstatSync } from 'node:fs'
import { realpathSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { GitError, systemCode } from '../../errors.ts'
import { readBounded } from '../files/bounded-file.ts'
import {
  createDurably,
  discard,
  leftoversOf,
  sweepLeftovers,
  syncFile,
  syncFolder,
  temporaryBeside,
} from '../files/durable-file.ts'
import { CONFIG_SIZE_MAX_BYTES } from './git-config.ts'
import { runGit } from './native-git.ts'
import { asProjectError } from '../files/replace-file.ts'
import type { Repository } from '../types.ts'

/** By key, the one value that it shall have; null where it shall have none. */
export type GitSettings = Readonly<Record<string, string | null>>

/** Git says so where a key that is to be taken away isn't there. */
const NOT_THERE = 5
/** How often others may change the file meanwhile. */
const TRIES_MAX = 5

/**
 * All of them or none, and what others change meanwhile stays. To be called under a lock of the repository, after `healGitConfig`.
 *
 * @throws GitError GIT_MISSING, GIT_TIMEOUT, GIT_FAILED (retryable); ProjectError REPOSITORY_READ_ONLY, WRITE_FAILED
 */
export async function editGitConfig(
  { commonDir, worktree }: Pick<Repository, 'commonDir' | 'worktree'>,
  settings: GitSettings,
): Promise<void> {
  try {
    const path = realpathSync(join(commonDir, 'config'))
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      if (await tryEdit(path, worktree, settings)) return
    }
  } catch (error) {
    throw error instanceof GitError ? error : asProjectError(error)
  }
  throw refused()
}

/** Takes away what dead callers left, their lock too; git's own, and anybody else's, stays. @throws the system's own errors */
export function healGitConfig({ commonDir }: Pick<Repository, 'commonDir'>): void {
  const path = realpathSync(join(commonDir, 'config'))
  const lock = `${path}.lock`
  if (leftoversOf(path).some((left) => isSame(left, lock))) rmSync(lock, { force: true })
  sweepLeftovers(path)
}

/** False where somebody else changed the file meanwhile. */
async function tryEdit(path: string, cwd: string, settings: GitSettings): Promise<boolean> {
  const before = read(path)
  const copy = temporaryBeside(path)
  try {
    createDurably(copy, { text: before.bytes, mode: before.mode })
    // What a umask takes away, git gives back, too.
    chmodSync(copy, before.mode)
    for (const [key, value] of Object.entries(settings)) await set(copy, cwd, key, value)
    syncFile(copy)
    const lock = `${path}.lock`
    if (!take(copy, lock)) throw refused()
    let isHeld = true
    try {
      if (!read(path).bytes.equals(before.bytes)) return false
      renameSync(lock, path)
      isHeld = false
    } finally {
      if (isHeld) rmSync(lock, { force: true })
    }
    syncFolder(dirname(path))
    return true
  } finally {
    discard(copy)
  }
}

async function set(file: string, cwd: string, key: string, value: string | null): Promise<void> {
  const change = value === null ? ['--unset-all', key] : [key, value]
  const { code } = await runGit(['config', '--file', file, ...change], { cwd })
  if (code !== 0 && !(value === null && code === NOT_THERE)) throw refused()
}

function read(path: string): { readonly bytes: Buffer; readonly mode: number } {
  const file = readBounded(path, CONFIG_SIZE_MAX_BYTES, { followLink: false })
  if (file.state !== 'read') throw refused()
  return file
}

// A link, so that the next caller can tell whose lock it is. Where none can be made, nobody can tell, as of git's own.
function take(copy: string, lock: string): boolean {
  try {
    linkSync(copy, lock)
    return true
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false
  }
  try {
    copyFileSync(copy, lock, COPYFILE_EXCL)
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false
    throw error
  }
  syncFile(lock)
  return true
}

function isSame(one: string, other: string): boolean {
  const [first, second] = [one, other].map((path) => lstatSync(path, { throwIfNoEntry: false }))
  if (first === undefined || second === undefined) return false
  return first.ino === second.ino && first.dev === second.dev
}

function refused(): GitError {
  return new GitError('GIT_FAILED', 'git did not change its configuration', {
    hint: 'Check that .git/config may be written and that .git/config.lock is not left over.',
    retryable: true,
  })
}
