// Invented streams of events, one family each: several aggregates at once, on three nodes, with equal clocks and times of
// three zones. The replays that ship with the package are made of them, and the benchmark's long streams.

const PROJECT = '3f0c1a52-7d54-4a3e-9c1b-2b7e6f8d9a10'
const NODES = ['a1b2c3d4e5f6', 'b7c8d9e0f1a2', 'c3d4e5f6a7b8']
const ZONES = ['+00:00', '+02:00', '-05:30']
const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const START_MS = Date.UTC(2026, 5, 1, 7)

/** The steps of one aggregate: `[type, payload]` in the order in which they happen. */
const STEPS = {
  status: (at) => [1, 2, 3, 4, 5].flatMap((wp) => movesOf(`mission-${at}`, `WP0${wp}`)),
  lifecycle: (at) => [
    ['MissionCreated', { ...createdOf(at), mission_id: `M${at}` }],
    ['MissionStarted', { ...missionOf(at), initial_phase: 'specify' }],
    ...['plan', 'tasks', 'implement'].map((phase_name) => [
      'PhaseEntered',
      { mission_id: `M${at}`, phase_name, actor: 'tern' },
    ]),
    ...movesOf(`mission-${at}`, 'WP01'),
    [
      'ReviewRollback',
      { mission_id: `M${at}`, review_ref: 'r1', target_phase: 'implement', actor: 'tern' },
    ],
    ['MissionCompleted', { ...missionOf(at), final_phase: 'review' }],
    ['MissionReopened', reopenedOf(at)],
    ['FollowUpRecorded', followUpOf(at)],
    ['MissionCompleted', { ...missionOf(at), final_phase: 'review' }],
    [
      'MissionClosed',
      { mission_slug: `mission-${at}`, mission_number: at + 1, mission_type: 'software-dev' },
    ],
  ],
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
  mission_audit: (at) => {
    const audit = { ...runOf(at), mission_number: at + 1, actor: 'tern' }
    const artifact_ref = {
      report_path: 'audit/report.md',
      content_hash: { hash: 'abc', algorithm: 'sha256' },
      provenance: { actor_kind: 'llm' },
    }
    return [
      [
        'MissionAuditRequested',
        { ...audit, trigger_mode: 'manual', audit_scope: ['src'], enforcement_mode: 'blocking' },
      ],
      ['MissionAuditStarted', { ...audit, audit_scope_hash: 'h' }],
      [
        'MissionAuditDecisionRequested',
        {
          ...audit,
          decision_id: 'd1',
          question: 'go on?',
          context_summary: '',
          severity: 'warning',
        },
      ],
      at % 2 === 0
        ? [
            'MissionAuditCompleted',
            {
              ...audit,
              verdict: 'pass',
              severity: 'info',
              findings_count: 0,
              artifact_ref,
              summary: '',
            },
          ]
        : ['MissionAuditFailed', { ...audit, error_code: 'E1', error_message: 'stopped' }],
    ]
  },
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
  mission_next: (at) => {
    const actor = { actor_id: 'tern', actor_type: 'llm' }
    const run = { run_id: `R${at}`, actor }
    const step = (step_id) => ({ ...run, step_id, agent_id: 'tern' })
    return [
      ['MissionRunStarted', { ...run, mission_type: 'software-dev' }],
      ['NextStepPlanned', { run_id: `R${at}` }],
      ['NextStepIssued', step('s1')],
      [
        'DecisionInputRequested',
        { ...run, decision_id: 'd1', step_id: 's1', question: 'which?', options: ['a', 'b'] },
      ],
      ['DecisionInputAnswered', { ...run, decision_id: 'd1', answer: 'a' }],
      ['NextStepAutoCompleted', { ...step('s1'), result: 'success' }],
      ['MissionRunCompleted', { ...run, mission_type: 'software-dev' }],
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
  sync: (at) => {
    const told = (delivery_id, more) => ({
      delivery_id,
      source_event_fingerprint: `f-${delivery_id}-${at}`,
      connector_id: `C${at}`,
      mission_id: 'M0',
      recorded_at: '2026-06-01T07:00:00Z',
      ...more,
    })
    return [
      ['SyncIngestAccepted', told('d1', { ingest_batch_id: 'b1', ingested_count: 3 })],
      ['SyncIngestAccepted', told('d1', { ingest_batch_id: 'b1', ingested_count: 3 })],
      ['SyncIngestRejected', told('d2', { rejection_reason: 'shape', rejected_payload_ref: 'r1' })],
      [
        'SyncRetryScheduled',
        told('d3', { retry_attempt: 4, max_retries: 3, next_retry_at: '2026-06-01T08:00:00Z' }),
      ],
      [
        'SyncDeadLettered',
        told('d4', { failure_reason: 'gone', total_attempts: 4, dead_letter_ref: 'x' }),
      ],
      [
        'SyncReplayCompleted',
        told('d5', { replay_id: 'p1', replayed_count: 2, replay_source: 'dead letters' }),
      ],
    ]
  },
  artifact: (at) => {
    const mission = { mission_slug: `mission-${at}`, mission_number: at + 1, actor: 'tern' }
    const completed = (type, artifact_path, more = {}) => [
      type,
      { ...mission, artifact_path, ...more },
    ]
    return [
      ['MissionCreated', createdOf(at)],
      ['SpecifyStarted', mission],
      completed('SpecifyCompleted', 'spec.md'),
      ['PlanStarted', mission],
      completed('PlanCompleted', 'plan.md'),
      ['PlanStarted', mission],
      completed('PlanCompleted', 'plan-2.md', { summary: 'again' }),
      ['TasksStarted', mission],
      completed('TasksCompleted', 'tasks.md', { wp_count: 2 }),
      ['WPCreated', { ...mission, wp_id: 'WP01', wp_title: 'Nest' }],
      ['WPCreated', { ...mission, wp_id: 'WP02', wp_title: 'Fledge', depends_on: ['WP01'] }],
      ...movesOf(`mission-${at}`, 'WP01').slice(0, 2),
      ...movesOf(`mission-${at}`, 'WP09').slice(0, 1),
    ]
  },
  analytics: (at) => {
    const of = { mission_id: `M${at}`, wp_id: 'WP01', source: 'runtime' }
    const tokens = (input_tokens, output_tokens, actor_id) => [
      'TokenUsageRecorded',
      {
        ...of,
        input_tokens,
        output_tokens,
        total_tokens: input_tokens + output_tokens,
        estimated_cost_usd: 0.1,
        actor: { actor_id, actor_type: 'llm' },
      },
    ]
    return [
      tokens(100, 20, 'tern'),
      tokens(7, 3, 'gull'),
      [
        'DiffSummaryRecorded',
        {
          ...of,
          base_ref: 'main',
          head_ref: 'wp',
          files_changed: 2,
          lines_added: 30,
          lines_deleted: 4,
        },
      ],
    ]
  },
}

export const STREAM_FAMILIES = Object.keys(STEPS)

/** At least two whole aggregates, and then as many as it takes to reach `count` events. */
export function streamOf(family, count) {
  const events = []
  for (let aggregate = 0; aggregate < 2 || events.length < count; aggregate += 1) {
    const ids = []
    for (const [step, [type, payload]] of STEPS[family](aggregate).entries()) {
      const id = idOf(family, events.length)
      ids.push(id)
      events.push(eventOf(id, type, resolved(payload, ids), aggregate, step, events.length))
    }
  }
  return events
}

function eventOf(event_id, event_type, payload, aggregate, step, at) {
  return {
    event_id,
    event_type,
    aggregate_id: `kind/${aggregate}`,
    payload,
    timestamp: timeOf(aggregate, step),
    build_id: 'build-1',
    node_id: NODES[at % NODES.length],
    // Aggregates run side by side: of each there is an event at every tick.
    lamport_clock: step + 1,
    causation_id: null,
    project_uuid: PROJECT,
    project_slug: null,
    correlation_id: idOf('correlation', aggregate),
    schema_version: '3.0.0',
    data_tier: 0,
  }
}

/** Names of earlier steps as their ids. */
function resolved(payload, ids) {
  const text = JSON.stringify(payload).replaceAll(
    /step:(-\d+)/g,
    (_, back) => ids.at(Number(back) - 1) ?? '',
  )
  return JSON.parse(text)
}

function timeOf(aggregate, step) {
  const zone = ZONES[(aggregate + step) % ZONES.length]
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4))
  const shift = (zone.startsWith('-') ? -minutes : minutes) * 60_000
  const local = new Date(START_MS + step * 61_000 + aggregate + shift)
  return `${local.toISOString().slice(0, 23)}250${zone}`
}

function idOf(kind, number) {
  const letters = [...kind.toUpperCase()].filter((letter) => CROCKFORD.includes(letter))
  const digits = Array.from(
    { length: 10 },
    (_, at) => CROCKFORD[Math.floor(number / 32 ** (9 - at)) % 32],
  )
  return `01K${letters.join('').padEnd(13, '0').slice(0, 13)}${digits.join('')}`
}

function movesOf(mission_slug, wp_id) {
  const move = (from_lane, to_lane, more = {}) => [
    'WPStatusChanged',
    { mission_slug, wp_id, from_lane, to_lane, actor: 'tern', execution_mode: 'worktree', ...more },
  ]
  const evidence = {
    repos: [{ repo: 'nest', branch: 'main', commit: 'abc123' }],
    review: { reviewer: 'gull', verdict: 'approved' },
  }
  return [
    move(null, 'planned'),
    move('planned', 'claimed'),
    move('claimed', 'in_progress'),
    move('in_progress', 'for_review'),
    move('for_review', 'in_review'),
    move('in_review', 'in_progress', { review_ref: 'r1' }),
    move('in_progress', 'for_review'),
    move('for_review', 'approved', { evidence }),
    move('approved', 'done', { evidence }),
  ]
}

function missionOf(at) {
  return { mission_id: `M${at}`, mission_type: 'software-dev', actor: 'tern' }
}

function createdOf(at) {
  return {
    mission_slug: `mission-${at}`,
    mission_number: at + 1,
    mission_type: 'software-dev',
    target_branch: 'main',
    wp_count: 1,
    friendly_name: `Mission ${at}`,
    purpose_tldr: 'to nest',
    purpose_context: 'spring',
  }
}

function reopenedOf(at) {
  return {
    mission_id: `M${at}`,
    mission_slug: `mission-${at}`,
    reason: 'a fault',
    reopened_by: 'gull',
    reopened_at: '2026-06-02T07:00:00Z',
  }
}

function followUpOf(at) {
  return {
    mission_id: `M${at}`,
    mission_slug: `mission-${at}`,
    follow_up_type: 'commit',
    commit_sha: 'abc123',
    recorded_by: 'gull',
    recorded_at: '2026-06-02T08:00:00Z',
  }
}

function runOf(at) {
  return {
    mission_id: `M${at}`,
    run_id: `R${at}`,
    mission_slug: `mission-${at}`,
    mission_type: 'software-dev',
  }
}

const ENTERED = { state_entered_at: '2026-06-01T07:00:00Z', recorded_at: '2026-06-01T07:00:01Z' }

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
