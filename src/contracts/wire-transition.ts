/**
 * What the wire contract asks of a `WPStatusChanged` payload. It is another matrix than the local one, kept as data of its
 * own: a move that it refuses must never be written down here.
 */
import { isJsonObject } from './json.ts'
import type { Json, JsonObject } from './json.ts'
import { isFromLane, isLane, TERMINAL_LANES, type FromLane, type Lane } from './lanes.ts'
import { EXECUTION_MODES } from './status-record.ts'

/** The moves that need no force. Blocking and canceling are legal from every lane that is not terminal. */
const WIRE_TABLE: Readonly<Record<FromLane, readonly Lane[]>> = {
  genesis: ['planned', 'blocked', 'canceled'],
  planned: ['claimed', 'blocked', 'canceled'],
  claimed: ['in_progress', 'blocked', 'canceled'],
  in_progress: ['for_review', 'approved', 'blocked', 'canceled'],
  for_review: ['in_review', 'approved', 'done', 'in_progress', 'blocked', 'canceled'],
  in_review: ['approved', 'done', 'in_progress', 'for_review', 'blocked', 'canceled'],
  approved: ['done', 'in_progress', 'blocked', 'canceled'],
  blocked: ['in_progress', 'blocked', 'canceled'],
  done: [],
  canceled: [],
}

/** Back to the plan from these is the rejection of a review, which is always forced. */
const REJECTED: ReadonlySet<FromLane> = new Set([
  'in_progress',
  'for_review',
  'in_review',
  'approved',
])
const REVIEWED: ReadonlySet<FromLane> = new Set(['for_review', 'in_review', 'approved'])
const WP_ID = /^WP\d{2}$/

/** Whether the move is one that must be forced on the wire although it is legal here. */
export function isRejection(from: FromLane, to: Lane): boolean {
  return to === 'planned' && REJECTED.has(from)
}

/** Whether the move takes back what was handed to a review, and so must say where its findings are. */
export function needsReviewRef(from: FromLane, to: Lane): boolean {
  return REVIEWED.has(from) && to === 'in_progress'
}

/** All that is wrong with the payload, in words; empty is good. Total. */
export function wireFaults(payload: JsonObject): readonly string[] {
  const { from_lane, to_lane, wp_id, mission_slug, actor, execution_mode } = payload
  const faults: string[] = []
  if (from_lane !== null && from_lane !== undefined && !isFromLane(from_lane)) {
    faults.push('from_lane is no lane')
  }
  if (!isLane(to_lane)) faults.push('to_lane is no lane')
  if (typeof wp_id !== 'string' || !WP_ID.test(wp_id)) faults.push('wp_id is WP and two digits')
  if (!isText(mission_slug)) faults.push('mission_slug is missing')
  if (!isActor(actor)) faults.push('actor is blank')
  if (!EXECUTION_MODES.some((mode) => mode === execution_mode)) faults.push('execution_mode')
  faults.push(...evidenceFaults(payload), ...forceFaults(payload))
  if (isLane(to_lane)) faults.push(...ruleFaults(payload, from_lane ?? null, to_lane))
  return faults
}

function ruleFaults(payload: JsonObject, from: Json, to: Lane): readonly string[] {
  const faults: string[] = []
  const forced = payload['force'] === true
  if (!isFromLane(from)) return forced || to === 'planned' ? [] : [`a first move to ${to}`]
  const rejection = isRejection(from, to)
  if (TERMINAL_LANES.has(from) && !forced) faults.push(`${from} is left by force=True only`)
  if (rejection && !forced) faults.push(`review-rejection ${from} to ${to} needs force=True`)
  if (!forced && !WIRE_TABLE[from].includes(to)) faults.push(`${from} to ${to} is not allowed`)
  const rolledBack = REVIEWED.has(from) && (to === 'in_progress' || to === 'planned')
  if (rolledBack && !(forced && rejection) && !isText(payload['review_ref'])) {
    faults.push(`${from} to ${to} needs a review_ref`)
  }
  if (from === 'in_progress' && to === 'planned' && !isText(payload['reason'])) {
    faults.push(`${from} to ${to} needs a reason`)
  }
  return faults
}

function forceFaults(payload: JsonObject): readonly string[] {
  return payload['force'] === true && !isText(payload['reason']) ? ['force needs a reason'] : []
}

function evidenceFaults({ evidence, to_lane }: JsonObject): readonly string[] {
  const isNeeded = to_lane === 'approved' || to_lane === 'done'
  if (evidence === null || evidence === undefined) {
    return isNeeded ? [`${to_lane} needs evidence`] : []
  }
  if (!isJsonObject(evidence)) return ['evidence is no object']
  const { repos, review } = evidence
  const hasRepos = Array.isArray(repos) && repos.length > 0 && (repos as Json[]).every(isRepo)
  const isReviewed = isJsonObject(review) && isText(review['reviewer']) && isText(review['verdict'])
  return [
    ...(hasRepos ? [] : ['evidence names no repository']),
    ...(isReviewed ? [] : ['evidence has no review']),
  ]
}

function isRepo(value: Json): boolean {
  return (
    isJsonObject(value) && ['repo', 'branch', 'commit'].every((key) => isText(value[key] ?? null))
  )
}

function isActor(value: Json | undefined): boolean {
  return isJsonObject(value) ? Object.keys(value).length > 0 : isText(value)
}

function isText(value: Json | undefined): value is string {
  return typeof value === 'string' && value.trim() !== ''
}
