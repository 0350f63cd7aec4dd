/** What a program hands to `createRuntime`, checked: a name that is misspelled would else be a default that nobody asked for. */
import type { SystemClock } from './actors/system.ts'
import { InputError } from './errors.ts'
import type { InspectOptions } from './inspection.ts'

export type RuntimeOptions = {
  /** Any folder of the repository; default: the current one. */
  readonly root?: string
  /** Where the outbox and the login live; default: `KITTIWAKE_HOME`, else the user's data directory. */
  readonly stateDirectory?: string
  /** `auto`: the link starts with the first emit where identity, consent and login are there. */
  readonly link?: 'auto' | 'manual'
  /** Most undelivered events that the outbox takes; default 1,000,000. */
  readonly capacity?: number
  /** Wall time in Unix milliseconds, and the timers of back-off, retries and deadlines; default: the machine's. */
  readonly clock?: SystemClock
  /** In [0, 1); default Math.random. */
  readonly random?: () => number
  /** Stops the runtime when aborted. */
  readonly signal?: AbortSignal
  /** A thread whose loop has not turned for this long is restarted; default 15,000 ms. */
  readonly stuckAfterMs?: number
  /** Serves a page, to this machine alone, that shows what the machines do; default false. See `inspectUrl`. */
  readonly inspect?: boolean | InspectOptions
}

const CHECK_BY_NAME: Readonly<Record<keyof RuntimeOptions, (value: unknown) => boolean>> = {
  root: isText,
  stateDirectory: isText,
  link: (value) => value === 'auto' || value === 'manual',
  capacity: isCount,
  clock: isObject,
  random: (value) => typeof value === 'function',
  signal: (value) => value instanceof AbortSignal,
  stuckAfterMs: isCount,
  inspect: (value) => typeof value === 'boolean' || isObject(value),
}

/** An option that is undefined is left out. @throws InputError OPTIONS_INVALID, with the names of what is wrong */
export function checkOptions(options: unknown): void {
  if (!isObject(options)) throw invalid('an object is expected')
  const wrong = Object.entries(options).filter(([name, value]) => {
    const isKnown = Object.hasOwn(CHECK_BY_NAME, name)
    return !isKnown || (value !== undefined && !CHECK_BY_NAME[name as keyof RuntimeOptions](value))
  })
  if (wrong.length > 0) throw invalid(`check ${wrong.map(([name]) => name).join(', ')}`)
}

function invalid(why: string): InputError {
  return new InputError('OPTIONS_INVALID', `the options of a runtime can't be used: ${why}`, {
    hint: `There are ${Object.keys(CHECK_BY_NAME).join(', ')}.`,
  })
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) > 0
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
