/** What is the same for every document of one identity: its rules, its limits, and what its keys mean. */
import { isForbiddenKey } from '../../contracts/json/json.ts'
import type { CompiledIdentity } from './compiled-identity.ts'
import { roleOf, secretKindOf, typedFormOf, type FieldRole, type TypedForm } from './fields.ts'
import type { RedactionClass, Rule } from './rule.ts'
import type { SecretKeyKind } from './rules/secret-values.ts'
import { signalsOf } from './signals.ts'

export type SanitizeLimits = {
  /** The deepest nesting of objects and arrays, JSON within strings included. */
  readonly depthMax: number
  /** The longest value, in characters of its compact, ASCII-escaped JSON. */
  readonly lengthMax: number
}

/** What a key means, worked out once per key. */
export type Field = {
  readonly key: string
  readonly role: FieldRole
  readonly typed: TypedForm | null
  readonly secret: SecretKeyKind | null
  /** Characters on disk, with quotes, colon and comma. */
  readonly width: number
  /** What was cleaned out of the key itself. */
  readonly redactions: readonly RedactionClass[]
  /** The last value here that was clean as it stood: most fields of an event say what those of the one before said. */
  lastClean: { readonly text: string; readonly width: number } | null
}

export type CleaningPlan = {
  readonly identity: CompiledIdentity
  readonly rules: readonly Rule[]
  /** `rules` without those that a slug is exempt from. */
  readonly slugRules: readonly Rule[]
  readonly fields: FieldBook
}

const FIELDS_MAX = 4_096
const KEY_LENGTH_MAX = 64

/** The fields of the keys seen so far; clean keys only, and a bounded number of them. */
export class FieldBook {
  readonly #fieldByKey = new Map<string, Field>()

  get(key: string): Field | undefined {
    return this.#fieldByKey.get(key)
  }

  /** The field of a key that is clean as it stands. */
  remember(key: string): Field {
    const field = fieldOf(key, [])
    const isKept = key.length <= KEY_LENGTH_MAX && this.#fieldByKey.size < FIELDS_MAX
    if (isKept && !isForbiddenKey(key)) this.#fieldByKey.set(key, field)
    return field
  }
}

export function fieldOf(key: string, redactions: readonly RedactionClass[]): Field {
  return {
    key,
    role: roleOf(key),
    typed: typedFormOf(key),
    secret: secretKindOf(key),
    // Quotes, colon and comma.
    width: signalsOf(key).width + 4,
    redactions,
    lastClean: null,
  }
}

/** Of a value that stands in no field. */
export const PLAIN_FIELD = fieldOf('', [])
