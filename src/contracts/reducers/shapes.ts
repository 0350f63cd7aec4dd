/**
 * Values of payloads as they stand in a state: the fields that the contract names, what is absent spelled out, and nothing
 * else. Each takes what its model has accepted.
 */
import { isJsonObject } from '../json/json.ts'
import type { Json } from '../json/json.ts'
import { writtenTime } from './values.ts'

/** A value, or undefined where the field is absent, as it is projected. */
export type Shape = (value: Json | undefined) => Json

/** As it is; null where it is absent. */
export const plain: Shape = (value) => value ?? null

export const time: Shape = (value) =>
  typeof value === 'string' ? writtenTime(value) : (value ?? null)

export function or(absent: Json): Shape {
  return (value) => value ?? absent
}

export function listOf(shape: Shape): Shape {
  return (value) => (Array.isArray(value) ? (value as readonly Json[]).map(shape) : [])
}

/** An object of these fields, or null where there is none. */
export function shape(fields: Readonly<Record<string, Shape>>): Shape {
  const entries = Object.entries(fields)
  return (value) => {
    if (!isJsonObject(value)) return null
    const made: Record<string, Json> = {}
    for (const [key, project] of entries) made[key] = project(value[key])
    return made
  }
}

/** The same fields, all as they are. */
function fields(...names: readonly string[]): Readonly<Record<string, Shape>> {
  return Object.fromEntries(names.map((name) => [name, plain]))
}

const repository = shape(fields('repo', 'branch', 'commit', 'files_touched'))
const verification = shape(fields('command', 'result', 'summary'))

export const evidence = shape({
  repos: listOf(repository),
  verification: listOf(verification),
  review: shape(fields('reviewer', 'verdict', 'reference')),
})

export const participant = shape({
  ...fields('participant_id', 'participant_type', 'display_name', 'session_id'),
  external_refs: shape(fields('slack_user_id', 'slack_team_id', 'teamspace_member_id')),
})

export const focusTarget = shape(fields('target_type', 'target_id'))

export const runtimeActor = shape({
  ...fields('actor_id', 'actor_type'),
  display_name: or(''),
  ...fields('provider', 'model', 'tool'),
})

export const decisionRequested = shape({
  ...fields('run_id', 'decision_id', 'step_id', 'question'),
  options: or([]),
  input_key: plain,
  actor: runtimeActor,
})

export const decisionAnswered = shape({
  ...fields('run_id', 'decision_id', 'answer'),
  actor: runtimeActor,
})

export const namespace = shape(
  fields(
    'project_uuid',
    'mission_slug',
    'target_branch',
    'mission_type',
    'manifest_version',
    'step_id',
  ),
)
export const artifactIdentity = shape(
  fields('mission_type', 'path', 'artifact_class', 'run_id', 'wp_id'),
)
export const contentHash = shape(fields('hash', 'algorithm', 'size_bytes', 'encoding'))
export const provenance = shape(
  fields('source_event_ids', 'git_sha', 'git_ref', 'actor_id', 'actor_kind', 'revised_at'),
)
export const auditArtifact = shape({
  report_path: plain,
  content_hash: contentHash,
  provenance,
})
export const pendingAuditDecision = shape(
  fields('decision_id', 'question', 'context_summary', 'severity'),
)
export const snapshot = shape({
  ...fields('snapshot_hash', 'artifact_count', 'anomaly_count', 'computed_at'),
  algorithm: or('sha256'),
})
export const drift = shape(fields('expected_hash', 'actual_hash', 'drift_kind', 'detected_at'))

export const widening = shape({
  channel: plain,
  teamspace_ref: shape(fields('teamspace_id', 'name')),
  default_channel_ref: shape(fields('channel_id', 'name')),
  thread_ref: shape(fields('slack_team_id', 'channel_id', 'thread_ts', 'url')),
  invited_participants: listOf(participant),
  widened_by: plain,
  widened_at: time,
})
export const summary = shape({
  ...fields('text', 'source'),
  extracted_at: time,
  candidate_answer: plain,
})
export const closureMessage = shape(fields('channel_id', 'thread_ts', 'message_ts', 'url'))

export const scopeActivated = shape(
  fields('mission_id', 'scope_id', 'scope_type', 'glossary_version_id'),
)
export const strictnessSet = shape(
  fields('mission_id', 'new_strictness', 'previous_strictness', 'actor'),
)
export const termCandidate = shape({
  ...fields('mission_id', 'scope_id', 'step_id', 'term_surface', 'confidence', 'actor'),
  step_metadata: or({}),
})
export const senseUpdated = shape(
  fields(
    'mission_id',
    'scope_id',
    'term_surface',
    'before_sense',
    'after_sense',
    'reason',
    'actor',
  ),
)
export const semanticCheck = shape({
  ...fields('mission_id', 'scope_id', 'step_id'),
  conflicts: listOf(shape(fields('term', 'nature', 'severity', 'description'))),
  ...fields('severity', 'confidence', 'recommended_action', 'effective_strictness'),
  step_metadata: or({}),
})
export const generationBlock = shape({
  ...fields('mission_id', 'step_id', 'conflict_event_ids', 'blocking_strictness'),
  step_metadata: or({}),
})
