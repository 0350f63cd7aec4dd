/** Reduces the events of one file; stateless, so that a pool can take many. */
import type { JsonObject } from '../../contracts/json/json.ts'
import { reduceEvents } from '../../contracts/reducers/reduce-events.ts'
import type { ReduceOptions, ReducerFamily, Reduction } from '../../contracts/reducers/types.ts'
import { KittiwakeError } from '../../errors.ts'
import { EventGather, type StreamFault } from './event-gather.ts'
import { readEvents } from './read-events.ts'

export type ReplayTask = ReplayOptions & { readonly path: string }

export type ReplayOptions = {
  readonly family: ReducerFamily
  readonly options: ReduceOptions
}

type Read = {
  readonly path: string
  /** Values that were read, whatever they are. */
  readonly events: number
  readonly faults: readonly StreamFault[]
  readonly fault_count: number
}

export type ReplayOutcome =
  | (Read & { readonly state: 'reduced'; readonly result: Reduction | JsonObject })
  /** What the reducer throws: a strict mode, an event that isn't there. */
  | (Read & { readonly state: 'refused'; readonly error: { code: string; message: string } })
  | { readonly state: 'unreadable'; readonly path: string; readonly reason: string }

/** Total: any file gives an answer; nothing waits for a pipe. */
export default function replayFile({ path, ...options }: ReplayTask): ReplayOutcome {
  const gathered = new EventGather()
  const reason = readEvents(path, gathered)
  if (reason !== null) return { state: 'unreadable', path, reason }
  return replayGathered(path, gathered, options)
}

/** @throws what is no refusal of the reducer's */
export function replayGathered(
  path: string,
  { events, faults, faultCount }: EventGather,
  { family, options }: ReplayOptions,
): ReplayOutcome {
  const read = { path, events: events.length, faults, fault_count: faultCount }
  try {
    const result = reduceEvents(family, events, options)
    return { ...read, state: 'reduced', result }
  } catch (error) {
    if (!(error instanceof KittiwakeError)) throw error
    return { ...read, state: 'refused', error: error.toJSON() }
  }
}
