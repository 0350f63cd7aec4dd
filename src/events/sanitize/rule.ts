/** What a rule of the sanitizer is: a named finder of spans with the samples that prove it. */
import type { CompiledIdentity } from './compiled-identity.ts'

/** What was removed, as it is reported: never the thing itself. */
export type RedactionClass =
  | 'field'
  | 'session'
  | 'private_key'
  | 'token'
  | 'credential'
  | 'file_path'
  | 'home_path'
  | 'email'
  | 'identity'
  | 'network'
  | 'entropy'

/** A span to replace. `start` and `end` are UTF-16 offsets, `end` is exclusive. */
export type Hit = {
  readonly start: number
  readonly end: number
  readonly replacement: string
  /** Who is meant, where two of them must stay distinguishable (`<email>`, `<email#2>`); else null. */
  readonly who: string | null
}

/** One text under examination; `lower` is computed when first asked for. */
export type Subject = {
  readonly text: string
  readonly lower: string
}

export type Rule = {
  readonly name: string
  readonly class: RedactionClass
  /** Bits of `signals.ts` that a text must all have before `find` is worth calling. */
  readonly needs: number
  /** Hits in ascending order that don't overlap, in time linear in the text. */
  readonly find: (subject: Subject, identity: CompiledIdentity) => readonly Hit[]
  readonly samples: {
    /** Each `⟦…⟧` is exactly one hit. */
    readonly removed: readonly string[]
    readonly kept: readonly string[]
  }
}

export const NO_HITS: readonly Hit[] = []

/** All hits of a global expression; `toHit` answers a span within the match, or null to refuse it. */
export function hitsOf(
  text: string,
  expression: RegExp,
  toHit: (match: RegExpExecArray) => Hit | null,
): readonly Hit[] {
  let hits: Hit[] | null = null
  expression.lastIndex = 0
  for (let match = expression.exec(text); match !== null; match = expression.exec(text)) {
    const hit = toHit(match)
    if (hit === null) continue
    hits ??= []
    hits.push(hit)
  }
  return hits ?? NO_HITS
}

/** The whole match as one hit. */
export function wholeHit(match: RegExpExecArray, replacement: string, who: string | null): Hit {
  return { start: match.index, end: match.index + match[0].length, replacement, who }
}
