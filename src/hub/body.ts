/**
 * The event as it is stored: the very bytes that came, without the keys that only served the transport. Not
 * re-serialized, because a reader shall get what the writer's checksum was made of.
 */

/** Of an event: what a client and a hub add for the transport alone. */
export const EVENT_TRANSPORT_KEYS: ReadonlySet<string> = new Set([
  'type',
  'seq',
  'spec_kitty_delivery_identity',
  'admission_generation',
  'binding_audience',
])
/** Of a commit, whose type is a part of it. */
export const COMMIT_TRANSPORT_KEYS: ReadonlySet<string> = new Set(
  [...EVENT_TRANSPORT_KEYS].filter((key) => key !== 'type'),
)

/**
 * `text` without the top-level members named by `keys`.
 *
 * @param text valid JSON that holds one object
 * @returns null where a top-level key is there twice: readers would not agree on which one counts
 */
export function withoutMembers(text: string, keys: ReadonlySet<string>): string | null {
  const kept: string[] = []
  const seen = new Set<string>()
  let at = skipSpace(text, text.indexOf('{') + 1)
  while (text.charCodeAt(at) !== CLOSE_BRACE) {
    const start = at
    const keyEnd = stringEnd(text, at)
    const key = keyOf(text.slice(start, keyEnd))
    if (seen.has(key)) return null
    seen.add(key)
    at = valueEnd(text, skipSpace(text, text.indexOf(':', keyEnd) + 1))
    if (!keys.has(key)) kept.push(text.slice(start, at))
    at = skipSpace(text, at)
    if (text.charCodeAt(at) === COMMA) at = skipSpace(text, at + 1)
  }
  return `{${kept.join(',')}}`
}

/**
 * The texts of the elements of the list that stands under a top-level key.
 *
 * @param text valid JSON that holds one object with that list
 * @returns null where the key is there twice
 */
export function elementsOf(text: string, key: string): readonly string[] | null {
  let list = -1
  let at = skipSpace(text, text.indexOf('{') + 1)
  while (text.charCodeAt(at) !== CLOSE_BRACE) {
    const keyEnd = stringEnd(text, at)
    const value = skipSpace(text, text.indexOf(':', keyEnd) + 1)
    if (keyOf(text.slice(at, keyEnd)) === key) {
      if (list !== -1) return null
      list = value
    }
    at = skipSpace(text, valueEnd(text, value))
    if (text.charCodeAt(at) === COMMA) at = skipSpace(text, at + 1)
  }
  return list === -1 ? null : elementsFrom(text, skipSpace(text, list + 1))
}

function elementsFrom(text: string, from: number): readonly string[] {
  const elements: string[] = []
  let at = from
  while (text.charCodeAt(at) !== CLOSE_BRACKET) {
    const end = valueEnd(text, at)
    elements.push(text.slice(at, end))
    at = skipSpace(text, end)
    if (text.charCodeAt(at) === COMMA) at = skipSpace(text, at + 1)
  }
  return elements
}

const QUOTE = 0x22
const COMMA = 0x2c
const BACKSLASH = 0x5c
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const SPACE = 0x20

function keyOf(token: string): string {
  return token.includes('\\') ? (JSON.parse(token) as string) : token.slice(1, -1)
}

function skipSpace(text: string, from: number): number {
  let at = from
  while (text.charCodeAt(at) <= SPACE) at++
  return at
}

// The index after the closing quote of the string that opens at `from`.
function stringEnd(text: string, from: number): number {
  let at = text.indexOf('"', from + 1)
  while (isEscaped(text, at)) at = text.indexOf('"', at + 1)
  return at + 1
}

function isEscaped(text: string, at: number): boolean {
  let before = at - 1
  while (text.charCodeAt(before) === BACKSLASH) before--
  return (at - before) % 2 === 0
}

// The index after the value that starts at `from`. Not recursive: the depth is the sender's choice.
function valueEnd(text: string, from: number): number {
  let depth = 0
  let at = from
  for (;;) {
    const unit = text.charCodeAt(at)
    if (unit === QUOTE) {
      at = stringEnd(text, at)
      if (depth === 0) return at
      continue
    }
    if (unit === OPEN_BRACE || unit === OPEN_BRACKET) depth++
    else if (unit === CLOSE_BRACE || unit === CLOSE_BRACKET) {
      if (depth === 0) return at
      depth--
      if (depth === 0) return at + 1
    } else if (depth === 0 && (unit === COMMA || unit <= SPACE)) return at
    at++
  }
}
