import { resolve } from 'node:path'
import { Option } from 'clipanion'
import { counted } from '../../contracts/values/counted.ts'
import { EXIT } from '../../errors.ts'
import type { FileOutcome } from '../../workers/bulk/validate-file.ts'
import type { Safety } from '../../project/upgrade/gate.ts'
import { KittiwakeCommand, type Result } from '../command.ts'
import { eventTypeOption } from '../event-type-option.ts'
import { aboutMissionLogs, EVENT_ENDINGS, readInputEvents, STDIN } from '../event-input.ts'
import { oneLine } from '../output.ts'
import { interrupted } from '../source.ts'

/** Files with findings that one run shows; how many more there are is said. */
const SHOWN_MAX = 200

export class ValidateCommand extends KittiwakeCommand {
  static override paths = [['validate']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Contracts',
    description: 'Say whether events are as the contracts say, and what is wrong',
    details: `Takes documents (.json: an event, or an array of them), lines (.jsonl, .ndjson), folders of both, and - for standard input. Exit code ${EXIT.failed} says that something is invalid.`,
    examples: [
      ['A log', 'kittiwake validate events.jsonl'],
      ['Payloads of one type', 'kittiwake validate payloads --type WPCreated --strict'],
    ],
  })

  files = Option.Rest({ name: 'FILE…', required: 1 })
  type = Option.String('--type', { description: 'Judge each value as a payload of this type' })
  strict = Option.Boolean('--strict', false, {
    description: 'Ask the JSON Schemas, too, and refuse types that no contract names',
  })

  override get safety(): Safety {
    return 'safe'
  }

  async run(): Promise<Result> {
    const { validateFiles } = await import('../../workers/bulk/validate-files.ts')
    const { findFiles } = await import('../../project/files/find-files.ts')
    const type = this.type === undefined ? null : eventTypeOption(this.type, ['Event'])
    const { cwd, signal } = this.context
    const named = this.files.filter((file) => file !== STDIN).map((file) => resolve(cwd, file))
    const paths = await findFiles(named, EVENT_ENDINGS)
    const tasks = paths.map((path) => ({ path, type, strict: this.strict }))
    const outcomes = [
      ...(await validateFiles(tasks, {
        signal,
        onDone: (done) => this.progress(`${done} of ${counted(tasks.length, 'file')}`),
      })),
    ]
    if (this.files.includes(STDIN)) outcomes.push(await this.#validateInput(type))
    // Part of a verdict would pass for the whole.
    if (signal.aborted) throw interrupted()
    return resultOf(outcomes)
  }

  async #validateInput(type: string | null): Promise<FileOutcome> {
    const { EventChecks } = await import('../../workers/bulk/event-checks.ts')
    const checks = new EventChecks({ type, strict: this.strict })
    await readInputEvents(this.context, checks)
    return { state: 'checked', path: STDIN, ...checks.tally() }
  }
}

async function resultOf(outcomes: readonly FileOutcome[]): Promise<Result> {
  const total = { events: 0, invalid: 0, normalised: 0 }
  for (const outcome of outcomes) {
    if (outcome.state !== 'checked') continue
    total.events += outcome.events
    total.invalid += outcome.invalid
    total.normalised += outcome.normalised
  }
  const bad = outcomes.filter((one) => one.state !== 'checked' || one.invalid > 0)
  const shown = bad.slice(0, SHOWN_MAX)
  const unreadable = outcomes.filter(({ state }) => state === 'unreadable').length
  const valid = total.invalid === 0 && unreadable === 0
  const hidden = bad.length - shown.length
  const summary = `${counted(total.events, 'event')} in ${counted(outcomes.length, 'file')}, ${total.invalid} invalid`
  const more =
    hidden > 0
      ? [`${counted(hidden, 'more file with faults is', 'more files with faults are')} not shown.`]
      : []
  const advice = await aboutMissionLogs(bad.map(({ path }) => path))
  return {
    fields: { valid, files: outcomes.length, unreadable, ...total, results: shown, hidden },
    text: [...shown.flatMap(linesOf), ...more, ...advice, summary].join('\n'),
    exit: valid ? EXIT.ok : EXIT.failed,
  }
}

function linesOf(outcome: FileOutcome): readonly string[] {
  const name = oneLine(outcome.path)
  if (outcome.state === 'unreadable') return [`${name}: ${outcome.reason.replaceAll('_', ' ')}`]
  const lines = outcome.findings.flatMap(({ line, event_type, violations, violation_count }) => {
    const told = violations.map(({ layer, code, path, message }) => {
      const where = path.length === 0 ? '' : ` ${path.join('.')}`
      return `${name}:${line}${where}: ${message} (${layer} ${code})`
    })
    const more = violation_count - violations.length
    const rest = more > 0 ? [`${name}:${line}: ${more} more (${event_type ?? 'no type'})`] : []
    return [...told.map(oneLine), ...rest]
  })
  const unshown = outcome.invalid - outcome.findings.length
  return unshown > 0
    ? [...lines, `${name}: ${counted(unshown, 'more event is', 'more events are')} invalid`]
    : lines
}
