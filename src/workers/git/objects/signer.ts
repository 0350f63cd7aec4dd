/**
 * Whether commits are signed in a repository, by which program and with which key: `commit.gpgsign` of any scope, as git reads
 * it. The key and its format may be the repository's own choice; a program may not. A repository's configuration comes
 * with a folder from anywhere, and nothing in it is run here, although native git would.
 */
import { realpathSync } from 'node:fs'
import { devNull, homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { readBounded } from '../../../project/files/bounded-file.ts'
import { gitBoolean } from '../../../project/git/git-config.ts'
import { findGit, runGit } from '../../../project/git/native-git.ts'
import type { Placement } from '../../../project/types.ts'
import { CommitDeferral } from '../deferral.ts'

export type Signer = {
  /** As git takes it; empty where a program of the user's names it. */
  readonly key: string
  /** The format and its programs, said outright: what was judged here is what runs. */
  readonly config: Readonly<Record<string, string>>
}

type Place = Pick<Placement, 'worktree' | 'gitDir' | 'commonDir'>
type Setting = { readonly value: string; readonly isTrusted: boolean }
type Settings = ReadonlyMap<string, Setting>

const CONFIG_BYTES_MAX = 1024 * 1024
const CONFIG_TIMEOUT_MS = 5_000
const ASKED =
  '^(commit\\.gpgsign|gpg\\..*|user\\.(signingkey|name|email)|committer\\.(name|email))$'
const TELLING = /gpgsign|include/i
/** Of these, whoever owns the account has written each. */
const TRUSTED_SCOPES = new Set(['system', 'global'])
/** What names the program of a format, and which one is usual. */
const PROGRAMS = new Map([
  ['openpgp', { keys: ['gpg.program', 'gpg.openpgp.program'], usual: 'gpg' }],
  ['x509', { keys: ['gpg.x509.program'], usual: 'gpgsm' }],
  ['ssh', { keys: ['gpg.ssh.program'], usual: 'ssh-keygen' }],
])
const KEY_COMMAND = 'gpg.ssh.defaultkeycommand'

/** Null where commits are not signed. @throws CommitDeferral `signing_failed`. */
export async function readSigner(place: Place): Promise<Signer | null> {
  if (!mayBeAsked(place)) return null
  const settings = await readSettings(place)
  const asked = gitBoolean(settings.get('commit.gpgsign')?.value ?? 'false')
  if (asked === false) return null
  if (asked === null)
    throw failed('Whether commits are signed (commit.gpgsign) is said by no boolean.')
  const format = settings.get('gpg.format')?.value ?? 'openpgp'
  const programs = PROGRAMS.get(format)
  if (programs === undefined) throw failed('The format of signatures (gpg.format) is not known.')
  const program = lastOf(settings, programs.keys)
  const key = settings.get('user.signingkey')?.value ?? ''
  const command = format === 'ssh' && key === '' ? settings.get(KEY_COMMAND) : undefined
  if (program?.isTrusted === false || command?.isTrusted === false) throw untrusted()
  const chosen = program?.value ?? programs.usual
  return {
    key: key !== '' || command !== undefined ? key : usualKey(settings, format),
    config: {
      'gpg.format': format,
      ...Object.fromEntries(programs.keys.map((key) => [key, chosen])),
      ...(command === undefined ? {} : { [KEY_COMMAND]: command.value }),
    },
  }
}

/** The reason for which a commit that has to be signed is not made. */
export function failed(message: string): CommitDeferral {
  return new CommitDeferral('signing_failed', message)
}

function untrusted(): CommitDeferral {
  return failed(
    "The program that signs is named by the repository's configuration, which may not run programs. Name it in your own: git config --global.",
  )
}

/** Git takes the committer's name for a key where none is configured; ours is nobody's. */
function usualKey(settings: Settings, format: string): string {
  const [name, email] = ['name', 'email'].map(
    (part) => (settings.get(`committer.${part}`) ?? settings.get(`user.${part}`))?.value,
  )
  if (format !== 'ssh' && name !== undefined && email !== undefined) return `${name} <${email}>`
  throw failed('Commits are to be signed, and no key is named. Set user.signingkey.')
}

/** Of names for the same thing the one that is said last counts. */
function lastOf(settings: Settings, keys: readonly string[]): Setting | undefined {
  return [...settings].findLast(([key]) => keys.includes(key))?.[1]
}

async function readSettings({ worktree, gitDir }: Place): Promise<Settings> {
  const args = [`--git-dir=${gitDir}`, 'config', '-z', '--show-scope', '--get-regexp', ASKED]
  const { code, stdout } = await runGit(args, {
    cwd: worktree,
    timeoutMs: CONFIG_TIMEOUT_MS,
  }).catch(() => ({ code: -1, stdout: '' }))
  // 1: none of them is there.
  if (code !== 0 && code !== 1) {
    throw failed('Whether commits are signed can not be read. Mend what git config --list says.')
  }
  const settings = new Map<string, Setting>()
  const fields = stdout.split('\0')
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [scope = '', entry = ''] = fields.slice(at, at + 2)
    const end = entry.indexOf('\n')
    // A name without a value is true.
    const [key, value] = end === -1 ? [entry, 'true'] : [entry.slice(0, end), entry.slice(end + 1)]
    settings.delete(key)
    settings.set(key, { value, isTrusted: TRUSTED_SCOPES.has(scope) })
  }
  return settings
}

/** Whether any file that git would look into says something of it: most say nothing, and a process costs as much as a commit. */
function mayBeAsked({ worktree, gitDir, commonDir }: Place): boolean {
  const system = systemFiles(worktree)
  if (system === null) return true
  const own = [join(commonDir, 'config'), join(gitDir, 'config.worktree')]
  return [...system, ...globalFiles(), ...own].some((path) => {
    const read = readBounded(path, CONFIG_BYTES_MAX, { followLink: true })
    if (read.state === 'read') return TELLING.test(read.bytes.toString('utf8'))
    // What can't be read may say anything.
    return read.state === 'unusable' && path !== devNull
  })
}

/** Null where only git knows. */
function systemFiles(worktree: string): readonly string[] | null {
  const { GIT_CONFIG_NOSYSTEM: none, GIT_CONFIG_SYSTEM: named } = process.env
  if (gitBoolean(none ?? null) === true) return []
  if (named !== undefined) return [named]
  // Elsewhere it depends on who built it.
  if (process.platform !== 'linux') return null
  const folders = placesOfGit(worktree).map((path) => dirname(dirname(path)))
  return ['/etc/gitconfig', ...folders.map((folder) => join(folder, 'etc', 'gitconfig'))]
}

/** None where there is no git: a commit by files needs none. */
function placesOfGit(worktree: string): readonly string[] {
  try {
    const program = findGit(process.env, worktree)
    return [program, realpathSync(program)]
  } catch {
    return []
  }
}

function globalFiles(): readonly string[] {
  const { GIT_CONFIG_GLOBAL: named, XDG_CONFIG_HOME: xdg } = process.env
  if (named !== undefined) return named === '' ? [] : [named]
  const home = homedir()
  return [join(xdg ?? join(home, '.config'), 'git', 'config'), join(home, '.gitconfig')]
}
