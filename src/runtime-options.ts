/** What a program hands to `createRuntime`, checked. */
import type { SystemClock } from './actors/system.ts'
import {
  checkedOptions,
  hasFunctions,
  isCount,
  isFlag,
  isFunction,
  isSignal,
  type OptionChecks,
} from './contracts/values/arguments.ts'
import { isText } from './contracts/values/scalars.ts'
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

const CHECKS: OptionChecks<RuntimeOptions> = {
  root: isText,
  stateDirectory: isText,
  link: (value) => value === 'auto' || value === 'manual',
  capacity: isCount,
  clock: (value) => hasFunctions(value, ['now', 'setTimeout', 'clearTimeout']),
  random: isFunction,
  signal: isSignal,
  stuckAfterMs: isCount,
  inspect: (value) => isFlag(value) || isInspectOptions(value),
}

const INSPECT_CHECKS: OptionChecks<InspectOptions> = {
  // A number that is no port is refused by who opens it.
  port: Number.isInteger,
  allowSend: isFlag,
  used: isFunction,
}

/** @throws InputError OPTIONS_INVALID */
export function checkedRuntimeOptions(options: unknown): RuntimeOptions {
  return checkedOptions(options, CHECKS)
}

function isInspectOptions(value: unknown): boolean {
  checkedOptions(value, INSPECT_CHECKS)
  return true
}
