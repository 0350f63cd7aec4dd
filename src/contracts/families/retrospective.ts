/**
 * Looking back on a mission. The names with dots and those without are different contracts with similar names.
 * Source: the event contracts.
 */
import {
  anyText,
  closed,
  count,
  integerRecord,
  isoDate,
  oneOf,
  optional,
  shared,
  text,
} from '../values/fields.ts'
import { provenanceRef } from './dossier.ts'

const retrospectiveActorRef = shared(
  'RetrospectiveActorRef',
  closed({ kind: oneOf('human', 'agent', 'runtime'), id: text, profile_id: optional(anyText) }),
)

const retrospectiveModeSourceSignal = shared(
  'RetrospectiveModeSourceSignal',
  closed({
    kind: oneOf('charter_override', 'explicit_flag', 'environment', 'parent_process'),
    evidence: text,
  }),
)

const retrospectiveMode = shared(
  'RetrospectiveMode',
  closed({
    value: oneOf('autonomous', 'human_in_command'),
    source_signal: retrospectiveModeSourceSignal,
  }),
)

export const retrospective = {
  RetrospectiveCompleted: closed({
    mission_id: text,
    actor: text,
    trigger_source: oneOf('runtime', 'operator', 'policy'),
    artifact_ref: optional(provenanceRef),
    completed_at: isoDate,
  }),
  RetrospectiveSkipped: closed({
    mission_id: text,
    actor: text,
    trigger_source: oneOf('runtime', 'operator', 'policy'),
    skip_reason: text,
    skipped_at: isoDate,
  }),
  'retrospective.requested': closed({
    mode: retrospectiveMode,
    terminus_step_id: text,
    requested_by: retrospectiveActorRef,
  }),
  'retrospective.started': closed({ facilitator_profile_id: text, action_id: text }),
  'retrospective.completed': closed({
    record_path: text,
    record_hash: text,
    findings_summary: integerRecord,
    proposals_count: count,
  }),
  'retrospective.skipped': closed({
    record_path: text,
    skip_reason: text,
    skipped_by: retrospectiveActorRef,
  }),
  'retrospective.failed': closed({
    failure_code: text,
    message: text,
    record_path: optional(anyText),
  }),
  'retrospective.proposal.generated': closed({ proposal_id: text, kind: text, record_path: text }),
  'retrospective.proposal.applied': closed({
    proposal_id: text,
    kind: text,
    target_urn: text,
    provenance_ref: text,
    applied_by: retrospectiveActorRef,
  }),
  'retrospective.proposal.rejected': closed({
    proposal_id: text,
    kind: text,
    reason: oneOf('human_decline', 'conflict', 'stale_evidence', 'invalid_payload'),
    detail: text,
    rejected_by: retrospectiveActorRef,
  }),
}
