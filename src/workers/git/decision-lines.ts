/** The bytes of a decision log as records; what is none is reported and never stops the rest. */
import { parseDecisionRecord } from '../../contracts/decision-record.ts'
import type { DecisionRecord } from '../../contracts/decision-record.ts'
import { isJsonObject } from '../../contracts/json.ts'
import type { Json } from '../../contracts/json.ts'
import { readLogLines } from './log-lines.ts'
import type { SkippedLine } from './log-lines.ts'

export type DecisionLine = {
  /** Counted from 1. */
  readonly line: number
  /** Bytes from the start of the log to just behind this line. */
  readonly end: number
  readonly record: DecisionRecord
}

export type DecisionLines = {
  readonly lines: readonly DecisionLine[]
  readonly skipped: readonly SkippedLine[]
}

/** Total: any bytes give an answer. */
export function parseDecisionLines(bytes: Buffer): DecisionLines {
  const read = readLogLines(bytes)
  const lines: DecisionLine[] = []
  const skipped: SkippedLine[] = [...read.skipped]
  for (const { line, end, value } of read.lines) {
    const record = parseDecisionRecord(value)
    if (record !== null) lines.push({ line, end, record })
    else skipped.push({ line, reason: whyNone(value) })
  }
  return { lines, skipped: skipped.sort((a, b) => a.line - b.line) }
}

function whyNone(value: Json): string {
  const isForeign = isJsonObject(value) && !isDecisionType(value['event_type'])
  return isForeign ? 'not a decision event' : 'not a complete decision record'
}

function isDecisionType(type: Json | undefined): boolean {
  return type === 'DecisionInputRequested' || type === 'DecisionInputAnswered'
}
