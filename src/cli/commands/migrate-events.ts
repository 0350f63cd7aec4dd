import { existsSync } from 'node:fs'
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Option } from 'clipanion'
import { EXIT, systemCode, UsageError } from '../../errors.ts'
import {
  discard,
  sweepLeftovers,
  takeNewName,
  temporaryBeside,
} from '../../project/durable-file.ts'
import type { Safety } from '../../project/gate.ts'
import { KittiwakeCommand, type Result } from '../command.ts'
import { readLines } from '../input.ts'
import { oneLine } from '../output.ts'
import { interrupted } from '../source.ts'

/** Events with their reason that one run shows; how many more there are is said. */
const SHOWN_MAX = 100
/** Of another run into a file of the same name. */
const LEFTOVER_MS = 3_600_000

type Left = { readonly file: string; readonly line: number; readonly reason: string }
type Tally = { current: number; normalized: number; readonly left: Left[]; leftCount: number }

export class MigrateEventsCommand extends KittiwakeCommand {
  static override paths = [['migrate-events']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Contracts',
    description: 'Rewrite events of before the cutover, offline, into a new file',
    details: `Each line is one event. What is as it should be is kept as it is; what can't be made so is left out and named, and the exit code is ${EXIT.failed}. Without --out nothing is written. A file that is there is never overwritten.`,
    examples: [
      ['Look first', 'kittiwake migrate-events old.jsonl'],
      ['Rewrite', 'kittiwake migrate-events old.jsonl --out new.jsonl'],
    ],
  })

  files = Option.Rest({ name: 'FILE…', required: 1 })
  out = Option.String('--out', { description: 'The new file' })

  // It writes a new file that is named, and nothing of a project.
  override get safety(): Safety {
    return 'safe'
  }

  async run(): Promise<Result> {
    const tally: Tally = { current: 0, normalized: 0, left: [], leftCount: 0 }
    const output =
      this.out === undefined ? null : await Output.make(resolve(this.context.cwd, this.out))
    try {
      for (const file of this.files) await this.#migrate(file, output, tally)
      if (this.context.signal.aborted) throw interrupted()
      await output?.finish()
    } finally {
      await output?.close()
    }
    return resultOf(tally, this.out ?? null)
  }

  async #migrate(file: string, output: Output | null, tally: Tally): Promise<void> {
    const { migrated } = await import('../migrate-line.ts')
    for await (const { line, text, error } of readLines(file, this.context)) {
      if (error === null && text.trim() === '') continue
      const found = error === null ? migrated(text) : { text: null, reason: error.message }
      if (found.text === null) {
        tally.leftCount += 1
        if (tally.left.length < SHOWN_MAX) tally.left.push({ file, line, reason: found.reason })
        continue
      }
      if (found.isCurrent) tally.current += 1
      else tally.normalized += 1
      await output?.write(found.text)
    }
  }
}

function resultOf({ current, normalized, left, leftCount }: Tally, out: string | null): Result {
  const lines = left.map(({ file, line, reason }) => oneLine(`${file}:${line}: ${reason}`))
  const hidden = leftCount - left.length
  const more = hidden > 0 ? [`${hidden} more are not shown.`] : []
  const where = out === null ? 'nothing was written' : 'written'
  const summary = `${normalized} rewritten, ${current} kept, ${leftCount} left out; ${where}`
  return {
    fields: { rewritten: normalized, kept: current, left_out: leftCount, left, out },
    text: [...lines, ...more, summary].join('\n'),
    exit: leftCount === 0 ? EXIT.ok : EXIT.failed,
  }
}

/** Has its name when it is whole: a half would be taken for all. */
class Output {
  readonly #path: string
  readonly #temporary: string
  readonly #file: FileHandle

  private constructor(path: string, temporary: string, file: FileHandle) {
    this.#path = path
    this.#temporary = temporary
    this.#file = file
  }

  /** @throws UsageError OUTPUT_EXISTS, OUTPUT_UNWRITABLE */
  static async make(path: string): Promise<Output> {
    if (existsSync(path)) throw taken()
    const temporary = temporaryBeside(path)
    try {
      sweepLeftovers(path, LEFTOVER_MS)
      return new Output(path, temporary, await open(temporary, 'wx'))
    } catch (error) {
      throw unwritable(error)
    }
  }

  async write(line: string): Promise<void> {
    await this.#file.write(`${line}\n`).catch((error: unknown) => {
      throw unwritable(error)
    })
  }

  /** @throws UsageError OUTPUT_EXISTS, OUTPUT_UNWRITABLE */
  async finish(): Promise<void> {
    try {
      await this.#file.sync()
      if (takeNewName(this.#temporary, this.#path)) return
    } catch (error) {
      throw unwritable(error)
    }
    throw taken()
  }

  async close(): Promise<void> {
    await this.#file.close()
    discard(this.#temporary)
  }
}

function taken(): UsageError {
  return new UsageError('OUTPUT_EXISTS', 'the output is there already', {
    hint: 'Name a file that is not there yet.',
  })
}

function unwritable(cause: unknown): UsageError {
  const code = systemCode(cause) ?? 'unknown'
  return new UsageError('OUTPUT_UNWRITABLE', `the output can't be written (${code})`, {
    hint: 'Check the path and its permissions.',
    cause,
  })
}
