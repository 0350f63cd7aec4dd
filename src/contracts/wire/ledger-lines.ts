/**
 * Ledger lines on their way to a hub: what one commit has added to one log of a mission, or, as history, what the log held
 * when it was sent. Types and names only, so that the threads of the link load no library of schemas.
 */
import { createHash } from 'node:crypto'
import type { JsonObject } from '../json/json.ts'

/** The logs of a mission that are tracked in git. */
export const LEDGERS = ['decisions', 'status'] as const
export type LedgerName = (typeof LEDGERS)[number]

/** The most rows of one frame, and how long their text may be together unless it is one row alone. */
export const LINES_ROWS_MAX = 1_000
export const LINES_LENGTH_MAX = 128 * 1024

/** A line of a log, without what must not leave the machine. */
export type LedgerRow = {
  /** Where it stands in its log, counted from 1. */
  readonly line: number
  /** Null for a line that is no JSON object: it can be told of, but not be shown. */
  readonly row: JsonObject | null
}

export type LedgerLines = {
  readonly type: 'LedgerLines'
  /** What the acknowledgement names; see `linesIdOf`. */
  readonly lines_id: string
  readonly project_uuid: string
  /** Its name, where that may leave. */
  readonly project_slug?: string
  readonly build_id: string
  /** The commit that added the rows; of history the commit in which they were found. */
  readonly git_hash: string
  /** Directory name. */
  readonly mission: string
  /** ULID, or null in missions of older writers. */
  readonly mission_id: string | null
  readonly ledger: LedgerName
  /** Not of one commit that was announced, but of all that was in the log before. */
  readonly history: boolean
  /** In the order of the log. */
  readonly rows: readonly LedgerRow[]
}

/** The rows of a `LedgerLines` are durable. */
export type LedgerLinesAck = {
  readonly type: 'LedgerLinesAck'
  readonly lines_id: string
  readonly project_uuid: string
  /** `duplicate`: the hub held all of them already. */
  readonly status: 'accepted' | 'duplicate'
}

/** A commit may need several frames: the first and the last line of one. */
type LinesPlace = Pick<LedgerLines, 'git_hash' | 'mission' | 'ledger' | 'history'> & {
  readonly from: number
  readonly to: number
}

/** The same for the same lines of the same commit, whoever sends them and whenever. 64 hexadecimal digits. */
export function linesIdOf({ git_hash, mission, ledger, history, from, to }: LinesPlace): string {
  const text = JSON.stringify([git_hash, mission, ledger, history, from, to])
  return createHash('sha256').update(text, 'utf8').digest('hex')
}
