/** What becomes of a mission. The times ending in `_at` are plain text here. Source: the event contracts. */
import {
  anyText,
  closed,
  count,
  list,
  oneOf,
  open,
  openRecord,
  optional,
  positive,
  ruled,
  text,
  when,
} from '../values/fields.ts'

export const missionLifecycle = {
  MissionStarted: open({ mission_id: text, mission_type: text, initial_phase: text, actor: text }),
  MissionCreated: closed({
    mission_id: optional(text),
    mission_slug: text,
    mission_number: positive.nullable(),
    mission_type: text,
    target_branch: text,
    wp_count: count,
    friendly_name: text,
    purpose_tldr: text,
    purpose_context: text,
    created_at: optional(text),
  }),
  MissionClosed: closed({ mission_slug: text, mission_number: positive, mission_type: text }),
  MissionCompleted: open({ mission_id: text, mission_type: text, final_phase: text, actor: text }),
  MissionCancelled: open({
    mission_id: text,
    reason: text,
    actor: text,
    cancelled_wp_ids: list(anyText).default([]),
  }),
  MissionOriginBound: closed({
    mission_slug: text,
    provider: text,
    external_issue_id: text,
    external_issue_key: text,
    external_issue_url: text,
    title: text,
    mission_id: optional(text),
  }),
  MissionReopened: closed({
    mission_id: text,
    mission_slug: text,
    reason: text,
    reopened_by: text,
    reopened_at: text,
    cleared_merge: optional(openRecord),
  }),
  FollowUpRecorded: ruled(
    closed({
      mission_id: text,
      mission_slug: text,
      follow_up_type: oneOf('commit', 'pr'),
      commit_sha: optional(text),
      pr_number: optional(positive),
      recorded_by: text,
      recorded_at: text,
    }),
    ({ follow_up_type, commit_sha, pr_number }) => {
      if (follow_up_type === 'commit') {
        return commit_sha === null ? [{ path: ['commit_sha'], message: 'which commit?' }] : []
      }
      return pr_number === null ? [{ path: ['pr_number'], message: 'which pull request?' }] : []
    },
    when(
      { properties: { follow_up_type: { const: 'commit' } } },
      { properties: { commit_sha: { type: 'string' } }, required: ['commit_sha'] },
      { properties: { pr_number: { type: 'integer' } }, required: ['pr_number'] },
    ),
  ),
  PhaseEntered: open({
    mission_id: text,
    phase_name: text,
    previous_phase: optional(text),
    actor: text,
  }),
  ReviewRollback: open({
    mission_id: text,
    review_ref: text,
    target_phase: text,
    affected_wp_ids: list(anyText).default([]),
    actor: text,
  }),
}
