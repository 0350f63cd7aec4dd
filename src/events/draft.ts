/** What a caller hands in, checked: a value of any shape becomes a Draft or a typed refusal. */
import { z } from 'zod'
import { ZONED_TIME_PATTERN, type Draft, type JsonObject } from '../contracts/event.ts'
import { normaliseId } from '../contracts/values/event-id.ts'
import { isDateTime } from '../contracts/values/timestamp.ts'
import { InputError } from '../errors.ts'
import { assertQueued } from './route.ts'

const EVENT_TYPE_PATTERN = /^[A-Za-z][A-Za-z0-9_.]{0,127}$/
const TEXT_MAX = 512
const NAME_MAX = 256

const text = z.string().min(1).max(TEXT_MAX)
/** In any spelling; it travels in the one that counts. */
const id = z.string().refine((value) => normaliseId(value) !== null)
const time = z.string().regex(ZONED_TIME_PATTERN).refine(isDateTime)
const payload = z.custom<JsonObject>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
)

const draftSchema = z.strictObject({
  event_type: z.string().regex(EVENT_TYPE_PATTERN),
  aggregate_id: text.optional(),
  aggregate_type: z.string().min(1).max(NAME_MAX).optional(),
  mission: text.optional(),
  payload: payload.optional(),
  causation_id: id.nullable().optional(),
  correlation_id: id.optional(),
  timestamp: time.optional(),
})

/**
 * @throws InputError DRAFT_INVALID with the offending fields, EVENT_LEDGER_ONLY, EVENT_LOCAL_ONLY
 */
export function parseDraft(value: unknown): Draft {
  const { draft, issues } = read(value)
  if (draft === undefined) {
    // Field names only: a message that quotes values would carry what the sanitizer has not seen.
    const fields = new Set(issues.map((issue) => issue.path.join('.') || 'draft'))
    const unknown = issues.some((issue) => issue.code === 'unrecognized_keys')
    throw invalid(unknown ? 'it has unknown keys' : `check ${[...fields].sort().join(', ')}`)
  }
  assertQueued(draft.event_type)
  return draft
}

type Reading = { readonly draft: Draft | undefined; readonly issues: readonly z.core.$ZodIssue[] }

function read(value: unknown): Reading {
  try {
    // The issues are made when they are first asked for, and look at the value again.
    const { data, error } = draftSchema.safeParse(value)
    return { draft: data as Draft | undefined, issues: error?.issues ?? [] }
  } catch {
    // A getter or a proxy threw; what it said may quote data.
    throw invalid('it can not be read')
  }
}

function invalid(why: string): InputError {
  const message = `a draft is {event_type, aggregate_id?, mission?, payload?}; ${why}`
  const hint = 'See `kittiwake emit --help` for the fields.'
  return new InputError('DRAFT_INVALID', message, { hint })
}
