/** The bytes of a decision log as records; what is none is reported and never stops the rest. */
import { parseDecisionRecord } from '../../../contracts/ledgers/decision-record.ts'
import type { DecisionRecord } from '../../../contracts/ledgers/decision-record.ts'
import { isJsonObject } from '../../../contracts/json/json.ts'
import type { Json } from '../../../contracts/json/json.ts'
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

/** A log that was read whole, to its last line end. */
type Read = {
  readonly bytes: Buffer
  readonly count: number
  readonly lines: readonly DecisionLine[]
}

/** Of a log that is kept for the next reading. */
const KEPT_BYTES_MAX = 4 * 1024 * 1024
const NEWLINE = 0x0a
const NOTHING_READ: Read = { bytes: Buffer.alloc(0), count: 0, lines: [] }
let readLast = NOTHING_READ

/** Total: any bytes give an answer. Of a log that was only appended to since the last call, what is new is parsed. */
export function parseDecisionLines(bytes: Buffer): DecisionLines {
  const isAppended = readLast.bytes.equals(bytes.subarray(0, readLast.bytes.length))
  const before = isAppended ? readLast : NOTHING_READ
  const { lines: found, skipped } = parseWhole(bytes.subarray(before.bytes.length))
  const added = found.map(({ line, end, record }) => ({
    line: line + before.count,
    end: end + before.bytes.length,
    record,
  }))
  const lines = [...before.lines, ...added]
  const isWhole = skipped.length === 0 && bytes.at(-1) === NEWLINE
  if (isWhole && bytes.length <= KEPT_BYTES_MAX) {
    readLast = { bytes, count: before.count + lineEnds(bytes, before.bytes.length), lines }
  }
  return {
    lines,
    skipped: skipped.map(({ line, reason }) => ({ line: line + before.count, reason })),
  }
}

function lineEnds(bytes: Buffer, from: number): number {
  let count = 0
  for (let at = bytes.indexOf(NEWLINE, from); at !== -1; at = bytes.indexOf(NEWLINE, at + 1)) {
    count += 1
  }
  return count
}

function parseWhole(bytes: Buffer): DecisionLines {
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
