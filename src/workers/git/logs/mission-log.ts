/** One ledger of a mission, where it stands in its worktree and as its branch holds it. */
import { join, relative, sep } from 'node:path'
import { DECISION_LOG } from '../../../contracts/ledgers/decision-record.ts'
import type { Dialect } from '../../../contracts/json/json.ts'
import { idsOf } from '../../../contracts/ledgers/repair-log.ts'
import { STATUS_LOG } from '../../../contracts/ledgers/status-record.ts'
import type { Placement } from '../../../project/types.ts'
import { appendLines, repairLog, rewriteLog } from './append-log.ts'
import type { CommitGraph } from '../objects/commit-graph.ts'
import { CommitDeferral } from '../deferral.ts'
import { branchTip } from '../refs/head.ts'
import { ledgerMissing } from './ledger-errors.ts'
import { readLog } from './log-file.ts'
import type { LogPlace } from './log-file.ts'
import { readLogLines } from './log-lines.ts'
import type { LedgerName } from '../protocol.ts'

export const LOG_NAME: Readonly<Record<LedgerName, string>> = {
  decisions: DECISION_LOG,
  status: STATUS_LOG,
}

export function dialectOf(ledger: LedgerName): Dialect {
  return ledger === 'decisions' ? 'compact' : 'spaced'
}

export type Committable = {
  readonly log: Buffer
  readonly committed: Buffer
  /** The commit that holds `committed`; null where the branch has none. */
  readonly tip: string | null
}

/** Its methods throw GitError, CommitDeferral and system errors. */
export class MissionLog {
  readonly ledger: LedgerName
  readonly #placement: Placement
  readonly #graph: CommitGraph
  readonly #place: LogPlace

  constructor(
    placement: Placement,
    ledger: LedgerName,
    graph: CommitGraph,
    hands: Pick<LogPlace, 'fs' | 'onStep' | 'onTorn'>,
  ) {
    const { worktree, missionPath, mission } = placement
    const path = join(missionPath, LOG_NAME[ledger])
    this.ledger = ledger
    this.#placement = placement
    this.#graph = graph
    this.#place = { worktree, path, mission: mission.directory, ...hands }
  }

  /** Absolute. */
  get path(): string {
    return this.#place.path
  }

  /** Relative to the worktree, with `/`. */
  get pathInTree(): string {
    return relative(this.#place.worktree, this.#place.path).split(sep).join('/')
  }

  async exists(): Promise<boolean> {
    return (await readLog(this.#place)) !== null
  }

  /** Empty where there is none yet. @throws GitError LEDGER_MISSING where only the branch has one: a new one would replace it. */
  async read(): Promise<Buffer> {
    const bytes = await readLog(this.#place)
    if (bytes === null && (await this.#committed()) !== null) throw ledgerMissing()
    return bytes ?? Buffer.alloc(0)
  }

  /** Durable when it returns. */
  async append(lines: readonly string[]): Promise<void> {
    await appendLines(this.#place, lines)
  }

  /** Whole and on the disk when it returns, whoever wrote it. */
  async repair(): Promise<void> {
    await repairLog(this.#place)
  }

  /** Other bytes in its place, unless somebody wrote meanwhile. @throws GitError LEDGER_CHANGED (retryable). */
  async rewrite(from: Buffer, text: string): Promise<void> {
    await rewriteLog(this.#place, from, text)
  }

  /**
   * The log, if there is one to commit, and what its branch holds of it. One that lacks what its branch holds must not
   * replace it.
   *
   * @throws CommitDeferral path_refused
   */
  async committable(): Promise<Committable | null> {
    const log = await readLog(this.#place)
    const tip = branchTip(this.#placement.commonDir, this.#placement.ref)
    const committed = (await this.#committed(tip)) ?? Buffer.alloc(0)
    if (hasLost(committed, log ?? Buffer.alloc(0))) {
      throw new CommitDeferral(
        'path_refused',
        `The log ${LOG_NAME[this.ledger]} lacks lines that its branch holds. Restore them with git checkout.`,
      )
    }
    return log === null ? null : { log, committed, tip }
  }

  async #committed(
    tip = branchTip(this.#placement.commonDir, this.#placement.ref),
  ): Promise<Buffer | null> {
    if (tip === null) return null
    const { tree } = await this.#graph.commit(tip)
    const entry = await this.#graph.entryAt(tree, this.pathInTree)
    return entry === null || entry.isTree ? null : this.#graph.blob(entry.oid)
  }
}

function hasLost(committed: Buffer, log: Buffer): boolean {
  if (log.subarray(0, committed.length).equals(committed)) return false
  const present = idsOf(readLogLines(log).lines)
  return [...idsOf(readLogLines(committed).lines)].some((id) => !present.has(id))
}
