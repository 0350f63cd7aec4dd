/** The bytes of a status log as rows; a bad line is reported with its number, and the others are served. */
import type { NumberedRow } from '../../../contracts/ledgers/fold-status.ts'
import { parseStatusRow } from '../../../contracts/ledgers/status-record.ts'
import { readLogLines } from './log-lines.ts'
import type { SkippedLine } from './log-lines.ts'

export type StatusLines = {
  readonly rows: readonly NumberedRow[]
  readonly skipped: readonly SkippedLine[]
}

/** Total: any bytes give an answer. */
export function parseStatusLines(bytes: Buffer): StatusLines {
  const read = readLogLines(bytes)
  const rows: NumberedRow[] = []
  const skipped: SkippedLine[] = [...read.skipped]
  for (const { line, value } of read.lines) {
    const row = parseStatusRow(value)
    if (typeof row === 'string') skipped.push({ line, reason: row })
    else rows.push({ line, row })
  }
  return { rows, skipped: skipped.sort((a, b) => a.line - b.line) }
}
