/**
 * Reads git's own configuration files: sections, subsections, quotes, escapes. Includes are not
 * followed.
 */
import { join } from 'node:path'
import { readBounded } from '../files/bounded-file.ts'

/** `key` is `section.name` or `section.subsection.name`; section and name in lower case. */
export type GitConfigEntry = {
  readonly key: string
  /** Null for a name without `=`, which git reads as true. */
  readonly value: string | null
}

export const CONFIG_SIZE_MAX_BYTES = 1024 * 1024

/**
 * The entries of the repository's configuration in file order; what git would not read is left out,
 * and an unreadable file has none.
 */
export function readGitConfig(commonDir: string): readonly GitConfigEntry[] {
  return readGitConfigFile(join(commonDir, 'config'))
}

export function readGitConfigFile(path: string): readonly GitConfigEntry[] {
  const read = readBounded(path, CONFIG_SIZE_MAX_BYTES, { followLink: true })
  if (read.state !== 'read') return []
  const text = read.bytes.toString('utf8')
  if (text !== lastParsed.text) lastParsed = { text, entries: parseGitConfig(text) }
  return lastParsed.entries
}

/** The same file is read for each batch of events, and hardly ever another one. */
let lastParsed: { readonly text: string; readonly entries: readonly GitConfigEntry[] } = {
  text: '',
  entries: [],
}

/** The last value of a key, as git takes it; `true` for a name without a value. */
export function readGitConfigValue(commonDir: string, key: string): string | null {
  return lastValue(readGitConfig(commonDir), key)
}

/**
 * The fetch URL of `origin`: the first, as git takes it. It may hold credentials: never show it.
 */
export function readOriginUrl(commonDir: string): string | null {
  return readGitConfig(commonDir).find((entry) => entry.key === 'remote.origin.url')?.value ?? null
}

export function lastValue(entries: readonly GitConfigEntry[], key: string): string | null {
  const entry = entries.findLast((candidate) => candidate.key === key)
  if (entry === undefined) return null
  return entry.value ?? 'true'
}

/** Git's reading of a boolean; null where it is none. */
export function gitBoolean(value: string | null): boolean | null {
  if (value === null) return null
  const word = value.toLowerCase()
  if (['true', 'yes', 'on', '1'].includes(word)) return true
  return ['false', 'no', 'off', '0', ''].includes(word) ? false : null
}

// [section], [section "subsection"], and the old [section.subsection], which is folded to lower
// case.
const SECTION = /^\[\s*([A-Za-z0-9.-]+)(?:\s+"((?:[^"\\\n]|\\.)*)")?\s*\]/
const NAME = /^([A-Za-z][A-Za-z0-9-]*)[ \t]*(=?)/

/** The entries of a configuration text. Total: a line that git would refuse is passed over. */
export function parseGitConfig(text: string): GitConfigEntry[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  const entries: GitConfigEntry[] = []
  let section: string | null = null
  for (let i = 0; i < lines.length; i++) {
    let rest = (lines[i] ?? '').trimStart()
    const header = SECTION.exec(rest)
    if (header !== null) {
      section = sectionOf(header)
      rest = rest.slice(header[0].length).trimStart()
    }
    const name = NAME.exec(rest)
    if (name === null || section === null) continue
    const key = `${section}.${(name[1] ?? '').toLowerCase()}`
    if (name[2] !== '=') {
      if (/^\s*(?:[#;].*)?$/.test(rest.slice(name[0].length))) entries.push({ key, value: null })
      continue
    }
    let source = rest.slice(name[0].length)
    while (continues(source) && i + 1 < lines.length) source = `${source}\n${lines[++i]}`
    const value = unquote(source)
    if (value !== null) entries.push({ key, value })
  }
  return entries
}

function sectionOf(header: RegExpExecArray): string {
  const section = (header[1] ?? '').toLowerCase()
  return header[2] === undefined ? section : `${section}.${header[2].replace(/\\(.)/g, '$1')}`
}

// An odd number of backslashes before the line end, outside a comment, joins the next line.
function continues(source: string): boolean {
  const line = source.slice(source.lastIndexOf('\n') + 1)
  const tail = /\\+$/.exec(line)
  return tail !== null && tail[0].length % 2 === 1 && !endsInComment(source)
}

function endsInComment(source: string): boolean {
  let quoted = false
  for (let i = 0; i < source.length; i++) {
    const character = source[i]
    if (character === '\\') i++
    else if (character === '"') quoted = !quoted
    else if (!quoted && (character === '#' || character === ';')) return true
  }
  return false
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  b: '\b',
  '"': '"',
  '\\': '\\',
  '\n': '',
}

// Null for an unknown escape or an open quote: git refuses such a file.
function unquote(source: string): string | null {
  let value = ''
  let kept = 0
  let quoted = false
  for (let i = 0; i < source.length; i++) {
    const character = source[i] ?? ''
    if (character === '"') {
      quoted = !quoted
      kept = value.length
    } else if (character === '\\') {
      const escaped = ESCAPES[source[++i] ?? '']
      if (escaped === undefined) return null
      value += escaped
      kept = value.length
    } else if (!quoted && (character === '#' || character === ';')) break
    else if (value === '' && !quoted && /\s/.test(character)) continue
    else {
      value += character
      if (quoted || !/\s/.test(character)) kept = value.length
    }
  }
  return quoted ? null : value.slice(0, kept)
}
