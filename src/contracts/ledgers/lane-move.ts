/**
 * Whether a work package may move, by the one table and its guards; and what the record of the move says, so that the wire
 * contract takes it too. Pure: the same judgement is made at the door and, with the log as it then is, under the lock.
 */
import type { JsonObject } from '../json/json.ts'
import { GENESIS, isEdge, LANE_TABLE, TERMINAL_LANES } from './lanes.ts'
import type { FromLane, Lane, LaneGuard } from './lanes.ts'
import { isBlank as isBlankText } from '../values/scalars.ts'
import type { Evidence, ExecutionMode, ReviewResult, StatusActor } from './status-record.ts'
import { isRejection, needsReviewRef } from '../wire-transition.ts'

/** What somebody wants, as far as it was said. */
export type LaneMove = {
  readonly wp_id: string
  readonly to: Lane
  readonly actor: StatusActor
  readonly force: boolean
  readonly execution_mode: ExecutionMode
  readonly reason: string | null
  readonly review_ref: string | null
  readonly evidence: Evidence | null
  readonly review_result: ReviewResult | null
}

/** What the log knows of the package. */
export type PackageFacts = {
  readonly lane: FromLane
  /** Ids of subtasks that are not done. */
  readonly openSubtasks: readonly string[]
  readonly hasHistory: boolean
}

export type Judgement =
  | { readonly ok: true; readonly from: FromLane; readonly move: LaneMove }
  | {
      readonly ok: false
      readonly from: FromLane
      /** `edge`: the table has no such move. `force`: it lacks what force needs. `guard`: it lacks what the move needs. */
      readonly why: 'edge' | 'force' | 'guard'
      /** In words, each a thing to bring. */
      readonly needs: readonly string[]
    }

export function judgeMove(wanted: LaneMove, facts: PackageFacts): Judgement {
  const from = facts.lane
  const { to } = wanted
  const refused = (why: 'edge' | 'force' | 'guard', needs: readonly string[]): Judgement => ({
    ok: false,
    from,
    why,
    needs,
  })
  if (wanted.force) {
    const needs = [...new Set([...wireNeeds(wanted, from), ...forceNeeds(wanted)])]
    return needs.length > 0 ? refused('force', needs) : { ok: true, from, move: wanted }
  }
  if (!isEdge(from, to)) return refused('edge', [whyNoEdge(from, to)])
  const move = completed(wanted, from)
  const guards = LANE_TABLE[from][to] ?? []
  const needs = guards.flatMap((guard) => GUARDS[guard](move, facts))
  const all = [...new Set([...needs, ...wireNeeds(move, from)])]
  return all.length > 0 ? refused('guard', all) : { ok: true, from, move }
}

/** Force is for people who say why. */
function forceNeeds({ reason }: LaneMove): readonly string[] {
  return isBlank(reason) ? ['a reason'] : []
}

/** What the wire contract asks beside that, whether forced or not. */
function wireNeeds(move: LaneMove, from: FromLane): readonly string[] {
  const { to, actor, reason, review_ref, evidence, review_result } = move
  const needs: string[] = isBlankActor(actor) ? ['an actor'] : []
  if (needsReviewRef(from, to) && isBlank(review_ref)) needs.push('a review reference')
  if (from === 'in_progress' && to === 'planned' && isBlank(reason)) needs.push('a reason')
  const isApproving = to === 'approved' || to === 'done'
  if (isApproving && evidence === null && review_result === null) {
    needs.push('evidence of a review')
  }
  return needs
}

function whyNoEdge(from: FromLane, to: Lane): string {
  if (from === to) return 'force: it is there already'
  if (TERMINAL_LANES.has(from)) return `force: ${from} is final`
  const exits = Object.keys(LANE_TABLE[from]).join(', ')
  return `another lane (from ${from}: ${exits}), or force`
}

/** Fills what follows from the rest. A rejection is forced on the wire, so its record is forced, with a reason. */
function completed(move: LaneMove, from: FromLane): LaneMove {
  const isTakenBack = needsReviewRef(from, move.to) || isRejection(from, move.to)
  const found = isTakenBack ? (move.review_result?.reference ?? null) : null
  const review_ref = move.review_ref ?? found
  if (!isRejection(from, move.to)) return { ...move, review_ref }
  const where = review_ref === null ? '' : `: ${review_ref}`
  // Why work in progress goes back is known to nobody but who sends it.
  const isSaid = !isBlank(move.reason) || from === 'in_progress'
  const reason = isSaid ? move.reason : `backward rewind: ${from} -> planned${where}`
  return { ...move, review_ref, reason, force: !isBlank(reason) }
}

type Check = (move: LaneMove, facts: PackageFacts) => readonly string[]

const GUARDS: Readonly<Record<LaneGuard, Check>> = {
  actor: ({ actor }) => (isBlankActor(actor) ? ['an actor'] : []),
  // Every move says where it is made.
  workspace: () => [],
  subtasks: (_, { openSubtasks }) =>
    openSubtasks.length === 0 ? [] : [`its subtasks done: ${openSubtasks.join(', ')}`],
  implementation: (_, { hasHistory }) => (hasHistory ? [] : ['a history']),
  reason: ({ reason }) => (isBlank(reason) ? ['a reason'] : []),
  review_ref: ({ review_ref }) => (isBlank(review_ref) ? ['a review reference'] : []),
  evidence: ({ evidence }) =>
    approves(evidence) ? [] : ['evidence of a review that approves, with reviewer and reference'],
  review_result: (move) => resultNeeds(move),
  approval: ({ evidence, review_result }) =>
    approves(evidence) || review_result?.verdict === 'approved' ? [] : ['an approving review'],
}

function resultNeeds({ to, evidence, review_ref, review_result }: LaneMove): readonly string[] {
  if (review_result === null) return ['a review result: reviewer, verdict and reference']
  const { reviewer, verdict, reference } = review_result
  const needs: string[] = []
  if (review_ref !== null && review_ref !== reference) {
    needs.push('one reference: the review reference differs from that of the review result')
  }
  const review = evidence?.review
  const differs =
    review !== undefined &&
    (review.reviewer !== reviewer || review.verdict !== verdict || review.reference !== reference)
  if (differs) needs.push('one review: the evidence differs from the review result')
  if ((to === 'planned' || to === 'in_progress') && verdict === 'approved') {
    needs.push('a review result that asks for changes')
  }
  return needs
}

function approves(evidence: Evidence | null): boolean {
  if (evidence === null) return false
  const { reviewer, verdict, reference } = evidence.review
  return verdict === 'approved' && !isBlank(reviewer) && !isBlank(reference)
}

/** The payload of the event that tells of the move; `repo` stands for the repository where the evidence names none. */
export function wirePayload(
  move: LaneMove,
  from: FromLane,
  missionSlug: string,
  repo: { readonly repo: string; readonly branch: string; readonly commit: string },
): JsonObject {
  const { wp_id, to, actor, force, reason, execution_mode, review_ref } = move
  return {
    mission_slug: missionSlug,
    wp_id,
    from_lane: from,
    to_lane: to,
    actor,
    force,
    reason,
    execution_mode,
    review_ref,
    evidence: wireEvidence(move, repo),
  }
}

function wireEvidence(
  { evidence, review_result, to }: LaneMove,
  repo: JsonObject,
): JsonObject | null {
  if (evidence !== null) {
    const { repos = [], review, verification = [] } = evidence
    return { repos: repos.length === 0 ? [repo] : repos, review, verification }
  }
  if (review_result === null || (to !== 'approved' && to !== 'done')) return null
  const { reviewer, verdict, reference } = review_result
  return { repos: [repo], review: { reviewer, verdict, reference }, verification: [] }
}

/** The facts of a package that no line tells of. */
export const UNKNOWN_PACKAGE: PackageFacts = {
  lane: GENESIS,
  openSubtasks: [],
  hasHistory: false,
}

/** As the wire contract takes it, so that what is said here is enough there. */
function isBlank(text: string | null): boolean {
  return text === null || isBlankText(text)
}

function isBlankActor(actor: StatusActor): boolean {
  return typeof actor === 'string' ? isBlank(actor) : Object.values(actor).every(isBlank)
}
