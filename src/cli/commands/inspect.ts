import { once } from 'node:events'
import { Option } from 'clipanion'
import { counted } from '../../contracts/values/counted.ts'
import { KittiwakeError, UsageError } from '../../errors.ts'
import type { FeedMessage } from '../../inspect/protocol.ts'
import type { Safety } from '../../project/upgrade/gate.ts'
import type { Runtime } from '../../runtime.ts'
import { KittiwakeCommand, type Result, STREAMED } from '../command.ts'
import type { Source } from '../inspect-sources.ts'
import { portOption } from '../options.ts'
import { oneLine, printJson, printText, streamJson } from '../output.ts'

const FORMATS = ['ndjson', 'stately'] as const
const HOLD_MS = 60_000

export class InspectCommand extends KittiwakeCommand {
  static override paths = [['inspect']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Inspection',
    description: 'Show what the machines do, in a browser of this machine',
    details:
      'Looks at the background process where it holds the project, else holds the link itself. The page is for this machine ' +
      'alone, and its link works once. `--text` follows in the terminal instead; `--format` prints the messages: `ndjson` is ' +
      'what `--trace` opens but for its first line, `stately` is for tools that read the messages of Stately.',
    examples: [
      ['This project', 'kittiwake inspect --open'],
      ['The background process, with all its projects', 'kittiwake inspect --attach 4711'],
      ['A recorded run', 'kittiwake inspect --trace run.ndjson'],
      ['In the terminal', 'kittiwake inspect --text'],
    ],
  })

  open = Option.Boolean('--open', false, { description: 'Open the page in the browser' })
  port = Option.String('--port', '0', { description: 'Port; 0 takes a free one' })
  attach = Option.String('--attach', {
    description: 'A project (its uuid or a folder of it) or the pid of the background process',
  })
  trace = Option.String('--trace', { description: 'A recorded trace, or the name of a kept one' })
  text = Option.Boolean('--text', false, { description: 'Follow in the terminal' })
  format = Option.String('--format', { description: `Print messages: ${FORMATS.join(' or ')}` })
  allowSend = Option.Boolean('--allow-send', false, {
    description: 'Let the page send events to actors',
  })

  // It holds the link itself, or only looks.
  protected override readonly healsDeferred = false
  protected override readonly nudges = false

  /** A project that is blocked can be looked at; only a link of its own has to pass the gate. */
  override get safety(): Safety {
    return 'safe'
  }

  protected override get streams(): boolean {
    return true
  }

  async run(): Promise<Result> {
    const port = portOption(this.port)
    this.#checkOptions()
    const { stateDirectory } = await import('../../project/state-directory.ts')
    const { backgroundSource, runtimeSource, traceSource } = await import('../inspect-sources.ts')
    const { cwd } = this.context
    const state = stateDirectory(process.env)
    const source =
      this.trace === undefined
        ? await backgroundSource(this.attach ?? null, cwd, state, this.allowSend)
        : traceSource(this.trace, cwd, state)
    if (source !== null) return this.#show(source, port, state)
    const { passGate } = await import('../../project/upgrade/gate.ts')
    await passGate(cwd)
    return this.withRuntime(async (runtime) => {
      const own = await runtimeSource(runtime, cwd, state, this.allowSend)
      await this.#startLink(runtime)
      return this.#show(own, port, state)
    })
  }

  /** @throws UsageError FORMAT_UNKNOWN, INSPECT_OPTIONS */
  #checkOptions(): void {
    const { attach, trace, text, format } = this
    if (format !== undefined && !FORMATS.some((known) => known === format)) {
      throw new UsageError('FORMAT_UNKNOWN', `a format is one of ${FORMATS.join(', ')}`)
    }
    if (attach !== undefined && trace !== undefined) {
      throw new UsageError('INSPECT_OPTIONS', '--attach and --trace name two things to look at')
    }
    if (text && format !== undefined) {
      throw new UsageError('INSPECT_OPTIONS', '--text and --format are two ways to print')
    }
  }

  /** Without consent or a login there is still something to see. */
  async #startLink(runtime: Runtime): Promise<void> {
    try {
      await runtime.sync.start()
    } catch (error) {
      if (!(error instanceof KittiwakeError)) throw error
      if (this.context.signal.aborted) return
      this.warn(
        error.code,
        `no link: ${error.message}${error.hint === null ? '' : `. ${error.hint}`}`,
      )
    }
  }

  async #show(source: Source, port: number, state: string): Promise<Result> {
    if (source.isResting) {
      this.warn(
        'BACKGROUND_RESTING',
        'the background process has nothing to send here and rests; what it does is shown from when it begins',
      )
    }
    try {
      if (this.text || this.format !== undefined) await this.#print(source)
      else await this.#serve(source, port, state)
      return STREAMED
    } finally {
      source.close()
    }
  }

  async #print({ feed, trace }: Source): Promise<void> {
    const say = await this.#sayer()
    const { signal } = this.context
    let place = feed.start
    while (!signal.aborted) {
      if (place < feed.start) {
        const missed = `${counted(feed.start - place, 'message is', 'messages are')} passed over: the reader was too slow`
        this.warn('MESSAGES_PASSED_OVER', missed)
        place = feed.start
      }
      const entry = feed.at(place)
      if (entry !== undefined) {
        await say(JSON.parse(entry.line) as FeedMessage)
        place += 1
      } else if (trace !== null) return
      else await told(feed, signal)
    }
  }

  async #sayer(): Promise<(message: FeedMessage) => Promise<void>> {
    const { stdout } = this.context
    if (this.format === 'stately') {
      const { StatelyForm } = await import('../../inspect/stately.ts')
      const form = new StatelyForm()
      return async (message) => {
        const shown = form.form(message)
        if (shown !== null) await streamJson(stdout, shown)
      }
    }
    if (this.format === 'ndjson' || this.json) return (message) => streamJson(stdout, message)
    const { TextForm } = await import('../../inspect/text-form.ts')
    const form = new TextForm()
    return async (message) => {
      const line = form.line(message)
      if (line !== null && !stdout.write(`${oneLine(line)}\n`)) await once(stdout, 'drain')
    }
  }

  async #serve(source: Source, port: number, state: string): Promise<void> {
    const { Drawings } = await import('../../inspect/drawing.ts')
    const { InspectServer } = await import('../../inspect/server/inspect-server.ts')
    const { stdout, signal } = this.context
    let dispose = (): void => undefined
    const server = await InspectServer.start({
      shown: { ...source, drawings: new Drawings() },
      port,
      used: (url) => {
        dispose()
        if (!this.json) printText(stdout, `For another window: ${url}`)
      },
    })
    try {
      if (this.json) printJson(stdout, { ok: true, url: server.url, port: server.port })
      else printText(stdout, `Inspector at ${server.url}\nThe link works once; Ctrl-C ends it.`)
      if (this.open) dispose = await this.#openBrowser(server.url, state)
      if (!signal.aborted) await once(signal, 'abort')
    } finally {
      dispose()
      await server.stop()
    }
  }

  /** Resolves to the way to take away what was needed for it. */
  async #openBrowser(url: string, state: string): Promise<() => void> {
    const { openBrowser } = await import('../../inspect/open-browser.ts')
    const { isOpened, dispose } = await openBrowser(url, state)
    if (!isOpened)
      this.warn('BROWSER_UNOPENED', 'no browser could be opened; open the link yourself')
    return dispose
  }
}

/** Resolves at the next message, or when the command is to end. */
function told(
  feed: { listen: (listener: () => void) => () => void },
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve) => {
    // Of a runtime whose threads have ended nothing else keeps the process.
    const hold = setInterval(() => undefined, HOLD_MS)
    const end = (): void => {
      clearInterval(hold)
      stop()
      signal.removeEventListener('abort', end)
      resolve()
    }
    const stop = feed.listen(end)
    signal.addEventListener('abort', end, { once: true })
    if (signal.aborted) end()
  })
}
