/** Verdicts of continuous integration; `delivery_id` tells a verdict that came twice. Source: the event contracts. */
import { InputError } from '../../errors.ts'
import { httpUrl, literal, oneOf, open, optional, positive, text } from '../values/fields.ts'

export const gates = {
  GatePassed: open({
    gate_name: text,
    gate_type: literal('ci'),
    conclusion: literal('success'),
    external_provider: literal('github'),
    check_run_id: positive,
    check_run_url: httpUrl,
    delivery_id: text,
    pr_number: optional(positive),
  }),
  GateFailed: open({
    gate_name: text,
    gate_type: literal('ci'),
    conclusion: oneOf('failure', 'timed_out', 'cancelled', 'action_required'),
    external_provider: literal('github'),
    check_run_id: positive,
    check_run_url: httpUrl,
    delivery_id: text,
    pr_number: optional(positive),
  }),
}

const TYPE_BY_CONCLUSION: Readonly<Record<string, 'GatePassed' | 'GateFailed' | null>> = {
  success: 'GatePassed',
  failure: 'GateFailed',
  timed_out: 'GateFailed',
  cancelled: 'GateFailed',
  action_required: 'GateFailed',
  // These block nothing, and are no events.
  neutral: null,
  skipped: null,
  stale: null,
}

/** The event that a verdict becomes, or null where it blocks nothing. @throws InputError CONCLUSION_UNKNOWN */
export function gateEventOf(conclusion: string): 'GatePassed' | 'GateFailed' | null {
  const type = Object.hasOwn(TYPE_BY_CONCLUSION, conclusion)
    ? TYPE_BY_CONCLUSION[conclusion]
    : undefined
  if (type !== undefined) return type
  throw new InputError('CONCLUSION_UNKNOWN', 'no verdict has this name', {
    hint: `Expected: ${Object.keys(TYPE_BY_CONCLUSION).join(', ')}.`,
  })
}
