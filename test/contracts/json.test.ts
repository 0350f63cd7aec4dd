import { describe, expect, it } from 'vitest'
import {
  byCodePoint,
  encodeJson,
  JSON_DEPTH_MAX,
  parseJson,
  parseJsonObject,
} from '#dist/contracts/json/json.js'
import type { Json, JsonObject } from '#dist/contracts/json/json.js'
import { InputError } from '#dist/errors.js'
import { fc, property } from '../support/property.ts'

/** Any text, lone surrogates included: what JavaScript can hold, a payload can hold. */
const anyText = fc.string({
  unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
})
const safeKey = anyText.filter((key) => !['__proto__', 'constructor', 'prototype'].includes(key))
// JSON has one zero.
const anyNumber = fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0)
const { anyJson } = fc.letrec<{ anyJson: Json }>((tie) => ({
  anyJson: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    anyNumber,
    anyText,
    fc.array(tie('anyJson'), { maxLength: 4 }),
    fc.dictionary(safeKey, tie('anyJson'), { maxKeys: 4 }),
  ),
}))
const dialect = fc.constantFrom('compact', 'spaced')

function nested(levels: number): Json {
  let value: Json = 1
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { a: value }
  return value
}

/** The code of the InputError that `work` throws, or null; any other throw fails the test. */
function refusalOf(work: () => unknown): string | null {
  try {
    work()
    return null
  } catch (error) {
    expect(error).toBeInstanceOf(InputError)
    return (error as InputError).code
  }
}

/** As Python compares texts: by code points, not by UTF-16 units. */
function codePointsOf(text: string): number[] {
  return Array.from(text, (point) => point.codePointAt(0) ?? 0)
}

function compareLists(a: readonly number[], b: readonly number[]): number {
  for (const [index, point] of a.entries()) {
    const other = b[index]
    if (other === undefined) return 1
    if (point !== other) return point - other
  }
  return a.length - b.length
}

/** Keys in the order in which they stand in the text; every object in it. */
function keysInOrder(text: string): string[][] {
  const found: string[][] = []
  JSON.parse(text, (_, value: unknown) => {
    // Keys that look like numbers come first in an object, wherever they stand in the text.
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      const keys = Object.keys(value)
      if (!keys.some((key) => /^\d+$/.test(key))) found.push(keys)
    }
    return value
  })
  return found
}

describe('the encoder', () => {
  it.each([
    [
      { b: 1, a: [true, null, 'x'] },
      '{"a":[true,null,"x"],"b":1}',
      '{"a": [true, null, "x"], "b": 1}',
    ],
    [{ name: 'Grün' }, '{"name":"Gr\\u00fcn"}', '{"name": "Gr\\u00fcn"}'],
    ['😀\u007f/\u2028', '"\\ud83d\\ude00\\u007f/\\u2028"', '"\\ud83d\\ude00\\u007f/\\u2028"'],
    ['\b\f\n\r\t\u0001"\\', '"\\b\\f\\n\\r\\t\\u0001\\"\\\\"', '"\\b\\f\\n\\r\\t\\u0001\\"\\\\"'],
    ['\ud800', '"\\ud800"', '"\\ud800"'],
    [
      { '\uff5e': 1, '😀': 2, z: 3 },
      '{"z":3,"\\uff5e":1,"\\ud83d\\ude00":2}',
      '{"z": 3, "\\uff5e": 1, "\\ud83d\\ude00": 2}',
    ],
    [{ b: 0, 10: 1, 9: 2 }, '{"10":1,"9":2,"b":0}', '{"10": 1, "9": 2, "b": 0}'],
    [
      [1, { a: { d: 1, c: 2 }, b: [{ f: 1, e: 2 }] }],
      '[1,{"a":{"c":2,"d":1},"b":[{"e":2,"f":1}]}]',
      '[1, {"a": {"c": 2, "d": 1}, "b": [{"e": 2, "f": 1}]}]',
    ],
    [
      JSON.parse('{"b": 1, "__proto__": {"y": 2, "x": 3}}'),
      '{"__proto__":{"x":3,"y":2},"b":1}',
      '{"__proto__": {"x": 3, "y": 2}, "b": 1}',
    ],
    [{}, '{}', '{}'],
    [[], '[]', '[]'],
  ] as [Json, string, string][])(
    'writes %j as Python does, in both dialects',
    (value, compact, spaced) => {
      expect(encodeJson(value)).toBe(compact)
      expect(encodeJson(value, 'spaced')).toBe(spaced)
    },
  )

  property([anyJson, dialect])('writes what reads back as the same value', (value, spelling) => {
    expect(parseJson(encodeJson(value, spelling))).toEqual(value)
  })

  property([anyJson, dialect])('writes one line of printable ASCII', (value, spelling) => {
    expect(encodeJson(value, spelling)).toMatch(/^[\x20-\x7e]*$/)
  })

  const manyKeys = fc.dictionary(safeKey, fc.nat(), { minKeys: 20, maxKeys: 40 })
  property([fc.oneof(anyJson, manyKeys)])(
    'writes the keys of every object sorted by code point',
    (value) => {
      for (const keys of keysInOrder(encodeJson(value))) {
        const sorted = [...keys].sort((a, b) => compareLists(codePointsOf(a), codePointsOf(b)))
        expect(keys).toEqual(sorted)
      }
    },
  )

  property([anyJson])('writes the same by the engine as by hand, and changes nothing', (value) => {
    const before = structuredClone(value)
    // Floats are spelled by hand, and so is all around them.
    expect(encodeJson(value)).toBe(encodeJson(value, 'compact', new Set(['no key'])))
    expect(value).toEqual(before)
  })

  property([anyJson])('is stable: what was read back is written as the same text', (value) => {
    const text = encodeJson(value)
    expect(encodeJson(parseJson(text))).toBe(text)
  })

  property([anyText, anyText])('compares texts by code point', (a, b) => {
    const expected = Math.sign(compareLists(codePointsOf(a), codePointsOf(b)))
    expect(Math.sign(byCodePoint(a, b))).toBe(expected)
  })

  it.each([NaN, Infinity, -Infinity])('refuses %s, which JSON has not', (number) => {
    expect(refusalOf(() => encodeJson({ a: number }))).toBe('JSON_NUMBER')
  })

  it('refuses a value that holds itself, and leaves out what is undefined', () => {
    const loop: { self?: Json } = {}
    loop.self = loop as Json
    expect(refusalOf(() => encodeJson(loop as Json))).toBe('JSON_DEPTH')
    expect(encodeJson({ a: undefined, b: 1 } as unknown as JsonObject)).toBe('{"b":1}')
  })
})

describe('the depth', () => {
  property([fc.integer({ min: JSON_DEPTH_MAX - 3, max: JSON_DEPTH_MAX + 3 })])(
    'is bounded alike for writing and for reading',
    (levels) => {
      const expected = levels <= JSON_DEPTH_MAX ? null : 'JSON_DEPTH'
      expect(refusalOf(() => encodeJson(nested(levels)))).toBe(expected)
      expect(refusalOf(() => parseJson(JSON.stringify(nested(levels))))).toBe(expected)
    },
  )

  it('of a hostile text overflows no stack (S06)', () => {
    const levels = 400_000
    const text = `${'['.repeat(levels)}${']'.repeat(levels)}`
    expect(refusalOf(() => parseJson(text))).toMatch(/^JSON_(?:DEPTH|SYNTAX)$/)
  })
})

describe('the reader', () => {
  property([anyText])('is total: a value, or a refusal that quotes nothing', (text) => {
    const canary = `wren${text}cove`
    for (const hostile of [text, `{"a":${text}}`, `[${canary}`]) {
      try {
        parseJson(hostile)
      } catch (error) {
        expect(error).toBeInstanceOf(InputError)
        expect((error as InputError).message).not.toContain('wren')
      }
    }
  })

  it.each(['__proto__', 'constructor', 'prototype'])(
    'refuses the key %s at any depth (S05)',
    (key) => {
      for (const text of [`{"${key}":{"polluted":1}}`, `[{"a":[{"${key}":1}]}]`]) {
        expect(refusalOf(() => parseJson(text))).toBe('JSON_KEY')
      }
      expect(Reflect.get({}, 'polluted')).toBeUndefined()
    },
  )

  it('refuses what is too long before it reads it (S06)', () => {
    expect(refusalOf(() => parseJson('[1]', 2))).toBe('JSON_TOO_LARGE')
    expect(parseJson('[1]', 3)).toEqual([1])
  })

  it.each(['null', '1', '"a"', '[]'])('refuses %s where an object is expected', (text) => {
    expect(refusalOf(() => parseJsonObject(text))).toBe('JSON_NOT_OBJECT')
  })
})
