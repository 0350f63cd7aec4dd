/** What is handed to the glossary's door: its shapes, checked before and after it is sanitized. */
import { z } from 'zod'
import { checkInput } from './checked-input.ts'
import { TOLD_TYPES, URGENCIES } from './contracts/ledgers/glossary-record.ts'
import type { ToldType, Urgency } from './contracts/ledgers/glossary-record.ts'
import { normalMeaning, normalSurface, SCOPES } from './contracts/ledgers/glossary-sense.ts'
import type { Scope } from './contracts/ledgers/glossary-sense.ts'
import type { JsonObject } from './contracts/json/json.ts'
import { InputError } from './errors.ts'

/** A name alone is a person's. */
export type GlossaryActorInput =
  | string
  | {
      readonly actor_id: string
      readonly actor_type: 'human' | 'llm' | 'service'
      readonly display_name?: string
    }

type Circumstances = {
  /** Directory name, slug or ULID. */
  readonly mission: string
  readonly step?: string
  readonly run?: string
  readonly actor?: GlossaryActorInput
}

export type TermObservation = Circumstances & {
  readonly term: string
  /** What it means from now on. */
  readonly definition?: string
  /** Where the definition holds; default `team_domain`. */
  readonly scope?: Scope
  /** From 0 to 1; default 1. */
  readonly confidence?: number
  /** Where it was seen. */
  readonly context?: string
}

export type ClarificationRequest = Circumstances & {
  readonly term: string
  readonly question: string
  /** The definitions to choose from. */
  readonly options?: readonly string[]
  /** Default `medium`. */
  readonly urgency?: Urgency
  /** Where its resolution is going to hold; default `team_domain`. */
  readonly scope?: Scope
  /** The check that found it; by default the request is its own. */
  readonly semantic_check_event_id?: string
}

export type ClarificationResolution = Omit<Circumstances, 'step' | 'run'> & {
  readonly conflict_id: string
  /** The number of the option, counted from 1; or else a definition. */
  readonly select?: number
  readonly definition?: string
  /** Default that of the request. */
  readonly scope?: Scope
  /** From 0 to 1; default 1. */
  readonly confidence?: number
}

/** Something that only the log keeps. */
export type GlossaryFact = Omit<Circumstances, 'actor'> & {
  readonly event_type: ToldType
  readonly fields: JsonObject
}

const TEXT_MAX = 64 * 1024
const TERM_MAX = 256
const OPTIONS_MAX = 64
const text = z
  .string()
  .max(TEXT_MAX)
  .refine((value) => normalMeaning(value) !== '')
const name = z.string().min(1).max(256)
const scope = z.enum(SCOPES)
const confidence = z.number().min(0).max(1)
const strictness = z.enum(['off', 'medium', 'max'])
const severity = z.enum(['low', 'medium', 'high'])
const circumstances = {
  mission: name,
  actor: z
    .union([
      name,
      z.strictObject({
        actor_id: name,
        actor_type: z.enum(['human', 'llm', 'service']),
        display_name: z.string().max(256).optional(),
      }),
    ])
    .optional(),
}
const step = { step: name.optional(), run: name.optional() }
// One that was cut by a control character would look like another one.
const term = z
  .string()
  .max(TERM_MAX)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u)
  .refine((value) => normalSurface(value) !== '')

const observation = z.strictObject({
  ...circumstances,
  ...step,
  term,
  definition: text.optional(),
  scope: scope.optional(),
  confidence: confidence.optional(),
  context: text.optional(),
})
const request = z.strictObject({
  ...circumstances,
  ...step,
  term,
  question: text,
  options: z.array(text).max(OPTIONS_MAX).optional(),
  urgency: z.enum(URGENCIES).optional(),
  scope: scope.optional(),
  semantic_check_event_id: name.optional(),
})
const resolution = z.strictObject({
  ...circumstances,
  conflict_id: name,
  select: z.int().min(1).max(OPTIONS_MAX).optional(),
  definition: text.optional(),
  scope: scope.optional(),
  confidence: confidence.optional(),
})

const list = z.array(z.unknown()).max(1024)
const FIELDS: Readonly<Record<ToldType, z.ZodType>> = {
  GlossaryScopeActivated: z.looseObject({ scope_id: name, glossary_version_id: name }),
  SemanticCheckEvaluated: z.looseObject({
    step_id: name,
    findings: list,
    overall_severity: severity,
    confidence,
    effective_strictness: strictness,
    recommended_action: z.enum(['proceed', 'warn', 'block']),
    blocked: z.boolean(),
  }),
  GenerationBlockedBySemanticConflict: z.looseObject({
    step_id: name,
    conflicts: list,
    strictness_mode: strictness,
    effective_strictness: strictness,
  }),
  GlossaryStrictnessSet: z.looseObject({
    new_strictness: strictness,
    previous_strictness: strictness.nullable().optional(),
  }),
  StepCheckpointed: z.looseObject({
    step_id: name,
    strictness,
    scope_refs: list,
    input_hash: name,
    cursor: z.enum(['pre_generation_gate', 'post_clarification', 'post_gate']),
    retry_token: name,
  }),
}
// The door's own to say.
const STAMPED = ['event_id', 'event_type', 'timestamp', 'mission_id'] as const
const fact = z
  .strictObject({
    mission: name,
    ...step,
    event_type: z.enum(TOLD_TYPES),
    fields: z.record(z.string(), z.unknown()),
  })
  .refine(({ event_type, fields }) => FIELDS[event_type].safeParse(fields).success, 'fields')
  .refine(({ fields }) => STAMPED.every((key) => !Object.hasOwn(fields, key)), 'fields')

/** Each throws InputError GLOSSARY_INVALID, which names the fields and never quotes them. */
export const checkObservation = (value: unknown): TermObservation =>
  checked(observation, value) as TermObservation
export const checkRequest = (value: unknown): ClarificationRequest =>
  checked(request, value) as ClarificationRequest
export const checkResolution = (value: unknown): ClarificationResolution =>
  checked(resolution, value) as ClarificationResolution
export const checkFact = (value: unknown): GlossaryFact => checked(fact, value) as GlossaryFact

function checked(schema: z.ZodType, value: unknown): unknown {
  return checkInput(schema, value, (why) => {
    const hint = `See \`kittiwake glossary --help\`. A scope is one of ${SCOPES.join(', ')}; an urgency one of ${URGENCIES.join(', ')}.`
    return new InputError('GLOSSARY_INVALID', `this can't be asked of the glossary: ${why}`, {
      hint,
    })
  })
}
