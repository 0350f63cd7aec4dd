/**
 * What the machines of a runtime did last, kept in every runtime and written to a file when a supervisor escalates. It
 * holds words of ours alone: types of events, states and ids, no contents; its places are used again and again.
 */
import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { AnyActorRef, AnyMachineSnapshot, InspectionEvent } from 'xstate'
import type { System } from '../actors/system.ts'
import type { WorkerFailure } from '../actors/worker.machine.ts'
import type { Json } from '../contracts/json/json.ts'
import { namesIn } from '../project/files/names-in.ts'
import type { Sanitizer } from '../events/sanitize.ts'
import { makeStateFolder } from '../project/state-directory.ts'
import { monotonicMs } from '../project/monotonic.ts'
import type { Unnumbered } from './feed-message.ts'
import type { FlightEntry, RecordedType } from './flight-messages.ts'

/** Events and steps that are kept; some 2 MB as a file. */
export const FLIGHT_ENTRIES_MAX = 4_000
/** Files that stay. */
export const FLIGHT_FILES_MAX = 5

type Recorded = Extract<InspectionEvent, { readonly type: RecordedType }>

export type FlightOptions = {
  readonly system: System
  readonly sanitizer: Sanitizer
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
    const { system, sanitizer, state, written } = this.#options
    const places = [...this.#entries.slice(this.#next), ...this.#entries.slice(0, this.#next)]
    // Copies: the places are used again meanwhile.
    const entries = places.map((entry) => ({ ...entry }))
    const takenAt = monotonicMs()
    try {
      const { tellFlight } = await import('./flight-messages.ts')
      const { traceHeader } = await import('./trace-writer.ts')
      const header = traceHeader('escalation', { worker, code: failure.code })
      const messages = tellFlight(system.supervisor, sanitizer, entries, takenAt)
      const name = `${nameOf(new Date())}-${worker}-${process.pid}.ndjson`
      writeFlight(flightFolder(state), name, [header, ...messages.map(numbered)])
      written(name)
    } catch {
      // A disk that is full is perhaps why it escalated.
    }
  }

  // Runs in every step of every machine: nothing is made, and what is kept is there anyway.
  #take(inspected: InspectionEvent): void {
    switch (inspected.type) {
      case '@xstate.event': {
        const entry = this.#place(inspected)
        entry.sourceId = (inspected.sourceRef as AnyActorRef | undefined)?.sessionId ?? null
        break
      }
      case '@xstate.microstep': {
        const { _transitions: transitions, snapshot } = inspected
        const entry = this.#place(inspected)
        entry.transition = transitions.length > 0 ? transitions[0] : undefined
        entry.value = (snapshot as AnyMachineSnapshot).value as Json
        break
      }
      case '@xstate.snapshot':
        // Of the others the last microstep says as much.
        if (inspected.snapshot.status !== 'active') {
          this.#place(inspected).status = inspected.snapshot.status
        }
        break
      default:
    }
  }

  #place(inspected: Recorded): FlightEntry {
    const known = this.#entries[this.#next]
    const entry = known ?? { ...EMPTY }
    if (known === undefined) this.#entries.push(entry)
    this.#next = (this.#next + 1) % FLIGHT_ENTRIES_MAX
    entry.type = inspected.type
    entry.mono = monotonicMs()
    entry.sessionId = (inspected.actorRef as AnyActorRef).sessionId
    entry.event = inspected.event.type
    entry.sourceId = null
    entry.status = 'active'
    entry.value = undefined
    entry.transition = undefined
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
  transition: undefined,
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

/** Sorts by time. */
function nameOf(now: Date): string {
  return now.toISOString().replaceAll(/[-:.]/g, '')
}
