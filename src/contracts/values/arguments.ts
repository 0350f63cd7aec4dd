/** What a program hands to a function of ours, looked at before it is used: whatever it is, the answer is one typed error. */
import { InputError } from '../../errors.ts'
import { isPlainObject } from '../json/json.ts'

/** What each option of a function must be; there are no others. */
export type OptionChecks<Options> = Readonly<Record<keyof Options, (value: unknown) => boolean>>

/**
 * The options as they are now. One that is undefined is left out.
 *
 * @throws InputError OPTIONS_INVALID, with the names of what is wrong: one that is misspelled would else be a default that nobody
 *   asked for
 */
export function checkedOptions<Options extends object>(
  options: unknown,
  checks: OptionChecks<Options>,
  needed: readonly (keyof Options & string)[] = [],
): Options {
  const given = readOr(() => (isOptions(options) ? Object.entries(options) : null), null)
  if (given === null) throw invalid('a plain object is expected', checks)
  const present = given.filter(([, value]) => value !== undefined)
  const wrong = present.filter(([name, value]) => {
    return !Object.hasOwn(checks, name) || !checks[name as keyof Options](value)
  })
  if (wrong.length > 0) throw invalid(`check ${wrong.map(([name]) => name).join(', ')}`, checks)
  const missing = needed.filter((name) => !present.some(([other]) => other === name))
  if (missing.length > 0) throw invalid(`${missing.join(', ')} must be given`, checks)
  return Object.fromEntries(present) as Options
}

/** What `read` finds; `otherwise` where a getter or a proxy of the caller's throws, whose message may quote data. */
export function readOr<Value>(read: () => Value, otherwise: Value): Value {
  try {
    return read()
  } catch {
    return otherwise
  }
}

export function isFlag(value: unknown): value is boolean {
  return typeof value === 'boolean'
}

/** A whole number from 1. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) > 0
}

export function isSignal(value: unknown): value is AbortSignal {
  return readOr(() => value instanceof AbortSignal, false)
}

export function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}

/** Whether each of `names` is a function of it. */
export function hasFunctions(value: unknown, names: readonly string[]): boolean {
  if (typeof value !== 'object' || value === null) return false
  return readOr(() => names.every((name) => isFunction(Reflect.get(value, name))), false)
}

function isOptions(value: unknown): value is object {
  return typeof value === 'object' && value !== null && isPlainObject(value)
}

function invalid(why: string, checks: object): InputError {
  return new InputError('OPTIONS_INVALID', `these options can't be used: ${why}`, {
    hint: `There are ${Object.keys(checks).join(', ')}.`,
  })
}
