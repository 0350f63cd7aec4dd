/** A mission's decisions as its log stands here, committed or not. Takes no lock and writes nothing. */
import { DECISION_LOG } from '../../../contracts/ledgers/decision-record.ts'
import { DecisionFold, summaryOf } from '../../../contracts/ledgers/fold-decisions.ts'
import type { DecisionSummary, SkippedRecord } from '../../../contracts/ledgers/fold-decisions.ts'
import type { Mission, Repository } from '../../../project/types.ts'
import { parseDecisionLines } from './decision-lines.ts'
import { openMissionFiles } from './mission-file.ts'

export type DecisionList = {
  /** In the order of their requests. */
  readonly decisions: readonly DecisionSummary[]
  /** In the order of the log. */
  readonly skipped: readonly SkippedRecord[]
}

/** @throws GitError LOG_UNREADABLE, IO_ERROR, REPOSITORY_UNSUPPORTED */
export async function listDecisions(
  repository: Repository,
  mission: Mission,
): Promise<DecisionList> {
  const files = await openMissionFiles(repository, mission)
  const { lines, skipped } = parseDecisionLines((await files.read(DECISION_LOG)) ?? Buffer.alloc(0))
  const fold = new DecisionFold(lines)
  const all = [...skipped, ...fold.skipped].sort((a, b) => a.line - b.line)
  return { decisions: fold.decisions.map(summaryOf), skipped: all }
}
