/** The decision log of one mission, where it stands in its worktree and as its branch holds it. */
import { join, relative, sep } from 'node:path'
import { DECISION_LOG, encodeDecisionRecord } from '../../contracts/decision-record.ts'
import type { DecisionRecord } from '../../contracts/decision-record.ts'
import type { Placement } from '../../project/types.ts'
import { appendLine, repairLog } from './append-log.ts'
import type { CommitGraph } from './commit-graph.ts'
import { parseDecisionLines } from './decision-lines.ts'
import { CommitDeferral } from './deferral.ts'
import { DecisionFold } from './fold-decisions.ts'
import { branchTip } from './head.ts'
import { ledgerMissing, recordMisplaced } from './ledger-errors.ts'
import { readLog } from './log-file.ts'
import type { LogPlace } from './log-file.ts'

/** Its methods throw GitError, CommitDeferral and system errors. */
export class MissionLog {
  readonly #placement: Placement
  readonly #graph: CommitGraph
  readonly #place: LogPlace

  constructor(
    placement: Placement,
    graph: CommitGraph,
    hands: Pick<LogPlace, 'fs' | 'onStep' | 'onTorn'>,
  ) {
    const { worktree, missionPath, mission } = placement
    const path = join(missionPath, DECISION_LOG)
    this.#placement = placement
    this.#graph = graph
    this.#place = { worktree, path, mission: mission.directory, ...hands }
  }

  /** Relative to the worktree, with `/`. */
  get pathInTree(): string {
    return relative(this.#place.worktree, this.#place.path).split(sep).join('/')
  }

  async exists(): Promise<boolean> {
    return (await readLog(this.#place)) !== null
  }

  /** Throws GitError LEDGER_MISSING where only the branch has a log: a new one would replace it. */
  async fold(): Promise<DecisionFold> {
    const bytes = await readLog(this.#place)
    if (bytes === null && (await this.#committed()) !== null) throw ledgerMissing()
    return new DecisionFold(parseDecisionLines(bytes ?? Buffer.alloc(0)).lines)
  }

  /** Durable when it returns. */
  async append(record: DecisionRecord): Promise<void> {
    if (record.mission_id !== this.#placement.mission.mission_id) throw recordMisplaced()
    await appendLine(this.#place, encodeDecisionRecord(record))
  }

  /** Whole and on the disk when it returns, whoever wrote it. */
  async repair(): Promise<void> {
    await repairLog(this.#place)
  }

  /**
   * Whether there is a log to commit. One that lacks what its branch holds must not replace it.
   *
   * @throws CommitDeferral path_refused
   */
  async isCommittable(): Promise<boolean> {
    const bytes = await readLog(this.#place)
    const committed = await this.#committed()
    if (committed !== null && hasLost(committed, bytes ?? Buffer.alloc(0))) {
      throw new CommitDeferral(
        'path_refused',
        'The decision log lacks decisions that its branch holds. Restore them with git checkout.',
      )
    }
    return bytes !== null
  }

  async #committed(): Promise<Buffer | null> {
    const tip = branchTip(this.#placement.commonDir, this.#placement.ref)
    if (tip === null) return null
    const { tree } = await this.#graph.commit(tip)
    const entry = await this.#graph.entryAt(tree, this.pathInTree)
    return entry === null || entry.isTree ? null : this.#graph.blob(entry.oid)
  }
}

function hasLost(committed: Buffer, log: Buffer): boolean {
  if (log.subarray(0, committed.length).equals(committed)) return false
  const present = new Set(parseDecisionLines(log).lines.map(({ record }) => record.event_id))
  return parseDecisionLines(committed).lines.some(({ record }) => !present.has(record.event_id))
}
