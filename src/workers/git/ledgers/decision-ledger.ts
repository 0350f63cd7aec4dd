/**
 * The questions and answers of all missions of one repository: looked at once more with the log as it is under the lock,
 * and appended. All methods are called under the repository lock.
 */
import { encodeDecisionRecord } from '../../../contracts/ledgers/decision-record.ts'
import type {
  AnsweredRecord,
  DecisionRecord,
  RequestedRecord,
} from '../../../contracts/ledgers/decision-record.ts'
import { DecisionFold } from '../../../contracts/ledgers/fold-decisions.ts'
import type { Placement } from '../../../project/types.ts'
import { parseDecisionLines } from '../logs/decision-lines.ts'
import type { DecisionLine } from '../logs/decision-lines.ts'
import { NOT_COMMITTED_YET } from '../logs/dirty-journal.ts'
import type { DirtyJournal, MissionLedger } from '../logs/dirty-journal.ts'
import { answeredOtherwise, decisionExists, eventIdReused } from '../logs/ledger-errors.ts'
import { recordMisplaced, unknownDecision } from '../logs/ledger-errors.ts'
import type { Appended } from '../protocol.ts'
import type { LogCommitter } from './log-committer.ts'
import type { MissionBranches } from '../frames/mission-branches.ts'
import type { MissionLog } from '../logs/mission-log.ts'
import type { LedgerOptions, MissionLogs } from '../logs/mission-logs.ts'

type Parts = {
  readonly logs: MissionLogs
  readonly branches: MissionBranches
  readonly journal: DirtyJournal
  readonly committer: LogCommitter
}

export class DecisionLedger {
  readonly #options: LedgerOptions
  readonly #parts: Parts

  constructor(options: LedgerOptions, parts: Parts) {
    this.#options = options
    this.#parts = parts
  }

  /** Durable when it returns. @throws GitError DECISION_EXISTS, EVENT_ID_REUSED. */
  async request(mission: string, record: RequestedRecord): Promise<Appended> {
    const { placement, log, fold } = await this.#open(mission)
    const { run_id, decision_id } = record.payload
    if (isRepeated(fold, record)) return repeat(log, record.event_id)
    if (fold.record(record.event_id) !== null) throw eventIdReused()
    if (fold.find(run_id, decision_id) !== null) throw decisionExists()
    this.#options.assertClean(record)
    await this.#parts.branches.track(placement)
    await append(log, placement, record)
    return { event_id: record.event_id, duplicate: false }
  }

  /** Durable when it returns. @throws GitError DECISION_UNKNOWN, DECISION_ALREADY_ANSWERED. */
  async answer(mission: string, record: AnsweredRecord): Promise<Appended> {
    const { branches, journal } = this.#parts
    const { placement, log, fold } = await this.#open(mission)
    const { run_id, decision_id, answer } = record.payload
    const decision = fold.find(run_id, decision_id)
    if (decision === null) throw unknownDecision()
    if (decision.answer !== null) {
      if (decision.answer.payload.answer !== answer) throw answeredOtherwise()
      return repeat(log, decision.answer.event_id)
    }
    if (fold.record(record.event_id) !== null) throw eventIdReused()
    const ledger = { mission: placement.mission.directory, ledger: 'decisions' as const }
    await this.#commitEarlier(ledger)
    // The request knows its run; who answers need not.
    const payload = { ...record.payload, run_id: decision.request.payload.run_id }
    const matched = { ...record, payload }
    this.#options.assertClean(matched)
    await branches.track(placement)
    await journal.mark(ledger, null, NOT_COMMITTED_YET)
    await append(log, placement, matched)
    return { event_id: record.event_id, duplicate: false }
  }

  /** One commit per answer: an earlier one whose commit is still to come gets it first. */
  async #commitEarlier(ledger: MissionLedger): Promise<void> {
    const { journal, committer } = this.#parts
    if (!(await journal.isExpected(ledger))) return
    // What stands in its way stands in the way of this answer's commit too, and is told there.
    await committer.commit(ledger).catch(() => undefined)
  }

  async #open(
    mission: string,
  ): Promise<{ placement: Placement; log: MissionLog; fold: DecisionFold<DecisionLine> }> {
    const placement = await this.#options.placementOf(mission)
    const log = await this.#parts.logs.log(placement, 'decisions')
    const { lines } = parseDecisionLines(await log.read())
    return { placement, log, fold: new DecisionFold(lines) }
  }
}

async function append(
  log: MissionLog,
  { mission }: Placement,
  record: DecisionRecord,
): Promise<void> {
  if (record.mission_id !== mission.mission_id) throw recordMisplaced()
  await log.append([encodeDecisionRecord(record)])
}

function isRepeated(fold: DecisionFold<DecisionLine>, record: DecisionRecord): boolean {
  const known = fold.record(record.event_id)
  return (
    known?.event_type === record.event_type &&
    known.payload.decision_id === record.payload.decision_id
  )
}

// Whoever wrote the record may have died before it was on the disk.
async function repeat(log: MissionLog, eventId: string): Promise<Appended> {
  await log.repair()
  return { event_id: eventId, duplicate: true }
}
