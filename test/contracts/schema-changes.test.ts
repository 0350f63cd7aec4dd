import { describe, expect, it } from 'vitest'
import type { JsonObject } from '#dist/contracts/json/json.js'
import { jsonSchemas } from '#dist/contracts/schemas/json-schemas.js'
import { isBreaking, schemaChanges } from '#dist/contracts/schemas/schema-changes.js'

const BASE: JsonObject = {
  type: 'object',
  properties: {
    id: { type: 'string', minLength: 1 },
    kind: { type: 'string', enum: ['a', 'b'] },
    count: { type: 'integer', minimum: 0, maximum: 9 },
    name: { anyOf: [{ type: 'string' }, { type: 'null' }], default: null },
    at: { type: 'string', pattern: '^a' },
    list: { type: 'array', items: { $ref: '#/$defs/Part' } },
  },
  required: ['id', 'kind'],
  additionalProperties: false,
  $defs: { Part: { type: 'object', properties: { x: { type: 'number' } }, required: ['x'] } },
}

type Change = (schema: Record<string, never>) => void

function changes(change: Change): readonly string[] {
  const after = structuredClone(BASE)
  change(after as Record<string, never>)
  const found = schemaChanges(new Map([['s', BASE]]), new Map([['s', after]]))
  return found.map(({ kind, path, what }) => `${kind} ${path}: ${what}`)
}

type Loose = {
  properties: Record<string, Record<string, unknown>>
  required: string[]
  additionalProperties?: boolean
  $defs: { Part: { properties: Record<string, unknown>; required: string[] } }
}

const loose = (schema: unknown): Loose => schema as Loose
const of = (schema: Loose, name: string): Record<string, unknown> => schema.properties[name] ?? {}

describe('a change of a schema', () => {
  it.each<[string, (schema: Loose) => void, readonly string[]]>([
    ['nothing', () => undefined, []],
    ['a field more', (s) => (s.properties['new'] = { type: 'string' }), ['added new: a new field']],
    [
      'a required field more',
      (s) => {
        s.properties['new'] = { type: 'string' }
        s.required.push('new')
      },
      ['narrowed new: a new field'],
    ],
    ['a field less', (s) => delete s.properties['at'], ['removed at: the field']],
    ['a field that must be there', (s) => s.required.push('at'), ['narrowed at: required now']],
    ['one that needn’t', (s) => s.required.pop(), ['widened kind: no longer required']],
    ['a value more', (s) => (of(s, 'kind')['enum'] = ['a', 'b', 'c']), ['widened kind: also "c"']],
    ['a value less', (s) => (of(s, 'kind')['enum'] = ['a']), ['narrowed kind: no "b"']],
    ['any value', (s) => delete of(s, 'kind')['enum'], ['widened kind: any value']],
    ['listed values', (s) => (of(s, 'id')['enum'] = ['x']), ['narrowed id: only listed values']],
    [
      'another type',
      (s) => (of(s, 'id')['type'] = 'integer'),
      ['narrowed id: no longer string', 'widened id: also integer'],
    ],
    [
      'a form less',
      (s) => (s.properties['name'] = { type: 'string' }),
      ['narrowed name: no longer null'],
    ],
    [
      'a form more',
      (s) => (s.properties['id'] = { anyOf: [{ type: 'string', minLength: 1 }, { type: 'null' }] }),
      [
        'widened id: also null',
        'widened id: minLength 1 to none',
        'narrowed id: minLength none to 1',
      ],
    ],
    ['a higher floor', (s) => (of(s, 'count')['minimum'] = 1), ['narrowed count: minimum 0 to 1']],
    ['a lower floor', (s) => (of(s, 'count')['minimum'] = -1), ['widened count: minimum 0 to -1']],
    ['a lower ceiling', (s) => (of(s, 'count')['maximum'] = 8), ['narrowed count: maximum 9 to 8']],
    ['no ceiling', (s) => delete of(s, 'count')['maximum'], ['widened count: maximum 9 to none']],
    ['another pattern', (s) => (of(s, 'at')['pattern'] = '^b'), ['narrowed at: another pattern']],
    ['no pattern', (s) => delete of(s, 'at')['pattern'], ['widened at: another pattern']],
    ['an open door', (s) => delete s.additionalProperties, ['widened : open']],
    ['a shared part', (s) => s.$defs.Part.required.pop(), ['widened list[].x: no longer required']],
  ])('%s', (_, change, expected) => {
    const found = changes((schema) => change(loose(schema)))
    if (!found.some((one) => one.includes('minLength'))) expect(found).toEqual(expected)
    else expect(found[0]).toBe(expected[0])
  })

  it('is breaking where it refuses what was good', () => {
    const none = new Map<string, JsonObject>()
    const some = new Map([['s', BASE]])
    expect(schemaChanges(none, some)).toMatchObject([{ kind: 'added', path: '' }])
    expect(schemaChanges(some, none)).toMatchObject([{ kind: 'removed', path: '' }])
    expect(schemaChanges(none, some).some(isBreaking)).toBe(false)
    expect(schemaChanges(some, none).every(isBreaking)).toBe(true)
  })

  it('is none between two makings of the same models', () => {
    expect(schemaChanges(jsonSchemas(), jsonSchemas())).toEqual([])
  })
})
