/**
 * What the machines of a runtime did last, kept in every runtime and written to a file when a supervisor escalates. It
 * holds words of ours alone: types of events, states and ids, no contents; its places are used again and again.
 */
import { closeSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type {
  AnyActorRef,
  AnyMachineSnapshot,
  AnyTransitionDefinition,
  InspectionEvent,
} from 'xstate'
import type { System } from '../actors/system.ts'
import type { WorkerFailure } from '../actors/worker.machine.ts'
import type { Json } from '../contracts/json.ts'
import { systemCode } from '../errors.ts'
import { makeStateFolder } from '../project/state-directory.ts'
import { monotonicMs } from '../project/monotonic.ts'
import type { Unnumbered } from './feed-message.ts'
import type { FeedType } from './protocol.ts'

/** Messages that are kept; some 1 MB as a file. */
export const FLIGHT_MESSAGES_MAX = 4_000
/** Files that stay. */
export const FLIGHT_FILES_MAX = 5

type RecordedType = Extract<FeedType, '@xstate.event' | '@xstate.microstep' | '@xstate.snapshot'>

/** One place. What it refers to is small, or there anyway. */
export type FlightEntry = {
  type: RecordedType
  mono: number
  sessionId: string
  /** Of the event. */
  event: string
  sourceId: string | null
  status: string
  value: Json | undefined
  transitions: readonly AnyTransitionDefinition[] | undefined
}

export type FlightOptions = {
  readonly system: System
  readonly state: string
  /** Told of the name of each file in `flightFolder`. */
  readonly written: (name: string) => void
}

export function flightFolder(state: string): string {
  return join(state, 'flight')
}

export class FlightRecorder {
  readonly #options: FlightOptions
  readonly #entries: FlightEntry[] = []
  #next = 0

  constructor(options: FlightOptions) {
    this.#options = options
    options.system.inspect((event) => this.#take(event))
  }

  /** Never throws: what can't be written must not make a failure worse. */
  async write(worker: string, failure: WorkerFailure): Promise<void> {
    const { system, state, written } = this.#options
    const entries = [...this.#entries.slice(this.#next), ...this.#entries.slice(0, this.#next)]
    const messagesAt = monotonicMs()
    try {
      const { tellFlight } = await import('./flight-messages.ts')
      const { traceHeader } = await import('./trace-writer.ts')
      const header = traceHeader('escalation', { worker, code: failure.code })
      const messages = tellFlight(system.supervisor, entries, messagesAt)
      const name = `${nameOf(new Date())}-${worker}-${process.pid}.ndjson`
      writeFlight(flightFolder(state), name, [header, ...messages.map(numbered)])
      written(name)
    } catch {
      // A disk that is full is perhaps why it escalated.
    }
  }

  #take(inspected: InspectionEvent): void {
    const { type } = inspected
    if (type !== '@xstate.event' && type !== '@xstate.microstep' && type !== '@xstate.snapshot') {
      return
    }
    const entry = this.#place()
    entry.type = type
    entry.mono = monotonicMs()
    entry.sessionId = (inspected.actorRef as AnyActorRef).sessionId
    entry.event = inspected.event.type
    entry.sourceId =
      type === '@xstate.event'
        ? ((inspected.sourceRef as AnyActorRef | undefined)?.sessionId ?? null)
        : null
    const snapshot = type === '@xstate.event' ? null : (inspected.snapshot as AnyMachineSnapshot)
    entry.status = snapshot?.status ?? 'active'
    entry.value = snapshot?.value as Json | undefined
    entry.transitions = type === '@xstate.microstep' ? inspected._transitions : undefined
  }

  #place(): FlightEntry {
    const known = this.#entries[this.#next]
    const entry = known ?? { ...EMPTY }
    if (known === undefined) this.#entries.push(entry)
    this.#next = (this.#next + 1) % FLIGHT_MESSAGES_MAX
    return entry
  }
}

const EMPTY: FlightEntry = {
  type: '@xstate.event',
  mono: 0,
  sessionId: '',
  event: '',
  sourceId: null,
  status: 'active',
  value: undefined,
  transitions: undefined,
}

function numbered(message: Unnumbered, at: number): object {
  return { ...message, seq: at + 1 }
}

function writeFlight(folder: string, name: string, lines: readonly object[]): void {
  makeStateFolder(folder)
  const file = openSync(join(folder, name), 'wx', 0o600)
  try {
    writeSync(file, `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`)
  } finally {
    closeSync(file)
  }
  const older = flightNames(folder).slice(FLIGHT_FILES_MAX)
  for (const one of older) rmSync(join(folder, one), { force: true })
}

/** The newest first; none where there is no folder that can be read. */
export function flightNames(folder: string): readonly string[] {
  return namesIn(folder)
    .filter((name) => /^\d{8}T\d{9}Z-[a-z]+-\d+\.ndjson$/.test(name))
    .sort()
    .reverse()
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if (systemCode(error) === null) throw error
    return []
  }
}

/** Sorts by time. */
function nameOf(now: Date): string {
  return now.toISOString().replaceAll(/[-:.]/g, '')
}
