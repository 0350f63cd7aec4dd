/** What the door of work packages writes: moves that still have to be judged, and rows of the status log. */
import type { Draft } from './contracts/event.ts'
import type { JsonObject } from './contracts/json/json.ts'
import type { LaneMove } from './contracts/ledgers/lane-move.ts'
import type { FromLane, Lane } from './contracts/ledgers/lanes.ts'
import type { Transition } from './contracts/ledgers/status-record.ts'
import { hasCoordination } from './project/missions/mission-meta.ts'
import type { Identity, Mission } from './project/types.ts'

const LIFECYCLE_VERSION = '5.0.0'

/** A move with nothing said of it. */
export function blankMove(
  wp_id: string,
  to: Lane,
  actor: LaneMove['actor'],
  mission: Mission,
): LaneMove {
  return {
    wp_id,
    to,
    actor,
    force: false,
    execution_mode: hasCoordination(mission.topology) ? 'worktree' : 'direct_repo',
    reason: null,
    review_ref: null,
    evidence: null,
    review_result: null,
  }
}

export function transitionOf(
  move: LaneMove,
  from_lane: FromLane,
  mission: Mission,
  event_id: string,
  at: string,
): Transition {
  const { wp_id, to, actor, force, reason, execution_mode, review_ref, review_result } = move
  return {
    actor,
    at,
    event_id,
    evidence: move.evidence,
    execution_mode,
    force,
    from_lane,
    mission_id: mission.mission_id,
    mission_slug: mission.directory,
    policy_metadata: null,
    reason,
    review_ref,
    review_result,
    to_lane: to,
    wp_id,
  }
}

/** The line that introduces a package, in the shape of its stream: `timestamp`, not `at`. */
export function introduction(
  draft: Draft,
  event_id: string,
  timestamp: string,
  identity: Identity,
): JsonObject {
  return {
    event_id,
    event_type: draft.event_type,
    aggregate_id: draft.aggregate_id ?? '',
    aggregate_type: 'WorkPackage',
    schema_version: LIFECYCLE_VERSION,
    timestamp,
    payload: draft.payload ?? {},
    project_uuid: identity.uuid,
    project_slug: identity.slug,
  }
}
