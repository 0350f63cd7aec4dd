import { Option } from 'clipanion'
import { counted } from '../../contracts/values/counted.ts'
import type { Draft } from '../../contracts/event.ts'
import { errorDocument, EXIT, InputError, UsageError } from '../../errors.ts'
import type { Runtime } from '../../runtime.ts'
import { KittiwakeCommand, type Result } from '../command.ts'
import { readLines, readObject, readTextArgument } from '../input.ts'
import { isTerminal, streamJson } from '../output.ts'

/** Lines of a batch that may be without their receipt at a time. */
const WINDOW = 1_024
/** Lines between two words to a person who waits. */
const PROGRESS_EVERY = 500

const PAYLOAD_HINT = 'Give one JSON object: --payload \'{"key":"value"}\', --payload @FILE, or -.'
const NO_OBJECT: ReadonlySet<string> = new Set(['JSON_SYNTAX', 'JSON_NOT_OBJECT'])

export class EmitCommand extends KittiwakeCommand {
  static override paths = [['emit']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Events',
    description: 'Record an event, or a batch of them',
    details:
      'The command answers once the event is durable. `--batch` reads a draft a line, ' +
      '`{"event_type","aggregate_id","mission","payload"}`, and prints a receipt or an error a line, ' +
      `in the order of the input; exit code ${EXIT.failed} says that some line was refused.`,
    examples: [
      ['One event', 'kittiwake emit HistoryAdded --aggregate WP01 --payload \'{"wp_id":"WP01"}\''],
      ['A batch from a pipe', 'producer | kittiwake emit --batch -'],
    ],
  })

  type = Option.String({ required: false, name: 'TYPE' })
  mission = Option.String('--mission', { description: 'Directory name, slug or ULID' })
  aggregate = Option.String('--aggregate', { description: 'What the event is about' })
  payload = Option.String('--payload', { description: 'JSON, @FILE or - for standard input' })
  batch = Option.String('--batch', { description: 'A file of drafts, or - for standard input' })

  protected override get streams(): boolean {
    return this.batch !== undefined
  }

  async run(): Promise<Result> {
    if (this.batch !== undefined) return this.#runBatch(this.batch)
    if (this.type === undefined) {
      throw new UsageError('TYPE_MISSING', 'emit takes an event type, or --batch FILE', {
        hint: 'See `kittiwake emit --help`.',
      })
    }
    const draft: Draft = {
      event_type: this.type,
      ...(this.aggregate === undefined ? {} : { aggregate_id: this.aggregate }),
      ...(this.mission === undefined ? {} : { mission: this.mission }),
      ...(this.payload === undefined ? {} : { payload: await this.#readPayload(this.payload) }),
    }
    const receipt = await this.withRuntime((runtime) => runtime.emit(draft))
    return {
      fields: receipt,
      text: `${receipt.event_type} ${receipt.event_id} recorded (${receipt.route})`,
    }
  }

  async #readPayload(argument: string) {
    try {
      return readObject(await readTextArgument(argument, this.context))
    } catch (error) {
      if (!(error instanceof InputError) || error.code === 'INTERRUPTED') throw error
      throw new UsageError('PAYLOAD_INVALID', `the payload is refused: ${error.message}`, {
        hint: NO_OBJECT.has(error.code) ? PAYLOAD_HINT : (error.hint ?? PAYLOAD_HINT),
      })
    }
  }

  async #runBatch(source: string): Promise<Result> {
    const { type, payload, mission, aggregate } = this
    if ([type, payload, mission, aggregate].some((value) => value !== undefined)) {
      throw new UsageError('BATCH_ALONE', '--batch takes no other option: each line has its own', {
        hint: 'See `kittiwake emit --help`.',
      })
    }
    const refused = await this.withRuntime((runtime) => this.#stream(runtime, source))
    return { fields: null, text: '', exit: refused === 0 ? EXIT.ok : EXIT.failed }
  }

  /** Receipts in input order, each printed only when durable. Answers how many lines were refused. */
  async #stream(runtime: Runtime, source: string): Promise<number> {
    const waiting: Promise<void>[] = []
    let refused = 0
    let printed: Promise<void> = Promise.resolve()
    const { stdout, signal } = this.context
    // Where the receipts are on the terminal, they are the progress.
    const isHidden = !isTerminal(stdout)
    try {
      for await (const { line, text, error } of readLines(source, this.context)) {
        if (signal.aborted) break
        if (error === null && text.trim() === '') continue
        const outcome = (error === null ? emitLine(runtime, text) : Promise.reject(error)).then(
          (receipt) => ({ ok: true as const, ...receipt }),
          (reason: unknown) => ({ ...errorDocument(reason), line }),
        )
        const before = printed
        printed = (async () => {
          const document = await outcome
          await before
          if (!document.ok) refused++
          await streamJson(stdout, document)
          if (isHidden && line % PROGRESS_EVERY === 0) this.progress(counted(line, 'line'))
        })()
        waiting.push(printed)
        if (waiting.length >= WINDOW) await waiting.shift()
      }
    } finally {
      // Also where the input breaks off: what was taken gets its receipt.
      await printed
    }
    return refused
  }
}

async function emitLine(runtime: Runtime, text: string) {
  return runtime.emit(readObject(text) as unknown as Draft)
}
