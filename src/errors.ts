/**
 * Every failure that a caller can act on: a stable `code`, a message that says what was expected, and a
 * hint that says what to do. Anything else that is thrown is a bug.
 */

/** The process exit codes; this table is the contract. 4, 5 and 6 are the project gate's alone. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  notAuthenticated: 3,
  migrationNeeded: 4,
  programTooOld: 5,
  metadataCorrupt: 6,
  deferred: 7,
  undelivered: 8,
  interrupted: 130,
} as const

export type WireError = {
  readonly code: string
  readonly message: string
  readonly hint: string | null
  readonly retryable: boolean
}

type ErrorOptionsOf = {
  /** What the reader should do now. */
  readonly hint?: string
  readonly cause?: unknown
  /** True where the same call may succeed later without any change by the caller. */
  readonly retryable?: boolean
  /** What else the caller can act on; JSON, and clean. */
  readonly details?: ErrorDetails
}

export type ErrorDetails = Readonly<Record<string, string | boolean | readonly string[]>>

/** The base of all public errors. `code` is SCREAMING_SNAKE and stable; `hint` says what to do. */
export class KittiwakeError extends Error {
  override readonly name: string = 'KittiwakeError'
  readonly code: string
  readonly hint: string | null
  readonly details: ErrorDetails
  readonly #retryable: boolean

  constructor(code: string, message: string, options: ErrorOptionsOf = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.code = code
    this.hint = options.hint ?? null
    this.details = options.details ?? {}
    this.#retryable = options.retryable ?? false
  }

  /** Whether the same call may succeed later without any change by the caller. */
  retryable(): boolean {
    return this.#retryable
  }

  /** The details stand beside. */
  toJSON(): { code: string; message: string; hint: string | null } {
    return { ...this.details, code: this.code, message: this.message, hint: this.hint }
  }
}

/** A flag or an argument can't be understood; the command did nothing. */
export class UsageError extends KittiwakeError {
  override readonly name = 'UsageError'
}

/** What was handed in can't be taken: a draft, a decision, a line of a batch. */
export class InputError extends KittiwakeError {
  override readonly name = 'InputError'
}

/** The value could not be proven clean, so it is written nowhere. */
export class SanitizeError extends KittiwakeError {
  override readonly name = 'SanitizeError'
}

/** The project, its identity or a mission is missing, unreadable or in conflict. */
export class ProjectError extends KittiwakeError {
  override readonly name: string = 'ProjectError'
}

/** The project's files are of a version, or in a state, in which this program must not write them. */
export class GateError extends ProjectError {
  override readonly name: string = 'GateError'
  /** The whole plan, as `kittiwake gate --json` prints it. */
  readonly gate: object
  readonly exit: number

  constructor(
    code: string,
    message: string,
    { hint, gate, exit }: { readonly hint: string; readonly gate: object; readonly exit: number },
  ) {
    super(code, message, { hint })
    this.gate = gate
    this.exit = exit
  }
}

/** The outbox refused or can't be used. */
export class StoreError extends KittiwakeError {
  override readonly name = 'StoreError'
}

/** The ledger or the repository refused. */
export class GitError extends KittiwakeError {
  override readonly name = 'GitError'
}

/** The hub, the login or the link refused. */
export class LinkError extends KittiwakeError {
  override readonly name = 'LinkError'
}

/** A worker thread is beyond its restart budget, or the runtime is stopping. */
export class RuntimeError extends KittiwakeError {
  override readonly name = 'RuntimeError'
}

const CLASS_BY_NAME = {
  UsageError,
  InputError,
  SanitizeError,
  ProjectError,
  StoreError,
  GitError,
  LinkError,
  RuntimeError,
  KittiwakeError,
} as const

/** The exit code of a command that ended with this error. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT.usage
  if (error instanceof GateError) return error.exit
  if (error instanceof KittiwakeError && error.code === 'NOT_AUTHENTICATED') {
    return EXIT.notAuthenticated
  }
  return EXIT.failed
}

/** An error as the program prints it. */
export type ErrorDocument = {
  readonly ok: false
  readonly error: { readonly code: string; readonly message: string; readonly hint: string | null }
  /** Of a command that the project gate blocked. */
  readonly gate?: object
}

/** An unexpected error shows that it is a bug, not what it saw: its text may quote data. */
export function errorDocument(error: unknown): ErrorDocument {
  if (error instanceof GateError) return { ok: false, error: error.toJSON(), gate: error.gate }
  const known = error instanceof KittiwakeError ? error : limitOf(error)
  if (known !== null) return { ok: false, error: known.toJSON() }
  const name = error instanceof Error ? error.name : 'unknown'
  const hint = 'This is a bug in Kittiwake; please report it with the command you ran.'
  return { ok: false, error: { code: 'INTERNAL', message: `unexpected ${name}`, hint } }
}

/** A limit of the system, which may be met wherever a file is opened; null of any other error. */
function limitOf(error: unknown): RuntimeError | null {
  const code = systemCode(error)
  if (code !== 'EMFILE' && code !== 'ENFILE') return null
  return new RuntimeError('FILES_EXHAUSTED', `no more files can be opened (${code})`, {
    hint: 'Raise the limit (`ulimit -n`), or end programs that hold many files open.',
    retryable: true,
    cause: error,
  })
}

/** An error as it crosses a thread. */
export type ErrorOnWire = WireError & { readonly name: string }

/**
 * The error as plain data for a port. Of an unexpected one only its code or its class goes on: its text may quote
 * paths and values, and what crosses a port can be inspected (L4).
 */
export function errorToWire(error: unknown): ErrorOnWire {
  const known = error instanceof KittiwakeError ? error : limitOf(error)
  if (known !== null) {
    const { name, code, message, hint } = known
    return { name, code, message, hint, retryable: known.retryable() }
  }
  const kind = systemCode(error) ?? (error instanceof Error ? error.name : typeof error)
  return {
    name: 'KittiwakeError',
    code: 'INTERNAL',
    message: `an unexpected failure: ${kind}`,
    hint: 'Run `kittiwake doctor`; if nothing is wrong, report it with what you did.',
    retryable: false,
  }
}

/** The error again, on this side of the port. */
export function errorFromWire(wire: ErrorOnWire): KittiwakeError {
  const Class = Object.hasOwn(CLASS_BY_NAME, wire.name)
    ? CLASS_BY_NAME[wire.name as keyof typeof CLASS_BY_NAME]
    : KittiwakeError
  return new Class(wire.code, wire.message, {
    ...(wire.hint === null ? {} : { hint: wire.hint }),
    retryable: wire.retryable,
  })
}

/** The `code` of a Node system error (`ENOENT`, …), or null. */
export function systemCode(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null
  return typeof error.code === 'string' ? error.code : null
}
