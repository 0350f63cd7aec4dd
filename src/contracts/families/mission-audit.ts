/** An audit of a mission and its verdict; one without a report is told as failed. Source: the event contracts. */
import {
  anyText,
  closed,
  count,
  list,
  oneOf,
  optional,
  positive,
  shared,
  text,
} from '../values/fields.ts'
import { contentHashRef, provenanceRef } from './dossier.ts'

const auditArtifactRef = shared(
  'AuditArtifactRef',
  closed({ report_path: text, content_hash: contentHashRef, provenance: provenanceRef }),
)

const ofRun = {
  mission_id: text,
  run_id: text,
  mission_slug: text,
  mission_number: positive,
  mission_type: text,
  actor: text,
}
const severity = oneOf('info', 'warning', 'error', 'critical')

export const missionAudit = {
  MissionAuditRequested: closed({
    ...ofRun,
    trigger_mode: oneOf('manual', 'post_merge'),
    audit_scope: list(anyText, 1),
    enforcement_mode: oneOf('advisory', 'blocking'),
  }),
  MissionAuditStarted: closed({
    ...ofRun,
    audit_scope_hash: text,
  }),
  MissionAuditDecisionRequested: closed({
    ...ofRun,
    decision_id: text,
    question: anyText,
    context_summary: anyText,
    severity,
  }),
  MissionAuditCompleted: closed({
    ...ofRun,
    verdict: oneOf('pass', 'pass_with_warnings', 'fail', 'blocked_decision_required'),
    severity,
    findings_count: count,
    artifact_ref: auditArtifactRef,
    summary: anyText,
  }),
  MissionAuditFailed: closed({
    ...ofRun,
    error_code: text,
    error_message: anyText,
    partial_artifact_ref: optional(auditArtifactRef),
  }),
}
