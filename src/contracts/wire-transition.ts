/**
 * Which moves of a work package the wire contract allows, as data of its own: another matrix than the local one. What it
 * refuses must never be written down here. Source: the event contracts.
 */
import { TERMINAL_LANES, type FromLane, type Lane } from './ledgers/lanes.ts'
import { isBlank } from './values/scalars.ts'
import type { RuleFault } from './values/fields.ts'

/** The moves that need no force beside those back to the plan; blocking and canceling are legal from every open lane. */
const WIRE_TABLE: Readonly<Record<FromLane, readonly Lane[]>> = {
  genesis: ['planned', 'blocked', 'canceled'],
  planned: ['claimed', 'blocked', 'canceled'],
  claimed: ['in_progress', 'blocked', 'canceled'],
  in_progress: ['for_review', 'approved', 'planned', 'blocked', 'canceled'],
  for_review: ['in_review', 'approved', 'done', 'in_progress', 'planned', 'blocked', 'canceled'],
  in_review: ['approved', 'done', 'in_progress', 'for_review', 'planned', 'blocked', 'canceled'],
  approved: ['done', 'in_progress', 'planned', 'blocked', 'canceled'],
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

/** What of a payload decides whether its move is legal. */
export type WireMove = {
  /** Null: the package has never been in a lane. */
  readonly from_lane: FromLane | null
  readonly to_lane: FromLane
  readonly force: boolean
  readonly reason: string | null
  readonly review_ref: string | null
}

/** Whether the move is one that must be forced on the wire although it is legal here. */
export function isRejection(from: FromLane, to: FromLane): boolean {
  return to === 'planned' && REJECTED.has(from)
}

/** Whether the move takes back what was handed to a review, and so must say where its findings are. */
export function needsReviewRef(from: FromLane, to: FromLane): boolean {
  return REVIEWED.has(from) && to === 'in_progress'
}

/** All that the table has against the move; empty is good. Others route on `force=True` and `review-rejection`. */
export function transitionFaults(move: WireMove): readonly RuleFault[] {
  const { from_lane: from, to_lane: to, force } = move
  if (from === null) {
    return force || to === 'planned' ? [] : [{ path: ['to_lane'], message: firstMove(to) }]
  }
  const rejection = isRejection(from, to)
  const faults: RuleFault[] = []
  const add = (field: string, message: string): void => {
    faults.push({ path: [field], message })
  }
  if (!force && TERMINAL_LANES.has(from)) add('from_lane', `${from} is left by force=True only`)
  if (!force && rejection) add('force', `review-rejection ${from} -> ${to} needs force=True`)
  if (!force && !allows(from, to)) add('to_lane', `${from} -> ${to} is not allowed`)
  const takesBack = REVIEWED.has(from) && (to === 'in_progress' || to === 'planned')
  if (takesBack && !(force && rejection) && isNothing(move.review_ref)) {
    add('review_ref', `${from} -> ${to} needs a review_ref`)
  }
  if (from === 'in_progress' && to === 'planned' && isNothing(move.reason)) {
    add('reason', `${from} -> ${to} needs a reason`)
  }
  return faults
}

function allows(from: FromLane, to: FromLane): boolean {
  return WIRE_TABLE[from].some((lane) => lane === to)
}

function firstMove(to: FromLane): string {
  return `a first move to ${to} is not allowed`
}

function isNothing(text: string | null): boolean {
  return text === null || isBlank(text)
}
