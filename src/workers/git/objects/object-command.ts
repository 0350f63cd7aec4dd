/**
 * How git's plumbing is run on objects: in this repository and no other, by no configuration but the repository's own, and
 * with no way to a network. What such a run could start, a filter, a pager, a fetch, is turned off here or not asked for.
 */
import { devNull } from 'node:os'
import { basename, dirname } from 'node:path'
import type { Command } from '../../../project/bounded-run.ts'
import { GitError } from '../../../errors.ts'
import { gitCommand, runGit } from '../../../project/git/native-git.ts'
import type { GitOptions, GitOutcome } from '../../../project/git/native-git.ts'
import { CommitDeferral } from '../deferral.ts'

/** What differs between runs. */
export type More = Pick<GitOptions, 'input' | 'timeoutMs' | 'isGroup' | 'variables' | 'config'>

const VARIABLES = {
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: devNull,
  // An object that is missing in a partial clone is not fetched by the way: no name stands for a protocol.
  GIT_ALLOW_PROTOCOL: 'none',
  GIT_NO_LAZY_FETCH: '1',
  GIT_NO_REPLACE_OBJECTS: '1',
} as const
/** An object has its name only once it is durable; the older name of it, too. */
const CONFIG = { 'core.fsync': 'loose-object', 'core.fsyncObjectFiles': 'true' } as const

/** For a process that is talked to. @throws GitError GIT_MISSING. */
export function objectCommand(commonDir: string, args: readonly string[]): Command {
  const { argv, options } = prepare(commonDir, args, {})
  return gitCommand(argv, options)
}

/** @throws GitError as `runGit` does. */
export async function runOnObjects(
  commonDir: string,
  args: readonly string[],
  more: More,
): Promise<GitOutcome> {
  const { argv, options } = prepare(commonDir, args, more)
  return runGit(argv, options)
}

/** The folder that such runs begin in; what is named relative to it may stand anywhere in the repository. */
export function startOf(commonDir: string): string {
  return basename(commonDir) === '.git' ? dirname(commonDir) : commonDir
}

/** The reason to defer where git can't be run, or not to its end; anything else as it is. */
export function withoutGit(error: unknown): unknown {
  if (!(error instanceof GitError)) return error
  if (error.code === 'GIT_MISSING') {
    const message = 'This repository is read and written by git, which is not found. Install git.'
    return new CommitDeferral('repository_unsupported', message, error)
  }
  const isCut = error.code === 'GIT_TIMEOUT' || error.code === 'GIT_VERBOSE'
  return isCut ? new CommitDeferral('io_error', `${error.message}. Try again.`, error) : error
}

function prepare(
  commonDir: string,
  args: readonly string[],
  more: More,
): { argv: readonly string[]; options: GitOptions } {
  const cwd = startOf(commonDir)
  // Said outright, so that neither a configured worktree nor a repository in between leads away.
  const argv = [`--git-dir=${commonDir}`, `--work-tree=${cwd}`, ...args]
  const variables = { ...VARIABLES, ...more.variables }
  return { argv, options: { ...more, cwd, variables, config: { ...CONFIG, ...more.config } } }
}
