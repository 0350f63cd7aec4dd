/** The literals of this machine and its user, compiled once into the expressions that the rules run. */
import type { IdentityLiterals } from '../../project/identity-literals.ts'
import { isCommonLiteral, isDenseScript } from './common-literals.ts'
import { EMAIL, HOST, NAME, USER } from './placeholders.ts'

export type CompiledIdentity = {
  /** Literals that are replaced wherever they stand as words. */
  readonly words: LiteralMatcher
  /** Short and common literals, replaced only where a user or host is meant. */
  readonly contextual: LiteralMatcher
  /** Roots of the repository, each with the separator behind it. */
  readonly roots: PathMatcher
  readonly homes: PathMatcher
  /** The roots as comparable prefixes: lower case, forward slashes. */
  readonly rootPrefixes: readonly string[]
}

export type LiteralMatcher = {
  /** Null where there is no literal. */
  readonly expression: RegExp | null
  /** One of these is in the lower-cased text, or the expression can't match. */
  readonly needles: readonly string[]
  readonly placeholderOf: (literal: string) => string
}

export type PathMatcher = {
  readonly expression: RegExp | null
  readonly needles: readonly string[]
}

/** Between the words of a name, as branch names, mail addresses and paths spell it. */
const NAME_GAP = '[ ._+\\u00a0-]{1,2}'
const BEFORE_WORD = '(?<![\\p{L}\\p{N}])'
const AFTER_WORD = '(?![\\p{L}\\p{N}])'
/** The end of an escape, which parts words although it is a letter or a digit. */
export const ESCAPE = '\\\\[nrt]|\\\\u[0-9a-fA-F]{4}|%[0-9a-fA-F]{2}'
export const SEPARATOR = '(?:\\\\{1,8}|\\/{1,4})'

/** Compiles what is known of the machine; deterministic, without a look at the machine itself. */
export function compileIdentity(identity: IdentityLiterals): CompiledIdentity {
  const projects = new Set(identity.roots.map((root) => lastSegment(root)))
  const isContextual = (literal: string): boolean =>
    isCommonLiteral(literal) || projects.has(literal.toLowerCase())
  const literals = placeholderByLiteral(identity)
  const words = [...literals].filter(([literal]) => !isContextual(literal))
  const contextual = [...literals].filter(([literal]) => isContextual(literal))
  const word = literalSource(words.map(([literal]) => literal))
  const plain = contextual.map(([literal]) => sourceOf(literal)).join('|')
  const alone = `${BEFORE_WORD}(?:${plain})${AFTER_WORD}`
  return {
    words: matcherOf(words, word),
    contextual: matcherOf(contextual, alone),
    roots: pathMatcher(identity.roots, `(?:${SEPARATOR}(?=[\\p{L}\\p{N}._@-]))?`),
    homes: pathMatcher(identity.homes, ''),
    rootPrefixes: identity.roots.filter(isSpecificPath).map(comparablePath).sort(longestFirst),
  }
}

/** Lower case, forward slashes, no slash before a drive letter or at the end. */
export function comparablePath(path: string): string {
  return path
    .normalize('NFC')
    .toLowerCase()
    .replace(/[\\/]{1,8}/g, '/')
    .replace(/^\/(?=[a-z]:\/)/, '')
    .replace(/\/$/, '')
}

function placeholderByLiteral(identity: IdentityLiterals): Map<string, string> {
  const placeholders = new Map<string, string>()
  const add = (literal: string, placeholder: string): void => {
    const trimmed = literal.normalize('NFC').trim()
    if (trimmed !== '' && !placeholders.has(trimmed.toLowerCase())) {
      placeholders.set(trimmed.toLowerCase(), placeholder)
    }
  }
  for (const email of identity.emails) add(email, EMAIL)
  for (const hostname of identity.hostnames) {
    add(hostname, HOST)
    add(hostname.split('.')[0] as string, HOST)
  }
  for (const username of identity.usernames) add(username, USER)
  for (const email of identity.emails) add(email.split('@')[0] as string, USER)
  for (const name of identity.names) {
    add(name, NAME)
    const parts = name.trim().split(/\s+/)
    if (parts.length === 2) add(`${parts[1]}, ${parts[0]}`, NAME)
  }
  return placeholders
}

function matcherOf(
  entries: readonly (readonly [string, string])[],
  source: string,
): LiteralMatcher {
  const placeholders = new Map([
    ...entries.map(([literal, placeholder]) => [gapless(literal), placeholder] as const),
    ...entries,
  ])
  return {
    expression: entries.length === 0 ? null : new RegExp(source, 'giu'),
    needles: entries.map(([literal]) => literal.split(/[\s,]+/)[0] as string),
    // A literal that differs from its spelling by case folding alone is still a user's.
    placeholderOf: (literal) =>
      placeholders.get(literal.toLowerCase()) ??
      placeholders.get(gapless(literal.toLowerCase())) ??
      USER,
  }
}

function gapless(literal: string): string {
  return literal.replace(/[\s,._+\u00a0-]/g, '')
}

function literalSource(literals: readonly string[]): string {
  const sorted = literals.toSorted(longestFirst)
  const dense = sorted.filter(isDenseScript).map(sourceOf)
  const bounded = sorted.filter((literal) => !isDenseScript(literal)).map(sourceOf)
  const groups = [...dense]
  if (bounded.length > 0) groups.push(`${BEFORE_WORD}(?:${bounded.join('|')})${AFTER_WORD}`)
  return groups.join('|')
}

function sourceOf(literal: string): string {
  return literal.split(' ').map(escapeExpression).join(NAME_GAP)
}

function pathMatcher(paths: readonly string[], tail: string): PathMatcher {
  const specific = [...new Set(paths.map((path) => path.normalize('NFC')))]
    .filter(isSpecificPath)
    .sort(longestFirst)
  const sources = specific.map(pathSource)
  const source =
    `(?<=^|[^\\p{L}\\p{N}_]|(?:^|[\\s"'=])-[A-Za-z]|${ESCAPE})(?:${SEPARATOR}[?.]${SEPARATOR})?` +
    `(?:${sources.join('|')})(?![\\p{L}\\p{N}_-]|\\.[\\p{L}\\p{N}])${tail}`
  return {
    expression: specific.length === 0 ? null : new RegExp(source, 'giu'),
    needles: specific.map((path) => (lastSegment(path).split(' ')[0] as string).toLowerCase()),
  }
}

const DRIVE = /^([A-Za-z]):$/

function pathSource(path: string): string {
  const segments = path.split(/[\\/]+/).filter((segment) => segment !== '')
  const drive = DRIVE.exec(segments[0] as string)?.[1]
  const rest = (drive === undefined ? segments : segments.slice(1)).map((segment) =>
    segment.split(' ').map(escapeExpression).join('(?: |%20|\\\\ )'),
  )
  const start =
    drive === undefined
      ? ''
      : `(?:${drive}:|${SEPARATOR}mnt${SEPARATOR}${drive}|${SEPARATOR}(?:cygdrive${SEPARATOR})?${drive})`
  return `${start}${SEPARATOR}${rest.join(SEPARATOR)}`
}

/** A root of one letter or the file system's own root would make everything relative. */
function isSpecificPath(path: string): boolean {
  const segments = path.split(/[\\/]+/).filter((segment) => segment !== '')
  const named = DRIVE.test(segments[0] ?? '') ? segments.slice(1) : segments
  return named.join('').length > 1 && /^(?:[\\/]|[A-Za-z]:)/.test(path)
}

function lastSegment(path: string): string {
  return comparablePath(path).split('/').at(-1) as string
}

function longestFirst(a: string, b: string): number {
  return b.length - a.length || (a < b ? -1 : 1)
}

function escapeExpression(literal: string): string {
  return literal.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}
