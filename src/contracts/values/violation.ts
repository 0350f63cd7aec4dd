/** What is wrong with an event: where, by whose rule, and a code that stays the same. Messages never quote values. */
import type { z } from 'zod'

/**
 * Who says so. `input`: it is no JSON that can be judged. `gate`: the cutover. `rule`: fields that don't go together.
 * `transition`: a move that the table of lanes refuses. `schema`: the JSON Schema, asked only when strict.
 */
export type Layer =
  | 'input'
  | 'gate'
  | 'envelope'
  | 'payload'
  | 'rule'
  | 'transition'
  | 'forbidden_key'
  | 'schema'

export type Path = readonly (string | number)[]

export type Violation = {
  readonly layer: Layer
  readonly code: string
  /** From what was handed in. */
  readonly path: Path
  readonly message: string
}

/** More are counted, not listed. */
export const VIOLATIONS_MAX = 1_000

export function violation(layer: Layer, code: string, path: Path, message: string): Violation {
  return { layer, code, path, message }
}

/** Of a value that a model refused, one for each fault. `at` is where the value stands. */
export function violationsOf(
  issues: readonly z.core.$ZodIssue[],
  value: unknown,
  layer: 'envelope' | 'payload',
  at: Path,
): readonly Violation[] {
  return issues.slice(0, VIOLATIONS_MAX).flatMap((issue) => {
    const path = [...at, ...issue.path.filter((step) => typeof step !== 'symbol')]
    if (issue.code === 'unrecognized_keys') {
      return issue.keys
        .slice(0, VIOLATIONS_MAX)
        .map((key) => violation(layer, 'extra_forbidden', [...path, key], 'no key of the model'))
    }
    if (issue.code === 'custom') {
      const isRule = issue.params?.['isRule'] === true
      const code: unknown = issue.params?.['code']
      return [violation(isRule ? 'rule' : layer, String(code), path, issue.message)]
    }
    if (!isThere(value, issue.path)) {
      return [violation(layer, 'missing', path, 'a required key is missing')]
    }
    return [violation(layer, codeOf(issue), path, wordsOf(issue))]
  })
}

const TYPE_CODES: Readonly<Record<string, string>> = {
  string: 'string_type',
  int: 'int_type',
  // Of a field that is counted, too: its model asks for a number first.
  number: 'number_type',
  boolean: 'bool_type',
  object: 'model_type',
  record: 'dict_type',
  array: 'list_type',
}

function codeOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return TYPE_CODES[issue.expected] ?? 'type'
    case 'invalid_value':
      return issue.values.length > 1 ? 'enum' : 'literal_error'
    case 'invalid_format':
      return 'string_pattern_mismatch'
    case 'invalid_union':
      return 'discriminator' in issue && issue.discriminator !== undefined
        ? 'union_tag_invalid'
        : 'union'
    case 'too_small':
      if (issue.origin === 'string') return 'string_too_short'
      if (issue.origin === 'array') return 'too_short'
      // What is no longer counted exactly, of either sign.
      if (isUnsafe(issue.minimum)) return 'int_unsafe'
      return issue.inclusive === false ? 'greater_than' : 'greater_than_equal'
    case 'too_big':
      return isUnsafe(issue.maximum) ? 'int_unsafe' : 'less_than_equal'
    default:
      return issue.code
  }
}

function wordsOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `expected: ${issue.expected}`
    case 'invalid_value':
      return `expected: ${issue.values.map(String).join(', ')}`
    case 'invalid_format':
      return 'does not match the pattern'
    case 'invalid_union':
      return 'none of the allowed forms'
    case 'too_small':
      if (isUnsafe(issue.minimum)) return UNSAFE
      return `expected: ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`
    case 'too_big':
      return isUnsafe(issue.maximum) ? UNSAFE : `expected: at most ${issue.maximum}`
    default:
      return issue.code
  }
}

const UNSAFE = 'an integer beyond 2^53 - 1 can not be kept exactly'

function isUnsafe(bound: number | bigint): boolean {
  return Math.abs(Number(bound)) === Number.MAX_SAFE_INTEGER
}

function isThere(value: unknown, path: readonly PropertyKey[]): boolean {
  let at = value
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return false
    at = (at as Record<PropertyKey, unknown>)[step]
  }
  return true
}
