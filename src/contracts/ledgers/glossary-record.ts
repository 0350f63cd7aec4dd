/**
 * The lines of a mission's glossary log: one spaced, sorted, ASCII JSON object each, its fields beside `event_type`.
 * What a line says of terms is read out of it; the other types pass by.
 */
import { isScope, normalSurface, parseEntry } from './glossary-sense.ts'
import type { Scope, Sense, SenseStatus } from './glossary-sense.ts'
import { encodeJson, isJsonObject } from '../json/json.ts'
import type { Json, JsonObject } from '../json/json.ts'
import { isText } from '../values/scalars.ts'

export const URGENCIES = ['low', 'medium', 'high'] as const
export type Urgency = (typeof URGENCIES)[number]

/** Types whose lines only tell what happened: nothing here is made of them. */
export const TOLD_TYPES = [
  'GlossaryScopeActivated',
  'SemanticCheckEvaluated',
  'GenerationBlockedBySemanticConflict',
  'GlossaryStrictnessSet',
  'StepCheckpointed',
] as const
export type ToldType = (typeof TOLD_TYPES)[number]

export type GlossaryActor = {
  readonly actor_id: string
  readonly actor_type: 'human' | 'llm' | 'service'
  readonly display_name: string
}

export type Provenance = {
  readonly source: string
  readonly timestamp: string
  readonly actor_id: string
}

type Stamped<Type extends string, Fields> = Fields & {
  /** ULID; a UUID in rows of other writers, some of which have none. */
  readonly event_id: string
  readonly event_type: Type
  /** `YYYY-MM-DDTHH:MM:SS.ffffff+00:00`, always six digits. */
  readonly timestamp: string
}

export type CandidateRecord = Stamped<
  'TermCandidateObserved',
  {
    readonly term: string
    readonly source_step: string
    readonly actor_id: string
    readonly confidence: number
    readonly extraction_method: string
    readonly context: string
    readonly mission_id: string
    readonly run_id: string
  }
>

export type SenseRecord = Stamped<
  'GlossarySenseUpdated',
  {
    readonly term_surface: string
    readonly scope: Scope
    readonly new_sense: Sense
    readonly actor: GlossaryActor
    readonly update_type: 'create' | 'update'
    readonly provenance: Provenance
  }
>

export type ClarificationRecord = Stamped<
  'GlossaryClarificationRequested',
  {
    readonly question: string
    readonly term: string
    /** Definitions. */
    readonly options: readonly string[]
    readonly urgency: Urgency
    readonly mission_id: string
    readonly run_id: string
    readonly step_id: string
    readonly conflict_id: string
    readonly semantic_check_event_id: string
    /** Where its resolution is going to hold; other writers leave it away. */
    readonly scope_id: Scope
  }
>

export type ResolutionRecord = Stamped<
  'GlossaryClarificationResolved',
  {
    readonly conflict_id: string
    readonly term_surface: string
    readonly selected_sense: Omit<Sense, 'status'>
    readonly actor: GlossaryActor
    readonly resolution_mode: 'interactive' | 'async'
    readonly provenance: Provenance
  }
>

/** A line that is only kept, with whatever fields it has. */
export type ToldRecord = JsonObject & Stamped<ToldType, unknown>

export type GlossaryRecord =
  | CandidateRecord
  | SenseRecord
  | ClarificationRecord
  | ResolutionRecord
  | ToldRecord

/** What a line means here. */
export type GlossaryRow = {
  /** Null in rows of writers that gave none. */
  readonly event_id: string | null
  /** Empty where it has none. */
  readonly timestamp: string
} & (
  | { readonly family: 'candidate'; readonly term: string }
  | { readonly family: 'sense'; readonly sense: Sense }
  | ({ readonly family: 'requested' } & RequestedClarification)
  /** Without a sense where it names no scope that has a file. */
  | { readonly family: 'resolved'; readonly conflict_id: string; readonly sense: Sense | null }
  /** Of another type, this runtime's or not. */
  | { readonly family: 'other'; readonly event_type: string }
)

export type RequestedClarification = {
  readonly conflict_id: string
  readonly term: string
  readonly question: string
  readonly options: readonly string[]
  readonly urgency: Urgency
  readonly scope: Scope | null
}

type Meaning = GlossaryRow extends infer Row
  ? Row extends GlossaryRow
    ? Omit<Row, 'event_id' | 'timestamp'>
    : never
  : never

const FLOATS: ReadonlySet<string> = new Set(['confidence'])

/** One line without its end. @throws InputError JSON_DEPTH, JSON_NUMBER */
export function encodeGlossaryRecord(record: GlossaryRecord): string {
  return encodeJson(record, 'spaced', FLOATS)
}

/** What the value is, or the reason why it can't be served. Total. */
export function parseGlossaryRow(value: Json): GlossaryRow | string {
  if (!isJsonObject(value)) return 'not an object'
  const { event_type, event_id, timestamp } = value
  if (!isText(event_type)) return 'without a type'
  const meaning = meaningOf(event_type, value)
  if (typeof meaning === 'string') return meaning
  const stamp = {
    event_id: isText(event_id) ? event_id : null,
    timestamp: typeof timestamp === 'string' ? timestamp : '',
  }
  return { ...stamp, ...meaning }
}

function meaningOf(event_type: string, value: JsonObject): Meaning | string {
  switch (event_type) {
    case 'TermCandidateObserved': {
      const term = surfaceOf(value['term'])
      return term === null ? 'an observation of no term' : { family: 'candidate', term }
    }
    case 'GlossarySenseUpdated': {
      const sense = senseOf(value['new_sense'], value['scope'], 'draft')
      if (typeof sense === 'string') return sense
      return sense === null ? 'a sense of no scope' : { family: 'sense', sense }
    }
    case 'GlossaryClarificationRequested':
      return requested(value)
    case 'GlossaryClarificationResolved':
      return resolved(value)
    default:
      return { family: 'other', event_type }
  }
}

function requested(value: JsonObject): Meaning | string {
  const { conflict_id, question, options = [], urgency, scope_id } = value
  const term = surfaceOf(value['term'])
  if (!isText(conflict_id)) return 'a request without an id'
  if (term === null) return 'a request about no term'
  if (typeof question !== 'string') return 'a request without a question'
  if (!Array.isArray(options) || !options.every((option) => typeof option === 'string')) {
    return 'a request with options that are no texts'
  }
  return {
    family: 'requested',
    conflict_id,
    term,
    question,
    options,
    urgency: URGENCIES.find((one) => one === urgency) ?? 'medium',
    scope: isScope(scope_id) ? scope_id : null,
  }
}

function resolved(value: JsonObject): Meaning | string {
  const { conflict_id, selected_sense = null } = value
  if (!isText(conflict_id)) return 'a resolution without an id'
  if (selected_sense === null) return { family: 'resolved', conflict_id, sense: null }
  const sense = senseOf(selected_sense, undefined, 'active')
  return typeof sense === 'string' ? sense : { family: 'resolved', conflict_id, sense }
}

/** Null where it names no scope that there is. */
function senseOf(
  value: Json | undefined,
  beside: Json | undefined,
  unsaid: SenseStatus,
): Sense | string | null {
  if (!isJsonObject(value)) return 'without a sense'
  const entry = parseEntry(value, unsaid)
  if (typeof entry === 'string') return entry
  const scope = beside ?? value['scope']
  return isScope(scope) ? { ...entry, scope } : null
}

function surfaceOf(value: Json | undefined): string | null {
  const surface = typeof value === 'string' ? normalSurface(value) : ''
  return surface === '' ? null : surface
}
