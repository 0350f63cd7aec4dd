/** The bytes of a decision log as records, line by line: what can't be read is reported and never stops the rest. */
import { parseDecisionRecord } from '../../contracts/decision-record.ts'
import type { DecisionRecord } from '../../contracts/decision-record.ts'
import { isJsonObject, JSON_LENGTH_MAX, parseJson } from '../../contracts/json.ts'
import type { Json } from '../../contracts/json.ts'

/** The longest line that is written or read, its line end not counted. */
export const LINE_BYTES_MAX = JSON_LENGTH_MAX

export type DecisionLine = {
  /** Counted from 1. */
  readonly line: number
  /** Bytes from the start of the log to just behind this line. */
  readonly end: number
  readonly record: DecisionRecord
}

export type SkippedLine = { readonly line: number; readonly reason: string }

export type DecisionLines = {
  readonly lines: readonly DecisionLine[]
  readonly skipped: readonly SkippedLine[]
}

const NEWLINE = 0x0a
const CONFLICT_MARKER = /^(?:<{7}|={7}|>{7}|\|{7})(?: |$)/
const BYTE_ORDER_MARK = '\ufeff'

/** Total: any bytes give an answer. Lines end at `\n` only, so raw U+2028 and U+0085 stay inside theirs. */
export function parseDecisionLines(bytes: Buffer): DecisionLines {
  const lines: DecisionLine[] = []
  const skipped: SkippedLine[] = []
  let start = 0
  for (let line = 1; start < bytes.length; line += 1) {
    const newline = bytes.indexOf(NEWLINE, start)
    const stop = newline === -1 ? bytes.length : newline
    const parsed = parseLine(bytes.subarray(start, stop), newline === -1)
    start = newline === -1 ? stop : newline + 1
    if (parsed === null) continue
    if (typeof parsed === 'string') skipped.push({ line, reason: parsed })
    else lines.push({ line, end: start, record: parsed })
  }
  return { lines, skipped }
}

/** The record, the reason why there is none, or null for a blank line. */
function parseLine(bytes: Buffer, isLast: boolean): DecisionRecord | string | null {
  if (bytes.length > LINE_BYTES_MAX) return `longer than ${LINE_BYTES_MAX} bytes`
  const text = decode(bytes)
  if (text === null) return 'not UTF-8'
  const trimmed = text.replace(/\r$/, '')
  if (trimmed.trim() === '') return null
  if (CONFLICT_MARKER.test(trimmed)) return 'a conflict marker of a merge'
  const value = parseValue(trimmed)
  if (value === undefined) return isLast ? 'torn: the line has no end' : 'not valid JSON'
  const record = parseDecisionRecord(value)
  if (record !== null) return record
  const isForeign = isJsonObject(value) && !isDecisionType(value['event_type'])
  return isForeign ? 'not a decision event' : 'not a complete decision record'
}

function decode(bytes: Buffer): string | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    return text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text
  } catch {
    return null
  }
}

function parseValue(text: string): Json | undefined {
  try {
    return parseJson(text)
  } catch {
    return undefined
  }
}

function isDecisionType(type: Json | undefined): boolean {
  return type === 'DecisionInputRequested' || type === 'DecisionInputAnswered'
}
