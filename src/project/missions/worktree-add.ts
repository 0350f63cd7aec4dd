/** Makes a branch with its linked worktree, and takes both back. */
import {
  appendFileSync,
  closeSync,
  constants,
  existsSync,
  lstatSync,
  openSync,
  readdirSync,
  rmSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { GitError } from '../../errors.ts'
import { readGitText, readText } from '../files/bounded-file.ts'
import { syncFolder } from '../files/durable-file.ts'
import { gitDirIn } from '../git/git-dir.ts'
import { resolveRef } from '../git/git-files.ts'
import { makeFolders } from '../files/make-folders.ts'
import { WORKTREES_FOLDER } from './mission-names.ts'
import { runGit } from '../git/native-git.ts'
import type { GitOptions, GitOutcome } from '../git/native-git.ts'
import { asProjectError } from '../files/replace-file.ts'
import { withRepositoryLock } from '../git/repository-lock.ts'
import { pathWithoutLinks } from '../files/safe-path.ts'
import type { Repository } from '../types.ts'

export type NewWorktree = {
  /** Folder below `.worktrees`. */
  readonly folder: string
  /** Short name; it must not exist yet. */
  readonly branch: string
  /** The commit the branch starts at. */
  readonly oid: string
}

const EXCLUDE_SIZE_MAX_BYTES = 1024 * 1024
const FILTER_LIST_TIMEOUT_MS = 10_000
const ENTRY_SIZE_MAX_BYTES = 16 * 1024
/** What git writes of an entry's way to the rest of the git directory. */
const COMMON = '../..'
/** Git names an entry by the folder, and puts a number behind where there is one already. */
const OWN_ENTRY = /-[0-9A-HJKMNP-TV-Z]{8}-coord\d*$/

/**
 * Makes the branch and its worktree together. Git creates the branch only if it is new, so of two
 * processes that want one name the second is told `taken`.
 *
 * @throws GitError GIT_MISSING, GIT_TIMEOUT, GIT_FAILED, LOCK_UNUSABLE; ProjectError PATH_REFUSED,
 *   REPOSITORY_READ_ONLY, REPOSITORY_BUSY
 */
export async function addWorktree(
  repository: Repository,
  wanted: NewWorktree,
): Promise<'added' | 'taken'> {
  return withRepositoryLock(repository.commonDir, 'worktrees', () => {
    removeHalfEntries(repository.commonDir)
    return add(repository, wanted)
  })
}

/**
 * Takes away what a death in the middle left of entries of ours: git reads the entries of all worktrees, and one without its
 * first lines ends most of its commands. Under the lock, so that whoever was making it is dead.
 */
export function removeHalfEntries(commonDir: string): void {
  const folder = join(commonDir, 'worktrees')
  // What else stands there is for git to refuse.
  const isFolder = lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() === true
  const names = isFolder ? readdirSync(folder) : []
  for (const name of names.filter((one) => OWN_ENTRY.test(one))) {
    const entry = join(folder, name)
    const textOf = (file: string) => readGitText(join(entry, file), ENTRY_SIZE_MAX_BYTES) ?? ''
    const isWhole = textOf('gitdir') !== '' && textOf('HEAD') !== ''
    if (!isWhole || textOf('commondir') !== COMMON) rmSync(entry, { recursive: true, force: true })
  }
}

async function add(
  repository: Repository,
  { folder, branch, oid }: NewWorktree,
): Promise<'added' | 'taken'> {
  const path = pathWithoutLinks(repository.root, [WORKTREES_FOLDER, folder])
  const isTaken = () =>
    existsSync(path) || resolveRef(repository.commonDir, `refs/heads/${branch}`) !== null
  if (isTaken()) return 'taken'
  excludeWorktrees(repository.commonDir)
  const options = await checkoutOptions(repository)
  const args = ['worktree', 'add', '--no-track', '-b', branch, '--', path, oid]
  const outcome = await runGit(args, options).catch(async (error: unknown) => {
    await removeWorktree(repository, { folder, branch, oid }).catch(() => undefined)
    throw error
  })
  if (outcome.code === 0) {
    try {
      removeHeadLock(path)
      syncNames(repository.commonDir, branch)
    } catch (error) {
      await removeWorktree(repository, { folder, branch, oid }).catch(() => undefined)
      throw asProjectError(error)
    }
    return 'added'
  }
  if (/already exists/.test(outcome.stderr)) return 'taken'
  // Git says this right before it makes the branch, which it leaves behind when the rest fails.
  if (/Preparing worktree/.test(outcome.stderr)) {
    await removeWorktree(repository, { folder, branch, oid })
  }
  throw gitFailed(outcome)
}

/**
 * Git counts a checkout as made although the disk lets it not take away its lock of the new HEAD; that would hold up every
 * commit there. Under our lock and right after git has ended: nobody else knows of the worktree.
 */
export function removeHeadLock(worktree: string): void {
  const gitDir = gitDirIn(worktree)
  if (gitDir !== null) rmSync(join(gitDir, 'HEAD.lock'), { force: true })
}

/** Git makes sure of a branch's content, and of none of the folders that lead to it. */
function syncNames(commonDir: string, branch: string): void {
  const heads = join(commonDir, 'refs', 'heads')
  let folder = dirname(join(heads, branch))
  for (; folder.length >= heads.length; folder = dirname(folder)) {
    if (existsSync(folder)) syncFolder(folder)
  }
}

/** Takes back what `addWorktree` made, as long as the branch has not moved. */
export async function removeWorktree(
  repository: Repository,
  { folder, branch, oid }: NewWorktree,
): Promise<void> {
  const path = join(repository.root, WORKTREES_FOLDER, folder)
  const options = { cwd: repository.root }
  await runGit(['worktree', 'remove', '--force', '--', path], options)
  await runGit(['update-ref', '-d', `refs/heads/${branch}`, oid], options)
}

/**
 * How to check out: deaf to the filter programs that a repository's configuration names, which git
 * would run; the ledger needs none. By itself git makes sure of no branch: a power cut would leave an
 * empty file of its name, which every look at the branches stumbles over.
 */
export async function checkoutOptions(repository: Repository): Promise<GitOptions> {
  const cwd = repository.root
  const list = ['config', '-z', '--name-only', '--get-regexp', '^filter\\.']
  const { stdout } = await runGit(list, { cwd, timeoutMs: FILTER_LIST_TIMEOUT_MS })
  const config: Record<string, string> = { 'core.fsync': 'reference' }
  for (const key of stdout.split('\0')) {
    const driver = /^(filter\..+)\.[a-z]+$/s.exec(key)?.[1]
    if (driver === undefined) continue
    for (const name of ['clean', 'smudge', 'process']) config[`${driver}.${name}`] = ''
    config[`${driver}.required`] = 'false'
  }
  return { cwd, config }
}

/** Hides `.worktrees`; never in `.gitignore`, which is the user's: this list is not committed. */
export function excludeWorktrees(commonDir: string): void {
  const path = join(commonDir, 'info', 'exclude')
  const line = `${WORKTREES_FOLDER}/`
  const text = readText(path, EXCLUDE_SIZE_MAX_BYTES) ?? ''
  if (text.split(/\r?\n/).some((entry) => entry === line || entry === `/${line}`)) return
  try {
    makeFolders(join(commonDir, 'info'))
    // A link here leads to a list that the user shares between repositories: not ours to write.
    if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true) return
    const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT
    const fd = openSync(path, flags | (constants.O_NOFOLLOW ?? 0), 0o644)
    try {
      appendFileSync(fd, `${text === '' || text.endsWith('\n') ? '' : '\n'}${line}\n`)
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    throw asProjectError(error)
  }
}

/** The typed error for a git that failed; its own words are not shown. */
export function gitFailed({ code, stderr }: GitOutcome): GitError {
  if (/dubious ownership/.test(stderr)) {
    return new GitError('GIT_FAILED', 'git does not trust the owner of this repository', {
      hint: 'If you do, allow it with `git config --global --add safe.directory <path>`.',
    })
  }
  if (/No space left on device/.test(stderr)) {
    return new GitError('GIT_FAILED', 'git found no space left on the disk', {
      hint: 'Free some space, then run the command again.',
    })
  }
  if (/' exists; cannot create '/.test(stderr)) {
    return new GitError('GIT_FAILED', "a branch stands in the way of the mission's", {
      hint: 'Rename the branch `kitty` with `git branch -m kitty NAME`: git keeps no branch below another.',
    })
  }
  return new GitError('GIT_FAILED', `git worktree ended with exit code ${code}`, {
    hint: 'Run `git worktree list` and `git fsck` in the repository to see what is wrong.',
  })
}
