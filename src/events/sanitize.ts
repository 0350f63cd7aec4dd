/**
 * The sanitizer: the one door that every event passes before any mailbox, file or socket, and the assertion at each
 * write boundary. Pure: what it knows of this machine comes in as `identity`.
 */
import {
  checkedOptions,
  isCount,
  type OptionChecks,
  readOr,
} from '../contracts/values/arguments.ts'
import { isJsonObject, type Json } from '../contracts/json/json.ts'
import { SanitizeError } from '../errors.ts'
import { NO_IDENTITY, type IdentityLiterals } from '../project/identity-literals.ts'
import { notClean } from './sanitize/clean-text.ts'
import { ValueCleaner } from './sanitize/clean-value.ts'
import { FieldBook, type CleaningPlan, type SanitizeLimits } from './sanitize/cleaning-plan.ts'
import { compileIdentity } from './sanitize/compiled-identity.ts'
import { RULES } from './sanitize/rules/all.ts'
import type { Redaction } from './sanitize/redaction-log.ts'
import type { Rule } from './sanitize/rule.ts'

export type { Redaction, SanitizeLimits }

export type Sanitized = { readonly value: Json; readonly redactions: readonly Redaction[] }

export type SanitizeOptions = {
  readonly identity?: IdentityLiterals
  readonly limits?: Partial<SanitizeLimits>
}

export type Sanitizer = {
  /** @throws SanitizeError */
  readonly sanitize: (value: unknown, limits?: Partial<SanitizeLimits>) => Sanitized
  /** @throws SanitizeError SANITIZE_NOT_CLEAN where `sanitize` would redact anything */
  readonly assertClean: (value: unknown) => void
}

/** Half of what readers of JSON take, because an event wraps its payload. */
const LIMITS: SanitizeLimits = { depthMax: 32, lengthMax: 1024 * 1024 }

/**
 * Removes personal data and secrets from a value, its keys included.
 *
 * @throws SanitizeError SANITIZE_DEPTH, SANITIZE_TOO_LARGE, SANITIZE_KEY, SANITIZE_TYPE, SANITIZE_NOT_CLEAN; InputError
 *   OPTIONS_INVALID
 */
export function sanitizeEvent(value: unknown, options: SanitizeOptions = {}): Sanitized {
  const { identity = NO_IDENTITY, limits } = checkedOptions(options, CHECKS)
  return sanitizerOf(identity).sanitize(value, limits)
}

const CHECKS: OptionChecks<SanitizeOptions> = {
  identity: (value) =>
    readOr(
      () =>
        isJsonObject(value) && Object.keys(NO_IDENTITY).every((name) => isListOfText(value[name])),
      false,
    ),
  limits: (value) => {
    checkedOptions<Partial<SanitizeLimits>>(value, { depthMax: isCount, lengthMax: isCount })
    return true
  },
}

function isListOfText(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

/** @throws SanitizeError SANITIZE_NOT_CLEAN where sanitizing would redact anything */
export function assertClean(value: unknown, identity: IdentityLiterals): void {
  sanitizerOf(identity).assertClean(value)
}

/** A sanitizer with its literals compiled, for the path that every event takes. */
export function createSanitizer(
  identity: IdentityLiterals,
  rules: readonly Rule[] = RULES,
): Sanitizer {
  const plan: CleaningPlan = {
    identity: compileIdentity(identity),
    rules,
    slugRules: rules.filter((rule) => rule.class !== 'identity' && rule.class !== 'entropy'),
    fields: new FieldBook(),
  }
  const sanitize = (value: unknown, limits?: Partial<SanitizeLimits>): Sanitized =>
    sanitizeWith(plan, value, { ...LIMITS, ...limits })
  return {
    sanitize,
    assertClean: (value) => {
      if (sanitize(value).redactions.length > 0) throw notClean()
    },
  }
}

const sanitizerByIdentity = new WeakMap<IdentityLiterals, Sanitizer>()

function sanitizerOf(identity: IdentityLiterals): Sanitizer {
  const known = sanitizerByIdentity.get(identity)
  if (known !== undefined) return known
  const sanitizer = createSanitizer(identity)
  sanitizerByIdentity.set(identity, sanitizer)
  return sanitizer
}

function sanitizeWith(plan: CleaningPlan, value: unknown, limits: SanitizeLimits): Sanitized {
  try {
    const cleaner = new ValueCleaner(plan, limits, false)
    const cleaned = cleaner.clean(value)
    if (!cleaner.orderMatters) return { value: cleaned, redactions: cleaner.redactions }
    // Numbers must not tell in which order the keys came.
    const sorted = new ValueCleaner(plan, limits, true)
    return { value: sorted.clean(value), redactions: sorted.redactions }
  } catch (error) {
    if (error instanceof SanitizeError) throw error
    // A getter or a proxy of the caller's threw. Its message may hold anything, so it goes no further.
    throw new SanitizeError(
      'SANITIZE_TYPE',
      'plain JSON is expected; the value could not be read',
      {
        hint: 'Hand in plain data without getters and proxies.',
      },
    )
  }
}
