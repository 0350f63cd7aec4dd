/**
 * Work packages by their transitions. Events of one package at one tick are concurrent: each is judged against the state
 * before all of them, and the last that is accepted counts, a reviewer's rollback before any other.
 *
 * This is the wire contract; `fold-status.ts` is the local ledger's, where the lines of a file are the order.
 */
import type { Json, JsonObject } from '../json/json.ts'
import type { AnomalyCode } from './anomaly-codes.ts'
import type { FromLane } from '../ledgers/lanes.ts'
import { transitionFaults } from '../wire-transition.ts'
import { resolveLane } from './payloads.ts'
import { evidence } from './shapes.ts'
import type { Family, Input, Run } from './types.ts'
import { entry, objectOf, textOf, writtenTime } from './values.ts'

export const STATUS_TYPE = 'WPStatusChanged'

type WorkPackage = {
  readonly lane: string
  readonly event: Input
  readonly evidence: Json
}

type Move = {
  readonly event: Input
  readonly payload: JsonObject
  readonly from: FromLane | null
  readonly to: FromLane
}

export const status: Family = {
  types: new Set([STATUS_TYPE]),
  keysOf: (events) => events.map(({ payload }) => textOf(payload, 'mission_slug') || null),
  fold: (events, run) => ({ wp_states: foldWorkPackages(events, run) }),
  reference: {
    countsForeign: false,
    anomaly: 'work_package',
    hasLastEvent: true,
    strictByDefault: false,
  },
}

/** The states by package id. */
export function foldWorkPackages(events: readonly Input[], run: Run): JsonObject {
  const packages = new Map<string, WorkPackage>()
  for (const tick of ticksOf(events, run)) {
    for (const group of tick.values()) foldGroup(group, packages, run)
  }
  return objectOf(packages, ({ lane, event, evidence: kept }) => ({
    wp_id: textOf(event.payload, 'wp_id'),
    current_lane: lane,
    last_event_id: event.event_id,
    last_transition_at: writtenTime(event.timestamp),
    evidence: kept,
  }))
}

/** Tick by tick the moves of each package, in the order in which they were first seen. */
function ticksOf(events: readonly Input[], run: Run): readonly ReadonlyMap<string, Move[]>[] {
  const ticks: Map<string, Move[]>[] = []
  let clock = -1
  let tick = new Map<string, Move[]>()
  for (const event of events) {
    const payload = run.parse(event)
    if (payload === null) continue
    if (event.lamport_clock !== clock) {
      clock = event.lamport_clock
      tick = new Map()
      ticks.push(tick)
    }
    entry(tick, textOf(payload, 'wp_id'), () => []).push(moveOf(event, payload))
  }
  return ticks
}

function foldGroup(group: readonly Move[], packages: Map<string, WorkPackage>, run: Run): void {
  const wpId = textOf(group[0]?.payload ?? {}, 'wp_id')
  const before = packages.get(wpId) ?? null
  const ordered = [...group.filter((move) => !isRollback(move)), ...group.filter(isRollback)]
  const accepted = ordered.filter((move) => isAccepted(move, before, run))
  const last = accepted.at(-1)
  if (last === undefined) return
  if (!run.reference) reportLosers(accepted, last, run)
  packages.set(wpId, {
    lane: last.to,
    event: last.event,
    evidence: keptEvidence(last, run),
  })
}

function isRollback({ from, to, payload }: Move): boolean {
  const isReviewed = from === 'for_review' || from === 'in_review'
  return isReviewed && to === 'in_progress' && (payload['review_ref'] ?? null) !== null
}

function isAccepted(move: Move, before: WorkPackage | null, run: Run): boolean {
  const { event, payload, from, to } = move
  const forced = payload['force'] === true
  const refuse = (code: AnomalyCode, detail: string): false => {
    run.report(event, code, detail)
    return false
  }
  const isBootstrap = forced && to === 'planned' && (from === null || from === 'planned')
  if (isBootstrap && before !== null) {
    return refuse('bootstrap_ignored', `bootstrap planned ignored: already in ${before.lane}`)
  }
  const lane = before?.lane ?? null
  // A package begins in genesis, which the reference calls none.
  const continues = from === lane || (!run.reference && lane === null && from === 'genesis')
  if (!continues && !forced) {
    return refuse('from_lane_mismatch', `from_lane mismatch: in ${lane ?? 'no lane'}, not ${from}`)
  }
  const faults = transitionFaults({
    from_lane: from,
    to_lane: to,
    force: forced,
    reason: textOf(payload, 'reason') || null,
    review_ref: textOf(payload, 'review_ref') || null,
  })
  if (faults.length > 0) {
    const words = faults.map(({ message }) => message)
    return refuse('transition_not_allowed', words.join('; '))
  }
  if (!run.reference && !forced && isLoophole(from, to)) {
    return refuse('transition_not_allowed', `${from} to ${to} is not allowed`)
  }
  return true
}

/** Legal by the letter of the contract's table, which blocks from every lane that is not terminal. */
function isLoophole(from: string | null, to: string): boolean {
  return to === 'blocked' && (from === 'genesis' || from === 'blocked')
}

function reportLosers(accepted: readonly Move[], last: Move, run: Run): void {
  for (const { event, to } of accepted) {
    if (event === last.event || to === last.to) continue
    const detail = `concurrent with ${last.event.event_id}, which counts: ${last.to}, not ${to}`
    run.report(event, 'concurrent_transition', detail)
  }
}

function keptEvidence({ to, payload }: Move, run: Run): Json {
  const isKept = to === 'done' || (to === 'approved' && !run.reference)
  return isKept ? evidence(payload['evidence']) : null
}

function moveOf(event: Input, payload: JsonObject): Move {
  return {
    event,
    payload,
    from: resolveLane(payload['from_lane']),
    to: resolveLane(payload['to_lane']) ?? 'genesis',
  }
}
