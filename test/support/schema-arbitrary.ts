/** Values by a JSON Schema of ours, and the same with one thing changed: what a property needs to try two readers of it. */
import type { JsonObject } from '#dist/contracts/json/json.js'
import { fc } from './property.ts'

type Schema = Readonly<Record<string, unknown>>
type Definitions = Readonly<Record<string, Schema>>

const FORMATS: Readonly<Record<string, readonly string[]>> = {
  'date-time': ['2026-01-02T03:04:05Z', '2026-01-02 03:04:05.123456+05:30', '2026-01-02'],
  uuid: ['5f0c1c3e-8a52-4a3a-9d0f-2b7d6c1e9a10', '{5F0C1C3E-8A52-4A3A-9D0F-2B7D6C1E9A10}'],
  uri: ['https://example.org/a?b=c', 'http://[::1]:8080'],
  'iso-8601': ['2026-01-02', '2026-W01-5T03:04Z'],
}
const words = fc.constantFrom('a', 'WP01', ' ', 'grün', 'in_progress', '\u{1f600}', 'x'.repeat(40))

/** Values that the schema describes; those that break a rule between fields are left to the caller. */
export function arbitraryOf(schema: JsonObject): fc.Arbitrary<unknown> {
  const definitions = (schema['$defs'] ?? {}) as Definitions
  const of = (part: Schema): fc.Arbitrary<unknown> => {
    const { $ref, anyOf, oneOf, type } = part
    if (typeof $ref === 'string') return of(definitions[$ref.replace('#/$defs/', '')] ?? {})
    if (type === undefined && Array.isArray(anyOf)) return fc.oneof(...anyOf.map(of))
    if (type === undefined && Array.isArray(oneOf)) return fc.oneof(...oneOf.map(of))
    if ('const' in part) return fc.constant(part['const'])
    if (Array.isArray(part['enum'])) return fc.constantFrom(...(part['enum'] as unknown[]))
    switch (type) {
      case 'string':
        return textOf(part)
      case 'boolean':
        return fc.boolean()
      case 'integer':
      case 'number':
        return numberOf(part)
      case 'array':
        return fc.array(of((part['items'] ?? {}) as Schema), {
          minLength: Number(part['minItems'] ?? 0),
          maxLength: Number(part['minItems'] ?? 0) + 2,
        })
      case 'object':
        return objectOf(part, of)
      case 'null':
        return fc.constant(null)
      default:
        return fc.constantFrom(null, 1, 'x', [], {})
    }
  }
  return of(schema)
}

function textOf({ format, pattern, minLength }: Schema): fc.Arbitrary<unknown> {
  const known = typeof format === 'string' ? FORMATS[format] : undefined
  if (known !== undefined) return fc.constantFrom(...known)
  if (typeof pattern === 'string') {
    const choice = /^\^\(\?:([\w|]+)\)\$$/.exec(pattern)?.[1]
    if (choice !== undefined) return fc.constantFrom(...choice.split('|'))
    const shape = new RegExp(pattern, 'u')
    return fc.constantFrom(...['agent', '3.0.0', '0'.repeat(26)].filter((one) => shape.test(one)))
  }
  return minLength === undefined ? fc.oneof(words, fc.constant('')) : words
}

function numberOf({ type, minimum, exclusiveMinimum, maximum }: Schema): fc.Arbitrary<unknown> {
  const least = Number(minimum ?? Number(exclusiveMinimum ?? -5) + 1)
  const most = Math.min(Number(maximum ?? least + 9), Math.max(least, 0) + 9)
  if (type === 'integer') return fc.integer({ min: Math.max(least, -9), max: most })
  return fc.double({ min: Math.max(least, -9), max: most, noNaN: true })
}

function objectOf(
  part: Schema,
  of: (part: Schema) => fc.Arbitrary<unknown>,
): fc.Arbitrary<unknown> {
  const properties = (part['properties'] ?? {}) as Definitions
  const others = part['additionalProperties']
  if (Object.keys(properties).length === 0) {
    const value = typeof others === 'object' && others !== null ? of(others as Schema) : words
    return fc.dictionary(fc.constantFrom('a', 'b', 'Zürich'), value, {
      minKeys: Number(part['minProperties'] ?? 0),
    })
  }
  const record = Object.fromEntries(Object.entries(properties).map(([key, one]) => [key, of(one)]))
  return fc.record(record, { requiredKeys: (part['required'] ?? []) as string[] })
}

const OTHERS: readonly unknown[] = [
  null,
  '',
  ' ',
  'zzz-unknown',
  -1,
  0,
  1.5,
  2 ** 53,
  true,
  [],
  ['x'],
  {},
  { a: 1 },
]

/** The value with one member or item taken away, replaced or added, wherever it stands. */
export function oneChange(value: unknown): fc.Arbitrary<unknown> {
  const places = placesOf(value, [])
  return fc
    .record({
      place: fc.constantFrom(...places),
      how: fc.constantFrom('set', 'delete', 'add'),
      other: fc.constantFrom(...OTHERS),
    })
    .map(({ place, how, other }) => {
      const copy: unknown = structuredClone(value)
      let at = copy as Record<string | number, unknown>
      for (const step of place.slice(0, -1)) at = at[step] as Record<string | number, unknown>
      const last = place.at(-1) ?? 'zz_extra'
      if (how === 'delete' && !Array.isArray(at)) delete at[last]
      else if (how === 'add' && !Array.isArray(at)) at['zz_extra'] = other
      else at[last] = other
      return copy
    })
}

type Place = readonly (string | number)[]

function placesOf(value: unknown, at: Place): readonly Place[] {
  if (typeof value !== 'object' || value === null) return at.length === 0 ? [['zz_extra']] : []
  const steps = Array.isArray(value) ? value.map((_, index) => index) : Object.keys(value)
  const found = steps.flatMap((step) => [
    [...at, step],
    ...placesOf((value as Record<string | number, unknown>)[step], [...at, step]),
  ])
  return found.length === 0 && at.length === 0 ? [['zz_extra']] : found
}
