/** The base of all commands: `run` answers fields and text; how they are printed and which code it exits with is here. */
import { Command, Option } from 'clipanion'
import { counted } from '../contracts/values/counted.ts'
import { errorDocument, EXIT, exitCodeOf, RuntimeError } from '../errors.ts'
import type { Safety } from '../project/upgrade/gate.ts'
import type { Runtime } from '../runtime.ts'
import type { WorkerName } from '../actors/worker.machine.ts'
import type { Deferral } from '../workers/git/protocol.ts'
import type { Context } from './context.ts'
import { isTerminal, printable, printError, printJson, printText } from './output.ts'
import { Reports, type WarningCode } from './reports.ts'
import { markSucceeded, printDebug, succeededWith } from './success.ts'

export type Result = {
  /** What `--json` prints beside `ok`; null where the command has streamed its documents. */
  readonly fields: Readonly<Record<string, unknown>> | null
  readonly text: string
  readonly exit?: number
}

/** Of lines that are passed over; how many more there are is said. */
const LINES_WARNED_MAX = 20

/** The result of a command that stays up until it is interrupted. */
export const STREAMED: Result = { fields: null, text: '' }

export abstract class KittiwakeCommand extends Command<Context> {
  /** False for commands that have just tried every deferred commit themselves. */
  protected readonly healsDeferred: boolean = true

  /** False for commands that deliver by themselves, and for what withdraws: neither tells the background process. */
  protected readonly nudges: boolean = true

  /** What the command can't do without, where it opens a runtime. */
  protected readonly threads: readonly WorkerName[] = ['store']

  /** The line of progress that stands on the terminal. */
  #progress = ''

  readonly #reports = new Reports()

  json = Option.Boolean('--json', false, { description: 'Print one JSON document' })

  abstract run(): Promise<Result>

  /** `safe` is what leaves the files of a project alone; all else passes the gate of the project first. */
  get safety(): Safety {
    return 'unsafe'
  }

  /** Whether `--json` prints documents as they come: then nothing can be said within one of them. */
  protected get streams(): boolean {
    return false
  }

  async execute(): Promise<number> {
    const { stdout, stderr, cwd } = this.context
    markSucceeded(null)
    try {
      if (this.safety === 'unsafe') {
        const { passGate } = await import('../project/upgrade/gate.ts')
        await passGate(cwd)
      }
      const result = await this.run()
      const exit = result.exit ?? EXIT.ok
      this.progress('')
      if (!this.json) printText(stdout, result.text)
      else if (result.fields !== null) {
        printJson(stdout, { ok: true, ...result.fields, ...this.#warnings() })
        markSucceeded(exit)
      }
      return exit
    } catch (error) {
      this.progress('')
      if (this.json) printJson(stdout, { ...errorDocument(error), ...this.#warnings() })
      else printError(stderr, error)
      return exitCodeOf(error)
    }
  }

  /** Within the document: a reader of both streams together then finds nothing else. */
  #warnings(): { readonly warnings?: ReturnType<Reports['list']> } {
    const warnings = this.#reports.list()
    return warnings.length === 0 || this.streams ? {} : { warnings }
  }

  /** Runs `work` with the runtime of the current folder and stops it, whatever happens; an interruption, within 3 s. */
  protected async withRuntime<Value>(work: (runtime: Runtime) => Promise<Value>): Promise<Value> {
    // Made while the modules of this thread are loaded, which takes as long.
    const { coolThreads, warmThreads } = await import('../actors/spawn.ts')
    warmThreads(this.threads)
    try {
      return await this.#withOpenRuntime(work)
    } finally {
      coolThreads()
    }
  }

  async #withOpenRuntime<Value>(work: (runtime: Runtime) => Promise<Value>): Promise<Value> {
    const { cwd, signal } = this.context
    const { openRuntime } = await import('../runtime.ts')
    // The command has passed the gate.
    const runtime = await openRuntime({ root: cwd, link: 'manual' })
    runtime.on('warning', ({ code, message }) => this.warn(code, message))
    runtime.on('workerRestarted', ({ name, failure }) =>
      this.warn('WORKER_RESTARTED', `the ${name} worker was restarted (${failure.code})`),
    )
    runtime.on('workerFailed', ({ name, failure }) =>
      this.warn('WORKER_FAILED', `the ${name} worker failed too often (${failure.code})`),
    )
    await this.#warnOfMissingDriver()
    const stop = (): void => void runtime.stop()
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) stop()
    try {
      const value = await work(runtime)
      if (this.healsDeferred && !signal.aborted) await this.heal(runtime)
      return value
    } catch (error) {
      throw signal.aborted && isStopped(error) ? interrupted() : error
    } finally {
      signal.removeEventListener('abort', stop)
      // Beside the end of the threads, which takes longer.
      await Promise.all([runtime.stop(), this.nudges && !signal.aborted ? this.nudge() : null])
    }
  }

  /** Tells the background process that something was recorded, and starts it where it may; never fails. */
  protected async nudge(): Promise<void> {
    const { nudgeProject } = await import('../background/nudge.ts')
    await nudgeProject(this.context.cwd)
  }

  /** Without it, git leaves conflicts in logs, and a clone gets it by nobody's commit. */
  async #warnOfMissingDriver(): Promise<void> {
    const { locateRepository } = await import('../project/git/locate.ts')
    const { missingDriver } = await import('../project/hooks/merge-setup.ts')
    const missing = missingDriver(await locateRepository(this.context.cwd))
    if (missing === null) return
    this.warn('MERGE_DRIVER_MISSING', `${missing}; run \`kittiwake hooks install\``)
  }

  /** A commit that had to wait is tried again by every writing command; what else that does is done either way. */
  protected async heal(runtime: Runtime): Promise<void> {
    try {
      const { committed, deferred } = await runtime.heal()
      for (const commit of committed)
        this.warn('COMMIT_HEALED', `a deferred commit is made: ${commit}`)
      for (const one of deferred) this.warn('COMMIT_DEFERRED', deferralText(one))
    } catch (error) {
      this.warnOf(error)
    }
  }

  /** One line that is written over, for a person who waits; pipes and files see nothing of it. Empty: none any more. */
  protected progress(text: string): void {
    const { stderr } = this.context
    if (text === this.#progress || !isTerminal(stderr)) return
    this.#progress = text
    stderr.write(`\r\u001b[K${printable(text)}`)
  }

  /** Lines of a log that nobody can use; the others are served. */
  warnOfLines(
    skipped: readonly { readonly line: number; readonly reason: string }[],
    log?: string,
  ): void {
    const where = log === undefined ? '' : `${log}: `
    for (const { line, reason } of skipped.slice(0, LINES_WARNED_MAX)) {
      this.warn('LINE_UNREADABLE', `${where}line ${line} is passed over: ${reason}`)
    }
    const hidden = skipped.length - LINES_WARNED_MAX
    if (hidden > 0)
      this.warn(
        'LINE_UNREADABLE',
        `${where}${counted(hidden, 'more line is passed over', 'more lines are passed over')}`,
      )
  }

  /** Of a failure that doesn't undo what was done. */
  protected warnOf(error: unknown): void {
    const { code, message, hint } = errorDocument(error).error
    this.warn(code, hint === null ? `${message} (${code})` : `${message} (${code})\n${hint}`)
  }

  /** Said once in this invocation; with `--json`, within the document. */
  protected warn(code: WarningCode | (string & {}), message: string): void {
    const { stderr } = this.context
    if (succeededWith() !== null) return printDebug(stderr, message)
    const isFirst = this.#reports.reportOnce(code, message)
    if (isFirst && (!this.json || this.streams)) printText(stderr, `kittiwake: ${message}`)
  }
}

function isStopped(error: unknown): boolean {
  return error instanceof RuntimeError && error.code === 'RUNTIME_STOPPED'
}

function interrupted(): RuntimeError {
  return new RuntimeError('INTERRUPTED', 'the command was interrupted', {
    hint: 'Whether it was done is not known; look before you ask for it again.',
  })
}

export function deferralText({ mission, ledger, reason, message }: Deferral): string {
  const what = ledger === 'decisions' ? mission : `the ${ledger} of ${mission}`
  return `a commit of ${what} is still deferred (${reason}): ${message}`
}
