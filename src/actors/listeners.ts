/** Typed listeners of a runtime: a listener that throws harms neither the machine nor the other listeners. */
import { isFunction } from '../contracts/values/arguments.ts'
import type { Receipt } from '../contracts/event.ts'
import { InputError } from '../errors.ts'
import type { Deferral, LedgerName } from '../workers/git/protocol.ts'
import type { WorkerFailure, WorkerName } from './worker.machine.ts'

export type LinkReport = {
  readonly state: string
  /** Why it is not live: a code; null where all is well. */
  readonly reason: string | null
  /** When it is tried again, in Unix milliseconds; null where nothing is waited for. */
  readonly nextTryAt: number | null
}

export type RuntimeEventMap = {
  readonly emitted: Receipt
  readonly committed: {
    readonly mission: string
    readonly ledger: LedgerName
    readonly commit: string
  }
  readonly deferred: Deferral
  readonly link: LinkReport
  readonly warning: { readonly code: string; readonly message: string }
  readonly workerRestarted: { readonly name: WorkerName; readonly failure: WorkerFailure }
  readonly workerFailed: { readonly name: WorkerName; readonly failure: WorkerFailure }
  readonly error: { readonly code: string; readonly message: string }
}

const IS_NAME: Readonly<Record<keyof RuntimeEventMap, true>> = {
  emitted: true,
  committed: true,
  deferred: true,
  link: true,
  warning: true,
  workerRestarted: true,
  workerFailed: true,
  error: true,
}
const NAMES: ReadonlySet<string> = new Set(Object.keys(IS_NAME))

/** What it returns is not used, and a promise not waited for; a rejection is reported as a throw is. */
export type Listener<Name extends keyof RuntimeEventMap> = (event: RuntimeEventMap[Name]) => unknown

export type Listeners = {
  /** @throws InputError LISTENER_INVALID */
  readonly on: <Name extends keyof RuntimeEventMap>(
    name: Name,
    listener: Listener<Name>,
  ) => () => void
  readonly tell: <Name extends keyof RuntimeEventMap>(
    name: Name,
    event: RuntimeEventMap[Name],
  ) => void
}

export function createListeners(): Listeners {
  const listenersByName = new Map<keyof RuntimeEventMap, Set<(event: never) => unknown>>()
  const tell: Listeners['tell'] = (name, event) => {
    // A copy: a listener that adds one would else be called for ever.
    const present = Array.from(listenersByName.get(name) ?? [])
    for (const listener of present) {
      callSafely(listener, event as never, () => {
        if (name === 'error') return
        tell('error', { code: 'LISTENER_THREW', message: `a listener of ${name} threw` })
      })
    }
  }
  return {
    tell,
    on: (name, listener) => {
      if (!NAMES.has(name) || !isFunction(listener)) throw invalid()
      const listeners = listenersByName.get(name) ?? new Set()
      // Each registration is one of its own, also of a function that listens already.
      const own = (event: never): unknown => listener(event)
      listeners.add(own)
      listenersByName.set(name, listeners)
      return () => void listeners.delete(own)
    },
  }
}

/** A misspelled name would never be told anything. */
function invalid(): InputError {
  return new InputError('LISTENER_INVALID', 'the name of an event and a function are expected', {
    hint: `The events are ${[...NAMES].join(', ')}.`,
  })
}

/** What is told of an observer of the machines that threw. */
export const OBSERVER_THREW = { code: 'OBSERVER_THREW', message: 'an inspector threw' }

/** @throws InputError LISTENER_INVALID */
export function checkObserver(observer: unknown): void {
  if (isFunction(observer)) return
  throw new InputError('LISTENER_INVALID', 'a function that is told what happens is expected')
}

/** Calls what a user handed in; a throw, or the rejection of an async function, is `threw` and goes no further. */
export function callSafely<Value>(
  call: (value: Value) => unknown,
  value: Value,
  threw: () => void,
): void {
  try {
    const result = call(value)
    if (result instanceof Promise) result.catch(threw)
  } catch {
    threw()
  }
}
