/** Which branches take no bookkeeping commits. */
import { readSharedConfig } from '../config/config.ts'
import { defaultRemoteBranches } from './git-files.ts'
import { readProtectedBranches } from '../config/settings.ts'
import type { Repository } from '../types.ts'

const HEADS = 'refs/heads/'
const PROTECTED_BY_DEFAULT = ['main', 'master'] as const
const EVERY_BRANCH = '**'
const PATTERN_LENGTH_MAX = 255

/**
 * The names and globs of `repository`, of both its primary checkout and the one the caller stands in:
 * the configured list where there is one (an empty one protects nothing), else the default. A list
 * that can't be read protects every branch.
 */
export function protectedBranches(repository: Repository): readonly string[] {
  return [...new Set([repository.root, repository.worktree])].flatMap((root) => {
    const configured = readProtectedBranches(readSharedConfig(root))
    if (configured === 'unusable') return [EVERY_BRANCH]
    return configured ?? protectedByDefault(repository.commonDir)
  })
}

/** main, master, and what each remote calls its default, slashes kept (`release/2.x`). */
export function protectedByDefault(commonDir: string): readonly string[] {
  return [...PROTECTED_BY_DEFAULT, ...defaultRemoteBranches(commonDir)]
}

/** Whether one of `names`, short or full, names or globs, stands for the branch `ref` (full name). */
export function isProtectedBranch(ref: string, names: readonly string[]): boolean {
  return names.some((name) => matchesGlob(name.startsWith(HEADS) ? name : `${HEADS}${name}`, ref))
}

/** `?` is one character and `*` any number, both without `/`; `**` also crosses `/`. */
function matchesGlob(pattern: string, ref: string): boolean {
  if (pattern === ref) return true
  if (!/[*?]/.test(pattern)) return false
  // Too long to be a branch name: protecting is the safe answer.
  if (pattern.length > HEADS.length + PATTERN_LENGTH_MAX) return true
  // reachable[i]: what was read of the pattern matches the first i characters. Never exponential.
  let reachable = Array.from({ length: ref.length + 1 }, (_, i) => i === 0)
  for (const token of pattern.match(/\*\*|./gsu) ?? []) {
    const next = reachable.map(() => false)
    if (token === '*' || token === '**') spread(reachable, next, ref, token === '**')
    else step(reachable, next, ref, token)
    reachable = next
  }
  return reachable[ref.length] === true
}

function spread(from: boolean[], to: boolean[], ref: string, crosses: boolean): void {
  for (let i = 0; i <= ref.length; i++) {
    const runs = i > 0 && to[i - 1] === true && (crosses || ref[i - 1] !== '/')
    to[i] = from[i] === true || runs
  }
}

function step(from: boolean[], to: boolean[], ref: string, token: string): void {
  for (let i = 0; i < ref.length; i++) {
    if (from[i] !== true) continue
    const matches = token === '?' ? ref[i] !== '/' : ref.startsWith(token, i)
    const width = token === '?' ? 1 : token.length
    if (matches && i + width <= ref.length) to[i + width] = true
  }
}
