/** Rules of the reference that its own outputs don't show; each from the description of its behaviour. */
import { describe, expect, it } from 'vitest'
import type { JsonObject } from '#dist/contracts/json/json.js'
import { reduceEvents } from '#dist/contracts/reducers/reduce-events.js'
import type { ReduceOptions, ReducerFamily } from '#dist/contracts/reducers/types.js'
import {
  artifactOf,
  auditOf,
  connectorOf,
  dossierOf,
  eventOf,
  EVIDENCE,
  idOf,
  interviewOf,
  joinOf,
  missionOf,
  moveOf,
  personOf,
  pointOf,
  runOf,
  termOf,
} from '../../support/reducer-events.ts'

const theirs = (
  family: ReducerFamily,
  events: readonly JsonObject[],
  options: ReduceOptions = { mode: 'permissive' },
): JsonObject => reduceEvents(family, events, { ...options, reference: true })
const ids = (state: JsonObject, field = 'anomalies'): readonly string[] =>
  (state[field] as readonly { event_id: string }[]).map(({ event_id }) => event_id.slice(-1))
const kinds = (state: JsonObject): readonly string[] =>
  (state['anomalies'] as readonly { kind: string }[]).map(({ kind }) => kind)

describe('status', () => {
  const planned = moveOf(1, null, 'planned')

  it('tells of malformed payloads first, with the lanes that can be read', () => {
    const events = [
      planned,
      moveOf(2, 'claimed', 'in_progress'),
      moveOf(3, 'doing', 'somewhere', { wp_id: 7 }),
      moveOf(4, 'planned', 'done'),
    ]
    expect(theirs('status', events)).toMatchObject({
      anomalies: [
        { event_id: idOf(3), wp_id: '<unknown>', from_lane: 'in_progress', to_lane: null },
        { event_id: idOf(4), wp_id: 'WP01', from_lane: 'planned', to_lane: 'done' },
        { event_id: idOf(2), wp_id: 'WP01', from_lane: 'claimed', to_lane: 'in_progress' },
      ],
      event_count: 4,
      last_processed_event_id: idOf(4),
    })
  })

  it('ignores a second bootstrap, lets force pass a wrong lane, and asks the rules all the same', () => {
    const forced = { force: true, reason: 'r' }
    const events = [
      planned,
      moveOf(2, null, 'planned', forced),
      moveOf(3, 'approved', 'canceled', forced),
      moveOf(4, 'for_review', 'in_progress', forced),
    ]
    const state = theirs('status', events)
    expect(ids(state)).toEqual(['2', '4'])
    expect(state).toMatchObject({ wp_states: { WP01: { current_lane: 'canceled' } } })
  })

  it('judges the events of one tick by the state before all of them', () => {
    const events = [
      planned,
      moveOf(2, 'planned', 'claimed'),
      { ...moveOf(3, 'claimed', 'in_progress'), lamport_clock: 2 },
    ]
    const state = theirs('status', events)
    expect(ids(state)).toEqual(['3'])
    expect(state).toMatchObject({ wp_states: { WP01: { current_lane: 'claimed' } } })
  })

  it('orders a tick by the text of the times', () => {
    const [early, late] = ['2026-06-01T09:00:00+09:00', '2026-06-01T08:00:00Z']
    const events = [
      planned,
      { ...moveOf(2, 'planned', 'claimed'), timestamp: early },
      { ...moveOf(3, 'planned', 'blocked'), lamport_clock: 2, timestamp: late },
    ]
    expect(theirs('status', events)).toMatchObject({
      wp_states: { WP01: { current_lane: 'claimed', last_transition_at: early } },
    })
  })

  it('keeps evidence of done only, spelled out', () => {
    const done = moveOf(2, 'planned', 'done', { force: true, reason: 'r', evidence: EVIDENCE })
    expect(theirs('status', [planned, done])).toMatchObject({
      wp_states: {
        WP01: {
          evidence: {
            repos: [{ repo: 'nest', branch: 'main', commit: 'abc123', files_touched: null }],
            verification: [],
            review: { reviewer: 'gull', verdict: 'approved', reference: null },
          },
        },
      },
    })
  })

  it('comes to nothing of nothing', () => {
    expect(theirs('status', [])).toEqual({
      wp_states: {},
      anomalies: [],
      event_count: 0,
      last_processed_event_id: null,
    })
  })
})

describe('lifecycle', () => {
  const started = missionOf(1, 'MissionStarted', { initial_phase: 'specify' })
  const reopen = { mission_id: 'M1', mission_slug: 'nest', reason: 'r', reopened_by: 'g' }

  it('tells of moves behind what it tells of the mission, with their package', () => {
    const events = [moveOf(1, 'planned', 'claimed'), missionOf(2, 'PhaseEntered')]
    expect(theirs('lifecycle', events)).toMatchObject({
      anomalies: [
        { event_id: idOf(2), event_type: 'PhaseEntered' },
        { event_id: idOf(1), reason: expect.stringMatching(/^WP WP01: from_lane mismatch/) },
      ],
    })
  })

  it('stays reopened through phases, until it ends again', () => {
    const events = [
      started,
      missionOf(2, 'MissionReopened', { ...reopen }),
      missionOf(3, 'MissionCompleted', { final_phase: 'review' }),
      eventOf(4, 'MissionReopened', { ...reopen, reopened_at: 't' }),
      missionOf(5, 'PhaseEntered', { phase_name: 'implement' }),
    ]
    expect(theirs('lifecycle', events)).toMatchObject({
      mission_status: 'reopened',
      current_phase: 'implement',
      phases_entered: ['specify', 'implement'],
      anomalies: [{ event_id: idOf(2) }],
    })
  })
})

describe('collaboration', () => {
  it('goes on in permissive mode, and keeps warnings, acknowledgements and presence', () => {
    const warned = { warning_id: 'w1', participant_ids: ['p1', 'p9'], severity: 'info' }
    const target = { target_type: 'wp', target_id: 'WP01' }
    const events = [
      joinOf(1, 'p1'),
      personOf(2, 'WarningAcknowledged', 'p1', { warning_id: 'w1', acknowledgement: 'hold' }),
      personOf(3, 'ConcurrentDriverWarning', 'x', { ...warned, focus_target: target }),
      personOf(4, 'ParticipantLeft', 'p1'),
      personOf(5, 'PresenceHeartbeat', 'p1'),
      personOf(6, 'FocusChanged', 'p1', { focus_target: target }),
      personOf(7, 'ParticipantLeft', 'p1'),
    ]
    const state = theirs('collaboration', events)
    expect(ids(state)).toEqual(['2', '3', '5', '6', '7'])
    expect(state).toMatchObject({
      mission_id: 'M1',
      presence: { p1: '2026-06-01T07:00:05Z' },
      focus_by_participant: {},
      departed_participants: { p1: { participant_type: 'human' } },
      warnings: [
        {
          warning_type: 'ConcurrentDriverWarning',
          event_id: idOf(3),
          participant_ids: ['p1', 'p9'],
          acknowledgements: { p1: 'hold' },
        },
      ],
    })
  })

  it('notes an acknowledgement of a warning that nobody gave', () => {
    const acknowledged = { warning_id: 'w9', acknowledgement: 'defer' }
    const events = [joinOf(1, 'p1'), personOf(2, 'WarningAcknowledged', 'p1', acknowledged)]
    expect(theirs('collaboration', events)).toMatchObject({
      warnings: [
        {
          warning_type: 'UnknownWarning',
          event_id: idOf(2),
          participant_ids: ['p1'],
          acknowledgements: { p1: 'defer' },
        },
      ],
    })
  })

  it('takes part from a roster, and is strict unless told otherwise', () => {
    const roster = { p1: { participant_id: 'p1', participant_type: 'human' } }
    const driving = personOf(1, 'DriveIntentSet', 'p1', { intent: 'active' })
    expect(theirs('collaboration', [driving], { roster })).toMatchObject({
      active_drivers: ['p1'],
      anomalies: [],
    })
    expect(() => theirs('collaboration', [driving], {})).toThrow(
      expect.objectContaining({
        details: expect.objectContaining({ reference: 'UnknownParticipantError' }),
      }),
    )
  })

  it('completes one run of a step, and tells of one that was not begun', () => {
    const step = (number: number, type: string) =>
      personOf(number, `PromptStepExecution${type}`, 'p1', { step_id: 's1' })
    const begun = [joinOf(1, 'p1'), step(2, 'Started'), step(3, 'Started'), step(4, 'Completed')]
    expect(theirs('collaboration', begun)).toMatchObject({ active_executions: { p1: ['s1'] } })
    const state = theirs('collaboration', [joinOf(1, 'p1'), step(2, 'Completed')])
    expect(ids(state)).toEqual(['2'])
  })

  it('tells of invitations and arrivals that say nothing new, in both modes', () => {
    const identity = { participant_id: 'p1', participant_type: 'human' }
    const invited = (number: number) =>
      personOf(number, 'ParticipantInvited', 'p1', { participant_identity: identity })
    const events = [invited(1), invited(2), joinOf(3, 'p1'), joinOf(4, 'p1'), invited(5)]
    expect(ids(theirs('collaboration', events, {}))).toEqual(['2', '4', '5'])
  })
})

describe('glossary', () => {
  const scope = { scope_id: 'birds', step_id: 's' }
  const activated = termOf(1, 'GlossaryScopeActivated', {
    scope_id: 'birds',
    scope_type: 'team_domain',
    glossary_version_id: 'v1',
  })
  const checked = (number: number) =>
    termOf(number, 'SemanticCheckEvaluated', {
      ...scope,
      conflicts: [],
      severity: 'low',
      confidence: 1,
      recommended_action: 'pass',
      effective_strictness: 'medium',
    })
  const asked = (number: number, check: number) =>
    termOf(number, 'GlossaryClarificationRequested', {
      ...scope,
      semantic_check_event_id: idOf(check),
      term: 'tern',
      question: 'which?',
      options: [],
      urgency: 'low',
    })
  const resolved = (number: number, request: number) =>
    termOf(number, 'GlossaryClarificationResolved', {
      clarification_event_id: idOf(request),
      selected_meaning: 'm',
    })

  it('has at most three open questions about a check; an answer makes room', () => {
    const events = [
      activated,
      checked(2),
      ...[3, 4, 5, 6].map((number) => asked(number, 2)),
      resolved(7, 3),
      asked(8, 2),
      resolved(9, 3),
    ]
    const state = theirs('glossary', events)
    expect(ids(state)).toEqual(['6'])
    expect(state['clarifications']).toMatchObject([
      { request_event_id: idOf(3), resolved: true, resolution_event_id: idOf(9) },
      { request_event_id: idOf(4), resolved: false, resolution_event_id: null },
      { request_event_id: idOf(5) },
      { request_event_id: idOf(8) },
    ])
  })

  it('applies what is of a scope that is not active, but no question about an unknown check', () => {
    const updated = { scope_id: 'birds', term_surface: 'tern', after_sense: 'a', reason: 'r' }
    const events = [termOf(1, 'GlossarySenseUpdated', updated), asked(2, 9), resolved(3, 2)]
    const state = theirs('glossary', events)
    expect(ids(state)).toEqual(['1', '1', '2', '2', '3'])
    expect(state).toMatchObject({
      term_senses: { birds: { tern: { before_sense: null, after_sense: 'a' } } },
      clarifications: [],
    })
  })
})

describe('dossier', () => {
  it('comes to nothing of nothing, without anomalies of its stream', () => {
    expect(theirs('dossier', [eventOf(1, 'Other', {})])).toEqual({
      namespace: null,
      artifacts: {},
      anomalies: [],
      latest_snapshot: null,
      drift_history: [],
      parity_status: 'unknown',
      event_count: 0,
    })
  })

  it('ends an artifact that supersedes itself as one that stands', () => {
    const indexed = dossierOf(1, 'ArtifactIndexed', {
      artifact_id: artifactOf('a.md'),
      content_ref: { hash: 'h', algorithm: 'sha256' },
      indexed_at: 't',
      supersedes: artifactOf('a.md'),
    })
    const again = { ...indexed, event_id: idOf(2), lamport_clock: 2 }
    expect(theirs('dossier', [indexed, again])).toMatchObject({
      artifacts: { 'a.md': { superseded: false } },
    })
  })
})

describe('mission_audit', () => {
  const requested = auditOf(1, 'MissionAuditRequested', {
    trigger_mode: 'manual',
    audit_scope: ['src'],
    enforcement_mode: 'blocking',
  })

  it('fails with what it found so far, and takes nothing more', () => {
    const failed = auditOf(2, 'MissionAuditFailed', { error_code: 'E', error_message: '' })
    const state = theirs('mission_audit', [requested, failed, auditOf(3, 'MissionAuditStarted')])
    expect(kinds(state)).toEqual(['event_after_terminal'])
    expect(state).toMatchObject({
      audit_status: 'failed',
      error_code: 'E',
      partial_artifact_ref: null,
      audit_scope_hash: null,
    })
  })
})

describe('mission_next', () => {
  const started = runOf(1, 'MissionRunStarted', { mission_type: 'software-dev' })

  it('counts what is planned, and tells of what comes too late or is of another run', () => {
    const issued = { step_id: 's1', agent_id: 'tern' }
    const completed = { mission_type: 'software-dev' }
    const events = [
      started,
      runOf(2, 'NextStepPlanned'),
      runOf(3, 'NextStepIssued', { ...issued, run_id: 'R2' }),
      runOf(4, 'NextStepIssued', issued),
      runOf(5, 'MissionRunCompleted', completed),
      runOf(6, 'MissionRunCompleted', completed),
      runOf(7, 'NextStepIssued', issued),
    ]
    const state = theirs('mission_next', events)
    expect(ids(state)).toEqual(['3', '6', '7'])
    expect(state).toMatchObject({ current_step_id: 's1', run_status: 'completed', event_count: 7 })
  })

  it('asks once at a time; the last answer counts', () => {
    const asked = { decision_id: 'd1', step_id: 's1', question: 'which?' }
    const events = [
      started,
      runOf(2, 'DecisionInputRequested', asked),
      runOf(3, 'DecisionInputRequested', asked),
      runOf(4, 'DecisionInputAnswered', { decision_id: 'd1', answer: 'a' }),
      runOf(5, 'DecisionInputRequested', asked),
      runOf(6, 'DecisionInputAnswered', { decision_id: 'd1', answer: 'b' }),
    ]
    const state = theirs('mission_next', events)
    expect(ids(state)).toEqual(['3'])
    expect(state).toMatchObject({
      pending_decisions: {},
      answered_decisions: { d1: { answer: 'b' } },
    })
  })
})

describe('decisionpoint', () => {
  const widened = (number: number) =>
    eventOf(number, 'DecisionPointWidened', {
      origin_surface: 'planning_interview',
      decision_point_id: 'D1',
      mission_id: 'M1',
      run_id: 'R1',
      mission_slug: 'nest',
      mission_type: 'software-dev',
      channel: 'slack',
      teamspace_ref: { teamspace_id: 't' },
      default_channel_ref: { channel_id: 'c' },
      thread_ref: { channel_id: 'c', thread_ts: '1' },
      widened_by: 'gull',
      widened_at: '2026-06-01T09:00:00+02:00',
      recorded_at: '2026-06-01T07:00:00Z',
    })

  it('is widened once, and ends with a summary or with an anomaly', () => {
    const resolved = eventOf(4, 'DecisionPointResolved', {
      origin_surface: 'planning_interview',
      decision_point_id: 'D1',
      mission_id: 'M1',
      run_id: 'R1',
      mission_slug: 'nest',
      mission_type: 'software-dev',
      terminal_outcome: 'deferred',
      rationale: 'later',
      resolved_by: 'gull',
      closed_locally_while_widened: true,
      state_entered_at: '2026-06-01T07:00:00Z',
      recorded_at: '2026-06-01T07:00:00Z',
    })
    const state = theirs('decisionpoint', [interviewOf(1), widened(2), widened(3), resolved])
    expect(kinds(state)).toEqual(['missing_summary'])
    expect(state).toMatchObject({
      state: 'resolved',
      widening: { widened_at: '2026-06-01T09:00:00+02:00', invited_participants: [] },
      closed_locally_while_widened: true,
      last_rationale: 'later',
      last_actor_id: 'gull',
      event_count: 4,
    })
  })

  it('reads what does not name its origin as an ADR, and takes no word of another', () => {
    const { origin_surface: _, ...payload } = pointOf(1, 'Opened')['payload'] as JsonObject
    const opened = eventOf(1, 'DecisionPointOpened', payload)
    const state = theirs('decisionpoint', [
      opened,
      widened(2),
      pointOf(3, 'Discussing', { phase: '' }),
    ])
    expect(kinds(state)).toEqual(['origin_mismatch', 'malformed_payload'])
    expect(state).toMatchObject({ origin_surface: 'adr', state: 'widened' })
  })
})

describe('connector', () => {
  it('has a roster that events of users and of the binding write', () => {
    const revoked = { revocation_reason: 'r', user_id: 'amy' }
    const bound = { credentials_ref: 'v', config_hash: 'h', user_id: 'amy' }
    const events = [
      connectorOf(1, 'UserConnected', { user_id: 'zoe' }),
      connectorOf(2, 'ConnectorProvisioned', bound),
      connectorOf(3, 'UserDisconnected', { user_id: 'zoe' }),
      connectorOf(4, 'ConnectorRevoked', revoked),
    ]
    expect(theirs('connector', events)).toMatchObject({
      anomalies: [],
      user_connections: [
        { user_id: 'amy', state: 'revoked' },
        { user_id: 'zoe', state: 'revoked' },
      ],
    })
  })
})

describe('sync', () => {
  it('has all five counts as soon as it is asked', () => {
    expect(theirs('sync', [])).toEqual({
      connector_id: null,
      outcome_counts: {
        accepted_count: 0,
        rejected_count: 0,
        retry_count: 0,
        dead_letter_count: 0,
        replay_count: 0,
      },
      outcome_log: [],
      seen_delivery_pairs: [],
      anomalies: [],
      event_count: 0,
    })
  })
})
