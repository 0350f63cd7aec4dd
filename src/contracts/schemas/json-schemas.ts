/**
 * The JSON Schemas (2020-12) of everything that has a name in the contracts, made from the models: one for each event type's
 * payload, for the envelope, for each shared value object and for the cutover. Files in `schemas/` and the compiled validators
 * are written from these.
 */
import { z } from 'zod'
import { CUTOVER_MODEL } from './cutover-model.ts'
import { envelope } from '../envelope.ts'
import { EVENT_TYPE_NAMES, EVENT_TYPES, snakeCase } from '../event-types.ts'
import { SCHEMA_NOTES, SHARED_MODELS } from '../values/fields.ts'
import { isJsonObject, type JsonObject } from '../json/json.ts'
import { PAYLOAD_MODELS } from '../registry.ts'

export const SCHEMA_DIALECT = 'https://json-schema.org/draft/2020-12/schema'
/** What the ids of our schemas begin with; they name, and lead nowhere. */
const SCHEMA_BASE = 'kittiwake:schemas/'
const SAFE = Number.MAX_SAFE_INTEGER

/** By name, in the order of code points. Made anew with each call. */
export function jsonSchemas(): ReadonlyMap<string, JsonObject> {
  const models = new Map<string, z.ZodType>([
    ['cutover_artifact', CUTOVER_MODEL],
    ['event', envelope],
  ])
  for (const [id, model] of SHARED_MODELS) models.set(snakeCase(id), model)
  for (const name of EVENT_TYPE_NAMES) models.set(EVENT_TYPES[name].schema, PAYLOAD_MODELS[name])
  const names = [...models.keys()].sort()
  return new Map(names.map((name) => [name, schemaOf(name, models.get(name) ?? z.never())]))
}

function schemaOf(name: string, model: z.ZodType): JsonObject {
  const made = z.toJSONSchema(model, {
    io: 'input',
    target: 'draft-2020-12',
    metadata: SCHEMA_NOTES,
    override: ({ jsonSchema }) => tidy(jsonSchema as Record<string, unknown>),
  })
  const plain = JSON.parse(JSON.stringify(made)) as JsonObject
  return { ...inPlace(plain), $schema: SCHEMA_DIALECT, $id: `${SCHEMA_BASE}${name}` }
}

/** A value object's own schema stands at the root, and not among what it refers to. */
function inPlace(schema: JsonObject): JsonObject {
  const { $ref, $defs } = schema
  if (typeof $ref !== 'string' || !isJsonObject($defs)) return schema
  const { [$ref.replace('#/$defs/', '')]: own, ...others } = $defs
  if (!isJsonObject(own)) return schema
  return Object.keys(others).length === 0 ? own : { ...own, $defs: others }
}

function tidy(schema: Record<string, unknown>): void {
  // An open model says nothing of other keys, and each key of JSON is a string.
  const others = schema['additionalProperties']
  const isOpen = typeof others === 'object' && others !== null && Object.keys(others).length === 0
  if (isOpen) delete schema['additionalProperties']
  delete schema['propertyNames']
  const { oneOf } = schema
  if (Array.isArray(oneOf)) schema['discriminator'] = { propertyName: 'origin_surface' }
  if (schema['type'] === 'integer') {
    schema['minimum'] ??= schema['exclusiveMinimum'] === undefined ? -SAFE : undefined
    schema['maximum'] ??= SAFE
  }
}
