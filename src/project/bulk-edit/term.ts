/** A term in all the ways in which code spells it: `fooBar`, `FooBar`, `foo_bar`, `FOO_BAR`, `foo-bar`, `foo bar`, `foobar`. */

/** Each spelling of the term with that of its replacement; without one, with nothing. */
export type Spellings = ReadonlyMap<string, string>

export function spellings(term: string, replacement: string | null): Spellings {
  const [words, others] = [wordsOf(term), wordsOf(replacement ?? '')]
  const pairs = new Map<string, string>([[term, replacement ?? '']])
  // A term that is more than words is meant as it stands.
  if (!/^[A-Za-z0-9][A-Za-z0-9 _-]*$/.test(term)) return pairs
  for (const spell of SPELLINGS) {
    const spelled = spell(words)
    if (!pairs.has(spelled)) pairs.set(spelled, others.length === 0 ? '' : spell(others))
  }
  return new Map([...pairs].sort(([one], [other]) => other.length - one.length))
}

/** Longest first, so that none is found within another. */
export function spelled(term: string, related: readonly string[] = []): readonly string[] {
  const all = [term, ...related].flatMap((one) => [...spellings(one, null).keys()])
  return [...new Set(all)]
    .filter((one) => one !== '')
    .sort((one, other) => other.length - one.length)
}

/** Whether a spelling stands there as words of its own: `old` in `oldName` and `isOld`, but not in `golden`. */
export function hasTerm(text: string, terms: readonly string[]): boolean {
  return terms.some((term) => {
    for (let at = text.indexOf(term); at !== -1; at = text.indexOf(term, at + 1)) {
      if (isWhole(text, at, term.length)) return true
    }
    return false
  })
}

/** The text with each spelling that stands for itself put right. */
export function replaceTerm(text: string, pairs: Spellings): string {
  let done = ''
  for (let at = 0; at < text.length;) {
    const found = spellingAt(text, at, pairs)
    const isOne = found !== null && isWhole(text, at, found.from.length)
    done += isOne ? found.to : text.charAt(at)
    at += isOne ? found.from.length : 1
  }
  return done
}

/** Whether the other text is this one with the term put right; within longer words, it may have been or not. */
export function isRenamed(text: string, other: string, pairs: Spellings): boolean {
  let [at, to] = [0, 0]
  while (at < text.length) {
    const found = spellingAt(text, at, pairs)
    if (found !== null && other.startsWith(found.to, to)) {
      at += found.from.length
      to += found.to.length
    } else if (found !== null && isWhole(text, at, found.from.length)) return false
    else if (text.charAt(at) === other.charAt(to)) {
      at += 1
      to += 1
    } else return false
  }
  return to === other.length
}

type Found = { readonly from: string; readonly to: string }

function spellingAt(text: string, at: number, pairs: Spellings): Found | null {
  for (const [from, to] of pairs) if (from !== '' && text.startsWith(from, at)) return { from, to }
  return null
}

/** Whether it begins and ends where words do; an `s` of the plural belongs to it. */
function isWhole(text: string, at: number, length: number): boolean {
  const end = at + length
  const char = (place: number): string => text.charAt(place)
  const isWithin = isLetter(char(at - 1)) && isLower(char(at))
  const isShouted = isUpper(char(at - 1)) && isUpper(char(at)) && isUpper(char(at + 1))
  if (isWithin || isShouted) return false
  const isPlural = char(end) === 's' && !isLower(char(end + 1))
  if (isLower(char(end - 1)) && isLower(char(end)) && !isPlural) return false
  const goesOn = isUpper(char(end - 1)) && isUpper(char(end)) && !isLower(char(end + 1))
  return !(goesOn && isUpper(char(end - 2)))
}

const isLower = (char: string): boolean => /^\p{Ll}$/u.test(char)
const isUpper = (char: string): boolean => /^\p{Lu}$/u.test(char)
const isLetter = (char: string): boolean => isLower(char) || isUpper(char)

function wordsOf(text: string): readonly string[] {
  return (text.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+|[^\sA-Za-z0-9_-]+/g) ?? []).map((word) =>
    word.toLowerCase(),
  )
}

const capital = (word: string): string => `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`
const SPELLINGS: readonly ((words: readonly string[]) => string)[] = [
  (words) => words.map((word, at) => (at === 0 ? word : capital(word))).join(''),
  (words) => words.map(capital).join(''),
  (words) => words.join('_'),
  (words) => words.join('_').toUpperCase(),
  (words) => words.join('-'),
  (words) => words.join(' '),
  (words) => words.map(capital).join(' '),
  (words) => words.join(''),
  (words) => words.join('').toUpperCase(),
]
