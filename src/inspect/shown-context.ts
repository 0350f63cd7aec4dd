/**
 * What is shown of a machine's context, machine by machine: what is not named here is not shown. What others may have
 * worded (a failure's message, a hub's reason) passes the sanitizer with the rest.
 */
import { isJsonObject } from '../contracts/json/json.ts'
import type { WorkerFailure } from '../actors/worker.machine.ts'
import type { Shower } from './shown.ts'
import type { ShownSnapshot } from './protocol.ts'

type Context = Readonly<Record<string, unknown>>

const SHOWN_BY_MACHINE: Readonly<Record<string, (context: Context) => Context>> = {
  commit: ({ mission, ledger, again }) => ({ mission, ledger, again }),
  connection: (context) =>
    pick(context, [
      'isWanted',
      'attempts',
      'connection',
      'reason',
      'isPassing',
      'refusals',
      'retryAfterMs',
      'delayMs',
      'nextTryAt',
    ]),
  drain: (context) => pick(context, ['sink', 'batch', 'attempts', 'credit', 'hasAdvanced']),
  lane: () => ({}),
  route: () => ({}),
  supervisor: ({ failures, stopped }) => ({
    failures: Object.fromEntries(
      Object.entries((failures ?? {}) as Readonly<Record<string, WorkerFailure>>).map(
        ([name, { code }]) => [name, code],
      ),
    ),
    stopped,
  }),
  worker: ({ mailbox, crashes, failure }) => ({
    mailbox: lengthOf(mailbox),
    crashes: lengthOf(crashes),
    failure: (failure as WorkerFailure | null)?.code ?? null,
  }),
}

/** Machines that are not known here show no context. */
export function showContext(
  machine: string,
  context: unknown,
  shower: Shower,
): ShownSnapshot['context'] {
  const choose = SHOWN_BY_MACHINE[machine]
  if (choose === undefined || typeof context !== 'object' || context === null) return undefined
  const shown = shower.value(choose(context as Context))
  return shown !== undefined && isJsonObject(shown) ? shown : undefined
}

function pick(context: Context, keys: readonly string[]): Context {
  return Object.fromEntries(keys.map((key) => [key, context[key]]))
}

function lengthOf(value: unknown): number {
  return Array.isArray(value) ? value.length : 0
}
