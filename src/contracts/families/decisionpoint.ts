/**
 * A decision from the moment when it opens until it is resolved. It comes from one of two places, and `origin_surface` says
 * from which: a record of an architectural decision (`adr`), or a planning interview. Source: the event contracts.
 */
import { z } from 'zod'
import {
  anyText,
  closed,
  dateTime,
  flag,
  list,
  literal,
  oneOf,
  optional,
  ruled,
  text,
  when,
} from '../values/fields.ts'
import { participantIdentity } from './collaboration.ts'
import {
  closureMessageRef,
  defaultChannelRef,
  summaryBlock,
  teamspaceRef,
  threadRef,
} from './decision-values.ts'

const point = {
  decision_point_id: text,
  mission_id: text,
  run_id: text,
  mission_slug: text,
  mission_type: text,
}
const actor = { actor_id: text, actor_type: oneOf('human', 'llm', 'service') }
const entered = { state_entered_at: dateTime, recorded_at: dateTime }
const deliberation = {
  ...point,
  phase: text,
  ...actor,
  authority_role: oneOf('mission_owner', 'advisory', 'informed'),
  mission_owner_authority_flag: flag,
  mission_owner_authority_path: anyText,
  rationale: text,
  alternatives_considered: list(anyText, 1),
  evidence_refs: list(anyText, 1),
  ...entered,
}
const fromAdr = { origin_surface: literal('adr') }
const fromInterview = { origin_surface: literal('planning_interview') }
const adr = closed({ ...fromAdr, ...deliberation })

const openedInterview = closed({
  ...fromInterview,
  ...point,
  phase: text,
  origin_flow: oneOf('charter', 'specify', 'plan'),
  question: text,
  options: list(anyText),
  input_key: text,
  step_id: text,
  ...actor,
  ...entered,
})

const discussingInterview = closed({
  ...fromInterview,
  ...point,
  snapshot_kind: oneOf('participant_contribution', 'digest', 'owner_note'),
  contributions: list(anyText).default([]),
  ...actor,
  ...entered,
})

const resolvedInterview = closed({
  ...fromInterview,
  ...point,
  terminal_outcome: oneOf('resolved', 'deferred', 'canceled'),
  final_answer: optional(anyText),
  other_answer: flag.default(false),
  rationale: optional(anyText),
  summary: optional(summaryBlock),
  actual_participants: list(participantIdentity).default([]),
  resolved_by: text,
  closed_locally_while_widened: flag.default(false),
  closure_message: optional(closureMessageRef),
  ...entered,
})

/** What is resolved has an answer; what is not has none, and says why. */
const resolvedWithOutcome = ruled(
  resolvedInterview,
  ({ terminal_outcome, final_answer, rationale, other_answer }) => {
    if (terminal_outcome === 'resolved') {
      return final_answer ? [] : [{ path: ['final_answer'], message: 'resolved has an answer' }]
    }
    return [
      ...(final_answer === null
        ? []
        : [{ path: ['final_answer'], message: `${terminal_outcome} has no answer` }]),
      ...(rationale ? [] : [{ path: ['rationale'], message: `${terminal_outcome} says why` }]),
      ...(other_answer
        ? [{ path: ['other_answer'], message: `${terminal_outcome} has no other answer` }]
        : []),
    ]
  },
  when(
    { properties: { terminal_outcome: { const: 'resolved' } } },
    { properties: { final_answer: { type: 'string', minLength: 1 } }, required: ['final_answer'] },
    {
      properties: {
        final_answer: { type: 'null' },
        rationale: { type: 'string', minLength: 1 },
        other_answer: { const: false },
      },
      required: ['rationale'],
    },
  ),
)

export const decisionpoint = {
  DecisionPointOpened: z.discriminatedUnion('origin_surface', [adr, openedInterview]),
  DecisionPointWidened: closed({
    ...fromInterview,
    ...point,
    channel: literal('slack'),
    teamspace_ref: teamspaceRef,
    default_channel_ref: defaultChannelRef,
    thread_ref: threadRef,
    invited_participants: list(participantIdentity).default([]),
    widened_by: text,
    widened_at: dateTime,
    recorded_at: dateTime,
  }),
  DecisionPointDiscussing: z.discriminatedUnion('origin_surface', [adr, discussingInterview]),
  DecisionPointResolved: z.discriminatedUnion('origin_surface', [adr, resolvedWithOutcome]),
  DecisionPointOverridden: closed({
    origin_surface: optional(oneOf('adr', 'planning_interview')),
    ...deliberation,
  }),
}
