import { resolve } from 'node:path'
import { Option } from 'clipanion'
import { EXIT } from '../../errors.ts'
import type { Safety } from '../../project/upgrade/gate.ts'
import { KittiwakeCommand, type Result } from '../command.ts'
import { readLines } from '../input.ts'
import { oneLine } from '../output.ts'
import type { NewFile } from '../new-file.ts'
import { interrupted } from '../source.ts'

/** Events with their reason that one run shows; how many more there are is said. */
const SHOWN_MAX = 100

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
    const output = this.out === undefined ? null : await this.#output(this.out)
    try {
      for (const file of this.files) await this.#migrate(file, output, tally)
      if (this.context.signal.aborted) throw interrupted()
      await output?.finish()
    } finally {
      await output?.close()
    }
    return resultOf(tally, this.out ?? null)
  }

  async #output(out: string): Promise<NewFile> {
    const { NewFile } = await import('../new-file.ts')
    return NewFile.make(resolve(this.context.cwd, out))
  }

  async #migrate(file: string, output: NewFile | null, tally: Tally): Promise<void> {
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
