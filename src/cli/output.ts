/** Everything that the program prints passes here: one JSON document or plain text, never control characters. */
import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { UNPRINTABLE } from '../contracts/values/unprintable.ts'
import { errorDocument } from '../errors.ts'

/** What JSON leaves as it is and a terminal may obey. */
const NOT_FOR_TERMINALS = /[\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g

export function isTerminal(stream: Writable): boolean {
  return 'isTTY' in stream && stream.isTTY === true
}

/** Text from anyone, safe for a terminal. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, '\ufffd')
}

/** Text from anyone as a part of a line: it can't begin a line of its own, which would pass for one of ours. */
export function oneLine(text: string): string {
  return printable(text.replaceAll(/\r?\n/g, ' ⏎ ').replaceAll('\t', ' '))
}

export function printText(stream: Writable, text: string): void {
  if (text !== '') stream.write(`${printable(text)}\n`)
}

/** The document is the same value for every reader; only its spelling is safe for a terminal. */
export function printJson(stream: Writable, value: unknown): void {
  stream.write(`${jsonLine(value)}\n`)
}

/** As `printJson`; resolves once the reader keeps up, so that a slow one is waited for, not buffered for. */
export async function streamJson(stream: Writable, value: unknown): Promise<void> {
  if (!stream.write(`${jsonLine(value)}\n`)) await once(stream, 'drain')
}

function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(
    NOT_FOR_TERMINALS,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

export function printError(stream: Writable, error: unknown): void {
  const { code, message, hint } = errorDocument(error).error
  printText(stream, `kittiwake: ${message} (${code})${hint === null ? '' : `\n${hint}`}`)
}

/** Rows as aligned columns, a line a row. */
export function columns(table: readonly (readonly string[])[], gap = '  '): string {
  const rows = table.map((row) => row.map(oneLine))
  const widths: number[] = []
  for (const row of rows) {
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length)
  }
  return rows
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join(gap)
        .trimEnd(),
    )
    .join('\n')
}
