/**
 * Gathers what names this machine and its user, for the sanitizer. Best effort: a failure gives
 * fewer literals.
 */
import { realpathSync } from 'node:fs'
import { homedir, hostname, userInfo } from 'node:os'
import { join, relative } from 'node:path'
import type { IdentityLiterals } from './identity-literals.ts'
import { readBounded } from './files/bounded-file.ts'
import { readGitConfig, readGitConfigFile } from './git/git-config.ts'
import type { GitConfigEntry } from './git/git-config.ts'
import { USER_VARIABLES } from './machine.ts'
import { runGit } from './git/native-git.ts'
import { isInside } from './files/safe-path.ts'
import type { Repository } from './types.ts'

const GIT_CONFIG_TIMEOUT_MS = 5_000
const PASSWD_SIZE_MAX_BYTES = 4 * 1024 * 1024
const USER_KEYS = '^(user|author|committer)\\.(name|email)$'

/**
 * `repository` is null outside of one; then there are no roots and only the user's own
 * configuration is read.
 */
export async function gatherLiterals(
  repository: Repository | null,
  env: NodeJS.ProcessEnv = process.env,
): Promise<IdentityLiterals> {
  const account = accountOf()
  const entries = await gitUser(repository, env)
  const variable = (name: string): string => env[name] ?? ''
  const withSuffix = (suffix: string): string[] =>
    entries.filter(({ key }) => key.endsWith(suffix)).map(({ value }) => value ?? '')
  return {
    hostnames: distinct([
      hostname(),
      hostname().split('.')[0],
      variable('HOSTNAME'),
      variable('COMPUTERNAME'),
    ]),
    usernames: distinct([...USER_VARIABLES.map(variable), account.username]),
    names: distinct([
      ...withSuffix('.name'),
      variable('GIT_AUTHOR_NAME'),
      variable('GIT_COMMITTER_NAME'),
      account.fullName,
    ]),
    emails: distinct([
      ...withSuffix('.email'),
      variable('GIT_AUTHOR_EMAIL'),
      variable('GIT_COMMITTER_EMAIL'),
      variable('EMAIL'),
    ]),
    homes: distinct(withReal([variable('HOME'), variable('USERPROFILE'), homedir(), account.home])),
    roots: distinct(repository === null ? [] : rootsOf(repository, env)),
  }
}

// A home at the root of the file system would make every path a part of it.
function distinct(values: readonly (string | undefined)[]): string[] {
  const trimmed = values.map((value) => (value ?? '').trim())
  return [...new Set(trimmed)].filter((value) => value !== '' && !/^(?:[a-z]:)?[/\\]$/i.test(value))
}

function withReal(paths: readonly string[]): string[] {
  return paths.flatMap((path) => (path === '' ? [] : [path, realOf(path) ?? path]))
}

function realOf(path: string): string | null {
  try {
    return realpathSync(path)
  } catch {
    return null
  }
}

// As spelled: the shell says in PWD by which links it came to where we are.
function rootsOf({ root, worktree }: Repository, env: NodeJS.ProcessEnv): string[] {
  const roots = [root, worktree]
  const spelled = env['PWD'] ?? ''
  const real = spelled === '' ? null : realOf(spelled)
  if (real !== null && isInside(worktree, real)) {
    const way = relative(worktree, real)
    if (way === '') roots.push(spelled)
    else if (spelled.endsWith(`/${way}`)) roots.push(spelled.slice(0, -way.length - 1))
  }
  return roots
}

type Account = { readonly username: string; readonly home: string; readonly fullName: string }

function accountOf(): Account {
  try {
    const { username, homedir: home, uid } = userInfo()
    return { username, home, fullName: fullNameOf(uid) }
  } catch {
    return { username: '', home: '', fullName: '' }
  }
}

function fullNameOf(uid: number): string {
  const read = readBounded('/etc/passwd', PASSWD_SIZE_MAX_BYTES, { followLink: true })
  if (read.state !== 'read') return ''
  for (const line of read.bytes.toString('utf8').split('\n')) {
    const [, , id, , gecos = ''] = line.split(':')
    if (id === String(uid)) return gecos.split(',')[0] ?? ''
  }
  return ''
}

// Git itself follows includes; its files are read by us where it can't be run.
async function gitUser(
  repository: Repository | null,
  env: NodeJS.ProcessEnv,
): Promise<readonly GitConfigEntry[]> {
  const home = env['HOME'] ?? env['USERPROFILE'] ?? homedir()
  try {
    const cwd = repository?.worktree ?? realpathSync(home)
    const args = ['config', '-z', '--get-regexp', USER_KEYS]
    const { code, stdout } = await runGit(args, { cwd, env, timeoutMs: GIT_CONFIG_TIMEOUT_MS })
    if (code === 0 || code === 1) return stdout.split('\0').map(entryOf)
  } catch {
    // The files below stand in.
  }
  const global = env['GIT_CONFIG_GLOBAL'] ?? join(home, '.gitconfig')
  const xdg = join(env['XDG_CONFIG_HOME'] ?? join(home, '.config'), 'git', 'config')
  const own = repository === null ? [] : readGitConfig(repository.commonDir)
  const entries = [...readGitConfigFile(xdg), ...readGitConfigFile(global), ...own]
  return entries.filter(({ key }) => new RegExp(USER_KEYS).test(key))
}

function entryOf(item: string): GitConfigEntry {
  const end = item.indexOf('\n')
  return end === -1
    ? { key: item, value: null }
    : { key: item.slice(0, end), value: item.slice(end + 1) }
}
