/** The bytes of an append-only log as JSON values, line by line: what can't be read is reported and never stops the rest. */
import { JSON_LENGTH_MAX, parseJson } from '../../../contracts/json/json.ts'
import type { Json } from '../../../contracts/json/json.ts'
import type { SideLine } from '../../../contracts/ledgers/merge-logs.ts'
import { conflictMarker } from '../../../contracts/ledgers/repair-log.ts'
import { InputError } from '../../../errors.ts'

/** The longest line that is written or read, its line end not counted. */
export const LINE_BYTES_MAX = JSON_LENGTH_MAX

export type LogLine = {
  /** Counted from 1. */
  readonly line: number
  /** Bytes from the start of the log to just behind this line. */
  readonly end: number
  readonly value: Json
}

export type SkippedLine = { readonly line: number; readonly reason: string }

export type LogLines = {
  readonly lines: readonly LogLine[]
  readonly skipped: readonly SkippedLine[]
  /** What stands behind the last line end is no JSON: a write was cut short. */
  readonly torn: boolean
}

const NEWLINE = 0x0a
const BYTE_ORDER_MARK = '\ufeff'
export const TORN_LINE = 'torn: the line has no end'

/** Total: any bytes give an answer. Lines end at `\n` only, so raw U+2028 and U+0085 stay inside theirs. */
export function readLogLines(bytes: Buffer): LogLines {
  const lines: LogLine[] = []
  const skipped: SkippedLine[] = []
  let torn = false
  let start = 0
  for (let line = 1; start < bytes.length; line += 1) {
    const newline = bytes.indexOf(NEWLINE, start)
    const stop = newline === -1 ? bytes.length : newline
    const parsed = parseLine(bytes.subarray(start, stop))
    start = newline === -1 ? stop : newline + 1
    if (parsed === null) continue
    if ('value' in parsed) lines.push({ line, end: start, value: parsed.value })
    else if (newline !== -1) skipped.push({ line, reason: parsed.reason })
    // A record that lacks its line end only is whole.
    else {
      torn = true
      skipped.push({ line, reason: TORN_LINE })
    }
  }
  return { lines, skipped, torn }
}

/** Every line but blank ones with its own text, whether it can be read or not: for those who write the log anew. */
export function sideLines(bytes: Buffer): readonly SideLine[] {
  const found: SideLine[] = []
  for (let start = 0; start < bytes.length;) {
    const newline = bytes.indexOf(NEWLINE, start)
    const stop = newline === -1 ? bytes.length : newline
    const own = bytes.subarray(start, stop)
    const parsed = parseLine(own)
    start = stop + 1
    if (parsed === null) continue
    const text = decode(own) ?? own.toString('latin1')
    found.push({ text, value: 'value' in parsed ? parsed.value : null })
  }
  return found
}

/** Null for a blank line. */
function parseLine(bytes: Buffer): { value: Json } | { reason: string } | null {
  if (bytes.length > LINE_BYTES_MAX) return { reason: `longer than ${LINE_BYTES_MAX} bytes` }
  const text = decode(bytes)
  if (text === null) return { reason: 'not UTF-8' }
  if (text.trim() === '') return null
  if (conflictMarker(text) !== null) return { reason: 'a conflict marker of a merge' }
  try {
    return { value: parseJson(text) }
  } catch (error) {
    if (error instanceof InputError) return { reason: error.message }
    throw error
  }
}

function decode(bytes: Buffer): string | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    return (text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text).replace(/\r$/, '')
  } catch {
    return null
  }
}
