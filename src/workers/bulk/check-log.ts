/** Checks and folds one ledger file; stateless, so that a pool can take many. */
import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import { DECISION_LOG, parseDecisionRecord } from '../../contracts/ledgers/decision-record.ts'
import { DecisionFold } from '../../contracts/ledgers/fold-decisions.ts'
import type { NumberedRow } from '../../contracts/ledgers/fold-status.ts'
import { byCodePoint, encodeJson, isJsonObject } from '../../contracts/json/json.ts'
import type { JsonObject } from '../../contracts/json/json.ts'
import { parseStatusRow, STATUS_LOG } from '../../contracts/ledgers/status-record.ts'
import { anomaliesOf } from '../../contracts/ledgers/verify-status.ts'
import type { StatusAnomaly } from '../../contracts/ledgers/verify-status.ts'
import { readBounded } from '../../project/files/bounded-file.ts'
import { readLogLines, TORN_LINE } from '../git/logs/log-lines.ts'
import type { DecisionLine } from '../git/logs/decision-lines.ts'
import { LOG_BYTES_MAX } from '../git/logs/log-file.ts'

export type LogFault = { readonly line: number; readonly reason: string }

export type LogCheck = {
  readonly state: 'checked'
  readonly path: string
  /** Lines that hold something. */
  readonly lines: number
  /** Line numbers from 1 with why they can't be used; the first `FAULTS_MAX`, in the order of the log. */
  readonly faults: readonly LogFault[]
  readonly faultCount: number
  /** Lines that only say again what an earlier one said; a union merge makes them, and readers pass over them. */
  readonly repeated: number
  /** What stands behind the last line end is no record: a write was cut short. */
  readonly torn: boolean
  readonly countByType: Readonly<Record<string, number>>
  /** What a decision log folds to; null for other logs. */
  readonly decisions: { readonly asked: number; readonly answered: number } | null
  /** Moves of a status log that can't be true, as `status verify` finds them; null for other logs, and very long ones. */
  readonly oddMoves: { readonly count: number; readonly first: StatusAnomaly | null } | null
}

export type LogUnreadable = {
  readonly state: 'unreadable'
  readonly path: string
  readonly reason: 'absent' | 'not_a_file' | 'too_large' | 'unreadable' | 'thread_failed'
}

export type LogOutcome = LogCheck | LogUnreadable

export const FAULTS_MAX = 20
/** Late rows cost more than others: a longer log is left to who asks for it alone. */
const MOVES_MAX = 20_000

/** Total: any file gives an answer. Symbolic links are not followed, nothing waits for a pipe. */
export default function checkLog(path: string): LogOutcome {
  const read = readBounded(path, LOG_BYTES_MAX, { followLink: false })
  if (read.state === 'absent') return { state: 'unreadable', path, reason: 'absent' }
  if (read.state === 'unusable') return { state: 'unreadable', path, reason: read.reason }
  const check = new Checking(basename(path))
  check.readAll(read.bytes)
  return { state: 'checked', path, ...check.finish() }
}

class Checking {
  readonly #isDecisionLog: boolean
  readonly #isStatusLog: boolean
  readonly #contentById = new Map<string, string>()
  readonly #countByType = new Map<string, number>()
  readonly #decisionLines: DecisionLine[] = []
  readonly #statusRows: NumberedRow[] = []
  readonly #faults: LogFault[] = []
  #lines = 0
  #repeated = 0
  #torn = false

  constructor(name: string) {
    this.#isDecisionLog = name === DECISION_LOG
    this.#isStatusLog = name === STATUS_LOG
  }

  readAll(bytes: Buffer): void {
    const { lines, skipped, torn } = readLogLines(bytes)
    this.#torn = torn
    for (const { line, end, value } of lines) {
      this.#lines += 1
      const reason = isJsonObject(value) ? this.#fold(line, end, value) : 'not an object'
      if (reason !== null) this.#faults.push({ line, reason })
      const row = this.#isStatusLog ? parseStatusRow(value) : ''
      if (typeof row !== 'string') this.#statusRows.push({ line, row })
    }
    const bad = skipped.filter(({ reason }) => reason !== TORN_LINE)
    this.#lines += bad.length
    this.#faults.push(...bad)
  }

  finish(): Omit<LogCheck, 'state' | 'path'> {
    const fold = new DecisionFold(this.#decisionLines)
    const faults = [...this.#faults, ...fold.skipped].sort((a, b) => a.line - b.line)
    const answered = fold.decisions.filter(({ answer }) => answer !== null).length
    return {
      lines: this.#lines,
      faults: faults.slice(0, FAULTS_MAX),
      faultCount: faults.length,
      repeated: this.#repeated,
      torn: this.#torn,
      countByType: Object.fromEntries([...this.#countByType].sort(([a], [b]) => byCodePoint(a, b))),
      decisions: this.#isDecisionLog ? { asked: fold.decisions.length, answered } : null,
      oddMoves: this.#isStatusLog ? oddMovesOf(this.#statusRows) : null,
    }
  }

  /** Why the record can't be used, or null. */
  #fold(line: number, end: number, value: JsonObject): string | null {
    const { event_id, event_type, kind, type } = value
    if (typeof event_id !== 'string' || event_id === '') return 'no event_id'
    const record = this.#isDecisionLog ? parseDecisionRecord(value) : null
    if (this.#isDecisionLog && record === null) return 'not a complete decision record'
    const content = digestOf(value)
    const known = this.#contentById.get(event_id)
    if (known === content) this.#repeated += 1
    // A decision log's own fold names the line that came first.
    else if (known !== undefined && record === null) return 'another record with this event_id'
    if (record !== null) this.#decisionLines.push({ line, end, record })
    if (known !== undefined) return null
    this.#contentById.set(event_id, content)
    const name = [event_type, kind, type].find((candidate) => typeof candidate === 'string')
    const counted = typeof name === 'string' ? name : 'transition'
    this.#countByType.set(counted, (this.#countByType.get(counted) ?? 0) + 1)
    return null
  }
}

function oddMovesOf(rows: readonly NumberedRow[]): LogCheck['oddMoves'] {
  if (rows.length > MOVES_MAX) return null
  // One id with two contents is a fault already.
  const odd = anomaliesOf(rows).filter(({ kind }) => kind !== 'id_conflict')
  return { count: odd.length, first: odd[0] ?? null }
}

// Of what the line says, not of how: dialects differ in spaces and in the order of keys.
function digestOf(value: JsonObject): string {
  return createHash('sha1').update(encodeJson(value)).digest('base64')
}
