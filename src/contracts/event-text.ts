/**
 * Text that claims to be events: JSON is read by the language's own parser, and what that passes over in silence is found by a
 * look at the text itself, which is iterative and keeps nothing but the keys of what is open.
 */
import { violation, VIOLATIONS_MAX, type Path, type Violation } from './values/violation.ts'

export type EventText =
  | { readonly ok: true; readonly value: unknown; readonly violations: readonly Violation[] }
  | { readonly ok: false; readonly violations: readonly Violation[] }

/** The longest event that is read, in UTF-16 units: what a hub takes as one frame. */
export const EVENT_TEXT_MAX = 2 * 1024 * 1024

/** Total. `violations` of a text that was read are what the value no longer tells. */
export function readEventText(text: string, lengthMax: number = EVENT_TEXT_MAX): EventText {
  if (text.length > lengthMax) {
    return refused('too_large', `${text.length} characters; at most ${lengthMax} are read`)
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The engine's own message quotes the text.
    const isNumber = /[:[,]\s*-?(?:NaN|Infinity)\b/.test(text)
    return isNumber
      ? refused('not_finite', 'JSON has no NaN and no Infinity')
      : refused('not_json', 'not valid JSON')
  }
  return { ok: true, value, violations: lostInReading(text) }
}

/** Of text that is known to be JSON: keys that stand twice, and numbers that can't be kept as they are spelled. Total. */
export function lostInReading(text: string): readonly Violation[] {
  return new TextLook(text).found
}

function refused(code: string, message: string): EventText {
  return { ok: false, violations: [violation('input', code, [], message)] }
}

type Open = {
  /** Null in an array. */
  readonly keys: Set<string> | null
  key: string
  index: number
}

const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*|[{}[\],:]/y
const BETWEEN = /[^"{}[\],:\d-]*/y
const WHOLE_NUMBER = /^-?\d+$/

/** Walks over text that is known to be JSON. */
class TextLook {
  readonly found: Violation[] = []
  readonly #open: Open[] = []
  #isKey = false

  constructor(text: string) {
    for (let at = 0; at < text.length;) {
      BETWEEN.lastIndex = at
      at += BETWEEN.exec(text)?.[0].length ?? 0
      TOKEN.lastIndex = at
      const token = TOKEN.exec(text)?.[0]
      if (token === undefined) return
      at += token.length
      this.#take(token)
    }
  }

  #take(token: string): void {
    const top = this.#open.at(-1)
    switch (token[0]) {
      case '{':
        this.#open.push({ keys: new Set(), key: '', index: 0 })
        this.#isKey = true
        return
      case '[':
        this.#open.push({ keys: null, key: '', index: 0 })
        this.#isKey = false
        return
      case '}':
      case ']':
        this.#open.pop()
        this.#isKey = false
        return
      case ',':
        if (top !== undefined) top.index += 1
        this.#isKey = top?.keys !== null
        return
      case ':':
        this.#isKey = false
        return
      case '"':
        if (this.#isKey && top?.keys) this.#takeKey(top, top.keys, token)
        return
      default:
        this.#takeNumber(token)
    }
  }

  #takeKey(top: Open, keys: Set<string>, token: string): void {
    const key = token.includes('\\') ? String(JSON.parse(token)) : token.slice(1, -1)
    top.key = key
    if (keys.has(key))
      this.#add('duplicate_key', 'the key stands twice; readers differ on which counts')
    else keys.add(key)
  }

  #takeNumber(token: string): void {
    const number = Number(token)
    if (!Number.isFinite(number)) this.#add('not_finite', 'no number of this size can be kept')
    else if (WHOLE_NUMBER.test(token) && !Number.isSafeInteger(number)) {
      this.#add('int_unsafe', 'an integer beyond 2^53 - 1 can not be kept exactly')
    }
  }

  #add(code: string, message: string): void {
    if (this.found.length === VIOLATIONS_MAX) return
    this.found.push(violation('input', code, this.#path(), message))
  }

  #path(): Path {
    return this.#open.map(({ keys, key, index }) => (keys === null ? index : key))
  }
}
