/** Events for reducers, short to write: what a test doesn't say is as on every other event. */
import type { JsonObject } from '#dist/contracts/json/json.js'

const ID_DIGITS = 26
const MISSION = { mission_id: 'M1', mission_type: 'software-dev', actor: 'tern' }
const MOVE = { mission_slug: 'nest', wp_id: 'WP01', actor: 'tern', execution_mode: 'worktree' }
const ACTOR = { actor_id: 'tern', actor_type: 'llm' }

export const EVIDENCE = {
  repos: [{ repo: 'nest', branch: 'main', commit: 'abc123' }],
  review: { reviewer: 'gull', verdict: 'approved' },
}

/** A ULID that ends in this number. */
/** What `MissionCreated` needs. */
export const CREATED = {
  mission_slug: 'nest',
  mission_number: 1,
  mission_type: 'software-dev',
  target_branch: 'main',
  wp_count: 1,
  friendly_name: 'Nest',
  purpose_tldr: 'a',
  purpose_context: 'b',
}

export function idOf(number: number): string {
  return String(number).padStart(ID_DIGITS, '0')
}

/** The number is the event's id and, where the envelope doesn't say otherwise, its tick. */
export function eventOf(
  number: number,
  event_type: string,
  payload: object,
  envelope: object = {},
): JsonObject {
  const seconds = String(number % 60).padStart(2, '0')
  return {
    event_id: idOf(number),
    event_type,
    aggregate_id: 'mission/M1',
    payload: payload as JsonObject,
    timestamp: `2026-06-01T07:00:${seconds}+00:00`,
    build_id: 'build-1',
    node_id: 'node-a',
    lamport_clock: number,
    project_uuid: '3f0c1a52-7d54-4a3e-9c1b-2b7e6f8d9a10',
    correlation_id: idOf(0),
    schema_version: '3.0.0',
    ...(envelope as JsonObject),
  }
}

/** A move of WP01 of the mission `nest`. */
export function moveOf(number: number, from: string | null, to: string, more: object = {}) {
  return eventOf(number, 'WPStatusChanged', { ...MOVE, from_lane: from, to_lane: to, ...more })
}

/** An event of the mission M1's life. */
export function missionOf(number: number, type: string, more: object = {}, envelope: object = {}) {
  return eventOf(number, type, { ...MISSION, ...more }, envelope)
}

/** An event of the run R1. */
export function runOf(number: number, type: string, more: object = {}) {
  return eventOf(number, type, { run_id: 'R1', actor: ACTOR, ...more })
}

/** An event of the connector C1. */
export function connectorOf(number: number, type: string, more: object = {}) {
  return eventOf(number, type, {
    connector_id: 'C1',
    connector_type: 'git',
    provider: 'forge',
    mission_id: 'M1',
    project_uuid: '3f0c1a52-7d54-4a3e-9c1b-2b7e6f8d9a10',
    actor_id: 'probe',
    actor_type: 'service',
    endpoint_url: 'https://forge.example/',
    recorded_at: '2026-06-01T07:00:00Z',
    ...more,
  })
}

/** An event of the audit of the run R1. */
export function auditOf(number: number, type: string, more: object = {}) {
  const audit = { mission_id: 'M1', run_id: 'R1', mission_slug: 'nest', mission_number: 1 }
  return eventOf(number, type, { ...audit, mission_type: 'software-dev', actor: 'tern', ...more })
}

/** An event of the dossier of the mission `nest`. */
export function dossierOf(number: number, type: string, more: object = {}, target = 'main') {
  const namespace = {
    project_uuid: 'p',
    mission_slug: 'nest',
    target_branch: target,
    mission_type: 'software-dev',
    manifest_version: '1',
  }
  return eventOf(number, `MissionDossier${type}`, { namespace, ...more })
}

export function artifactOf(path: string) {
  return { mission_type: 'software-dev', path, artifact_class: 'input' }
}

/** An event of the glossary of the mission M1. */
export function termOf(number: number, type: string, more: object = {}) {
  return eventOf(number, type, { mission_id: 'M1', actor: 'tern', ...more })
}

/** An event of who works on the mission M1. */
export function personOf(number: number, type: string, id: string, more: object = {}) {
  return eventOf(number, type, { mission_id: 'M1', participant_id: id, ...more })
}

export function joinOf(number: number, id: string) {
  const participant_identity = { participant_id: id, participant_type: 'human' }
  return personOf(number, 'ParticipantJoined', id, { participant_identity })
}

/** An event of the decision point D1, an ADR. */
export function pointOf(number: number, type: string, more: object = {}) {
  return eventOf(number, `DecisionPoint${type}`, {
    origin_surface: 'adr',
    decision_point_id: 'D1',
    mission_id: 'M1',
    run_id: 'R1',
    mission_slug: 'nest',
    mission_type: 'software-dev',
    phase: 'P1',
    actor_id: 'gull',
    actor_type: 'human',
    authority_role: 'mission_owner',
    mission_owner_authority_flag: true,
    mission_owner_authority_path: '/owner',
    rationale: 'cheaper',
    alternatives_considered: ['a'],
    evidence_refs: ['e'],
    state_entered_at: '2026-06-01T07:00:00Z',
    recorded_at: '2026-06-01T07:00:01Z',
    ...more,
  })
}

/** The decision point D1 opened in an interview. */
export function interviewOf(number: number) {
  return eventOf(number, 'DecisionPointOpened', {
    origin_surface: 'planning_interview',
    decision_point_id: 'D1',
    mission_id: 'M1',
    run_id: 'R1',
    mission_slug: 'nest',
    mission_type: 'software-dev',
    phase: 'P0',
    origin_flow: 'plan',
    question: 'which?',
    options: ['a'],
    input_key: 'k',
    step_id: 's',
    actor_id: 'gull',
    actor_type: 'human',
    state_entered_at: '2026-06-01T07:00:00Z',
    recorded_at: '2026-06-01T07:00:01Z',
  })
}

/** A delivery through the connector C1. */
export function deliveryOf(number: number, type: string, id: string, more: object = {}) {
  return eventOf(number, type, {
    delivery_id: id,
    source_event_fingerprint: `f-${id}`,
    connector_id: 'C1',
    mission_id: 'M1',
    recorded_at: '2026-06-01T07:00:00Z',
    ...more,
  })
}

export function acceptedOf(number: number, id: string, more: object = {}) {
  const batch = { ingest_batch_id: 'b', ingested_count: 1 }
  return deliveryOf(number, 'SyncIngestAccepted', id, { ...batch, ...more })
}
