/** Boards and timelines of decisions, folded from the rows that the hub holds by the same code as in the repository. Pure. */
import { parseDecisionRecord } from '../contracts/ledgers/decision-record.ts'
import type { Actor, DecisionRecord } from '../contracts/ledgers/decision-record.ts'
import { DecisionFold } from '../contracts/ledgers/fold-decisions.ts'
import type { FoldedDecision } from '../contracts/ledgers/fold-decisions.ts'
import { foldStatus } from '../contracts/ledgers/fold-status.ts'
import type { NumberedRow, WorkPackage } from '../contracts/ledgers/fold-status.ts'
import { LANES } from '../contracts/ledgers/lanes.ts'
import { parseStatusRow } from '../contracts/ledgers/status-record.ts'
import type { StatusActor } from '../contracts/ledgers/status-record.ts'
import type { StoredLine } from './data/lines-table.ts'

/** Something in the rows that can't be true or can't be read; it is shown and counts for nothing. */
export type Oddity = { readonly line: number; readonly wp_id: string | null; readonly what: string }

export type BoardMove = {
  readonly event_id: string
  readonly from_lane: string
  readonly to_lane: string
  readonly at: string
  readonly actor: StatusActor
  readonly force: boolean
  /** The commit that told of it; null for history. */
  readonly commit: string | null
}

export type BoardPackage = {
  readonly wp_id: string
  readonly title: string | null
  readonly lane: WorkPackage['lane']
  readonly force_count: number
  readonly moves: readonly BoardMove[]
}

export type Board = {
  /** How many packages are in each lane. */
  readonly summary: Readonly<Record<string, number>>
  readonly event_count: number
  /** Of the last move, as its row says; null where there is none. */
  readonly moved_at: string | null
  readonly work_packages: readonly BoardPackage[]
  readonly anomalies: readonly Oddity[]
}

export type TimelineDecision = {
  readonly mission: string
  readonly decision_id: string
  readonly question: string
  readonly options: readonly string[]
  readonly answer: string | null
  readonly requested_at: string
  readonly requested_by: Actor
  readonly answered_at: string | null
  readonly answered_by: Actor | null
  /** The commit that told of the answer; null for history, and before there is one. */
  readonly commit: string | null
}

export type Timeline = {
  /** By mission, then in the order of the requests. */
  readonly decisions: readonly TimelineDecision[]
  readonly anomalies: readonly (Oddity & { readonly mission: string })[]
}

const DAMAGED = 'the hub can no longer read it'
const UNREADABLE = 'not a JSON object'

/** @param lines of one mission's status log */
export function foldBoard(lines: readonly StoredLine[]): Board {
  const rows: NumberedRow[] = []
  const anomalies: Oddity[] = []
  const commitById = new Map<string, string | null>()
  for (const { line, value, commit, isDamaged } of lines) {
    const row = value === null ? reasonOf(isDamaged) : parseStatusRow(value)
    if (typeof row === 'string') {
      anomalies.push({ line, wp_id: null, what: row })
      continue
    }
    rows.push({ line, row })
    if (row.event_id !== null && !commitById.has(row.event_id)) commitById.set(row.event_id, commit)
  }
  const fold = foldStatus(rows)
  for (const { line, wp_id, kind } of fold.anomalies) anomalies.push({ line, wp_id, what: kind })
  const summary: Record<string, number> = Object.fromEntries(LANES.map((lane) => [lane, 0]))
  for (const { lane } of fold.packages.values()) summary[lane] = (summary[lane] ?? 0) + 1
  return {
    summary,
    event_count: fold.eventCount,
    moved_at: lastMove(fold.packages.values()),
    work_packages: [...fold.packages.values()].map((found) => boardPackage(found, commitById)),
    anomalies,
  }
}

function lastMove(packages: Iterable<WorkPackage>): string | null {
  const moves = [...packages].flatMap(({ transitions }) => transitions)
  return moves.reduce<string | null>(
    (latest, { at }) => (latest === null || Date.parse(at) > Date.parse(latest) ? at : latest),
    null,
  )
}

function boardPackage(
  { wp_id, title, lane, force_count, transitions }: WorkPackage,
  commitById: ReadonlyMap<string, string | null>,
): BoardPackage {
  const moves = transitions.map(({ event_id, from_lane, to_lane, at, actor, force }) => {
    return {
      event_id,
      from_lane,
      to_lane,
      at,
      actor,
      force,
      commit: commitById.get(event_id) ?? null,
    }
  })
  return { wp_id, title, lane, force_count, moves }
}

type DecisionStored = {
  readonly line: number
  readonly record: DecisionRecord
  readonly commit: string | null
}

/** @param lines of decision logs, by mission */
export function foldTimeline(lines: readonly StoredLine[]): Timeline {
  const decisions: TimelineDecision[] = []
  const anomalies: (Oddity & { readonly mission: string })[] = []
  for (const [mission, own] of byMission(lines)) {
    const odd = (line: number, what: string): void => {
      anomalies.push({ mission, line, wp_id: null, what })
    }
    const records = own.flatMap(({ line, value, commit, isDamaged }): readonly DecisionStored[] => {
      const record = value === null ? null : parseDecisionRecord(value)
      if (record !== null) return [{ line, record, commit }]
      odd(line, value === null ? reasonOf(isDamaged) : 'not a complete decision record')
      return []
    })
    const fold = new DecisionFold(records)
    for (const { line, reason } of fold.skipped) odd(line, reason)
    decisions.push(...fold.decisions.map((decision) => timelineDecision(mission, decision)))
  }
  return { decisions, anomalies }
}

function timelineDecision(
  mission: string,
  { request, answer, answerLine }: FoldedDecision<DecisionStored>,
): TimelineDecision {
  const { decision_id, question, options, actor } = request.payload
  return {
    mission,
    decision_id,
    question,
    options,
    answer: answer?.payload.answer ?? null,
    requested_at: request.at,
    requested_by: actor,
    answered_at: answer?.at ?? null,
    answered_by: answer?.payload.actor ?? null,
    commit: answerLine?.commit ?? null,
  }
}

function byMission(lines: readonly StoredLine[]): ReadonlyMap<string, readonly StoredLine[]> {
  const linesByMission = new Map<string, StoredLine[]>()
  for (const line of lines) {
    const own = linesByMission.get(line.mission)
    if (own === undefined) linesByMission.set(line.mission, [line])
    else own.push(line)
  }
  return linesByMission
}

function reasonOf(isDamaged: boolean): string {
  return isDamaged ? DAMAGED : UNREADABLE
}

/** Whether any word of a decision holds the text, however it is capitalised. */
export function mentions(decision: TimelineDecision, text: string): boolean {
  const wanted = text.toLowerCase()
  const { mission, decision_id, question, options, answer, requested_by, answered_by } = decision
  const actors = [requested_by, answered_by].flatMap((actor) => [
    actor?.actor_id ?? '',
    actor?.display_name ?? '',
  ])
  return [mission, decision_id, question, ...options, answer ?? '', ...actors].some((word) =>
    word.toLowerCase().includes(wanted),
  )
}
