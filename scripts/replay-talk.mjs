// The steps of what people and connectors do, decide and look after: of one aggregate, `[type, payload]` in their order.
import { runOf } from './replay-work.mjs'

export const PROJECT = '3f0c1a52-7d54-4a3e-9c1b-2b7e6f8d9a10'
const ENTERED = { state_entered_at: '2026-06-01T07:00:00Z', recorded_at: '2026-06-01T07:00:01Z' }

/** By family; `at` is the number of the aggregate. */
export const TALK_STEPS = {
  collaboration: (at) => {
    const mission_id = `M${at}`
    const of = (participant_id, more = {}) => ({ participant_id, mission_id, ...more })
    const joined = (id, participant_type) =>
      of(id, { participant_identity: { participant_id: id, participant_type } })
    const focus_target = { target_type: 'wp', target_id: 'WP01' }
    return [
      ['ParticipantInvited', { ...joined('p1', 'human'), invited_by: 'p0' }],
      ['ParticipantJoined', joined('p1', 'human')],
      ['ParticipantJoined', joined('p2', 'llm_context')],
      ['PresenceHeartbeat', of('p1')],
      ['DriveIntentSet', of('p1', { intent: 'active' })],
      ['DriveIntentSet', of('p2', { intent: 'active' })],
      ['FocusChanged', of('p1', { focus_target })],
      ['FocusChanged', of('p2', { focus_target })],
      [
        'ConcurrentDriverWarning',
        {
          warning_id: 'w1',
          mission_id,
          participant_ids: ['p1', 'p2'],
          focus_target,
          severity: 'warning',
        },
      ],
      ['WarningAcknowledged', of('p1', { warning_id: 'w1', acknowledgement: 'hold' })],
      [
        'DecisionCaptured',
        of('p1', { decision_id: 'd1', topic: 'who drives', chosen_option: 'p2' }),
      ],
      ['CommentPosted', of('p2', { comment_id: 'c1', content: 'fine' })],
      ['PromptStepExecutionStarted', of('p2', { step_id: 's1' })],
      ['PromptStepExecutionCompleted', of('p2', { step_id: 's1', outcome: 'success' })],
      [
        'SessionLinked',
        of('p1', { primary_session_id: 'x', linked_session_id: 'y', link_type: 'cli_to_saas' }),
      ],
      ['ParticipantLeft', of('p1', { reason: 'done' })],
    ]
  },
  glossary: (at) => {
    const mission_id = `M${at}`
    const scope = { mission_id, scope_id: 'birds', step_id: 's1' }
    const check = {
      severity: 'high',
      confidence: 0.9,
      recommended_action: 'warn',
      effective_strictness: 'max',
    }
    const conflicts = [
      { term: 'tern', nature: 'overloaded', severity: 'high', description: 'bird or turn' },
    ]
    return [
      [
        'GlossaryScopeActivated',
        { mission_id, scope_id: 'birds', scope_type: 'team_domain', glossary_version_id: 'v1' },
      ],
      ['GlossaryStrictnessSet', { mission_id, new_strictness: 'max', actor: 'tern' }],
      ['TermCandidateObserved', { ...scope, term_surface: 'tern', confidence: 0.5, actor: 'tern' }],
      [
        'GlossarySenseUpdated',
        {
          mission_id,
          scope_id: 'birds',
          term_surface: 'tern',
          after_sense: 'a seabird',
          reason: 'asked',
          actor: 'tern',
        },
      ],
      ['SemanticCheckEvaluated', { ...scope, conflicts, ...check }],
      [
        'GlossaryClarificationRequested',
        {
          ...scope,
          semantic_check_event_id: 'step:-1',
          term: 'tern',
          question: 'which?',
          options: ['bird', 'turn'],
          urgency: 'low',
          actor: 'tern',
        },
      ],
      [
        'GlossaryClarificationResolved',
        { mission_id, clarification_event_id: 'step:-1', selected_meaning: 'bird', actor: 'tern' },
      ],
      [
        'GenerationBlockedBySemanticConflict',
        { mission_id, step_id: 's1', conflict_event_ids: ['step:-3'], blocking_strictness: 'max' },
      ],
    ]
  },
  decisionpoint: (at) => (at % 2 === 0 ? interviewOf(at) : adrOf(at)),
  dossier: (at) => {
    const namespace = {
      project_uuid: PROJECT,
      mission_slug: `mission-${at}`,
      target_branch: 'main',
      mission_type: 'software-dev',
      manifest_version: '1',
    }
    const identity = (path) => ({ mission_type: 'software-dev', path, artifact_class: 'input' })
    const indexed = (path, hash, more = {}) => [
      'MissionDossierArtifactIndexed',
      {
        namespace,
        artifact_id: identity(path),
        content_ref: { hash, algorithm: 'sha256' },
        indexed_at: '2026-06-01T07:00:00Z',
        ...more,
      },
    ]
    const snapshot = (snapshot_hash, artifact_count) => [
      'MissionDossierSnapshotComputed',
      {
        namespace,
        snapshot_hash,
        artifact_count,
        anomaly_count: 0,
        computed_at: '2026-06-01T08:00:00Z',
      },
    ]
    return [
      [
        'MissionDossierArtifactMissing',
        {
          namespace,
          expected_identity: identity('plan.md'),
          manifest_step: 'plan',
          checked_at: '2026-06-01T06:00:00Z',
        },
      ],
      indexed('spec.md', 'h1'),
      indexed('plan.md', 'h2'),
      snapshot('s1', 2),
      [
        'MissionDossierParityDriftDetected',
        {
          namespace,
          expected_hash: 's1',
          actual_hash: 's2',
          drift_kind: 'artifact_mutated',
          detected_at: '2026-06-01T09:00:00Z',
        },
      ],
      indexed('spec-2.md', 'h3', { supersedes: identity('spec.md') }),
      snapshot('s2', 3),
    ]
  },
  connector: (at) => {
    const connector = {
      connector_id: `C${at}`,
      connector_type: 'git',
      provider: 'forge',
      mission_id: 'M0',
      project_uuid: PROJECT,
      actor_id: 'probe',
      actor_type: 'service',
      endpoint_url: 'https://forge.example',
      recorded_at: '2026-06-01T09:00:00+02:00',
    }
    const health = (health_status) => [
      'ConnectorHealthChecked',
      { ...connector, health_status, latency_ms: 12.5 },
    ]
    return [
      [
        'ConnectorProvisioned',
        { ...connector, credentials_ref: 'vault', config_hash: 'h', user_id: 'amy' },
      ],
      health('healthy'),
      health('healthy'),
      health('unreachable'),
      ['ConnectorRevoked', { ...connector, revocation_reason: 'rotated' }],
      [
        'ConnectorReconnected',
        { ...connector, previous_state: 'revoked', reconnect_strategy: 'manual' },
      ],
      ['UserConnected', { ...connector, user_id: 'bob' }],
      ['UserDisconnected', { ...connector, user_id: 'amy' }],
      health('healthy'),
    ]
  },
}

function adrOf(at) {
  const point = {
    origin_surface: 'adr',
    decision_point_id: `D${at}`,
    ...runOf(at),
    phase: 'P1',
    actor_id: 'gull',
    actor_type: 'human',
    authority_role: 'mission_owner',
    mission_owner_authority_flag: true,
    mission_owner_authority_path: '/owner',
    rationale: 'cheaper',
    alternatives_considered: ['a'],
    evidence_refs: ['e'],
    ...ENTERED,
  }
  return [
    ['DecisionPointOpened', point],
    ['DecisionPointDiscussing', point],
    ['DecisionPointResolved', point],
    ['DecisionPointOverridden', { ...point, rationale: 'sooner' }],
  ]
}

function interviewOf(at) {
  const point = { origin_surface: 'planning_interview', decision_point_id: `D${at}`, ...runOf(at) }
  const thread_ref = { channel_id: 'C1', thread_ts: '1.2' }
  return [
    [
      'DecisionPointOpened',
      {
        ...point,
        phase: 'P0',
        origin_flow: 'plan',
        question: 'which?',
        options: ['a', 'b'],
        input_key: 'k',
        step_id: 's1',
        actor_id: 'gull',
        actor_type: 'human',
        ...ENTERED,
      },
    ],
    [
      'DecisionPointWidened',
      {
        ...point,
        channel: 'slack',
        teamspace_ref: { teamspace_id: 't' },
        default_channel_ref: { channel_id: 'C1' },
        thread_ref,
        widened_by: 'gull',
        widened_at: '2026-06-01T09:00:00+02:00',
        recorded_at: '2026-06-01T07:00:01Z',
      },
    ],
    [
      'DecisionPointDiscussing',
      {
        ...point,
        snapshot_kind: 'digest',
        contributions: ['a is cheap'],
        actor_id: 'gull',
        actor_type: 'human',
        ...ENTERED,
      },
    ],
    [
      'DecisionPointResolved',
      {
        ...point,
        terminal_outcome: 'resolved',
        final_answer: 'a',
        summary: { text: 'a', source: 'manual' },
        resolved_by: 'gull',
        ...ENTERED,
      },
    ],
  ]
}
