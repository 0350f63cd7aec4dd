/**
 * JSON text written again with sorted keys in a dialect, numbers kept as they were spelled: `1.0`, `1e-07` and integers
 * beyond 2^53 mean something to other writers that a number of this language can't hold.
 */
import { InputError } from '../../errors.ts'
import { byCodePoint, encodeJson, JSON_DEPTH_MAX, parseJson } from './json.ts'
import type { Dialect } from './json.ts'

type Node =
  | { readonly kind: 'word'; readonly text: string }
  | { readonly kind: 'array'; readonly items: readonly Node[] }
  | { readonly kind: 'object'; readonly fields: ReadonlyMap<string, Node> }

const SPACE = /[\t\n\r ]*/y
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const WORD = /true|false|null/y
const STRING = /"(?:[^"\\]|\\.)*"/y

/** @throws InputError as `parseJson` */
export function reencodeJson(text: string, dialect: Dialect): string {
  // The parser of the language judges whether it is JSON; here only spellings are kept.
  const plain = encodeJson(parseJson(text), dialect)
  if (plain === text) return plain
  const reader = new Reader(text)
  return write(reader.value(0), dialect === 'compact' ? [',', ':'] : [', ', ': '])
}

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  value(depth: number): Node {
    if (depth > JSON_DEPTH_MAX) throw malformed()
    this.#take(SPACE)
    const first = this.#text[this.#at]
    if (first === '{') return this.#object(depth)
    if (first === '[') return this.#array(depth)
    if (first === '"') return { kind: 'word', text: encodeJson(this.#string()) }
    const word = this.#take(WORD) ?? this.#take(NUMBER)
    if (word === null || word === '') throw malformed()
    return { kind: 'word', text: word }
  }

  #object(depth: number): Node {
    const fields = new Map<string, Node>()
    for (this.#at += 1; !this.#ends('}');) {
      const key = this.#string()
      this.#take(SPACE)
      // Behind the colon.
      this.#at += 1
      fields.set(key, this.value(depth + 1))
    }
    return { kind: 'object', fields }
  }

  #array(depth: number): Node {
    const items: Node[] = []
    for (this.#at += 1; !this.#ends(']');) items.push(this.value(depth + 1))
    return { kind: 'array', items }
  }

  /** Passes over what separates two members, and over the end. */
  #ends(end: string): boolean {
    this.#take(SPACE)
    if (this.#text[this.#at] === ',') this.#at += 1
    this.#take(SPACE)
    if (this.#at >= this.#text.length) throw malformed()
    if (this.#text[this.#at] !== end) return false
    this.#at += 1
    return true
  }

  #string(): string {
    const quoted = this.#take(STRING)
    if (quoted === null) throw malformed()
    return JSON.parse(quoted) as string
  }

  #take(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0] ?? null
    this.#at += found?.length ?? 0
    return found
  }
}

function write(node: Node, separators: readonly [string, string]): string {
  const [comma, colon] = separators
  if (node.kind === 'word') return node.text
  if (node.kind === 'array') {
    return `[${node.items.map((item) => write(item, separators)).join(comma)}]`
  }
  const fields = [...node.fields].sort(([a], [b]) => byCodePoint(a, b))
  const texts = fields.map(
    ([key, value]) => `${encodeJson(key)}${colon}${write(value, separators)}`,
  )
  return `{${texts.join(comma)}}`
}

function malformed(): InputError {
  return new InputError('JSON_SYNTAX', 'not valid JSON')
}
