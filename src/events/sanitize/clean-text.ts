/** One string: the rules in order over the text, then over its canonical view, until nothing is found any more. */
import { SanitizeError } from '../../errors.ts'
import { canonicalView, type CanonicalView } from './canonical-view.ts'
import type { CompiledIdentity } from './compiled-identity.ts'
import { isInsidePlaceholder, numbered } from './placeholders.ts'
import type { Hit, RedactionClass, Rule, Subject } from './rule.ts'
import { BACKSLASH, PERCENT, signalsOf, WIDE } from './signals.ts'

/** What a text is cleaned with; the last two are the document's. */
export type TextCleaning = {
  readonly identity: CompiledIdentity
  readonly rules: readonly Rule[]
  /** The number of this person among the document's, from 1. */
  readonly ordinalOf: (placeholder: string, who: string) => number
  readonly report: (redaction: RedactionClass) => void
}

/** How often a text is rescanned because a replacement may have brought something to light. */
const PASSES_MAX = 3

/**
 * The clean text; the very same string where nothing was found. `decode` rewrites the text before each pass.
 *
 * @throws SanitizeError SANITIZE_NOT_CLEAN
 */
export function cleanText(
  raw: string,
  cleaning: TextCleaning,
  decode: (text: string) => string = unchanged,
): string {
  let text = raw
  for (let pass = 0; pass <= PASSES_MAX; pass++) {
    const next = scan(decode(text), cleaning)
    if (next === text) return text
    text = next
  }
  throw notClean()
}

function unchanged(text: string): string {
  return text
}

/** The error of a value that can't be made clean, or that isn't. */
export function notClean(): SanitizeError {
  return new SanitizeError('SANITIZE_NOT_CLEAN', 'the value still holds what must not be written', {
    hint: 'Take personal data and secrets out of the event and try again.',
  })
}

/** Each rule in turn looks at the text and at its view, so that the order of the rules holds for both. */
function scan(raw: string, cleaning: TextCleaning): string {
  let reading = new Reading(raw)
  for (const rule of cleaning.rules) {
    if (rule.needs === (reading.bits & rule.needs)) {
      const hits = rule.find(reading, cleaning.identity)
      if (hits.length > 0) reading = replaced(reading, hits, null, rule, cleaning)
    }
    const { view } = reading
    if (view === null || rule.needs !== (view.bits & rule.needs)) continue
    const hits = rule.find(view, cleaning.identity)
    if (hits.length > 0) reading = replaced(reading, hits, view, rule, cleaning)
  }
  return reading.text
}

/** The text with the hits replaced, which were found in it or in its view. */
function replaced(
  reading: Reading,
  hits: readonly Hit[],
  view: View | null,
  rule: Rule,
  { ordinalOf, report }: TextCleaning,
): Reading {
  const raw = reading.text
  const seen = view?.text ?? raw
  const parts: string[] = []
  let from = 0
  for (const hit of hits) {
    if (isInsidePlaceholder(seen, hit.start, hit.end)) continue
    const ordinal = hit.who === null ? 1 : ordinalOf(hit.replacement, hit.who)
    parts.push(raw.slice(from, rawOffset(view, hit.start)), numbered(hit.replacement, ordinal))
    from = rawOffset(view, hit.end)
  }
  if (parts.length === 0) return reading
  report(rule.class)
  const text = parts.join('') + raw.slice(from)
  return new Reading(text)
}

function rawOffset(view: View | null, offset: number): number {
  return view === null ? offset : (view.starts[offset] as number)
}

class LazySubject implements Subject {
  readonly text: string
  readonly bits: number
  #lower: string | null = null

  constructor(text: string) {
    this.text = text
    this.bits = signalsOf(text).bits
  }

  get lower(): string {
    this.#lower ??= this.text.toLowerCase()
    return this.#lower
  }
}

class View extends LazySubject {
  readonly starts: Uint32Array

  constructor({ text, starts }: CanonicalView) {
    super(text)
    this.starts = starts
  }
}

/** A text and, where a reader would understand it otherwise, its view. */
class Reading extends LazySubject {
  #view: View | null | undefined = undefined

  get view(): View | null {
    if (this.#view !== undefined) return this.#view
    const decodable = (this.bits & (PERCENT | BACKSLASH | WIDE)) !== 0
    const view = decodable ? canonicalView(this.text) : null
    this.#view = view === null ? null : new View(view)
    return this.#view
  }
}
