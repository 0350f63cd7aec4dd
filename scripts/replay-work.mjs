// The steps of what missions, runs and deliveries go through: of one aggregate, `[type, payload]` in their order.

/** By family; `at` is the number of the aggregate. */
export const WORK_STEPS = {
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

export function runOf(at) {
  return {
    mission_id: `M${at}`,
    run_id: `R${at}`,
    mission_slug: `mission-${at}`,
    mission_type: 'software-dev',
  }
}
