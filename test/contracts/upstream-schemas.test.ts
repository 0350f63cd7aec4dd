import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { EVENT_TYPE_NAMES, EVENT_TYPES } from '#dist/contracts/event-types.js'
import type { JsonObject } from '#dist/contracts/json/json.js'
import { jsonSchemas } from '#dist/contracts/schemas/json-schemas.js'
import { schemaLayer } from '#dist/contracts/schemas/schema-layer.js'
import { compiledSchemas } from '#dist/project/program-files.js'
import { CONFORMANCE, conformanceJson, HAS_CONFORMANCE } from '../support/conformance.ts'
import { fc } from '../support/property.ts'
import { arbitraryOf, oneChange } from '../support/schema-arbitrary.ts'

const SCHEMAS = jsonSchemas()
const ask = schemaLayer(compiledSchemas())
const RUNS = { numRuns: 30, maxSkipsPerRun: 10_000 }

/** Ours hold texts to their formats, fields to each other and integers to what is exact; the published ones don't. */
const STRICTER: ReadonlySet<string> = new Set([
  'format',
  'pattern',
  'minLength',
  'required',
  'const',
  'type',
  'maximum',
  'minimum',
  'anyOf',
  'minProperties',
  'x-kittiwake-sum',
])

const published = HAS_CONFORMANCE
  ? readdirSync(join(CONFORMANCE, 'schemas'))
      .filter((file) => file.endsWith('.schema.json'))
      .map((file) => file.replace('.schema.json', ''))
  : []
const names = ['event', ...EVENT_TYPE_NAMES.map((name) => EVENT_TYPES[name].schema)].filter(
  (name) => published.includes(name),
)

describe.skipIf(!HAS_CONFORMANCE).each(names.length > 0 ? names : ['none'])('%s', (name) => {
  it('takes nothing that the published schema refuses, and refuses nothing but by what it asks beside', () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false })
    const theirs = ajv.compile(conformanceJson(`schemas/${name}.schema.json`) as JsonObject)
    const values = arbitraryOf(SCHEMAS.get(name) ?? {})
    const changed = values.chain((value) => fc.oneof(fc.constant(value), oneChange(value)))
    fc.assert(
      fc.property(changed, (value) => {
        const faults = ask(name, value, [])
        if (theirs(value)) {
          const others = faults.filter(({ code }) => !STRICTER.has(code))
          expect({ value, others }).toEqual({ value, others: [] })
        } else expect({ value, faults: faults.length }).not.toEqual({ value, faults: 0 })
      }),
      RUNS,
    )
  })
})
