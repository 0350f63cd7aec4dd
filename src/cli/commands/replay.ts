import { resolve } from 'node:path'
import { Option } from 'clipanion'
import { counted } from '../../contracts/values/counted.ts'
import type { JsonObject } from '../../contracts/json/json.ts'
import { FAMILIES } from '../../contracts/reducers/types.ts'
import type { Anomaly, ReducerFamily, ReduceOptions } from '../../contracts/reducers/types.ts'
import { EXIT, UsageError } from '../../errors.ts'
import type { Safety } from '../../project/upgrade/gate.ts'
import type { ReplayOptions, ReplayOutcome } from '../../workers/bulk/replay-file.ts'
import { KittiwakeCommand, type Result } from '../command.ts'
import { aboutMissionLogs, EVENT_ENDINGS, readInputEvents, STDIN } from '../event-input.ts'
import { nearest } from '../nearest.ts'
import { oneLine } from '../output.ts'

/** Of what one stream comes to; how much more there is is said. */
const SHOWN_MAX = 50
/** Anomalies that say that the stream itself is wrong, and not what was done. */
const INVALID: ReadonlySet<string> = new Set([
  'malformed_event',
  'malformed_payload',
  'event_id_conflict',
])

export class ReplayCommand extends KittiwakeCommand {
  static override paths = [['replay']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Contracts',
    description: 'Say what streams of events come to',
    details: `Each file is a stream of its own: a document (.json), lines (.jsonl, .ndjson), those below a folder, or - for standard input. The order of the events does not matter. Exit code ${EXIT.failed} says that something in a stream is invalid.`,
    examples: [
      ['A log', 'kittiwake replay events.jsonl --reducer lifecycle'],
      ['As it was', 'kittiwake replay events.jsonl --reducer status --as-of 01K…'],
    ],
  })

  files = Option.Rest({ name: 'FILE…', required: 1 })
  reducer = Option.String('--reducer', { required: true, description: FAMILIES.join(', ') })
  asOf = Option.String('--as-of', { description: 'Only what stands at or before this event' })
  mode = Option.String('--mode', {
    description: 'permissive tells of all anomalies, strict ends at the first',
  })
  reference = Option.Boolean('--reference', false, {
    description: 'As the reference implementation has it',
  })

  override get safety(): Safety {
    return 'safe'
  }

  async run(): Promise<Result> {
    const { replayFiles } = await import('../../workers/bulk/replay-files.ts')
    const { findFiles } = await import('../../project/files/find-files.ts')
    const options = { family: reducerOption(this.reducer), options: this.#options() }
    const { cwd, signal } = this.context
    const named = this.files.filter((file) => file !== STDIN).map((file) => resolve(cwd, file))
    const paths = await findFiles(named, EVENT_ENDINGS)
    const tasks = paths.map((path) => ({ path, ...options }))
    const outcomes = await replayFiles(tasks, {
      signal,
      onDone: (done) => this.progress(`${done} of ${counted(tasks.length, 'file')}`),
    })
    const input = this.files.includes(STDIN) ? [await this.#replayInput(options)] : []
    return resultOf(options.family, [...outcomes, ...input])
  }

  #options(): ReduceOptions {
    return {
      reference: this.reference,
      ...(this.asOf === undefined ? {} : { as_of: this.asOf }),
      ...(this.mode === undefined ? {} : { mode: modeOption(this.mode) }),
    }
  }

  async #replayInput(options: ReplayOptions): Promise<ReplayOutcome> {
    const { EventGather } = await import('../../workers/bulk/event-gather.ts')
    const { replayGathered } = await import('../../workers/bulk/replay-file.ts')
    const gathered = new EventGather()
    await readInputEvents(this.context, gathered)
    return replayGathered(STDIN, gathered, options)
  }
}

/** @throws UsageError REDUCER_UNKNOWN */
function reducerOption(name: string): ReducerFamily {
  const found = FAMILIES.find((family) => family === name)
  if (found !== undefined) return found
  const meant = nearest(name, FAMILIES)
  throw new UsageError('REDUCER_UNKNOWN', 'no reducer has this name', {
    hint: meant === null ? `They are ${FAMILIES.join(', ')}.` : `Did you mean ${meant}?`,
  })
}

/** @throws UsageError MODE_INVALID */
function modeOption(mode: string): 'strict' | 'permissive' {
  if (mode === 'strict' || mode === 'permissive') return mode
  throw new UsageError('MODE_INVALID', '--mode is strict or permissive')
}

async function resultOf(
  reducer: ReducerFamily,
  streams: readonly ReplayOutcome[],
): Promise<Result> {
  const bad = streams.filter((one) => !isValid(one))
  const valid = bad.length === 0
  const advice = await aboutMissionLogs(bad.map(({ path }) => path))
  return {
    fields: { valid, reducer, streams },
    text: [...streams.flatMap(linesOf), ...advice].join('\n'),
    exit: valid ? EXIT.ok : EXIT.failed,
  }
}

function isValid(outcome: ReplayOutcome): boolean {
  if (outcome.state !== 'reduced' || outcome.fault_count > 0) return false
  return !anomaliesOf(outcome.result).some(({ code }) => INVALID.has(code))
}

/** Those of our own shape. */
function anomaliesOf(result: object): readonly Anomaly[] {
  return 'aggregates' in result && 'anomalies' in result
    ? (result.anomalies as readonly Anomaly[])
    : []
}

function linesOf(outcome: ReplayOutcome): readonly string[] {
  const name = oneLine(outcome.path)
  if (outcome.state === 'unreadable') return [`${name}: ${outcome.reason.replaceAll('_', ' ')}`]
  const faults = outcome.faults.map(({ line, message }) => `${name}:${line}: ${oneLine(message)}`)
  if (outcome.state === 'refused') {
    return [...faults, `${name}: ${oneLine(outcome.error.message)} (${outcome.error.code})`]
  }
  const { result, events } = outcome
  const anomalies = anomaliesOf(result).map(
    ({ code, event_id, detail }) => `  ${oneLine(`${event_id || 'no id'}: ${detail}`)} (${code})`,
  )
  const states = statesOf(result).map(
    ([key, state]) => `  ${oneLine(key)} ${JSON.stringify(state)}`,
  )
  return [
    ...faults,
    `${name}: ${counted(events, 'event')}`,
    ...bounded(states),
    ...bounded(anomalies),
  ]
}

function statesOf(result: object): readonly (readonly [string, JsonObject])[] {
  if (!('aggregates' in result)) return [['', result as JsonObject]]
  const aggregates = result.aggregates as readonly { key: string; state: JsonObject }[]
  return aggregates.map(({ key, state }) => [key, state])
}

function bounded(lines: readonly string[]): readonly string[] {
  const hidden = lines.length - SHOWN_MAX
  return hidden > 0 ? [...lines.slice(0, SHOWN_MAX), `  ${hidden} more`] : lines
}
