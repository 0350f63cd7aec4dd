/** What the ledger found damaged and put right by itself, until somebody is told. */

export type LedgerWarning = {
  /** Stable. */
  readonly code: LedgerWarningCode
  /** Without paths of this machine, and nothing of what is in a file. */
  readonly message: string
}

export type LedgerWarningCode =
  | 'SYNC_STATE_REBUILT'
  | 'BRANCH_BOOK_REBUILT'
  | 'BRANCH_UNREADABLE'
  | 'DEFERRALS_REBUILT'
  | 'DEFERRAL_UNRECORDED'
  | 'FRAME_UNRECORDED'
  | 'HISTORY_CUT'
  | 'LOG_TAIL_MOVED'
  | 'ROWS_TAKEN_OFF'
  | 'SEED_MARK_DAMAGED'
  | 'SEED_UNWRITTEN'
  | 'SNAPSHOT_UNWRITTEN'
  | 'UNQUEUED_DAMAGED'

/** Of one command; what is beyond says nothing new. */
const WARNINGS_MAX = 64

export class Warnings {
  readonly #byMessage = new Map<string, LedgerWarning>()

  /** The same message once. */
  add(code: LedgerWarningCode, message: string): void {
    if (this.#byMessage.size < WARNINGS_MAX) this.#byMessage.set(message, { code, message })
  }

  /** Those since the last call. */
  take(): readonly LedgerWarning[] {
    const warnings = [...this.#byMessage.values()]
    this.#byMessage.clear()
    return warnings
  }
}
