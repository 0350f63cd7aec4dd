/** A mission's status log for those who only read: from its worktree, or from its branch where there is none. */
import { foldStatus } from '../../../contracts/ledgers/fold-status.ts'
import type { StatusFold } from '../../../contracts/ledgers/fold-status.ts'
import { STATUS_LOG, STATUS_SNAPSHOT } from '../../../contracts/ledgers/status-record.ts'
import { verifyStatus } from '../../../contracts/ledgers/verify-status.ts'
import type { StatusVerdict } from '../../../contracts/ledgers/verify-status.ts'
import { readSnapshotMeta } from '../../../project/missions/mission-meta.ts'
import type { Mission, Repository } from '../../../project/types.ts'
import type { SkippedLine } from './log-lines.ts'
import { openMissionFiles } from './mission-file.ts'
import { parseStatusLines } from './status-lines.ts'

export type StatusReading = {
  readonly mission: Mission
  /** Where the log was read; `none` where there is none yet. */
  readonly source: 'worktree' | 'branch' | 'none'
  readonly fold: StatusFold
  readonly skipped: readonly SkippedLine[]
}

export type StatusCheck = StatusVerdict & {
  readonly mission_slug: string
  readonly skipped: readonly SkippedLine[]
}

type Files = {
  readonly source: StatusReading['source']
  readonly log: Buffer
  readonly snapshot: Buffer | null
}

/** Takes no lock and writes nothing. @throws GitError LOG_UNREADABLE, IO_ERROR, REPOSITORY_UNSUPPORTED */
export async function readStatus(repository: Repository, mission: Mission): Promise<StatusReading> {
  const { source, log } = await readFiles(repository, mission)
  const { rows, skipped } = parseStatusLines(log)
  return { mission, source, fold: foldStatus(rows), skipped }
}

/** The log against its rules and its snapshot. @throws as `readStatus` */
export async function checkStatus(repository: Repository, mission: Mission): Promise<StatusCheck> {
  const { log, snapshot } = await readFiles(repository, mission)
  const { rows, skipped } = parseStatusLines(log)
  const meta = readSnapshotMeta(repository.root, mission.directory)
  const text = snapshot === null ? null : snapshot.toString('utf8')
  return { mission_slug: mission.directory, skipped, ...verifyStatus(rows, text, meta) }
}

async function readFiles(repository: Repository, mission: Mission): Promise<Files> {
  const { source, read } = await openMissionFiles(repository, mission)
  const log = await read(STATUS_LOG)
  // It is never the authority, so one that can't be read is one that says nothing.
  const snapshot = await read(STATUS_SNAPSHOT).catch(() => Buffer.alloc(0))
  return { source: log === null ? 'none' : source, log: log ?? Buffer.alloc(0), snapshot }
}
