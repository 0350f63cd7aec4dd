/** Work packages: made and moved between lanes in the ledger; each move is committed, and told to the team by one event. */
import type { ActorRefFrom } from 'xstate'
import { laneMachine } from './actors/lane.machine.ts'
import type { Commits } from './commits.ts'
import type { Draft, Route, SerializedEvent } from './contracts/event.ts'
import {
  judgeMove,
  wirePayload,
  type LaneMove,
  type PackageFacts,
} from './contracts/ledgers/lane-move.ts'
import { isEdge, type FromLane, type Lane } from './contracts/ledgers/lanes.ts'
import { moveRefused } from './contracts/ledgers/move-refused.ts'
import type { Transition } from './contracts/ledgers/status-record.ts'
import type { Emitter } from './emitter.ts'
import type { Parts } from './parts.ts'
import { InputError, KittiwakeError } from './errors.ts'
import { isoMicroseconds } from './events/stamp.ts'
import type { FocusFollower } from './focus.ts'
import type { Healing } from './healing.ts'
import { readHead } from './project/git/git-files.ts'
import { requireIdentity } from './project/identity.ts'
import { readMission } from './project/missions/missions.ts'
import type { Identity, Mission } from './project/types.ts'
import type { TransitionRecord } from './workers/git/protocol.ts'
import { checkCreation, checkMove, laneNamed, packageId } from './work-package-input.ts'
import type { PackageCreation, PackageMove } from './work-package-input.ts'
import { blankMove, introduction, transitionOf } from './work-package-rows.ts'

export type Moved = {
  readonly event_id: string
  readonly mission_slug: string
  readonly wp_id: string
  readonly from_lane: FromLane
  readonly to_lane: Lane
  /** Also where the wire contract calls the move a forced one. */
  readonly force: boolean
  /** False: the move is durable in the log, but its commit is deferred for `deferred_reason`. */
  readonly committed: boolean
  readonly commit: string | null
  readonly deferred_reason: string | null
  /** How its event left this process; null where the outbox takes it later. */
  readonly route: Route | null
}

/**
 * Each throws ProjectError NO_IDENTITY, CONFIG_UNUSABLE, MISSION_NOT_FOUND, MISSION_AMBIGUOUS, MISSION_UNREADABLE, PATH_REFUSED;
 * SanitizeError; GitError; RuntimeError WORKER_FAILED, RUNTIME_STOPPED; InputError MOVE_INVALID, WP_ID.
 */
export type WorkPackages = {
  /** @throws InputError WP_EXISTS */
  create(creation: PackageCreation): Promise<Moved>
  /** @throws InputError LANE_UNKNOWN, WP_UNKNOWN, TRANSITION_REFUSED; GitError LANE_MOVED */
  move(move: PackageMove): Promise<Moved>
}

const TRIES_MAX = 16
const CLI_ACTOR = 'cli'

type Place = { readonly mission: Mission; readonly identity: Identity }

export function createWorkPackages(
  parts: Parts & {
    readonly commits: Commits
    readonly emitter: Pick<Emitter, 'prepare' | 'record'>
    readonly focus: FocusFollower
    readonly heal: Healing['heal']
    readonly onRecorded: () => void
  },
): WorkPackages {
  const { system, repository, sanitizer, emitter, commits } = parts
  const lanes = createLanes(parts)

  const create: WorkPackages['create'] = async (input) => {
    const clean = checkCreation(sanitizer.sanitize(checkCreation(input)).value)
    const wp_id = packageId(clean.wp_id)
    const place = await open(clean.mission)
    const actor = clean.actor ?? CLI_ACTOR
    const wanted = blankMove(wp_id, 'planned', actor, place.mission)
    return record(place, wanted, (facts) => {
      if (facts.hasHistory) throw exists(wp_id)
      const payload = {
        wp_id,
        wp_title: clean.title ?? wp_id,
        mission_slug: place.mission.directory,
        actor,
        depends_on: (clean.depends_on ?? []).map(packageId),
      }
      return { event_type: 'WPCreated', aggregate_id: wp_id, payload }
    })
  }

  const move: WorkPackages['move'] = async (input) => {
    const clean = checkMove(sanitizer.sanitize(checkMove(input)).value)
    const wp_id = packageId(clean.wp_id)
    const to = laneNamed(clean.to)
    const place = await open(clean.mission)
    const wanted: LaneMove = {
      ...blankMove(wp_id, to, clean.actor ?? CLI_ACTOR, place.mission),
      force: clean.force ?? false,
      reason: clean.reason ?? null,
      review_ref: clean.review_ref ?? null,
      evidence: (clean.evidence as LaneMove['evidence'] | undefined) ?? null,
      review_result: (clean.review_result as LaneMove['review_result'] | undefined) ?? null,
      ...(clean.execution_mode === undefined ? {} : { execution_mode: clean.execution_mode }),
    }
    return record(place, wanted, (facts) => {
      if (!facts.hasHistory) throw unknown(wp_id)
      return null
    })
  }

  /** Judge, stamp, append; again where somebody else moved the package in between. `introduce` may refuse. */
  async function record(
    place: Place,
    wanted: LaneMove,
    introduce: (facts: PackageFacts) => Draft | null,
  ): Promise<Moved> {
    const mission = place.mission.directory
    // In this order, which is that of the queue after a crash: first that there is a package, then that it moved.
    const ids = { created: parts.newId(), moved: parts.newId() }
    for (let tries = 1; ; tries += 1) {
      const looked = { type: 'git.look' as const, mission, wp_id: wanted.wp_id }
      const { facts } = await system.git.ask(looked, 'git.looked')
      const created = introduce(facts)
      const judgement = judgeMove(wanted, facts)
      if (!judgement.ok) throw moveRefused(wanted.wp_id, judgement)
      const made = await stamped(place, judgement.move, facts.lane, ids, created)
      try {
        await system.git.ask({ type: 'git.move', mission, record: made }, 'git.appended')
      } catch (error) {
        if (tries < TRIES_MAX && hasMoved(error)) continue
        throw error
      }
      return finish(place, made)
    }
  }

  async function stamped(
    { mission, identity }: Place,
    move: LaneMove,
    from: FromLane,
    ids: { readonly created: string; readonly moved: string },
    created: Draft | null,
  ): Promise<TransitionRecord> {
    const at = isoMicroseconds(parts.clock.now())
    const head = readHead(repository.gitDir, repository.commonDir)
    const payload = wirePayload(move, from, mission.directory, {
      repo: identity.repo_slug ?? 'local',
      branch: head.branch ?? 'local',
      commit: head.oid ?? 'unknown',
    })
    const events: { event_id: string; event: SerializedEvent }[] = []
    const prepare = async (draft: Draft, id: string): Promise<void> => {
      events.push({ event_id: id, event: await emitter.prepare(draft, id, at) })
    }
    if (created !== null) await prepare(created, ids.created)
    await prepare({ event_type: 'WPStatusChanged', aggregate_id: move.wp_id, payload }, ids.moved)
    return {
      move,
      transition: transitionOf(move, from, mission, ids.moved, at),
      created: created === null ? null : introduction(created, ids.created, at, identity),
      events,
    }
  }

  async function finish({ mission, identity }: Place, made: TransitionRecord): Promise<Moved> {
    const { transition, events } = made
    lanes.follow(transition)
    noteFocus(identity, mission, transition)
    let route: Route | null = null
    try {
      for (const { event } of events) route = (await emitter.record(event)).route
      const event_ids = events.map((one) => one.event_id)
      await system.git.ask({ type: 'git.forget', event_ids }, 'git.forgotten')
    } catch (error) {
      if (!(error instanceof KittiwakeError)) throw error
      // It is in the ledger; what it is noted as brings it into the outbox later.
      const message = `the move is recorded, but its event waits to be queued: ${error.message}`
      parts.listeners.tell('warning', { code: error.code, message })
    }
    const settled = await commits.commit(mission.directory, 'status')
    parts.onRecorded()
    return {
      event_id: transition.event_id,
      mission_slug: mission.directory,
      wp_id: transition.wp_id,
      from_lane: transition.from_lane,
      to_lane: transition.to_lane,
      force: transition.force,
      committed: settled.deferral === null,
      commit: settled.commit,
      deferred_reason: settled.deferral?.reason ?? null,
      route,
    }
  }

  function noteFocus({ uuid }: Identity, { directory }: Mission, transition: Transition): void {
    const { wp_id, from_lane, to_lane } = transition
    const isWorkedOn = to_lane === 'in_progress'
    if (!isWorkedOn && from_lane !== 'in_progress') return
    try {
      parts.focus.follow(uuid, directory, wp_id, isWorkedOn)
    } catch (error) {
      if (!(error instanceof KittiwakeError)) throw error
      // Who works on it is a courtesy: the move stands.
      parts.listeners.tell('warning', { code: error.code, message: error.message })
    }
  }

  async function open(reference: string): Promise<Place> {
    const identity = await requireIdentity(repository)
    const mission = await readMission(repository, reference)
    await parts.heal()
    return { mission, identity }
  }

  return { create, move }
}

/** One lane machine per work package that this runtime moves, so that whoever inspects sees them. */
function createLanes({ system }: Parts) {
  const actorByPackage = new Map<string, ActorRefFrom<typeof laneMachine>>()
  return {
    follow: ({ mission_slug, wp_id, from_lane, to_lane }: Transition): void => {
      const key = `lane.${mission_slug}.${wp_id}`
      const actor = actorByPackage.get(key) ?? system.spawn(laneMachine, key, {})
      actorByPackage.set(key, actor)
      actor.send({ type: `lane.found.${from_lane}` })
      actor.send({ type: `lane.${isEdge(from_lane, to_lane) ? 'moved' : 'forced'}.${to_lane}` })
    },
  }
}

function unknown(wpId: string): InputError {
  return new InputError('WP_UNKNOWN', `the mission has no work package ${wpId}`, {
    hint: `Make it with \`kittiwake wp create ${wpId} --mission M\`; \`kittiwake wp list\` shows those that are there.`,
  })
}

function exists(wpId: string): InputError {
  return new InputError('WP_EXISTS', `the mission has a work package ${wpId} already`, {
    hint: `Move it with \`kittiwake wp move ${wpId} LANE --mission M\`.`,
  })
}

function hasMoved(error: unknown): boolean {
  return error instanceof KittiwakeError && error.code === 'LANE_MOVED'
}
