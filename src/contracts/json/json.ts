/**
 * JSON as the formats of this field write it: keys sorted by code point, ASCII only, in two dialects; and a
 * reader that is total: bounded depth and size, no `__proto__`, never a throw of its own kind.
 */
import { InputError } from '../../errors.ts'
import { pythonFloat } from './python-float.ts'

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json }

export type JsonObject = { readonly [key: string]: Json }

/** `compact` separates by `,` and `:`; `spaced` by `, ` and `: `. */
export type Dialect = 'compact' | 'spaced'

/** The longest line or document that is read, in UTF-16 units. */
export const JSON_LENGTH_MAX = 1024 * 1024
/** The deepest nesting that is read or written. */
export const JSON_DEPTH_MAX = 64

const FEW_KEYS = 24

const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

type Style = {
  readonly comma: string
  readonly colon: string
  readonly floats: ReadonlySet<string>
}

const NO_KEYS: ReadonlySet<string> = new Set()

/** True for keys that could reach an object's prototype. */
export function isForbiddenKey(key: string): boolean {
  return FORBIDDEN_KEYS.has(key)
}

/**
 * One line of JSON without a line end: sorted keys, `\uXXXX` for all that is not printable ASCII. The numbers beneath the
 * keys `floats` are spelled as Python spells floats.
 *
 * @throws InputError JSON_DEPTH, JSON_NUMBER
 */
export function encodeJson(
  value: Json,
  dialect: Dialect = 'compact',
  floats: ReadonlySet<string> = NO_KEYS,
): string {
  if (dialect === 'compact' && floats === NO_KEYS) {
    const ordered = inOrder(value, 0)
    const text = ordered === undefined ? undefined : JSON.stringify(ordered)
    if (text !== undefined && !HIGH_UNITS.test(text)) return escaped(text)
  }
  const space = dialect === 'compact' ? '' : ' '
  return write(value, { comma: `,${space}`, colon: `:${space}`, floats }, 0, false)
}

/**
 * The same value with its keys in the order of their units, for the engine's own writer, which is much faster than ours; the
 * very same where they are so already. Undefined where an object can't have its keys in that order.
 */
function inOrder(value: Json, depth: number): Json | undefined {
  if (typeof value !== 'object' || value === null) {
    if (typeof value === 'number' && !Number.isFinite(value)) throw notANumber()
    return value
  }
  if (depth >= JSON_DEPTH_MAX) throw tooDeep()
  return Array.isArray(value)
    ? itemsInOrder(value as readonly Json[], depth)
    : keysInOrder(value as JsonObject, depth)
}

function itemsInOrder(items: readonly Json[], depth: number): Json | undefined {
  let copy: Json[] | null = null
  for (const [at, item] of items.entries()) {
    const ordered = inOrder(item, depth + 1)
    if (ordered === undefined) return undefined
    if (ordered !== item) copy ??= items.slice(0, at)
    copy?.push(ordered)
  }
  return copy ?? items
}

function keysInOrder(object: JsonObject, depth: number): Json | undefined {
  const keys = Object.keys(object)
  const isInOrder = isAscending(keys)
  if (!isInOrder) sortUnits(keys)
  let copy: Record<string, Json> | null = isInOrder ? null : {}
  for (const key of keys) {
    if (isMisplaced(key)) return undefined
    const field = object[key]
    if (field === undefined) continue
    const ordered = inOrder(field, depth + 1)
    if (ordered === undefined) return undefined
    if (ordered !== field) copy ??= { ...object }
    if (copy !== null) copy[key] = ordered
  }
  return copy ?? object
}

/** Engines put keys that are numbers before all others; and one key makes no field when it is set. */
function isMisplaced(key: string): boolean {
  const unit = key.charCodeAt(0)
  return (unit >= 48 && unit <= 57) || key === '__proto__'
}

function isAscending(keys: readonly string[]): boolean {
  for (let at = 1; at < keys.length; at += 1) {
    if ((keys[at - 1] as string) > (keys[at] as string)) return false
  }
  return true
}

/** By units, as the engine sorts: which makes much garbage for the few keys that most objects have. */
function sortUnits(keys: string[]): void {
  if (keys.length > FEW_KEYS) {
    keys.sort()
    return
  }
  for (let at = 1; at < keys.length; at += 1) {
    const key = keys[at] as string
    let to = at
    for (; to > 0 && (keys[to - 1] as string) > key; to -= 1) keys[to] = keys[to - 1] as string
    keys[to] = key
  }
}

function write(value: Json, style: Style, depth: number, isFloat: boolean): string {
  if (value === null) return 'null'
  switch (typeof value) {
    case 'string':
      return encodeString(value)
    case 'boolean':
      return value ? 'true' : 'false'
    case 'number':
      if (!Number.isFinite(value)) throw notANumber()
      return isFloat ? pythonFloat(value) : JSON.stringify(value)
    default:
  }
  if (depth >= JSON_DEPTH_MAX) throw tooDeep()
  let text = ''
  if (Array.isArray(value)) {
    for (const item of value as readonly Json[]) {
      text += `${text === '' ? '' : style.comma}${write(item, style, depth + 1, isFloat)}`
    }
    return `[${text}]`
  }
  const object = value as JsonObject
  for (const key of sortedKeys(object)) {
    const field = object[key]
    if (field === undefined) continue
    text += `${text === '' ? '' : style.comma}${encodeString(key)}${style.colon}`
    text += write(field, style, depth + 1, style.floats.has(key))
  }
  return `{${text}}`
}

const NEEDS_ESCAPE = /[^ !#-[\]-~]/
// Everything outside printable ASCII, DEL included, as Python's ensure_ascii writes it.
const IS_NOT_PRINTABLE = /[\u007f-\uffff]/
const NOT_PRINTABLE = /[\u007f-\uffff]/g

function encodeString(text: string): string {
  return NEEDS_ESCAPE.test(text) ? escaped(JSON.stringify(text)) : `"${text}"`
}

/** JSON with whatever is not printable ASCII escaped. */
function escaped(text: string): string {
  if (!IS_NOT_PRINTABLE.test(text)) return text
  return text.replace(
    NOT_PRINTABLE,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

const HIGH_UNITS = /[\ud800-\uffff]/

/** The engine's own order, which is quick, is that of the code points as long as nothing is above the surrogates. */
function sortedKeys(object: JsonObject): readonly string[] {
  const keys = Object.keys(object)
  return keys.some((key) => HIGH_UNITS.test(key)) ? keys.sort(byCodePoint) : keys.sort()
}

/** Order by code point: UTF-16 order differs above U+FFFF. A surrogate without its other half is a point of its own. */
export function byCodePoint(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let at = 0; at < length;) {
    const x = a.codePointAt(at) ?? 0
    const y = b.codePointAt(at) ?? 0
    if (x !== y) return x - y
    at += x > 0xffff ? 2 : 1
  }
  return a.length - b.length
}

/**
 * Parses text that someone else wrote.
 *
 * @throws InputError JSON_TOO_LARGE, JSON_SYNTAX, JSON_DEPTH, JSON_KEY, JSON_NUMBER
 */
export function parseJson(text: string, lengthMax: number = JSON_LENGTH_MAX): Json {
  if (text.length > lengthMax) {
    throw new InputError(
      'JSON_TOO_LARGE',
      `JSON of ${text.length} characters; at most ${lengthMax} are read`,
      {
        hint: 'Store large output in a file and put its path and hash into the payload.',
      },
    )
  }
  let value: Json
  try {
    value = JSON.parse(text) as Json
  } catch {
    // The engine's own message quotes the text, which may hold what must not be shown.
    throw new InputError('JSON_SYNTAX', 'not valid JSON', {
      hint: 'Check its quotes, commas and brackets, and that it is whole.',
    })
  }
  checkShape(value, 0)
  return value
}

/** Parses text that must hold one JSON object. @throws InputError also JSON_NOT_OBJECT */
export function parseJsonObject(text: string, lengthMax: number = JSON_LENGTH_MAX): JsonObject {
  const value = parseJson(text, lengthMax)
  if (!isJsonObject(value)) {
    throw new InputError('JSON_NOT_OBJECT', 'a JSON object is expected', {
      hint: 'Put the value into an object: {"key": value}.',
    })
  }
  return value
}

/** An object of no class. One of another realm, as a thread or a test runner makes it, has a prototype of its own without one. */
export function isPlainObject(value: object): boolean {
  if (Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

// The engine reads any depth, so what stands deeper than is allowed must not be entered.
function checkShape(value: Json, depth: number): void {
  // What is too large for a number was read as Infinity, which no writer can write again.
  if (typeof value === 'number' && !Number.isFinite(value)) throw notANumber()
  if (typeof value !== 'object' || value === null) return
  if (depth >= JSON_DEPTH_MAX) throw tooDeep()
  if (Array.isArray(value)) {
    for (const item of value as readonly Json[]) checkShape(item, depth + 1)
    return
  }
  for (const key of Object.keys(value)) {
    if (isForbiddenKey(key)) {
      throw new InputError('JSON_KEY', `the key ${key} is refused`, {
        hint: 'Give the key another name.',
      })
    }
    checkShape((value as JsonObject)[key] as Json, depth + 1)
  }
}

function notANumber(): InputError {
  return new InputError('JSON_NUMBER', 'JSON has no NaN and no Infinity', {
    hint: 'Write null, or the number as text.',
  })
}

function tooDeep(): InputError {
  return new InputError('JSON_DEPTH', `JSON is nested deeper than ${JSON_DEPTH_MAX} levels`, {
    hint: 'Flatten the value, or put the nested part into a file.',
  })
}
