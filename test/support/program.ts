/** The built program as real child processes: commands that end, ones that stay up, and waiting for what can be seen. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const MAIN = join(import.meta.dirname, '../../dist/cli/main.js')

/** What the program prints with `--json`. */
export type Document = {
  readonly ok: boolean
  readonly error?: { readonly code: string; readonly message: string; readonly hint: string | null }
  readonly warnings?: readonly { readonly message: string }[]
  readonly [field: string]: unknown
}

export type Place = { readonly cwd: string; readonly env: NodeJS.ProcessEnv }

export type Ended = {
  /** The exit code, or the signal that ended the program. */
  readonly code: number | string
  readonly documents: readonly Document[]
  /** The first of them; a command that fails before it prints has none. */
  readonly document: Document
  readonly err: string
  /** What it told beside its result: on stderr, and as warnings in its documents. */
  readonly said: string
}

/** Longer than any command takes on a busy machine, shorter than a test. */
const DEADLINE_MS = 45_000
const LOOK_MS = 20
/** How long a look is rested from, in its own length: one that runs a command would else take a core from what it waits for. */
const REST = 2

/** A program that runs: what it has printed so far, its input, and its end. */
export class Program {
  readonly child: ChildProcess
  readonly documents: Document[] = []
  readonly #ended: Promise<number | string>
  #err = ''

  constructor({ cwd, env }: Place, args: readonly string[]) {
    this.child = spawn(process.execPath, [MAIN, ...args, '--json'], { cwd, env, stdio: 'pipe' })
    const { stdin, stdout, stderr } = this.child
    // A killed program closes its input under our hands.
    stdin?.on('error', () => {})
    stderr?.on('data', (chunk: Buffer) => (this.#err += chunk.toString('utf8')))
    if (stdout !== null) createInterface({ input: stdout }).on('line', (line) => this.#take(line))
    this.#ended = once(this.child, 'close').then(
      ([code, signal]) => (code ?? signal) as number | string,
    )
  }

  get isUp(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null
  }

  get err(): string {
    return this.#err
  }

  /** Resolves with the exit code or the signal, once all output is read. */
  get ended(): Promise<number | string> {
    return this.#ended
  }

  /** How many milliseconds after the signal the program was gone. */
  async end(signal: NodeJS.Signals): Promise<number> {
    const from = performance.now()
    if (this.isUp) this.child.kill(signal)
    await this.#ended
    return performance.now() - from
  }

  /** The first document from `from` on that is wanted; rejects when the program ends without it. */
  async saw(wanted: (document: Document) => boolean, from = 0): Promise<Document> {
    let found: Document | undefined
    await until('the program printed what is waited for', () => {
      found = this.documents.slice(from).find(wanted)
      if (found === undefined && !this.isUp) throw new Error(`the program ended: ${this.#err}`)
      return found !== undefined
    })
    return found as Document
  }

  // The last line of a killed program may be cut short: only what ends with a line feed was printed.
  #take(line: string): void {
    try {
      this.documents.push(JSON.parse(line) as Document)
    } catch {
      if (this.isUp) this.#err += `not JSON: ${line}\n`
    }
  }
}

/** Runs one command to its end. */
export async function run(place: Place, args: readonly string[], input = ''): Promise<Ended> {
  const program = new Program(place, args)
  program.child.stdin?.end(input)
  const code = await program.ended
  return endedOf(code, program.documents, program.err)
}

export function endedOf(code: number | string, documents: readonly Document[], err: string): Ended {
  const warnings = documents.flatMap((document) => document.warnings ?? [])
  const said = [err, ...warnings.map(({ message }) => message)].join('\n')
  return { code, documents, document: documents[0] ?? { ok: false }, err, said }
}

/** Looks again and again until `look` holds; rejects after the deadline. */
export async function until(
  what: string,
  look: () => boolean | Promise<boolean>,
  deadlineMs = DEADLINE_MS,
): Promise<number> {
  const from = performance.now()
  for (let began = from; !(await look()); began = performance.now()) {
    const now = performance.now()
    if (now - from > deadlineMs) throw new Error(`not within ${deadlineMs} ms: ${what}`)
    const restMs = Math.max(LOOK_MS, REST * (now - began))
    await new Promise((resolve) => setTimeout(resolve, restMs))
  }
  return performance.now() - from
}
