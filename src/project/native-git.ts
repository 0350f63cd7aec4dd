/**
 * Runs the user's git: found by absolute path, without a shell, and deaf to what a repository may
 * plant.
 */
import { execFile } from 'node:child_process'
import { accessSync, constants, realpathSync, statSync } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'
import { GitError } from '../errors.ts'
import { BOOKKEEPER } from './bookkeeper.ts'
import { isInside } from './safe-path.ts'

export type GitOutcome = {
  /** Exit code. */
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
}

const TIMEOUT_MS = 60_000
const KILL_GRACE_MS = 2_000
const OUTPUT_MAX_BYTES = 16 * 1024 * 1024
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
 * @throws GitError GIT_MISSING, GIT_TIMEOUT
 */
export async function runGit(args: readonly string[], options: GitOptions): Promise<GitOutcome> {
  const env = options.env ?? process.env
  const program = findGit(env, options.cwd)
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS
  const argv = [...HARDENED.flatMap(([key, value]) => ['-c', `${key}=${value}`]), ...args]
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      argv,
      {
        cwd: options.cwd,
        env: gitEnvironment(env, options.config ?? {}),
        encoding: 'utf8',
        maxBuffer: OUTPUT_MAX_BYTES,
        windowsHide: true,
      },
      (error, stdout, stderr) => {
        clearTimeout(gentle)
        clearTimeout(firm)
        if (timedOut) reject(timeout(timeoutMs))
        else if (error === null) resolve({ code: 0, stdout, stderr })
        else if (typeof error.code === 'number') resolve({ code: error.code, stdout, stderr })
        else reject(missing(error))
      },
    )
    let timedOut = false
    // Git removes its lock files on SIGTERM, so it is asked before it is killed.
    const gentle = setTimeout(() => {
      timedOut = true
      child.kill('SIGTERM')
    }, timeoutMs)
    const firm = setTimeout(() => child.kill('SIGKILL'), timeoutMs + KILL_GRACE_MS)
    // One that ended early closes its end; its exit code tells more.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(options.input ?? '')
  })
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
  for (const folder of (env['PATH'] ?? env['Path'] ?? '').split(delimiter)) {
    if (!isAbsolute(folder)) continue
    const path = join(folder, name)
    if (isProgram(path) && !isInside(cwd, realpathSync(folder))) return path
  }
  throw missing()
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

function timeout(timeoutMs: number): GitError {
  return new GitError('GIT_TIMEOUT', `git did not finish within ${timeoutMs / 1000} s`, {
    hint: 'Check that the disk answers and that no other git command hangs, then try again.',
    retryable: true,
  })
}
