/**
 * People and agents at work on one mission at the same time. That the id of a participant is the same at the top and within
 * the identity is not asked. Source: the event contracts.
 */
import {
  anyText,
  closed,
  dateTime,
  list,
  oneOf,
  open,
  optional,
  ruled,
  shared,
  text,
} from '../values/fields.ts'

const ACCOUNTS = ['slack_user_id', 'slack_team_id', 'teamspace_member_id'] as const

const participantExternalRefs = shared(
  'ParticipantExternalRefs',
  ruled(
    closed({
      slack_user_id: optional(text),
      slack_team_id: optional(text),
      teamspace_member_id: optional(text),
    }),
    (refs) =>
      ACCOUNTS.some((account) => refs[account] !== null)
        ? []
        : [{ path: [], message: `one of ${ACCOUNTS.join(', ')} is needed` }],
    {
      anyOf: ACCOUNTS.map((account) => ({
        properties: { [account]: { type: 'string' } },
        required: [account],
      })),
    },
  ),
)

export const participantIdentity = shared(
  'ParticipantIdentity',
  open({
    participant_id: text,
    participant_type: oneOf('human', 'llm_context'),
    display_name: optional(anyText),
    session_id: optional(anyText),
    external_refs: optional(participantExternalRefs),
  }),
)

shared(
  'AuthPrincipalBinding',
  open({ auth_principal_id: text, participant_id: text, bound_at: dateTime }),
)

export const focusTarget = shared(
  'FocusTarget',
  open({ target_type: oneOf('wp', 'step', 'file'), target_id: text }),
)

export const collaboration = {
  ParticipantInvited: open({
    participant_id: text,
    participant_identity: participantIdentity,
    invited_by: text,
    mission_id: text,
  }),
  ParticipantJoined: open({
    participant_id: text,
    participant_identity: participantIdentity,
    mission_id: text,
    auth_principal_id: optional(anyText),
  }),
  ParticipantLeft: open({ participant_id: text, mission_id: text, reason: optional(anyText) }),
  PresenceHeartbeat: open({
    participant_id: text,
    mission_id: text,
    session_id: optional(anyText),
  }),
  DriveIntentSet: open({
    participant_id: text,
    mission_id: text,
    intent: oneOf('active', 'inactive'),
  }),
  FocusChanged: open({
    participant_id: text,
    mission_id: text,
    focus_target: focusTarget,
    previous_focus_target: optional(focusTarget),
  }),
  PromptStepExecutionStarted: open({
    participant_id: text,
    mission_id: text,
    step_id: text,
    wp_id: optional(anyText),
    step_description: optional(anyText),
  }),
  PromptStepExecutionCompleted: open({
    participant_id: text,
    mission_id: text,
    step_id: text,
    wp_id: optional(anyText),
    outcome: oneOf('success', 'failure', 'skipped'),
  }),
  ConcurrentDriverWarning: open({
    warning_id: text,
    mission_id: text,
    participant_ids: list(anyText, 2),
    focus_target: focusTarget,
    severity: oneOf('info', 'warning'),
  }),
  PotentialStepCollisionDetected: open({
    warning_id: text,
    mission_id: text,
    participant_ids: list(anyText, 2),
    step_id: text,
    wp_id: optional(anyText),
    severity: oneOf('info', 'warning'),
  }),
  WarningAcknowledged: open({
    participant_id: text,
    mission_id: text,
    warning_id: text,
    acknowledgement: oneOf('continue', 'hold', 'reassign', 'defer'),
  }),
  CommentPosted: open({
    participant_id: text,
    mission_id: text,
    comment_id: text,
    content: text,
    reply_to: optional(anyText),
  }),
  DecisionCaptured: open({
    participant_id: text,
    mission_id: text,
    decision_id: text,
    topic: text,
    chosen_option: text,
    rationale: optional(anyText),
    referenced_warning_id: optional(anyText),
  }),
  SessionLinked: open({
    participant_id: text,
    mission_id: text,
    primary_session_id: text,
    linked_session_id: text,
    link_type: oneOf('cli_to_saas', 'saas_to_cli'),
  }),
}
