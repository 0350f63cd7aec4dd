/** What work costs and changes. Source: the event contracts. */
import { amount, closed, count, optional, ruled, SUM_KEYWORD, text } from '../values/fields.ts'
import { runtimeActorIdentity } from './mission-next.ts'

const where = {
  mission_id: text,
  run_id: optional(text),
  step_id: optional(text),
  wp_id: optional(text),
  phase_name: optional(text),
}

export const analytics = {
  TokenUsageRecorded: ruled(
    closed({
      ...where,
      actor: optional(runtimeActorIdentity),
      provider: optional(text),
      model: optional(text),
      input_tokens: count,
      output_tokens: count,
      total_tokens: count,
      estimated_cost_usd: amount,
      source: text,
    }),
    ({ input_tokens, output_tokens, total_tokens }) =>
      total_tokens === input_tokens + output_tokens
        ? []
        : [{ path: ['total_tokens'], message: 'the total is the sum of input and output' }],
    { [SUM_KEYWORD]: { total_tokens: ['input_tokens', 'output_tokens'] } },
  ),
  DiffSummaryRecorded: closed({
    ...where,
    base_ref: text,
    head_ref: text,
    files_changed: count,
    lines_added: count,
    lines_deleted: count,
    source: text,
  }),
}
