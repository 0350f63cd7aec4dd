/** Gives a clean draft its identity, time and place. All but the clock: that ticks in the store's transaction. */
import type { Draft, Event, SerializedEvent } from '../contracts/event.ts'
import { SCHEMA_VERSION } from '../contracts/event.ts'
import { normaliseId } from '../contracts/values/event-id.ts'
import { factsOf } from '../contracts/event-types.ts'
import { encodeJson } from '../contracts/json/json.ts'
import type { JsonObject } from '../contracts/json/json.ts'
import type { Identity } from '../project/types.ts'
import { aggregateTypeOf } from './route.ts'

/** Characters of an aggregate that the payload names. */
const AGGREGATE_MAX = 512

/** What is known where and when the event happens. */
export type Surroundings = {
  readonly identity: Identity | null
  /** The node whose clock ticks: this machine and state directory. */
  readonly nodeId: string
  readonly teamSlug: string
  readonly gitBranch: string | null
  readonly headCommitSha: string | null
  readonly repoSlug: string | null
  /** The ULID of the draft's mission, where it names one. */
  readonly missionId: string | null
}

/** The envelope with the clock still at zero; `SerializedEvent` says what the store does with it. */
export function stamp(draft: Draft, eventId: string, at: string, around: Surroundings): Event {
  // In the order of the keys, as it is written.
  return {
    aggregate_id: aggregateOf(draft, around.missionId),
    aggregate_type: draft.aggregate_type ?? aggregateTypeOf(draft.event_type),
    build_id: around.identity?.build_id ?? '',
    causation_id: spelled(draft.causation_id),
    correlation_id: spelled(draft.correlation_id ?? draft.causation_id) ?? eventId,
    event_id: eventId,
    event_type: draft.event_type,
    git_branch: around.gitBranch,
    head_commit_sha: around.headCommitSha,
    lamport_clock: 0,
    node_id: around.nodeId,
    payload: draft.payload ?? {},
    project_slug: around.identity?.slug ?? null,
    project_uuid: around.identity?.uuid ?? null,
    repo_slug: around.repoSlug,
    schema_version: SCHEMA_VERSION,
    team_slug: around.teamSlug,
    timestamp: draft.timestamp ?? at,
  }
}

/** The one serialization of an event's life: the same bytes serve the outbox and the wire. */
export function serializeEvent(event: Event): SerializedEvent {
  return encodeJson(event) as SerializedEvent
}

/** `YYYY-MM-DDTHH:MM:SS.ffffff+00:00`: always six digits, so that text order is time order. */
export function isoMicroseconds(nowMs: number): string {
  return `${new Date(nowMs).toISOString().slice(0, -1)}000+00:00`
}

/** In the spelling that counts; another writer may have given us the id. */
function spelled(id: string | null | undefined): string | null {
  return typeof id === 'string' ? (normaliseId(id) ?? id) : null
}

/** What a payload names its aggregate by: of types that the contracts don't know, the kind is not known either. */
const MISSION_KEYS = ['mission_id', 'mission_slug', 'run_id']
const ANY_KEYS = ['wp_id', 'mission_id', 'mission_slug', 'build_id']
const KEYS_BY_KIND: ReadonlyMap<string, readonly string[]> = new Map([
  ['Mission', MISSION_KEYS],
  ['WorkPackage', ['wp_id', ...MISSION_KEYS]],
  ['Build', ['build_id']],
  ['Project', ['project_uuid']],
])

function aggregateOf(draft: Draft, missionId: string | null): string {
  const { event_type, payload = {}, aggregate_id, mission } = draft
  const kind = factsOf(event_type)?.aggregate
  const keys = KEYS_BY_KIND.get(draft.aggregate_type ?? kind ?? '') ?? ANY_KEYS
  return (
    aggregate_id ??
    missionId ??
    mission ??
    nameIn(payload, keys) ??
    aggregateTypeOf(event_type).toLowerCase()
  )
}

function nameIn(payload: JsonObject, keys: readonly string[]): string | null {
  const named = keys.map((key) => payload[key])
  const isName = (value: unknown): value is string =>
    typeof value === 'string' && value !== '' && value.length <= AGGREGATE_MAX
  return named.find(isName) ?? null
}
