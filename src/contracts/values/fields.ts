/**
 * The words in which the contracts' models are written. A model says of each field what it is; `optional` may be absent or
 * null and then reads as null; an `open` model keeps keys that it doesn't know, a `closed` one refuses them.
 */
import { z } from 'zod'
import { ANY_ID_PATTERN, normaliseId } from './event-id.ts'
import { isIsoDate } from './iso-date.ts'
import { isHttpUrl, isUuid, UUID_PATTERN } from './scalars.ts'
import { DATE_TIME_PATTERN, isDateTime } from './timestamp.ts'

/** What the JSON Schema of a model says beside what follows from the model itself. */
export const SCHEMA_NOTES = z.registry<Record<string, unknown>>()

/** A keyword of ours: `{ total: [part, …] }` says that a field is the sum of others. */
export const SUM_KEYWORD = 'x-kittiwake-sum'

/** The value objects that have a name, and so a schema of their own. */
export const SHARED_MODELS = new Map<string, z.ZodType>()

/** Any string, also an empty one. */
export const anyText = z.string()
/** At least one character; a blank is one. */
export const text = z.string().min(1)
export const flag = z.boolean()
/** 0 and more. */
export const count = z.int().min(0)
/** 1 and more. */
export const positive = z.int().min(1)
/** 0 and more, with fractions. */
export const amount = z.number().min(0)
/** From 0 to 1. */
export const share = z.number().min(0).max(1)
export const textRecord = z.record(z.string(), z.string())
export const integerRecord = z.record(z.string(), z.int())
export const openRecord = z.record(z.string(), z.unknown())

export const dateTime = formatted(isDateTime, 'datetime_parsing', 'no time', {
  format: 'date-time',
  pattern: DATE_TIME_PATTERN,
})
export const uuid = formatted(isUuid, 'uuid_parsing', 'no UUID', {
  format: 'uuid',
  pattern: UUID_PATTERN,
})
export const httpUrl = formatted(isHttpUrl, 'url_parsing', 'no http or https URL', {
  format: 'uri',
})
/** A date, or a date and a clock, as text that is not parsed any further. */
export const isoDate = formatted(isIsoDate, 'value_error', 'no ISO 8601 date', {
  format: 'iso-8601',
  minLength: 1,
})
/** A ULID or a UUID, as the envelope's ids are spelled. */
export const eventId = formatted(
  (value) => normaliseId(value) !== null,
  'value_error',
  'neither a ULID nor a UUID',
  { pattern: ANY_ID_PATTERN, minLength: 26, maxLength: 36 },
)

export function literal<const Value extends string | boolean>(value: Value) {
  return z.literal(value)
}

export function oneOf<const Values extends readonly [string, ...string[]]>(...values: Values) {
  return z.enum(values)
}

/** As `oneOf`, told by a pattern. */
export function word(...values: readonly string[]) {
  return z.string().regex(new RegExp(`^(?:${values.join('|')})$`))
}

export function list<Item extends z.ZodType>(item: Item, atLeast = 0) {
  return atLeast === 0 ? z.array(item) : z.array(item).min(atLeast)
}

export function optional<Inner extends z.ZodType>(inner: Inner) {
  return inner.nullable().default(null)
}

export function open<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.looseObject(shape)
}

export function closed<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.strictObject(shape)
}

/** Gives a value object its name; other schemas refer to it by that. */
export function shared<Model extends z.ZodType>(id: string, model: Model): Model {
  SHARED_MODELS.set(id, model)
  const notes = SCHEMA_NOTES.get(model) ?? {}
  SCHEMA_NOTES.add(model, { ...notes, id })
  return model
}

/** What is wrong with a value whose fields are all right, and where. */
export type RuleFault = { readonly path: readonly string[]; readonly message: string }

/**
 * A rule between fields. It is asked only where each field is right by itself. `note` says the same in JSON Schema, so that
 * both layers judge alike.
 */
export function ruled<Model extends z.ZodType>(
  model: Model,
  rule: (value: z.output<Model>) => readonly RuleFault[],
  note: Readonly<Record<string, unknown>>,
): Model {
  const checked = model.check((context) => {
    for (const { path, message } of rule(context.value)) {
      const issue = { code: 'custom' as const, path: [...path], message, input: context.value }
      context.issues.push({ ...issue, params: { code: 'value_error', isRule: true } })
    }
  })
  SCHEMA_NOTES.add(checked, { ...SCHEMA_NOTES.get(model), ...note })
  return checked
}

/** The JSON Schema of an implication. */
export function when(
  condition: Readonly<Record<string, unknown>>,
  consequence: Readonly<Record<string, unknown>>,
  otherwise: Readonly<Record<string, unknown>> | null = null,
): Readonly<Record<string, unknown>> {
  const parts = [
    ['if', condition],
    ['then', consequence],
    ['else', otherwise],
  ] as const
  return Object.fromEntries(parts.filter(([, schema]) => schema !== null))
}

function formatted(
  isGood: (value: string) => boolean,
  code: string,
  message: string,
  note: Readonly<Record<string, unknown>>,
) {
  const model = z.string().refine(isGood, { error: message, params: { code } })
  SCHEMA_NOTES.add(model, note)
  return model
}
