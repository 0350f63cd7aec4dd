/**
 * The moves of work packages of all missions of one repository: judged once more with the log as it is under the lock, and
 * appended. All methods but `look` are called under the repository lock.
 */
import { foldStatus } from '../../../contracts/ledgers/fold-status.ts'
import type { NumberedRow, StatusFold } from '../../../contracts/ledgers/fold-status.ts'
import { nextAt } from '../../../contracts/values/instant.ts'
import { encodeJson, isJsonObject } from '../../../contracts/json/json.ts'
import { judgeMove, UNKNOWN_PACKAGE } from '../../../contracts/ledgers/lane-move.ts'
import type { PackageFacts } from '../../../contracts/ledgers/lane-move.ts'
import { GENESIS } from '../../../contracts/ledgers/lanes.ts'
import { encodeTransition } from '../../../contracts/ledgers/status-record.ts'
import type { Transition } from '../../../contracts/ledgers/status-record.ts'
import { moveRefused } from '../../../contracts/ledgers/move-refused.ts'
import { NOT_COMMITTED_YET } from '../logs/dirty-journal.ts'
import type { DirtyJournal } from '../logs/dirty-journal.ts'
import { eventIdReused, laneMoved, recordMisplaced } from '../logs/ledger-errors.ts'
import type { Appended, TransitionRecord } from '../protocol.ts'
import type { LogCommitter } from './log-committer.ts'
import type { MissionBranches } from '../frames/mission-branches.ts'
import type { LedgerOptions, MissionLogs } from '../logs/mission-logs.ts'
import { parseStatusLines } from '../logs/status-lines.ts'
import type { Unqueued } from './unqueued.ts'

type Parts = {
  readonly logs: MissionLogs
  readonly branches: MissionBranches
  readonly journal: DirtyJournal
  readonly unqueued: Unqueued
  readonly committer: LogCommitter
}

export class StatusLedger {
  readonly #options: LedgerOptions
  readonly #parts: Parts

  constructor(options: LedgerOptions, parts: Parts) {
    this.#options = options
    this.#parts = parts
  }

  /** What the log knows of a work package, whether it is there or not. Takes no lock. */
  async look(mission: string, wpId: string): Promise<PackageFacts> {
    const placement = await this.#options.placementOf(mission)
    const log = await this.#parts.logs.log(placement, 'status')
    return factsOf(foldStatus(parseStatusLines(await log.read()).rows), wpId)
  }

  /** Durable when it returns. @throws GitError LANE_MOVED (retryable), EVENT_ID_REUSED; InputError TRANSITION_REFUSED. */
  async move(mission: string, record: TransitionRecord): Promise<Appended> {
    const { logs, branches, journal, unqueued, committer } = this.#parts
    const placement = await this.#options.placementOf(mission)
    const log = await logs.log(placement, 'status')
    const { rows } = parseStatusLines(await log.read())
    const { event_id: eventId, wp_id: wpId, from_lane: from } = record.transition
    const known = rows.find(({ row }) => row.event_id === eventId)
    if (known !== undefined) {
      if (!isSameMove(known, record.transition)) throw eventIdReused()
      // Whoever wrote the line may have died before it was on the disk.
      await log.repair()
      return { event_id: eventId, duplicate: true }
    }
    if (record.transition.mission_id !== placement.mission.mission_id) throw recordMisplaced()
    const fold = foldStatus(rows)
    const facts = factsOf(fold, wpId)
    if (facts.lane !== from) throw laneMoved()
    const judgement = judgeMove(record.move, facts)
    if (!judgement.ok) throw moveRefused(wpId, judgement)
    const isIntroduced = isCreated(rows, wpId)
    const created = isIntroduced ? null : record.created
    const transition = { ...record.transition, at: nextAt(fold.latestAt, record.transition.at) }
    this.#options.assertClean([created, transition])
    const ledger = { mission: placement.mission.directory, ledger: 'status' as const }
    // One commit per move: an earlier one whose commit is still to come gets it first. What stands in its way is told later.
    if (await journal.isExpected(ledger)) await committer.commit(ledger).catch(() => undefined)
    await branches.track(placement)
    for (const { event_id, event } of record.events) {
      const isOfLine = event_id === eventId || event_id === created?.['event_id']
      if (isOfLine) await unqueued.note(event, event_id, log.path)
    }
    await journal.mark(ledger, null, NOT_COMMITTED_YET)
    const lines = created === null ? [] : [encodeJson(created, 'spaced')]
    await log.append([...lines, encodeTransition(transition)])
    return { event_id: eventId, duplicate: false }
  }
}

function factsOf(fold: StatusFold, wpId: string): PackageFacts {
  const found = fold.packages.get(wpId)
  if (found === undefined) return UNKNOWN_PACKAGE
  const { subtasks } = found.slots
  const open = isJsonObject(subtasks)
    ? Object.entries(subtasks).filter(([, state]) => state !== 'done' && state !== 'canceled')
    : []
  return {
    lane: found.lane === 'uninitialized' ? GENESIS : found.lane,
    openSubtasks: open.map(([id]) => id),
    hasHistory: found.transitions.length > 0,
  }
}

function isSameMove({ row }: NumberedRow, wanted: Transition): boolean {
  if (row.family !== 'transition') return false
  const { wp_id, from_lane, to_lane } = row.row
  return wp_id === wanted.wp_id && from_lane === wanted.from_lane && to_lane === wanted.to_lane
}

function isCreated(rows: readonly NumberedRow[], wpId: string): boolean {
  return rows.some(
    ({ row }) =>
      row.family === 'foreign' &&
      row.row['event_type'] === 'WPCreated' &&
      row.row['aggregate_id'] === wpId,
  )
}
