/**
 * A whole JSON value: copied, checked, its fields and keys judged by name, its strings by the rules. One class holds the
 * walk, because a string may hold a document again.
 */
import { isForbiddenKey, type Json } from '../../contracts/json/json.ts'
import { SanitizeError } from '../../errors.ts'
import { cleanText, type TextCleaning } from './clean-text.ts'
import {
  fieldOf,
  PLAIN_FIELD,
  type CleaningPlan,
  type Field,
  type SanitizeLimits,
} from './cleaning-plan.ts'
import { roleOf, SESSION_DURATION } from './fields.ts'
import { Ordinals } from './ordinals.ts'
import { CREDENTIAL } from './placeholders.ts'
import { RedactionLog, type Redaction } from './redaction-log.ts'
import type { RedactionClass } from './rule.ts'
import { isSecretValue } from './rules/secret-values.ts'
import { SessionTimes } from './session-span.ts'
import { BRACE, signalsOf } from './signals.ts'

/** Characters of a value that its field remembers. */
const REMEMBERED_LENGTH_MAX = 256

/** One document on its way through the sanitizer. */
export class ValueCleaner {
  readonly #plan: CleaningPlan
  readonly #limits: SanitizeLimits
  readonly #sorted: boolean
  readonly #log = new RedactionLog()
  readonly #ancestors: object[] = []
  readonly #ordinals = new Ordinals()
  readonly #cleaning: TextCleaning
  readonly #slugCleaning: TextCleaning
  #length = 0
  #inText = false
  #areKeysRenamed = false

  constructor(plan: CleaningPlan, limits: SanitizeLimits, sorted: boolean) {
    this.#plan = plan
    this.#limits = limits
    this.#sorted = sorted
    this.#cleaning = {
      identity: plan.identity,
      rules: plan.rules,
      ordinalOf: (placeholder, who) => this.#ordinals.of(placeholder, who),
      report: (redaction) => this.#log.report(redaction),
    }
    this.#slugCleaning = { ...this.#cleaning, rules: plan.slugRules }
  }

  /** True where numbers or renamed keys depend on the order of keys, so that it must be a sorted one. */
  get orderMatters(): boolean {
    return !this.#sorted && (this.#areKeysRenamed || this.#ordinals.areSeveral)
  }

  get redactions(): readonly Redaction[] {
    return this.#log.redactions
  }

  clean(value: unknown): Json {
    const cleaned = this.#value(value, PLAIN_FIELD)
    if (cleaned === undefined) throw typeError('undefined')
    return cleaned
  }

  #value(value: unknown, field: Field): Json | undefined {
    switch (typeof value) {
      case 'string':
        return this.#string(value, field)
      case 'number':
        if (!Number.isFinite(value)) throw typeError('a number that is not finite')
        this.#grow(String(value).length + 1)
        // JSON has no negative zero.
        return value + 0
      case 'boolean':
        this.#grow(6)
        return value
      case 'object':
        return value === null ? this.#null() : this.#container(value, field)
      case 'undefined':
        return undefined
      default:
        throw typeError(`a ${typeof value}`)
    }
  }

  #null(): null {
    this.#grow(5)
    return null
  }

  #container(value: object, field: Field): Json {
    if (this.#ancestors.length >= this.#limits.depthMax) {
      throw new SanitizeError(
        'SANITIZE_DEPTH',
        `at most ${this.#limits.depthMax} levels of nesting are taken`,
        { hint: 'Flatten the payload.' },
      )
    }
    if (this.#ancestors.includes(value)) throw typeError('a circular reference')
    this.#grow(2)
    this.#ancestors.push(value)
    const cleaned = Array.isArray(value) ? this.#array(value, field) : this.#object(value)
    this.#ancestors.pop()
    return cleaned
  }

  #array(items: readonly unknown[], field: Field): Json {
    const cleaned: Json[] = []
    for (let i = 0; i < items.length; i++) {
      this.#log.enter(i)
      cleaned.push(this.#value(items[i], field) ?? this.#null())
      this.#log.leave()
    }
    return cleaned
  }

  #object(value: object): Json {
    const parent: unknown = Object.getPrototypeOf(value)
    // A plain object's prototype, of whatever realm, has none itself.
    if (parent !== null && Object.getPrototypeOf(parent) !== null) {
      throw typeError('an instance of a class')
    }
    const source = value as Readonly<Record<string, unknown>>
    const target = new ObjectTarget(source, this.#inText)
    for (const name of this.#keysOf(source)) {
      const content = source[name]
      if (content !== undefined) this.#field(name, content, target)
    }
    const seconds = target.session?.seconds() ?? null
    if (seconds !== null) {
      target.cleaned[SESSION_DURATION] = seconds
      this.#grow(SESSION_DURATION.length + 24)
    }
    return target.cleaned
  }

  #keysOf(source: object): string[] {
    const keys = Object.keys(source)
    return this.#sorted ? keys.sort() : keys
  }

  #field(name: string, content: unknown, target: ObjectTarget): void {
    const field = this.#plan.fields.get(name) ?? this.#newField(name, target)
    this.#grow(field.width)
    this.#log.enter(field.key)
    for (const redaction of field.redactions) this.#log.report(redaction)
    if (field.role === 'plain') {
      target.cleaned[field.key] = this.#value(content, field) as Json
    } else {
      target.session ??= new SessionTimes()
      target.session.note(field.role, content)
      this.#log.report(field.role === 'removed' ? 'field' : 'session')
    }
    this.#log.leave()
  }

  #newField(name: string, target: ObjectTarget): Field {
    this.#refuseForbidden(name)
    if (roleOf(name) !== 'plain') return this.#plan.fields.remember(name)
    const redactions: RedactionClass[] = []
    const report = (redaction: RedactionClass): void => void redactions.push(redaction)
    const clean = cleanText(name, { ...this.#cleaning, report })
    if (clean === name) return this.#plan.fields.remember(name)
    this.#refuseForbidden(clean)
    this.#areKeysRenamed = true
    return fieldOf(target.unusedKey(clean), redactions)
  }

  #refuseForbidden(key: string): void {
    if (this.#inText || !isForbiddenKey(key)) return
    throw new SanitizeError('SANITIZE_KEY', 'a key that reaches an object’s prototype is refused', {
      hint: 'Rename __proto__, constructor or prototype.',
    })
  }

  #string(value: string, field: Field): string {
    if (field.lastClean?.text === value) {
      this.#grow(field.lastClean.width + 3)
      return value
    }
    let cleaning = this.#cleaning
    if (field.typed !== null && field.typed.form.test(value)) {
      if (field.typed.exemption === 'exact') {
        // Nothing in such a form is written as an escape.
        this.#grow(value.length + 3)
        this.#remember(field, value, value.length)
        return value
      }
      cleaning = this.#slugCleaning
    }
    const { bits, width } = signalsOf(value)
    this.#grow(width + 3)
    if (isSecretOf(field, value)) return this.#credential()
    const holdsJson = (bits & BRACE) !== 0 && !this.#inText && isJsonLike(value)
    const clean = holdsJson
      ? cleanText(value, cleaning, (text) => this.#reserialized(text))
      : cleanText(value, cleaning)
    if (clean === value) {
      // Of JSON the depth counts, too, and that is another one elsewhere.
      if (!holdsJson) this.#remember(field, value, width)
      return value
    }
    this.#grow(signalsOf(clean).width - width)
    // What is left without its spaces may look like a secret now.
    return isSecretOf(field, clean) ? this.#credential() : clean
  }

  // What no plan owns is shared by those of several identities. Within a text less is looked for than outside.
  #remember(field: Field, text: string, width: number): void {
    if (field === PLAIN_FIELD || this.#inText || text.length > REMEMBERED_LENGTH_MAX) return
    field.lastClean = { text, width }
  }

  #credential(): string {
    this.#log.report('credential')
    this.#grow(CREDENTIAL.length)
    return CREDENTIAL
  }

  /** JSON text with its value cleaned, written anew only where something was found; other text as it is. */
  #reserialized(text: string): string {
    const parsed = parsedContainer(text)
    if (parsed === null) return text
    const reports = this.#log.count
    const length = this.#length
    this.#inText = true
    this.#log.enter('(json)')
    const cleaned = this.#value(parsed, PLAIN_FIELD) as Json
    this.#log.leave()
    this.#inText = false
    // Its length was counted as the string's.
    this.#length = length
    return this.#log.count === reports ? text : JSON.stringify(cleaned)
  }

  #grow(length: number): void {
    this.#length += length
    if (this.#length > this.#limits.lengthMax && !this.#inText) {
      throw new SanitizeError(
        'SANITIZE_TOO_LARGE',
        `at most ${this.#limits.lengthMax} characters of JSON are taken`,
        { hint: 'Store large output in a file and put its path and hash into the payload.' },
      )
    }
  }
}

function isSecretOf({ secret }: Field, value: string): boolean {
  return secret !== null && isSecretValue(value, secret)
}

const JSON_START = /^\s{0,64}[{[]/
const JSON_END = /[}\]]\s{0,64}$/

function isJsonLike(text: string): boolean {
  return JSON_START.test(text) && JSON_END.test(text.slice(-65))
}

function parsedContainer(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** An object under construction. */
class ObjectTarget {
  readonly cleaned: Record<string, Json>
  /** Made where it is first needed, as few objects do; so is the other. */
  session: SessionTimes | null = null
  readonly #source: object
  #countByKey: Map<string, number> | null = null

  constructor(source: object, isInText: boolean) {
    this.#source = source
    // Without a prototype no key of JSON within a string can reach one.
    this.cleaned = isInText ? (Object.create(null) as Record<string, Json>) : {}
  }

  /** Two keys that become the same stay two: none that was there or is there now is overwritten. */
  unusedKey(key: string): string {
    this.#countByKey ??= new Map()
    let count = this.#countByKey.get(key) ?? 0
    let unused: string
    do {
      count += 1
      unused = count === 1 ? key : `${key}#${count}`
    } while (Object.hasOwn(this.#source, unused) || Object.hasOwn(this.cleaned, unused))
    this.#countByKey.set(key, count)
    return unused
  }
}

function typeError(what: string): SanitizeError {
  return new SanitizeError('SANITIZE_TYPE', `JSON is expected; it has no place for ${what}`, {
    hint: 'Hand in plain objects, arrays, strings, finite numbers, booleans and null.',
  })
}
