/** Where the reducers differ from the reference: each row of the table in docs/reducers.md is tried here. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { JsonObject } from '#dist/contracts/json/json.js'
import { InputError } from '#dist/errors.js'
import { ANOMALY_CODES } from '#dist/contracts/reducers/anomaly-codes.js'
import { reduceEvents } from '#dist/contracts/reducers/reduce-events.js'
import type { ReducerFamily } from '#dist/contracts/reducers/types.js'
import {
  acceptedOf,
  artifactOf,
  auditOf,
  connectorOf,
  CREATED,
  deliveryOf,
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

const TABLE = join(import.meta.dirname, '../../../docs/reducers.md')

type Row = {
  readonly family: ReducerFamily
  readonly events: readonly JsonObject[]
  /** What the reference comes to, or the class of what it throws. */
  readonly theirs: JsonObject | string
  /** What we come to: of the first aggregate's state, or of the whole. */
  readonly state?: JsonObject
  readonly whole?: object
  /** The codes of our anomalies; none where the row doesn't say. */
  readonly codes?: readonly string[]
}

const reopened = {
  mission_id: 'M1',
  mission_slug: 'nest',
  reason: 'a fault',
  reopened_by: 'gull',
  reopened_at: '2026-06-02T07:00:00Z',
}
const followUp = {
  mission_id: 'M1',
  mission_slug: 'nest',
  follow_up_type: 'commit',
  commit_sha: 'abc',
  recorded_by: 'gull',
  recorded_at: '2026-06-02T07:00:00Z',
}
const completed = { final_phase: 'review' }
const started = missionOf(1, 'MissionStarted', { initial_phase: 'specify' })
const provisioned = connectorOf(1, 'ConnectorProvisioned', {
  credentials_ref: 'vault',
  config_hash: 'h',
})
const health = (number: number, health_status: string) =>
  connectorOf(number, 'ConnectorHealthChecked', { health_status, latency_ms: 1 })
const requested = (number: number, trigger_mode: string) =>
  auditOf(number, 'MissionAuditRequested', {
    trigger_mode,
    audit_scope: ['src'],
    enforcement_mode: 'blocking',
  })
const snapshotOf = (number: number) =>
  dossierOf(number, 'SnapshotComputed', {
    snapshot_hash: 's',
    artifact_count: 1,
    anomaly_count: 0,
    computed_at: 't',
  })
const indexedOf = (number: number, path: string, target = 'main') =>
  dossierOf(
    number,
    'ArtifactIndexed',
    {
      artifact_id: artifactOf(path),
      content_ref: { hash: 'h', algorithm: 'sha256' },
      indexed_at: 't',
    },
    target,
  )
const runStarted = runOf(1, 'MissionRunStarted', { mission_type: 'software-dev' })
const blocked = termOf(1, 'GenerationBlockedBySemanticConflict', {
  step_id: 's',
  conflict_event_ids: [idOf(9)],
  blocking_strictness: 'medium',
})
const checked = termOf(2, 'SemanticCheckEvaluated', {
  scope_id: 'birds',
  step_id: 's',
  conflicts: [],
  severity: 'low',
  confidence: 1,
  recommended_action: 'pass',
  effective_strictness: 'max',
})
const scope = termOf(1, 'GlossaryScopeActivated', {
  scope_id: 'birds',
  scope_type: 'team_domain',
  glossary_version_id: 'v1',
})

const ROWS: Readonly<Record<string, Row>> = {
  order: {
    family: 'sync',
    events: [
      { ...acceptedOf(1, 'd1'), node_id: 'node-b', timestamp: '2026-06-01T07:00:00+00:00' },
      {
        ...acceptedOf(2, 'd2'),
        node_id: 'node-a',
        lamport_clock: 1,
        timestamp: '2026-06-01T08:00:00+05:00',
      },
    ],
    theirs: {
      outcome_log: [
        [idOf(1), 'accepted', 'd1'],
        [idOf(2), 'accepted', 'd2'],
      ],
    },
    state: {
      outcome_log: [
        [idOf(2), 'accepted', 'd2'],
        [idOf(1), 'accepted', 'd1'],
      ],
    },
  },
  'one-id-two-events': {
    family: 'sync',
    events: [acceptedOf(1, 'd1'), acceptedOf(1, 'd2')],
    theirs: { anomalies: [] },
    codes: ['event_id_conflict'],
  },
  'malformed-event': {
    family: 'sync',
    events: [acceptedOf(1, 'd1'), { ...acceptedOf(2, 'd2'), lamport_clock: -1 }],
    theirs: { anomalies: [], event_count: 1 },
    codes: ['malformed_event'],
  },
  'malformed-payload-throws': {
    family: 'glossary',
    events: [scope, termOf(2, 'GlossaryStrictnessSet', { new_strictness: 'very' })],
    theirs: 'ValidationError',
    state: { active_scopes: { birds: expect.anything() } },
    codes: ['malformed_payload'],
  },
  'malformed-payload-silent': {
    family: 'dossier',
    events: [snapshotOf(1), dossierOf(2, 'ArtifactIndexed')],
    theirs: { anomalies: [], event_count: 2 },
    codes: ['malformed_payload'],
  },
  count: {
    family: 'sync',
    events: [acceptedOf(1, 'd1'), eventOf(2, 'SomethingElse', {})],
    theirs: { event_count: 2 },
    whole: { event_count: 1, last_processed_event_id: idOf(1) },
  },
  aggregates: {
    family: 'connector',
    events: [
      provisioned,
      { ...provisioned, ...eventIn(2, { ...payloadOf(provisioned), connector_id: 'C2' }) },
    ],
    theirs: { connector_id: 'C1', anomalies: [{ kind: 'invalid_transition' }] },
    whole: {
      aggregates: [
        { key: 'C1', state: { current_state: 'provisioned' } },
        { key: 'C2', state: { current_state: 'provisioned' } },
      ],
    },
  },
  anomalies: {
    family: 'connector',
    events: [connectorOf(1, 'ConnectorRevoked', { revocation_reason: 'r' })],
    theirs: { anomalies: [{ kind: 'invalid_transition', event_id: idOf(1) }] },
    whole: {
      anomalies: [
        { code: 'invalid_transition', event_id: idOf(1), event_type: 'ConnectorRevoked' },
      ],
    },
    codes: ['invalid_transition'],
  },
  strictness: {
    family: 'collaboration',
    events: [personOf(1, 'PresenceHeartbeat', 'p1')],
    theirs: 'UnknownParticipantError',
    codes: ['unknown_participant'],
  },
  'status-genesis': {
    family: 'status',
    events: [moveOf(1, 'genesis', 'planned')],
    theirs: { wp_states: {}, anomalies: [{ wp_id: 'WP01' }] },
    state: { wp_states: { WP01: { current_lane: 'planned' } } },
  },
  'status-missions': {
    family: 'status',
    events: [moveOf(1, null, 'planned'), moveOf(2, null, 'planned', { mission_slug: 'burrow' })],
    theirs: { anomalies: [{ wp_id: 'WP01' }] },
    whole: { aggregates: [{ key: 'burrow' }, { key: 'nest' }] },
  },
  'status-evidence': {
    family: 'status',
    events: [
      moveOf(1, null, 'planned'),
      moveOf(2, 'planned', 'approved', { force: true, reason: 'r', evidence: EVIDENCE }),
    ],
    theirs: { wp_states: { WP01: { evidence: null } } },
    state: { wp_states: { WP01: { evidence: { review: { reviewer: 'gull' } } } } },
  },
  'status-blocked': {
    family: 'status',
    events: [
      moveOf(1, null, 'planned'),
      moveOf(2, 'planned', 'blocked'),
      moveOf(3, 'blocked', 'blocked'),
    ],
    theirs: { anomalies: [], wp_states: { WP01: { last_event_id: idOf(3) } } },
    state: { wp_states: { WP01: { last_event_id: idOf(2) } } },
    codes: ['transition_not_allowed'],
  },
  'status-concurrent': {
    family: 'status',
    events: [
      moveOf(1, null, 'planned'),
      moveOf(2, 'planned', 'claimed'),
      { ...moveOf(3, 'planned', 'canceled'), lamport_clock: 2, node_id: 'node-b' },
    ],
    theirs: { anomalies: [], wp_states: { WP01: { current_lane: 'canceled' } } },
    codes: ['concurrent_transition'],
  },
  'lifecycle-cancel': {
    family: 'lifecycle',
    events: [
      started,
      missionOf(2, 'MissionCompleted', completed),
      missionOf(3, 'MissionCancelled', { reason: 'r' }, { lamport_clock: 2, node_id: 'node-b' }),
    ],
    theirs: { mission_status: 'completed', anomalies: [{ event_id: idOf(3) }] },
    state: { mission_status: 'cancelled' },
    codes: ['concurrent_terminal'],
  },
  'lifecycle-created': {
    family: 'lifecycle',
    events: [eventOf(1, 'MissionCreated', CREATED)],
    theirs: { mission_status: null, mission_type: null },
    state: { mission_status: 'created', mission_slug: 'nest', mission_type: 'software-dev' },
  },
  'lifecycle-follow-up': {
    family: 'lifecycle',
    events: [
      started,
      missionOf(2, 'MissionCompleted', completed),
      eventOf(3, 'MissionReopened', reopened),
      eventOf(4, 'FollowUpRecorded', followUp),
    ],
    theirs: { anomalies: [{ event_type: 'FollowUpRecorded' }] },
    state: { mission_status: 'reopened', follow_ups: [{ event_id: idOf(4), commit_sha: 'abc' }] },
  },
  'collaboration-payloads': {
    family: 'collaboration',
    events: [joinOf(1, 'p1'), personOf(2, 'DriveIntentSet', 'p1', { intent: 'maybe' })],
    theirs: { anomalies: [] },
    codes: ['malformed_payload'],
  },
  'glossary-strictness': {
    family: 'glossary',
    events: [scope, checked],
    theirs: { anomalies: [], current_strictness: 'medium' },
    codes: ['strictness_mismatch'],
  },
  'glossary-blocks': {
    family: 'glossary',
    events: [blocked],
    theirs: { anomalies: [], generation_blocks: [{ blocking_strictness: 'medium' }] },
    codes: ['unknown_check'],
  },
  'run-answers': {
    family: 'mission_next',
    events: [runStarted, runOf(2, 'DecisionInputAnswered', { decision_id: 'd1', answer: 'a' })],
    theirs: { anomalies: [], answered_decisions: { d1: { answer: 'a' } } },
    state: { answered_decisions: {} },
    codes: ['unknown_decision'],
  },
  'run-steps': {
    family: 'mission_next',
    events: [
      runStarted,
      runOf(2, 'NextStepAutoCompleted', { step_id: 's1', agent_id: 'tern', result: 'success' }),
    ],
    theirs: { anomalies: [], completed_steps: ['s1'] },
    state: { completed_steps: [] },
    codes: ['unknown_step'],
  },
  'run-type': {
    family: 'mission_next',
    events: [runStarted, runOf(2, 'MissionRunCompleted', { mission_type: 'research' })],
    theirs: { anomalies: [], run_status: 'completed' },
    state: { run_status: 'completed' },
    codes: ['mission_type_mismatch'],
  },
  'dossier-drift': {
    family: 'dossier',
    events: [
      snapshotOf(1),
      dossierOf(2, 'ParityDriftDetected', {
        expected_hash: 's',
        actual_hash: 'x',
        drift_kind: 'artifact_mutated',
        detected_at: 't',
      }),
      snapshotOf(3),
    ],
    theirs: { parity_status: 'drifted' },
    state: { parity_status: 'clean', drift_history: [{ actual_hash: 'x' }] },
  },
  'dossier-missing': {
    family: 'dossier',
    events: [
      dossierOf(1, 'ArtifactMissing', {
        expected_identity: artifactOf('a.md'),
        manifest_step: 'plan',
        checked_at: 't',
      }),
      indexedOf(2, 'a.md'),
    ],
    theirs: { anomalies: [{ manifest_step: 'plan' }] },
    state: { missing_artifacts: [] },
  },
  'dossier-namespaces': {
    family: 'dossier',
    events: [indexedOf(1, 'a.md'), indexedOf(2, 'a.md', 'next')],
    theirs: 'NamespaceMixedStreamError',
    whole: { aggregates: [{ event_count: 1 }, { event_count: 1 }] },
  },
  'audit-requested': {
    family: 'mission_audit',
    events: [requested(1, 'manual'), requested(2, 'post_merge')],
    theirs: { trigger_mode: 'post_merge', anomalies: [] },
    state: { trigger_mode: 'manual' },
    codes: ['duplicate_start'],
  },
  'decision-origin': {
    family: 'decisionpoint',
    events: [pointOf(1, 'Opened', { actor_type: 'llm' }), interviewOf(2)],
    theirs: { anomalies: [{ kind: 'llm_policy_violation' }, { kind: 'origin_mismatch' }] },
    state: { origin_surface: 'planning_interview' },
    codes: ['llm_policy_violation'],
  },
  'connector-health': {
    family: 'connector',
    events: [provisioned, health(2, 'unreachable')],
    theirs: { current_state: 'healthy' },
    state: { current_state: 'degraded', last_health_status: 'unreachable' },
  },
  'connector-repeated': {
    family: 'connector',
    events: [provisioned, health(2, 'healthy'), health(3, 'healthy')],
    theirs: { anomalies: [{ kind: 'invalid_transition' }] },
    state: { current_state: 'healthy' },
  },
  'connector-previous': {
    family: 'connector',
    events: [
      provisioned,
      connectorOf(2, 'ConnectorRevoked', { revocation_reason: 'r' }),
      connectorOf(3, 'ConnectorReconnected', {
        previous_state: 'degraded',
        reconnect_strategy: 'manual',
      }),
    ],
    theirs: { anomalies: [], current_state: 'reconnected' },
    state: { current_state: 'reconnected' },
    codes: ['previous_state_mismatch'],
  },
  'sync-retries': {
    family: 'sync',
    events: [
      deliveryOf(1, 'SyncRetryScheduled', 'd1', {
        retry_attempt: 4,
        max_retries: 3,
        next_retry_at: '2026-06-01T08:00:00Z',
      }),
    ],
    theirs: { anomalies: [], outcome_counts: { retry_count: 1 } },
    state: { outcome_counts: { retry_count: 1 } },
    codes: ['retry_beyond_max'],
  },
  'collaboration-presence': {
    family: 'collaboration',
    events: [
      joinOf(1, 'p1'),
      personOf(2, 'ParticipantLeft', 'p1'),
      personOf(3, 'PresenceHeartbeat', 'p1'),
    ],
    theirs: 'SpecKittyEventsError',
    state: { presence: {} },
    codes: ['participant_departed'],
  },
}

describe('the table of differences', () => {
  it('has a row for each that is tried here, and no other', () => {
    const rows = rowsOf('## Where the reference differs', /^\| `([a-z-]+)`/gm)
    expect(new Set(rows)).toEqual(new Set(Object.keys(ROWS)))
    expect(rows).toHaveLength(Object.keys(ROWS).length)
  })

  it('stands beside a table of the codes, which has each', () => {
    expect(rowsOf('## Anomalies', /^\| `([a-z_]+_[a-z_]+)`/gm)).toEqual(ANOMALY_CODES)
  })

  it.each(Object.entries(ROWS))('is true of %s', (_, { family, events, theirs, ...ours }) => {
    const found = attempt(() => reduceEvents(family, events, { reference: true }))
    if (typeof theirs === 'string') expect(found).toBe(theirs)
    else expect(found).toMatchObject(theirs)
    const reduced = reduceEvents(family, events)
    expect(reduced.anomalies.map(({ code }) => code)).toEqual(ours.codes ?? [])
    if (ours.state !== undefined) expect(reduced.aggregates[0]?.state).toMatchObject(ours.state)
    if (ours.whole !== undefined) expect(reduced).toMatchObject(ours.whole)
  })
})

/** What the rows of the section begin with. */
function rowsOf(heading: string, row: RegExp): string[] {
  const [, section = ''] = readFileSync(TABLE, 'utf8').split(`${heading}\n`)
  const [own = ''] = section.split('\n## ')
  return [...own.matchAll(row)].map(([, id]) => id ?? '')
}

function payloadOf(event: JsonObject): JsonObject {
  return event['payload'] as JsonObject
}

function eventIn(number: number, payload: JsonObject) {
  return { event_id: idOf(number), lamport_clock: number, payload }
}

function attempt(reduce: () => JsonObject): unknown {
  try {
    return reduce()
  } catch (error) {
    return error instanceof InputError ? error.details['reference'] : error
  }
}
