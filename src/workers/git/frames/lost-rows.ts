/**
 * Notices rows that a branch had and that a commit of somebody else's, or a branch that was set back, took off it while the
 * worktree still has them: nobody asked for that, so the ledger is marked, and whoever writes next commits it again.
 */
import { idsOf } from '../../../contracts/ledgers/repair-log.ts'
import { KittiwakeError } from '../../../errors.ts'
import type { Placement } from '../../../project/types.ts'
import type { BranchBook } from './branch-book.ts'
import type { CommitGraph } from '../objects/commit-graph.ts'
import { deferralOf } from '../deferral.ts'
import { NOT_COMMITTED_YET } from '../logs/dirty-journal.ts'
import type { DirtyJournal } from '../logs/dirty-journal.ts'
import { readParent } from '../refs/head.ts'
import { readLogLines } from '../logs/log-lines.ts'
import type { LedgerOptions, MissionLogs } from '../logs/mission-logs.ts'
import { LOG_NAME } from '../logs/mission-log.ts'
import { LEDGERS } from '../protocol.ts'
import type { LedgerName } from '../protocol.ts'
import type { Warnings } from '../warnings.ts'

type Move = { readonly mission: string; readonly from: string; readonly to: string }

type Parts = {
  readonly logs: MissionLogs
  readonly journal: DirtyJournal
  readonly warnings: Warnings
}

/** `made`: by the caller, just now. */
export type Looked = {
  readonly before: BranchBook
  readonly after: BranchBook
  readonly made: string | null
}

export class LostRows {
  readonly #options: LedgerOptions
  readonly #parts: Parts

  constructor(options: LedgerOptions, parts: Parts) {
    this.#options = options
    this.#parts = parts
  }

  /**
   * Call it under the repository lock, before the look counts as done. A branch or a log that can't be read has lost
   * nothing as far as can be told. @throws system errors, and GitError where the mark can't be written.
   */
  async mark(graph: CommitGraph, { before, after, made }: Looked): Promise<void> {
    for (const [mission, { scanned: to }] of after) {
      const from = before.get(mission)?.scanned ?? null
      if (from === null || to === null || from === to) continue
      if (to === made && (await graph.commit(to)).parents[0] === from) continue
      for (const ledger of LEDGERS) {
        const isLost = await this.#hasLost(graph, { mission, from, to }, ledger).catch(isUnknown)
        if (isLost) await this.#mark(mission, ledger)
      }
    }
  }

  async #hasLost(graph: CommitGraph, move: Move, ledger: LedgerName): Promise<boolean> {
    const { mission, from, to } = move
    const path = `kitty-specs/${mission}/${LOG_NAME[ledger]}`
    const [had, has] = [await blobAt(graph, from, path), await blobAt(graph, to, path)]
    if (had === null || had === has) return false
    const old = await graph.blob(had)
    const now = has === null ? Buffer.alloc(0) : await graph.blob(has)
    // Logs are appended to.
    if (now.subarray(0, old.length).equals(old)) return false
    const kept = idsOf(readLogLines(now).lines)
    const lost = [...idsOf(readLogLines(old).lines)].filter((id) => !kept.has(id))
    if (lost.length === 0) return false
    const placement: Placement = await this.#options.placementOf(mission)
    readParent(placement)
    const log = await this.#parts.logs.log(placement, ledger)
    const present = idsOf(readLogLines(await log.read()).lines)
    return lost.some((id) => present.has(id))
  }

  async #mark(mission: string, ledger: LedgerName): Promise<void> {
    const { journal, warnings } = this.#parts
    const marked = await journal.ledgers()
    if (marked.some((one) => one.mission === mission && one.ledger === ledger)) return
    await journal.mark({ mission, ledger }, null, NOT_COMMITTED_YET)
    const message = `A commit of somebody else's took rows of ${LOG_NAME[ledger]} of ${mission} off the branch. They are committed again.`
    warnings.add('ROWS_TAKEN_OFF', message)
  }
}

function isUnknown(error: unknown): false {
  if (error instanceof KittiwakeError || deferralOf(error) !== null) return false
  throw error
}

async function blobAt(graph: CommitGraph, commit: string, path: string): Promise<string | null> {
  const node = await graph.findCommit(commit)
  const entry = node === null ? null : await graph.entryAt(node.tree, path)
  return entry === null || entry.isTree ? null : entry.oid
}
