/** The built program as the shell sees it: bytes in, bytes and an exit code out, no flag added. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Place } from './program.ts'

export type RawEnd = {
  /** The exit code, or the signal that ended the program. */
  readonly code: number | string
  readonly out: string
  readonly err: string
}

const MAIN = join(import.meta.dirname, '../../dist/cli/main.js')
/** A program that takes longer hangs; it is ended, and its `code` is SIGKILL. */
const DEADLINE_MS = 30_000

/** Runs the program to its end. */
export async function rawRun(
  { cwd, env }: Place,
  args: readonly string[],
  input: string | Uint8Array = '',
): Promise<RawEnd> {
  const child = rawStart({ cwd, env }, args)
  child.stdin?.end(input)
  return rawEnd(child)
}

/** Starts it; its input stays open. */
export function rawStart({ cwd, env }: Place, args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [MAIN, ...args], { cwd, env, stdio: 'pipe' })
  child.stdin?.on('error', () => {})
  return child
}

export async function rawEnd(child: ChildProcess): Promise<RawEnd> {
  const timer = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS)
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout?.on('data', (bytes: Buffer) => out.push(bytes))
  child.stderr?.on('data', (bytes: Buffer) => err.push(bytes))
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  clearTimeout(timer)
  return {
    code: code ?? signal ?? 'unknown',
    out: Buffer.concat(out).toString('utf8'),
    err: Buffer.concat(err).toString('utf8'),
  }
}
