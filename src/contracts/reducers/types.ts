/** What reducing events takes and gives. */
import type { ReducerFamily } from '../event-types.ts'
import type { JsonObject } from '../json/json.ts'
import type { AnomalyCode } from './anomaly-codes.ts'

export const FAMILIES = [
  'status',
  'lifecycle',
  'collaboration',
  'glossary',
  'decisionpoint',
  'mission_audit',
  'dossier',
  'mission_next',
  'connector',
  'sync',
  'artifact',
  'analytics',
] as const satisfies readonly ReducerFamily[]

export type { ReducerFamily }

export type ReduceOptions = {
  /**
   * `strict`: the first anomaly is thrown instead of told. `permissive`, the default: every anomaly is in the result. In the
   * reference's projection only `collaboration` and `glossary` know the two, and there `strict` is the default.
   */
  readonly mode?: 'strict' | 'permissive'
  /** Who takes part before the first event, by participant id; of `collaboration` alone. */
  readonly roster?: Readonly<Record<string, JsonObject>>
  /** Only what stands at or before this event, in the order of the stream. */
  readonly as_of?: string
  /** The projection of the reference implementation, with its order, its counting and its anomalies. */
  readonly reference?: boolean
}

/** Something in the stream that can't be true, or that was passed over. */
export type Anomaly = {
  /** Stable; `docs/reducers.md` lists them. */
  readonly code: AnomalyCode
  /** Empty where the event has none. */
  readonly event_id: string
  readonly event_type: string
  /** The field, dotted, where one field is to blame. */
  readonly path?: string
  /** In words, for people. */
  readonly detail: string
}

/** What the events of one aggregate come to. */
export type Aggregate = {
  /** The project of the events, or null where they name none. */
  readonly project_uuid: string | null
  /** What the family keys by: a mission, a run, a connector, a decision point, a namespace. */
  readonly key: string
  readonly event_count: number
  readonly last_processed_event_id: string | null
  readonly state: JsonObject
}

export type Reduction = {
  readonly family: ReducerFamily
  /** By project, then by key, in code point order. */
  readonly aggregates: readonly Aggregate[]
  /** In the order of their events; what has no place in that order stands first. */
  readonly anomalies: readonly Anomaly[]
  /** Unique events of the family, whether they could be applied or not. */
  readonly event_count: number
  readonly last_processed_event_id: string | null
}

/** An event as reducers see it. */
export type Input = {
  readonly event_id: string
  readonly event_type: string
  readonly lamport_clock: number
  readonly node_id: string
  readonly timestamp: string
  readonly project_uuid: string | null
  readonly aggregate_id: string
  readonly payload: JsonObject
  readonly raw: JsonObject
}

/** One kind of state: which events it is made of, and how. */
export type Family = {
  readonly types: ReadonlySet<string>
  /** What the events are told apart by; null where the payload doesn't say. */
  readonly keysOf: (events: readonly Input[]) => readonly (string | null)[]
  /** The events are in order and unique. By default they are of one aggregate and valid. */
  readonly fold: (events: readonly Input[], run: Run) => JsonObject
  readonly reference: ReferenceRules | null
}

/** Where the reference differs from one family to the next. */
export type ReferenceRules = {
  /** Whether its `event_count` counts events of other families too. */
  readonly countsForeign: boolean
  /** Its anomaly: `{event_id, event_type, reason}`, `{kind, event_id, message}`, or one of work packages; or it has none. */
  readonly anomaly: 'reason' | 'kind' | 'work_package' | null
  readonly hasLastEvent: boolean
  /** Whether it throws unless told otherwise. */
  readonly strictByDefault: boolean
}

/** One call of `reduceEvents`, as a fold sees it. */
export type Run = {
  readonly reference: boolean
  readonly roster: Readonly<Record<string, JsonObject>>
  /** The payload if it is valid; else null, and the anomaly is told. */
  readonly parse: (event: Input) => JsonObject | null
  readonly report: (event: Input, code: AnomalyCode, detail: string, more?: ReportOptions) => void
  /** As `report`; but the reference throws this error when it is strict. */
  readonly challenge: (
    event: Input,
    code: AnomalyCode,
    detail: string,
    error?: ReferenceError,
  ) => void
  /** @throws InputError always: where the reference throws whatever its mode is. */
  readonly refuse: (event: Input, code: AnomalyCode, detail: string, error: ReferenceError) => never
}

export type ReferenceError =
  | 'SpecKittyEventsError'
  | 'UnknownParticipantError'
  | 'NamespaceMixedStreamError'
  | 'ValidationError'

export type ReportOptions = {
  /** The field that is to blame, dotted. */
  readonly path?: string
}
