/** Where a decision is talked about, and what came of the talk: the values that its events share. Source: the event contracts. */
import { anyText, closed, dateTime, oneOf, optional, shared, text } from '../values/fields.ts'

export const summaryBlock = shared(
  'SummaryBlock',
  closed({
    text,
    source: oneOf('slack_extraction', 'manual', 'mission_owner_override'),
    extracted_at: optional(dateTime),
    candidate_answer: optional(anyText),
  }),
)

export const teamspaceRef = shared(
  'TeamspaceRef',
  closed({ teamspace_id: text, name: optional(anyText) }),
)

export const defaultChannelRef = shared(
  'DefaultChannelRef',
  closed({ channel_id: text, name: optional(anyText) }),
)

export const threadRef = shared(
  'ThreadRef',
  closed({
    slack_team_id: optional(anyText),
    channel_id: text,
    thread_ts: text,
    url: optional(anyText),
  }),
)

export const closureMessageRef = shared(
  'ClosureMessageRef',
  closed({ channel_id: text, thread_ts: text, message_ts: text, url: optional(anyText) }),
)
