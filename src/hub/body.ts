/**
 * The event as it is stored: the very bytes that came, without the keys that only served the transport. Not
 * re-serialized, because a reader shall get what the writer's checksum was made of.
 */
import type { JsonObject } from '../contracts/json/json.ts'

/** Of an event: what a client and a hub add for the transport alone. */
const TRANSPORT_KEYS = [
  'type',
  'seq',
  'spec_kitty_delivery_identity',
  'admission_generation',
  'binding_audience',
]
export const EVENT_TRANSPORT_KEYS: ReadonlySet<string> = new Set(TRANSPORT_KEYS)
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

/** An object of a list, as it came. */
export type Listed = {
  readonly text: string
  /** Keys of the object itself, each as often as it is there. */
  readonly members: number
  /** Between its keys and values stands no white space. */
  readonly isTight: boolean
}

/**
 * The objects of the list that stands under a top-level key.
 *
 * @param text valid JSON that holds one object with that list, of nothing but objects
 * @returns null where the key is there twice
 */
export function objectsIn(text: string, key: string): readonly Listed[] | null {
  let objects: Listed[] | null = null
  let at = skipSpace(text, text.indexOf('{') + 1)
  while (text.charCodeAt(at) !== CLOSE_BRACE) {
    const keyEnd = stringEnd(text, at)
    const value = skipSpace(text, text.indexOf(':', keyEnd) + 1)
    if (keyOf(text.slice(at, keyEnd)) === key) {
      if (objects !== null) return null
      objects = []
      // Of two keys the first may have any value.
      const isList = text.charCodeAt(value) === OPEN_BRACKET
      at = isList ? listEnd(text, value, objects) : valueEnd(text, value)
    } else at = valueEnd(text, value)
    at = skipSpace(text, at)
    if (text.charCodeAt(at) === COMMA) at = skipSpace(text, at + 1)
  }
  return objects
}

// Adds the objects of the list that opens at `from`.
function listEnd(text: string, from: number, objects: Listed[]): number {
  let at = skipSpace(text, from + 1)
  while (text.charCodeAt(at) !== CLOSE_BRACKET) {
    const object = objectAt(text, at)
    objects.push(object)
    at = skipSpace(text, at + object.text.length)
    if (text.charCodeAt(at) === COMMA) at = skipSpace(text, at + 1)
  }
  return at + 1
}

function objectAt(text: string, from: number): Listed {
  let members = 0
  let isTight = true
  let depth = 0
  let at = from
  do {
    const unit = text.charCodeAt(at)
    if (unit === QUOTE) {
      at = stringEnd(text, at)
      continue
    }
    if (unit === OPEN_BRACE || unit === OPEN_BRACKET) depth += 1
    else if (unit === CLOSE_BRACE || unit === CLOSE_BRACKET) depth -= 1
    else if (depth === 1 && unit === COLON) members += 1
    else if (depth === 1 && unit <= SPACE) isTight = false
    at += 1
  } while (depth > 0)
  return { text: text.slice(from, at), members, isTight }
}

/**
 * An event without its transport keys.
 *
 * @param value what the text says
 * @returns null where a top-level key is there twice
 */
export function bodyOf({ text, members, isTight }: Listed, value: JsonObject): string | null {
  if (members !== Object.keys(value).length) return null
  const isWhole = isTight && !TRANSPORT_KEYS.some((key) => Object.hasOwn(value, key))
  return isWhole ? text : withoutMembers(text, EVENT_TRANSPORT_KEYS)
}

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
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
