/**
 * The lanes of a work package and which moves between them are allowed: the one table, from which the lane machine, the
 * check under the lock, the audit of a log and the documentation are made.
 */

/** Where a work package stands, in the order of the board. */
export const LANES = [
  'planned',
  'claimed',
  'in_progress',
  'for_review',
  'in_review',
  'approved',
  'done',
  'blocked',
  'canceled',
] as const

export type Lane = (typeof LANES)[number]

/** Before the first transition; nothing ever moves there. */
export const GENESIS = 'genesis'

/** What a transition can come from. */
export type FromLane = Lane | typeof GENESIS

/** Left only by force. */
export const TERMINAL_LANES: ReadonlySet<FromLane> = new Set(['done', 'canceled'])

/** What a move needs beside its edge. */
export type LaneGuard =
  /** A non-blank actor. */
  | 'actor'
  /** Where the work is done. */
  | 'workspace'
  /** All subtasks that the log knows are done. */
  | 'subtasks'
  /** The package has a history. */
  | 'implementation'
  /** Why. */
  | 'reason'
  /** What the review found, where that is kept. */
  | 'review_ref'
  /** A review that approves. */
  | 'evidence'
  /** Reviewer, verdict and reference; what else the move says of the review agrees with it. */
  | 'review_result'
  /** The evidence approves, or the review result does. */
  | 'approval'

type Exits = Readonly<Partial<Record<Lane, readonly LaneGuard[]>>>

const REVIEWED: readonly LaneGuard[] = ['review_result']

/** The legal moves, and their guards; every other move needs force. */
export const LANE_TABLE: Readonly<Record<FromLane, Exits>> = {
  genesis: { planned: [], canceled: [] },
  planned: { claimed: ['actor'], blocked: [], canceled: [] },
  claimed: { in_progress: ['workspace'], blocked: [], canceled: [] },
  in_progress: {
    planned: ['reason'],
    for_review: ['subtasks', 'implementation'],
    approved: ['evidence'],
    blocked: [],
    canceled: [],
  },
  for_review: { in_review: ['actor'], blocked: [], canceled: [] },
  in_review: {
    planned: REVIEWED,
    in_progress: REVIEWED,
    approved: ['review_result', 'approval'],
    done: ['review_result', 'approval'],
    blocked: REVIEWED,
    canceled: REVIEWED,
  },
  approved: {
    planned: ['review_ref'],
    in_progress: ['review_ref'],
    done: ['evidence'],
    blocked: [],
    canceled: [],
  },
  blocked: { in_progress: [], canceled: [] },
  done: {},
  canceled: {},
}

export function isLane(text: unknown): text is Lane {
  return typeof text === 'string' && (LANES as readonly string[]).includes(text)
}

export function isFromLane(text: unknown): text is FromLane {
  return text === GENESIS || isLane(text)
}

/** A lane as people write it: trimmed, any case, `doing` for `in_progress`; null where it is none. */
export function laneOf(input: string): Lane | null {
  const text = input.trim().toLowerCase()
  const lane = text === 'doing' ? 'in_progress' : text
  return isLane(lane) ? lane : null
}

/** Whether the table has the move; its guards are another question. */
export function isEdge(from: FromLane, to: Lane): boolean {
  return LANE_TABLE[from][to] !== undefined
}

/** Where a package may go from here without force; nowhere where it has never been in a lane. */
export function exitsOf(lane: FromLane | 'uninitialized'): readonly string[] {
  return lane === 'uninitialized' ? [] : Object.keys(LANE_TABLE[lane])
}
