/** Heals a ledger of a mission in its worktree: proven to lose nothing before it takes the place, and the old one is kept. */
import { dirname, join } from 'node:path'
import { foldStatus } from '../../../contracts/ledgers/fold-status.ts'
import type { LogRepair } from '../../../contracts/ledgers/repair-log.ts'
import { STATUS_SNAPSHOT } from '../../../contracts/ledgers/status-record.ts'
import { renderSnapshot } from '../../../contracts/ledgers/status-snapshot.ts'
import { verifyStatus } from '../../../contracts/ledgers/verify-status.ts'
import { readBounded } from '../../../project/files/bounded-file.ts'
import { readSnapshotMeta } from '../../../project/missions/mission-meta.ts'
import { NOT_COMMITTED_YET } from '../logs/dirty-journal.ts'
import type { DirtyJournal, MissionLedger } from '../logs/dirty-journal.ts'
import type { CommitAnswer, LogCommitter } from './log-committer.ts'
import { LOG_BYTES_MAX } from '../logs/log-file.ts'
import type { MissionBranches } from '../frames/mission-branches.ts'
import { dialectOf } from '../logs/mission-log.ts'
import type { MissionLog } from '../logs/mission-log.ts'
import type { LedgerOptions, MissionLogs } from '../logs/mission-logs.ts'
import { keepDamaged, planRepair } from '../logs/repair-plan.ts'
import { parseStatusLines } from '../logs/status-lines.ts'

export type LedgerRepair = Omit<LogRepair, 'text'> & {
  /** Relative to the worktree. */
  readonly path: string
  /** Whether anything is, or with `dry run` would be, changed. */
  readonly changed: boolean
  /** Where the log stands as it was, in the git directory; null where nothing was changed. */
  readonly kept: string | null
  /** What became of its commit; null where nothing was changed. */
  readonly commit: CommitAnswer | null
}

type Parts = {
  readonly logs: MissionLogs
  readonly branches: MissionBranches
  readonly journal: DirtyJournal
  readonly committer: LogCommitter
}

type Found = {
  readonly log: MissionLog
  readonly bytes: Buffer
  readonly repair: LogRepair
  readonly changed: boolean
}

export class LogRepairer {
  readonly #options: LedgerOptions
  readonly #parts: Parts

  constructor(options: LedgerOptions, parts: Parts) {
    this.#options = options
    this.#parts = parts
  }

  /** What would be done; reads only, and takes no lock. */
  async examine(named: MissionLedger): Promise<LedgerRepair> {
    const found = await this.#find(named)
    return { ...reportOf(found), kept: null, commit: null }
  }

  /** Called under the repository lock. @throws GitError LEDGER_CHANGED (retryable), REPAIR_UNPROVEN. */
  async repair(named: MissionLedger): Promise<LedgerRepair> {
    const { journal, branches, committer } = this.#parts
    const found = await this.#find(named)
    if (!found.changed) return { ...reportOf(found), kept: null, commit: null }
    const name = { mission: named.mission, log: named.ledger }
    const kept = await keepDamaged(this.#parts.logs.fs, name, found.bytes)
    await branches.track(await this.#options.placementOf(named.mission))
    await journal.mark(named, null, NOT_COMMITTED_YET)
    await found.log.rewrite(found.bytes, found.repair.text)
    const { answer } = await committer.commit(named)
    return { ...reportOf(found), kept, commit: answer }
  }

  async #find({ mission, ledger }: MissionLedger): Promise<Found> {
    const placement = await this.#options.placementOf(mission)
    const log = await this.#parts.logs.log(placement, ledger)
    const bytes = await log.read()
    const viewOf = ledger === 'status' ? snapshotOf : (): string => ''
    const repair = planRepair(bytes, dialectOf(ledger), viewOf)
    const after = Buffer.from(repair.text)
    const isSnapshotBroken = ledger === 'status' && this.#isSnapshotUnreadable(mission, log, after)
    return { log, bytes, repair, changed: !after.equals(bytes) || isSnapshotBroken }
  }

  #isSnapshotUnreadable(mission: string, log: MissionLog, bytes: Buffer): boolean {
    const path = join(dirname(log.path), STATUS_SNAPSHOT)
    const read = readBounded(path, LOG_BYTES_MAX, { followLink: false })
    if (read.state !== 'read') return false
    const meta = readSnapshotMeta(this.#options.repository.root, mission)
    const { rows } = parseStatusLines(bytes)
    return verifyStatus(rows, read.bytes.toString('utf8'), meta).snapshot.state === 'unreadable'
  }
}

function snapshotOf(bytes: Buffer): string {
  const meta = { mission_number: '', mission_type: '' }
  return renderSnapshot(foldStatus(parseStatusLines(bytes).rows), meta)
}

function reportOf({ log, repair, changed }: Found): Omit<LedgerRepair, 'kept' | 'commit'> {
  const { text: _, ...counts } = repair
  return { ...counts, path: log.pathInTree, changed }
}
