/**
 * The second layer: what the JSON Schemas have against a value. They are compiled by the build, so nothing is made of text
 * at run time.
 */
import type { SchemaLayer } from '../judge.ts'
import { violation, VIOLATIONS_MAX, type Path } from '../values/violation.ts'

/** A function for each schema, by its name. */
export type CompiledSchemas = Readonly<Record<string, CompiledSchema>>

type CompiledSchema = {
  (value: unknown): boolean
  /** What the last value had against it. */
  readonly errors?: readonly SchemaFault[] | null
}

type SchemaFault = {
  readonly instancePath: string
  readonly keyword: string
  readonly params: Readonly<Record<string, unknown>>
}

/** Keywords that only say that another one, at the same place, was broken. */
const COMPOUND: ReadonlySet<string> = new Set(['anyOf', 'oneOf', 'if', 'allOf'])

export function schemaLayer(validators: CompiledSchemas): SchemaLayer {
  return (schema, value, at) => {
    const validator = validators[schema]
    if (validator === undefined) {
      return [violation('schema', 'unknown_schema', at, 'no JSON Schema has this name')]
    }
    if (validator(value)) return []
    const faults = (validator.errors ?? []).slice(0, VIOLATIONS_MAX)
    return plain(faults).map((fault) => {
      const message = `${schema} refuses it by ${fault.keyword}`
      return violation('schema', fault.keyword, pathOf(fault, value, at), message)
    })
  }
}

/** Of a place where several forms are allowed one fault, and none where something within it is told. */
function plain(faults: readonly SchemaFault[]): readonly SchemaFault[] {
  const compound = new Map(
    faults.filter(({ keyword }) => COMPOUND.has(keyword)).map((one) => [one.instancePath, one]),
  )
  const single = faults.filter(({ instancePath }) => !compound.has(instancePath))
  const told = [...single, ...compound.values()]
  const within = new Set(told.flatMap(({ instancePath }) => parentsOf(instancePath)))
  const forms = [...compound.values()].filter(({ instancePath }) => !within.has(instancePath))
  return [...single, ...forms]
}

/** The places that hold this one, from the outermost. */
function parentsOf(path: string): readonly string[] {
  const parts = path.split('/')
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'))
}

function pathOf({ instancePath, params }: SchemaFault, root: unknown, at: Path): Path {
  const path: (string | number)[] = [...at]
  let value = root
  for (const part of instancePath.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~')
    path.push(Array.isArray(value) ? Number(key) : key)
    value = (value as Readonly<Record<string, unknown>>)[key]
  }
  const named = params['missingProperty'] ?? params['additionalProperty']
  return typeof named === 'string' ? [...path, named] : path
}
