/**
 * How git would store a path: which attributes it has, and its line ends. Git itself is asked only where some attributes
 * file or a setting makes a difference; a filter, which is a program, is never run.
 */
import { homedir } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import { readBounded } from '../../../project/files/bounded-file.ts'
import { lastValue, parseGitConfig } from '../../../project/git/git-config.ts'
import { runGit } from '../../../project/git/native-git.ts'
import type { Placement } from '../../../project/types.ts'
import { CommitDeferral } from '../deferral.ts'

export type PathAttributes = {
  /** Null: nobody says whether it is text. */
  readonly text: 'set' | 'unset' | 'auto' | null
}

const ATTRIBUTES_BYTES_MAX = 1024 * 1024
const ASKED = ['text', 'crlf', 'eol', 'filter', 'ident', 'working-tree-encoding'] as const
const UNSAID = new Set(['unspecified', 'unset', 'false'])

/**
 * The attributes of paths relative to the worktree. @throws CommitDeferral `path_refused` where one stands under a filter,
 * an encoding or an ident, which only a program could apply.
 */
export async function attributesOf(
  placement: Placement,
  paths: readonly string[],
): Promise<ReadonlyMap<string, PathAttributes>> {
  const attributes = new Map<string, PathAttributes>()
  const asked = paths.filter((path) => hasAttributes(placement, path))
  if (asked.length === 0) return attributes
  const args = ['check-attr', '-z', '--stdin', ...ASKED]
  const { code, stdout } = await runGit(args, {
    cwd: placement.worktree,
    input: `${asked.join('\0')}\0`,
  })
  if (code !== 0) {
    throw new CommitDeferral('io_error', 'The attributes of the paths can not be read.')
  }
  const fields = stdout.split('\0')
  const byPath = new Map<string, Record<string, string>>()
  for (let at = 0; at + 2 < fields.length; at += 3) {
    const [path = '', name = '', value = ''] = fields.slice(at, at + 3)
    byPath.set(path, { ...byPath.get(path), [name]: value })
  }
  for (const path of asked) attributes.set(path, judge(byPath.get(path) ?? {}))
  return attributes
}

function judge(values: Readonly<Record<string, string>>): PathAttributes {
  const { text = 'unspecified', crlf = 'unspecified', eol = 'unspecified' } = values
  for (const name of ['filter', 'ident', 'working-tree-encoding']) {
    if (UNSAID.has(values[name] ?? 'unspecified')) continue
    const message = `A path has the attribute ${name}, which only a program of the repository's can apply. Commit it with git.`
    throw new CommitDeferral('path_refused', message)
  }
  const said = text === 'unspecified' ? crlf : text
  if (said === 'set' || said === 'input' || said === 'true') return { text: 'set' }
  if (said === 'unset' || said === 'false') return { text: 'unset' }
  if (said === 'auto') return { text: 'auto' }
  return { text: eol === 'lf' || eol === 'crlf' ? 'set' : null }
}

/** Whether any file that git would look into for this path is there and says something. */
function hasAttributes({ worktree, gitDir, commonDir }: Placement, path: string): boolean {
  const files = [join(commonDir, 'info', 'attributes'), join(gitDir, 'info', 'attributes')]
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    files.push(join(worktree, folder, '.gitattributes'))
    if (folder === '.') break
  }
  files.push(...globalFiles(commonDir))
  return files.some((file) => {
    const read = readBounded(file, ATTRIBUTES_BYTES_MAX, { followLink: true })
    // What can't be read may say anything.
    return read.state === 'unusable' || (read.state === 'read' && saysSomething(read.bytes))
  })
}

function saysSomething(bytes: Buffer): boolean {
  return bytes
    .toString('utf8')
    .split('\n')
    .some((line) => line.trim() !== '' && !line.trimStart().startsWith('#'))
}

function globalFiles(commonDir: string): readonly string[] {
  const home = homedir()
  const configured = lastValue(configOf(commonDir), 'core.attributesfile')
  const xdg = process.env['XDG_CONFIG_HOME'] ?? join(home, '.config')
  const files = [join(xdg, 'git', 'attributes'), '/etc/gitattributes']
  if (configured === null) return files
  const path = configured.startsWith('~/') ? join(home, configured.slice(2)) : configured
  return [...files, isAbsolute(path) ? path : join(commonDir, path)]
}

function configOf(commonDir: string) {
  return [join(homedir(), '.gitconfig'), join(commonDir, 'config')].flatMap((file) => {
    const read = readBounded(file, ATTRIBUTES_BYTES_MAX, { followLink: true })
    return read.state === 'read' ? parseGitConfig(read.bytes.toString('utf8')) : []
  })
}

/** `core.autocrlf`, as far as it matters for storing: whether text of no attribute is normalised. */
export function normalisesUnsaid(commonDir: string): boolean {
  const value = lastValue(configOf(commonDir), 'core.autocrlf')?.toLowerCase()
  return value === 'true' || value === 'input' || value === '1' || value === 'yes' || value === 'on'
}

const CR = 0x0d
const LF = 0x0a

/** The bytes as `git add` would store them. `storedHasCr`: whether the index has the file with such line ends already. */
export function storedBytes(
  bytes: Buffer,
  text: PathAttributes['text'],
  normalises: boolean,
  storedHasCr: () => boolean,
): Buffer {
  if (text === 'unset' || (text === null && !normalises)) return bytes
  if (!bytes.includes('\r\n')) return bytes
  if (text !== 'set' && (looksBinary(bytes) || storedHasCr())) return bytes
  const kept = Buffer.allocUnsafe(bytes.length)
  let length = 0
  for (let at = 0; at < bytes.length; at += 1) {
    if (bytes[at] === CR && bytes[at + 1] === LF) continue
    kept[length++] = bytes[at] ?? 0
  }
  return kept.subarray(0, length)
}

/** Git's own guess: a NUL, a lone CR, or more than one unprintable byte in 128. */
export function looksBinary(bytes: Buffer): boolean {
  let printable = 0
  let unprintable = 0
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0
    if (byte === 0) return true
    if (byte === CR) {
      if (bytes[at + 1] !== LF) return true
    } else if (byte === LF) continue
    else if (byte === 0x7f) unprintable += 1
    else if (byte < 0x20) {
      if (byte === 0x08 || byte === 0x09 || byte === 0x1b || byte === 0x0c) printable += 1
      else unprintable += 1
    } else printable += 1
  }
  // A last byte of ^Z is the end of a text of old.
  if (bytes.at(-1) === 0x1a) unprintable -= 1
  return printable >> 7 < unprintable
}
