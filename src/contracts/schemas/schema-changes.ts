/**
 * What a change of the schemas means for who has written events by the old ones: `narrowed` and `removed` may refuse what was
 * good, `widened` and `added` may not. What can't be told apart is called narrowed.
 */
import { byCodePoint, encodeJson, isJsonObject, type Json, type JsonObject } from '../json/json.ts'

export type SchemaChange = {
  readonly schema: string
  /** From the schema's root, as `repos[].commit`; empty for the schema itself. */
  readonly path: string
  readonly kind: 'added' | 'removed' | 'narrowed' | 'widened'
  readonly what: string
}

export type Schemas = ReadonlyMap<string, JsonObject>

/** In the order of names. */
export function schemaChanges(before: Schemas, after: Schemas): readonly SchemaChange[] {
  const names = [...new Set([...before.keys(), ...after.keys()])].sort(byCodePoint)
  return names.flatMap((schema): readonly SchemaChange[] => {
    const [old, now] = [before.get(schema), after.get(schema)]
    if (old === undefined) return [{ schema, path: '', kind: 'added', what: 'a new schema' }]
    if (now === undefined) return [{ schema, path: '', kind: 'removed', what: 'the schema' }]
    const comparison = new Comparison(schema, definitionsOf(old), definitionsOf(now))
    comparison.compare(old, now, '')
    return comparison.changes
  })
}

/** Whether somebody's events may be refused that were good. */
export function isBreaking({ kind }: SchemaChange): boolean {
  return kind === 'removed' || kind === 'narrowed'
}

type Direction = 'narrowed' | 'widened'

/** Which way a bound narrows. */
const BOUNDS: Readonly<Record<string, 'up' | 'down'>> = {
  minimum: 'up',
  exclusiveMinimum: 'up',
  minLength: 'up',
  minItems: 'up',
  minProperties: 'up',
  maximum: 'down',
  maxLength: 'down',
}
/** Said of the whole value; any change may refuse something. */
const RULES = ['pattern', 'format', 'allOf', 'if', 'then', 'else', 'x-kittiwake-sum']

class Comparison {
  readonly changes: SchemaChange[] = []
  readonly #schema: string
  readonly #oldDefinitions: JsonObject
  readonly #newDefinitions: JsonObject

  constructor(schema: string, oldDefinitions: JsonObject, newDefinitions: JsonObject) {
    this.#schema = schema
    this.#oldDefinitions = oldDefinitions
    this.#newDefinitions = newDefinitions
  }

  // No model of the contracts contains itself, so this ends.
  compare(oldPart: JsonObject, newPart: JsonObject, path: string): void {
    const [old, now] = [
      resolved(oldPart, this.#oldDefinitions),
      resolved(newPart, this.#newDefinitions),
    ]
    this.#compareForms(old, now, path)
    this.#compareValues(old, now, path)
    for (const [bound, side] of Object.entries(BOUNDS)) {
      this.#compareBound(bound, side, old[bound], now[bound], path)
    }
    for (const rule of RULES) this.#compareRule(rule, old[rule], now[rule], path)
    this.#compareProperties(old, now, path)
    if (isJsonObject(old['items']) && isJsonObject(now['items'])) {
      this.compare(old['items'], now['items'], `${path}[]`)
    }
  }

  /** The forms that a value may have: its type, or one of several. */
  #compareForms(old: JsonObject, now: JsonObject, path: string): void {
    const [before, after] = [formsOf(old), formsOf(now)]
    for (const [form, schema] of before) {
      const same = after.get(form)
      if (same === undefined) this.#add(path, 'narrowed', `no longer ${form}`)
      else if (before.size > 1 || after.size > 1) this.compare(schema, same, path)
    }
    for (const form of after.keys()) {
      if (!before.has(form)) this.#add(path, 'widened', `also ${form}`)
    }
  }

  #compareValues(old: JsonObject, now: JsonObject, path: string): void {
    const [before, after] = [valuesOf(old), valuesOf(now)]
    if (before === null && after === null) return
    if (before === null || after === null) {
      const kind = before === null ? 'narrowed' : 'widened'
      this.#add(path, kind, before === null ? 'only listed values' : 'any value')
      return
    }
    for (const value of before)
      if (!after.includes(value)) this.#add(path, 'narrowed', `no ${value}`)
    for (const value of after)
      if (!before.includes(value)) this.#add(path, 'widened', `also ${value}`)
  }

  #compareBound(
    name: string,
    side: 'up' | 'down',
    old: Json | undefined,
    now: Json | undefined,
    path: string,
  ): void {
    if (old === now) return
    const isNarrower =
      old === undefined ||
      (now !== undefined && (side === 'up' ? Number(now) > Number(old) : Number(now) < Number(old)))
    this.#add(path, isNarrower ? 'narrowed' : 'widened', `${name} ${words(old)} to ${words(now)}`)
  }

  #compareRule(rule: string, old: Json | undefined, now: Json | undefined, path: string): void {
    if (textOf(old) === textOf(now)) return
    this.#add(path, now === undefined ? 'widened' : 'narrowed', `another ${rule}`)
  }

  #compareProperties(old: JsonObject, now: JsonObject, path: string): void {
    const [before, after] = [propertiesOf(old), propertiesOf(now)]
    const [wasClosed, isClosed] = [old, now].map((one) => one['additionalProperties'] === false)
    if (wasClosed !== isClosed) {
      this.#add(path, isClosed ? 'narrowed' : 'widened', isClosed ? 'closed' : 'open')
    }
    const [mustBefore, mustNow] = [requiredOf(old), requiredOf(now)]
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      const at = path === '' ? key : `${path}.${key}`
      const [oldProperty, newProperty] = [before[key], after[key]]
      if (!isJsonObject(newProperty)) this.#add(at, 'removed', 'the field')
      else if (!isJsonObject(oldProperty)) {
        this.#add(at, mustNow.has(key) ? 'narrowed' : 'added', 'a new field')
      } else {
        if (mustNow.has(key) && !mustBefore.has(key)) this.#add(at, 'narrowed', 'required now')
        if (!mustNow.has(key) && mustBefore.has(key)) this.#add(at, 'widened', 'no longer required')
        this.compare(oldProperty, newProperty, at)
      }
    }
  }

  #add(path: string, kind: Direction | 'added' | 'removed', what: string): void {
    this.changes.push({ schema: this.#schema, path, kind, what })
  }
}

function definitionsOf(schema: JsonObject): JsonObject {
  const { $defs } = schema
  return isJsonObject($defs) ? $defs : {}
}

function resolved(schema: JsonObject, definitions: JsonObject): JsonObject {
  const { $ref } = schema
  const target = typeof $ref === 'string' ? definitions[$ref.replace('#/$defs/', '')] : undefined
  return isJsonObject(target) ? target : schema
}

/** By what they are called: a type, a reference, a union's tag. */
function formsOf(schema: JsonObject): ReadonlyMap<string, JsonObject> {
  const { anyOf, oneOf, type } = schema
  // Beside a type it is a rule about the same form.
  const parts = type === undefined ? (anyOf ?? oneOf) : undefined
  if (Array.isArray(type)) {
    return new Map((type as readonly Json[]).map((one) => [nameOf(one), { ...schema, type: one }]))
  }
  const forms = Array.isArray(parts) ? (parts as readonly Json[]).filter(isJsonObject) : [schema]
  return new Map(forms.map((form) => [formOf(form), form]))
}

function formOf({ $ref, type, properties }: JsonObject): string {
  if (typeof $ref === 'string') return $ref.replace('#/$defs/', '')
  const tag = isJsonObject(properties) ? properties['origin_surface'] : undefined
  const value = isJsonObject(tag) ? tag['const'] : undefined
  return typeof value === 'string' ? value : nameOf(type)
}

function nameOf(type: Json | undefined): string {
  return typeof type === 'string' ? type : 'anything'
}

function valuesOf({ enum: values, const: value }: JsonObject): readonly string[] | null {
  if (value !== undefined) return [textOf(value)]
  return Array.isArray(values) ? (values as readonly Json[]).map(textOf) : null
}

function propertiesOf({ properties }: JsonObject): JsonObject {
  return isJsonObject(properties) ? properties : {}
}

function requiredOf({ required }: JsonObject): ReadonlySet<Json> {
  return new Set(Array.isArray(required) ? (required as readonly Json[]) : [])
}

function textOf(value: Json | undefined): string {
  return value === undefined ? '' : encodeJson(value)
}

function words(value: Json | undefined): string {
  return value === undefined ? 'none' : textOf(value)
}
