/**
 * Whether this process has printed the document of its success: who reads it has its answer, and what the program meets
 * while it ends must not look like a failure any more.
 */
import type { Writable } from 'node:stream'
import { printText } from './output.ts'

let exitCode: number | null = null

/** Called with the exit code once the document is printed, and with null when a command begins. */
export function markSucceeded(code: number | null): void {
  exitCode = code
}

/** The exit code that the printed document stands for; null where none is printed. */
export function succeededWith(): number | null {
  return exitCode
}

/** For who looks for what went wrong by the way: nothing is lost, it is only not shown unasked. */
export function printDebug(stream: Writable, message: string): void {
  if (process.env['KITTIWAKE_DEBUG'] === '1') printText(stream, `kittiwake: debug: ${message}`)
}
