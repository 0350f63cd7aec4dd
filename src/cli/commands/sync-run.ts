import { resolve } from 'node:path'
import { Option } from 'clipanion'
import type { Safety } from '../../project/upgrade/gate.ts'
import { UsageError } from '../../errors.ts'
import type { Runtime } from '../../runtime.ts'
import { KittiwakeCommand, type Result, STREAMED } from '../command.ts'
import { limitOption } from '../options.ts'
import { printJson, printText } from '../output.ts'
import { IDLE_MAX_S, IDLE_OPTION } from './sync-background.ts'

export class SyncRunCommand extends KittiwakeCommand {
  static override paths = [['sync', 'run']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Sync',
    description: 'Hold the link in the foreground until SIGINT',
    details:
      'Of this project; with `--all`, of every project that has consented, as the background process does. ' +
      'With `--json`, prints one document per change of the link, or one once the process is up.',
    examples: [
      ['Hold the link', 'kittiwake sync run'],
      ['The links of all projects', 'kittiwake sync run --all'],
      ['Record what the machines do', 'kittiwake sync run --record run.ndjson'],
    ],
  })

  all = Option.Boolean('--all', false, { description: 'The links of all projects with consent' })
  idle = Option.String('--idle', IDLE_OPTION.value, IDLE_OPTION.words)
  record = Option.String('--record', {
    description: 'A new file for what the machines do; not with --all',
  })

  // It tries them before it holds the link; at the end it is to end.
  protected override readonly healsDeferred = false
  protected override readonly nudges = false

  // Of all projects, each passes the gate by itself when it is opened.
  override get safety(): Safety {
    return this.all ? 'safe' : 'unsafe'
  }

  protected override get streams(): boolean {
    return true
  }

  async run(): Promise<Result> {
    const idleMs = limitOption('--idle', this.idle, IDLE_MAX_S) * 1_000
    if (this.all && this.record !== undefined) {
      throw new UsageError('RECORD_ALL', 'one project is recorded at a time', {
        hint: 'Leave out --all.',
      })
    }
    return this.all ? this.#runAll(idleMs) : this.#runOne()
  }

  async #runAll(idleMs: number): Promise<Result> {
    const { runBackground } = await import('../../background/background.ts')
    const { stateDirectory } = await import('../../project/state-directory.ts')
    const end = await runBackground({
      state: stateDirectory(process.env),
      idleMs,
      signal: this.context.signal,
      up: ({ pid, version }) => {
        if (this.json) printJson(this.context.stdout, { ok: true, state: 'running', pid, version })
        else this.progress('holding the links of all projects; Ctrl-C ends it')
      },
    })
    if (end !== 'already_running') return STREAMED
    return { fields: { state: end }, text: 'It runs already; see `kittiwake sync status`.' }
  }

  async #runOne(): Promise<Result> {
    const { stdout } = this.context
    await this.withRuntime(async (runtime) => {
      const endRecording = await this.#startRecording(runtime)
      runtime.on('link', ({ state, reason, nextTryAt }) => {
        const at = nextTryAt === null ? null : new Date(nextTryAt).toISOString()
        const text = reason === null ? state : `${state} (${reason})`
        if (this.json) printJson(stdout, { ok: true, state, reason, next_try_at: at })
        else printText(stdout, at === null ? text : `${text}, next try at ${at}`)
      })
      try {
        await this.#hold(runtime)
      } finally {
        await endRecording()
      }
    })
    return STREAMED
  }

  async #hold(runtime: Runtime): Promise<void> {
    const { signal } = this.context
    await this.heal(runtime)
    const failed = new Promise<void>((resolve) => {
      runtime.on('workerFailed', ({ name }) => name !== 'git' && resolve())
    })
    await runtime.sync.start()
    await Promise.race([aborted(signal), failed])
    // Says why the link can't be held any more.
    if (!signal.aborted) await runtime.sync.start()
  }

  /** Resolves to the way to end it. @throws InputError TRACE_EXISTS, TRACE_UNWRITABLE */
  async #startRecording(runtime: Runtime): Promise<() => Promise<void>> {
    if (this.record === undefined) return async () => undefined
    const { TraceWriter } = await import('../../inspect/trace-writer.ts')
    const writer = await TraceWriter.create(resolve(this.context.cwd, this.record))
    const following = await runtime.follow((message) => writer.tell(message))
    return async () => {
      following.stop()
      await writer.close()
      if (writer.failure !== null) {
        this.warn('TRACE_INCOMPLETE', `the trace is not whole (${writer.failure})`)
      }
    }
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
