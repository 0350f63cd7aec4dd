/**
 * The documents of a mission as they are found: indexed, missing, drifted. Times are text that is not parsed, and may be empty.
 * Of a namespace its first five fields are its identity; the step is context. Source: the event contracts.
 */
import {
  anyText,
  closed,
  count,
  list,
  oneOf,
  optional,
  shared,
  text,
  textRecord,
} from '../values/fields.ts'

const algorithm = oneOf('sha256', 'sha512', 'md5')

export const localNamespaceTuple = shared(
  'LocalNamespaceTuple',
  closed({
    project_uuid: text,
    mission_slug: text,
    target_branch: text,
    mission_type: text,
    manifest_version: text,
    step_id: optional(anyText),
  }),
)

const artifactIdentity = shared(
  'ArtifactIdentity',
  closed({
    mission_type: text,
    path: text,
    artifact_class: oneOf('input', 'workflow', 'output', 'evidence', 'policy', 'runtime'),
    run_id: optional(anyText),
    wp_id: optional(anyText),
  }),
)

export const contentHashRef = shared(
  'ContentHashRef',
  closed({
    hash: text,
    algorithm,
    size_bytes: optional(count),
    encoding: optional(anyText),
  }),
)

export const provenanceRef = shared(
  'ProvenanceRef',
  closed({
    source_event_ids: optional(list(anyText)),
    git_sha: optional(anyText),
    git_ref: optional(anyText),
    actor_id: optional(anyText),
    actor_kind: optional(oneOf('human', 'llm', 'system')),
    revised_at: optional(anyText),
  }),
)

export const dossier = {
  MissionDossierArtifactIndexed: closed({
    namespace: localNamespaceTuple,
    artifact_id: artifactIdentity,
    content_ref: contentHashRef,
    indexed_at: anyText,
    provenance: optional(provenanceRef),
    step_id: optional(anyText),
    supersedes: optional(artifactIdentity),
    context_diagnostics: optional(textRecord),
  }),
  MissionDossierArtifactMissing: closed({
    namespace: localNamespaceTuple,
    expected_identity: artifactIdentity,
    manifest_step: text,
    checked_at: anyText,
    last_known_ref: optional(provenanceRef),
    remediation_hint: optional(anyText),
    context_diagnostics: optional(textRecord),
  }),
  MissionDossierSnapshotComputed: closed({
    namespace: localNamespaceTuple,
    snapshot_hash: text,
    artifact_count: count,
    anomaly_count: count,
    computed_at: anyText,
    algorithm: optional(algorithm),
    context_diagnostics: optional(textRecord),
  }),
  MissionDossierParityDriftDetected: closed({
    namespace: localNamespaceTuple,
    expected_hash: text,
    actual_hash: text,
    drift_kind: oneOf(
      'artifact_added',
      'artifact_removed',
      'artifact_mutated',
      'anomaly_introduced',
      'anomaly_resolved',
      'manifest_version_changed',
    ),
    detected_at: anyText,
    artifact_ids_changed: optional(list(artifactIdentity)),
    rebuild_hint: optional(anyText),
    context_diagnostics: optional(textRecord),
  }),
}
