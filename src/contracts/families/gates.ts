/** Verdicts of continuous integration; `delivery_id` tells a verdict that came twice. Source: the event contracts. */
import { httpUrl, literal, oneOf, open, optional, positive, text } from '../fields.ts'

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
