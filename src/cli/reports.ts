/**
 * What a command has to say beside its result. Threads print nothing: whatever one of them meets comes here, and the
 * same thing is said once, however many met it and however often.
 */

/** Of the commands themselves; the codes of errors and of what a runtime warns of stand beside them. All are stable. */
export type WarningCode =
  | 'ATTRIBUTES_CHANGED'
  | 'BACKGROUND_RESTING'
  | 'BROWSER_UNOPENED'
  | 'COMMIT_DEFERRED'
  | 'COMMIT_HEALED'
  | 'COMMITS_NOT_NOTED'
  | 'FILE_OPAQUE'
  | 'GLOSSARY_FAULT'
  | 'LINE_UNREADABLE'
  | 'LIST_CUT'
  | 'MAP_KEY_UNKNOWN'
  | 'MERGE_CONFLICT'
  | 'MERGE_DRIVER_MISSING'
  | 'MESSAGES_PASSED_OVER'
  | 'MISSION_UNREADABLE'
  | 'OUTBOX_NEARLY_FULL'
  | 'TRACE_INCOMPLETE'
  | 'WORKER_FAILED'
  | 'WORKER_RESTARTED'

export type Report = {
  /** A `WarningCode`, or the code of an error or of a runtime's warning. */
  readonly code: string
  readonly message: string
  /** How often it was met. */
  readonly count: number
}

/** One invocation's; different things are never taken for one. */
export class Reports {
  readonly #byKey = new Map<string, Report>()

  /** Whether this is the first time. */
  reportOnce(code: string, message: string): boolean {
    const key = `${code}\n${message}`
    const before = this.#byKey.get(key)
    this.#byKey.set(key, { code, message, count: (before?.count ?? 0) + 1 })
    return before === undefined
  }

  /** In the order in which they were met. */
  list(): readonly Report[] {
    return [...this.#byKey.values()]
  }
}
