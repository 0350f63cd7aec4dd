/** A child process within bounds: on its time, on what it says, and on what outlives it. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'

/** A program by its absolute path, and all that it is started with; no shell is between. */
export type Command = {
  readonly program: string
  readonly argv: readonly string[]
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
}

export type Bounds = {
  readonly timeoutMs: number
  /** What it reads from its standard input. */
  readonly input: string
  /** Whatever it starts is ended with it. It then has no terminal. */
  readonly isGroup: boolean
}

export type RunEnd =
  /** `code` is -1 where a signal ended it. */
  | {
      readonly state: 'ended'
      readonly code: number
      readonly stdout: string
      readonly stderr: string
    }
  | { readonly state: 'overdue' }
  | { readonly state: 'verbose' }
  | { readonly state: 'unstarted'; readonly error: Error }

const OUTPUT_MAX_BYTES = 64 * 1024 * 1024
const KILL_GRACE_MS = 2_000
/** How long its ends are read after it is gone: what it left running may hold them open for ever. */
const DRAIN_MS = 500

/** Runs it to its end, or to its bounds. Never rejects. */
export async function runBounded(command: Command, bounds: Bounds): Promise<RunEnd> {
  const { program, argv, cwd, env } = command
  const detached = bounds.isGroup && process.platform !== 'win32'
  const options = { cwd, env, detached, windowsHide: true, stdio: 'pipe' } as const
  // Without a file to spare there are no ends.
  const child: ChildProcess = spawn(program, argv, options)
  // One that ended early closes its end; its exit code tells more.
  child.stdin?.on('error', () => undefined)
  child.stdin?.end(bounds.input)
  return new Promise((resolve) => new Watch(child, detached, bounds.timeoutMs, resolve))
}

class Watch {
  readonly #child: ChildProcess
  readonly #isGroup: boolean
  readonly #resolve: (end: RunEnd) => void
  readonly #output = { stdout: [] as Buffer[], stderr: [] as Buffer[] }
  readonly #timers: NodeJS.Timeout[] = []
  #bytes = 0
  #cut: 'overdue' | 'verbose' | null = null

  constructor(
    child: ChildProcess,
    isGroup: boolean,
    timeoutMs: number,
    resolve: (end: RunEnd) => void,
  ) {
    this.#child = child
    this.#isGroup = isGroup
    this.#resolve = resolve
    child.on('error', (error) => this.#settle({ state: 'unstarted', error }))
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]?.on('data', (chunk: Buffer) => this.#take(name, chunk))
    }
    child.on('close', (code) => this.#end(code))
    child.on('exit', (code) => this.#after(DRAIN_MS, () => this.#end(code)))
    this.#after(timeoutMs, () => this.#cutOff('overdue'))
  }

  #take(name: 'stdout' | 'stderr', chunk: Buffer): void {
    this.#bytes += chunk.length
    if (this.#bytes > OUTPUT_MAX_BYTES) this.#cutOff('verbose')
    else this.#output[name].push(chunk)
  }

  /** Git removes its lock files on SIGTERM, so it is asked before it is killed. */
  #cutOff(why: 'overdue' | 'verbose'): void {
    if (this.#cut !== null) return
    this.#cut = why
    this.#signal('SIGTERM')
    this.#after(KILL_GRACE_MS, () => {
      this.#signal('SIGKILL')
      this.#settle({ state: why })
    })
  }

  #end(code: number | null): void {
    if (this.#cut !== null) {
      // What it started may have survived it.
      if (this.#isGroup) this.#signal('SIGKILL')
      this.#settle({ state: this.#cut })
      return
    }
    const [stdout, stderr] = (['stdout', 'stderr'] as const).map((name) =>
      Buffer.concat(this.#output[name]).toString('utf8'),
    )
    this.#settle({ state: 'ended', code: code ?? -1, stdout: stdout ?? '', stderr: stderr ?? '' })
  }

  #settle(end: RunEnd): void {
    for (const timer of this.#timers) clearTimeout(timer)
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream?.destroy()
    this.#resolve(end)
  }

  #after(delayMs: number, body: () => void): void {
    this.#timers.push(setTimeout(body, delayMs))
  }

  #signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    const { pid } = this.#child
    if (pid === undefined) return
    try {
      process.kill(this.#isGroup ? -pid : pid, signal)
    } catch {
      // Gone already.
    }
  }
}
