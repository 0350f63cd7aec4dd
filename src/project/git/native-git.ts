/**
 * Runs the user's git: found by absolute path, without a shell, and deaf to what a repository may
 * plant.
 */
import { accessSync, constants, realpathSync, statSync } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'
import { GitError } from '../../errors.ts'
import { BOOKKEEPER } from '../bookkeeper.ts'
import { runBounded } from '../bounded-run.ts'
import type { Command } from '../bounded-run.ts'
import { isInside } from '../files/safe-path.ts'

export type GitOutcome = {
  /** Exit code; -1 where a signal ended it. */
  readonly code: number
  readonly stdout: string
  /** Untrusted text: never to be shown. */
  readonly stderr: string
}

export type GitOptions = {
  /** Real path of a checkout. */
  readonly cwd: string
  readonly timeoutMs?: number
  readonly env?: NodeJS.ProcessEnv
  /**
   * Configuration on top, by key; values and keys go through the environment, so they may hold any
   * character.
   */
  readonly config?: Readonly<Record<string, string>>
  /** What it reads from its standard input. */
  readonly input?: string
  /** Variables of git's own, over those that every run has. */
  readonly variables?: Readonly<Record<string, string>>
  /** Whatever it starts is ended with it, and has no terminal to ask on. */
  readonly isGroup?: boolean
}

const TIMEOUT_MS = 60_000
// Each could make git run a program, or lead it away from the checkout it was asked about.
const HARDENED = [
  ['core.fsmonitor', 'false'],
  ['core.hooksPath', '/dev/null'],
  ['core.sshCommand', 'false'],
  ['core.pager', 'cat'],
  ['protocol.ext.allow', 'never'],
  ['safe.bareRepository', 'explicit'],
] as const
// The user's own choice of configuration files stays; GIT_DIR, GIT_INDEX_FILE and the like would
// redirect us.
const KEPT_VARIABLES: ReadonlySet<string> = new Set([
  'GIT_CONFIG_GLOBAL',
  'GIT_CONFIG_SYSTEM',
  'GIT_CONFIG_NOSYSTEM',
])

/**
 * Runs git and answers its exit code and output. Pass names of the user's behind `--` or as full
 * refs.
 *
 * @throws GitError GIT_MISSING, GIT_TIMEOUT, GIT_VERBOSE
 */
export async function runGit(args: readonly string[], options: GitOptions): Promise<GitOutcome> {
  const { timeoutMs = TIMEOUT_MS, input = '', isGroup = false } = options
  const end = await runBounded(gitCommand(args, options), { timeoutMs, input, isGroup })
  switch (end.state) {
    case 'ended':
      return { code: end.code, stdout: end.stdout, stderr: end.stderr }
    case 'overdue':
      throw timeout(timeoutMs)
    case 'verbose':
      throw verbose()
    case 'unstarted':
      throw missing(end.error)
  }
}

/**
 * How git is started: for who talks to it while it runs.
 *
 * @throws GitError GIT_MISSING
 */
export function gitCommand(args: readonly string[], options: GitOptions): Command {
  const { cwd, env = process.env, config = {}, variables = {} } = options
  const program = findGit(env, cwd)
  const hardened = HARDENED.flatMap(([key, value]) => ['-c', `${key}=${value}`])
  return {
    program,
    argv: ['--no-pager', ...hardened, ...args],
    cwd,
    env: { ...gitEnvironment(env, config), ...searchPath(env, cwd), ...variables },
  }
}

/**
 * The environment for git: nothing of `GIT_*` that redirects it, no prompts, messages in English.
 */
export function gitEnvironment(
  env: NodeJS.ProcessEnv,
  config: Readonly<Record<string, string>>,
): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(
    ([name]) => !name.toUpperCase().startsWith('GIT_') || KEPT_VARIABLES.has(name.toUpperCase()),
  )
  const entries = Object.entries(config)
  return {
    ...Object.fromEntries(kept),
    // Git writes who moved a branch into its reflogs, and guesses at names where none is configured.
    GIT_AUTHOR_NAME: BOOKKEEPER.name,
    GIT_AUTHOR_EMAIL: BOOKKEEPER.email,
    GIT_COMMITTER_NAME: BOOKKEEPER.name,
    GIT_COMMITTER_EMAIL: BOOKKEEPER.email,
    GIT_TERMINAL_PROMPT: '0',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_ASKPASS: '',
    SSH_ASKPASS: '',
    LC_ALL: 'C',
    GIT_CONFIG_COUNT: String(entries.length),
    ...Object.fromEntries(
      entries.flatMap(([key, value], i) => [
        [`GIT_CONFIG_KEY_${i}`, key],
        [`GIT_CONFIG_VALUE_${i}`, value],
      ]),
    ),
  }
}

/**
 * The absolute path of git on the search path. Relative entries, and entries inside `cwd`, are
 * passed over: a repository must not bring its own.
 *
 * @throws GitError GIT_MISSING
 */
export function findGit(env: NodeJS.ProcessEnv, cwd: string): string {
  const name = process.platform === 'win32' ? 'git.exe' : 'git'
  const folder = trustedFolders(env, cwd).find((each) => isProgram(join(each, name)))
  if (folder === undefined) throw missing()
  return join(folder, name)
}

/** What git finds other programs by. */
function searchPath(env: NodeJS.ProcessEnv, cwd: string): NodeJS.ProcessEnv {
  const name = env['PATH'] === undefined ? 'Path' : 'PATH'
  return env[name] === undefined ? {} : { [name]: trustedFolders(env, cwd).join(delimiter) }
}

function trustedFolders(env: NodeJS.ProcessEnv, cwd: string): readonly string[] {
  const folders = (env['PATH'] ?? env['Path'] ?? '').split(delimiter)
  return folders.filter((folder) => isAbsolute(folder) && !isInside(cwd, realOrSame(folder)))
}

function realOrSame(folder: string): string {
  try {
    return realpathSync(folder)
  } catch {
    return folder
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

function missing(cause?: unknown): GitError {
  return new GitError('GIT_MISSING', 'git is expected on the search path (PATH)', {
    hint: 'Install git 2.31 or later.',
    cause,
  })
}

function verbose(): GitError {
  return new GitError('GIT_VERBOSE', 'git said more than can be taken in', {
    hint: 'Name fewer files, or smaller folders.',
  })
}

function timeout(timeoutMs: number): GitError {
  return new GitError('GIT_TIMEOUT', `git did not finish within ${timeoutMs / 1000} s`, {
    hint: 'Check that the disk answers and that no other git command hangs, then try again.',
    retryable: true,
  })
}
