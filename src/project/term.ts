/** A term in all the ways in which code spells it: `fooBar`, `FooBar`, `foo_bar`, `FOO_BAR`, `foo-bar`, `foo bar`. */

/** Each spelling of the term with that of its replacement; without one, with nothing. */
export function spellings(term: string, replacement: string | null): ReadonlyMap<string, string> {
  const [words, others] = [wordsOf(term), wordsOf(replacement ?? '')]
  const pairs = new Map<string, string>([[term, replacement ?? '']])
  // A term that is more than words is meant as it stands.
  if (!/^[A-Za-z0-9][A-Za-z0-9 _-]*$/.test(term)) return pairs
  for (const spell of SPELLINGS) {
    const spelled = spell(words)
    if (!pairs.has(spelled)) pairs.set(spelled, others.length === 0 ? '' : spell(others))
  }
  return pairs
}

/** Longest first, so that none is found within another. */
export function spelled(term: string, related: readonly string[] = []): readonly string[] {
  const all = [term, ...related].flatMap((one) => [...spellings(one, null).keys()])
  return [...new Set(all)]
    .filter((one) => one !== '')
    .sort((one, other) => other.length - one.length)
}

/** The text with each spelling of the term put right. */
export function replaceTerm(text: string, pairs: ReadonlyMap<string, string>): string {
  const order = [...pairs].sort(([one], [other]) => other.length - one.length)
  let rest = text
  let done = ''
  while (rest !== '') {
    const first = order
      .map(([from, to]) => ({ at: rest.indexOf(from), from, to }))
      .filter(({ at }) => at !== -1)
      .sort((one, other) => one.at - other.at || other.from.length - one.from.length)[0]
    if (first === undefined) break
    done += rest.slice(0, first.at) + first.to
    rest = rest.slice(first.at + first.from.length)
  }
  return done + rest
}

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
]
