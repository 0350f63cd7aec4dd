/** A mission's status log for those who only read: from its worktree, or from its branch where there is none. */
import { foldStatus } from '../../contracts/fold-status.ts'
import type { StatusFold } from '../../contracts/fold-status.ts'
import { STATUS_LOG, STATUS_SNAPSHOT } from '../../contracts/status-record.ts'
import { verifyStatus } from '../../contracts/verify-status.ts'
import type { StatusVerdict } from '../../contracts/verify-status.ts'
import { GitError } from '../../errors.ts'
import { readBounded } from '../../project/bounded-file.ts'
import { readSnapshotMeta } from '../../project/mission-meta.ts'
import { MISSIONS_FOLDER } from '../../project/mission-names.ts'
import { missionBranch, resolvePlacement } from '../../project/placement.ts'
import type { Mission, Repository } from '../../project/types.ts'
import { CommitGraph } from './commit-graph.ts'
import { branchTip } from './head.ts'
import { gitErrorFrom } from './ledger-errors.ts'
import { LOG_BYTES_MAX } from './log-file.ts'
import type { SkippedLine } from './log-lines.ts'
import { parseStatusLines } from './status-lines.ts'
import { join } from 'node:path'

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
  const placement = await resolvePlacement(repository, mission).catch((error: unknown) => {
    if (error instanceof GitError) return null
    throw error
  })
  if (placement === null) return readBranch(repository, mission)
  const log = readBounded(join(placement.missionPath, STATUS_LOG), LOG_BYTES_MAX, NO_LINK)
  const snapshot = readBounded(join(placement.missionPath, STATUS_SNAPSHOT), LOG_BYTES_MAX, NO_LINK)
  if (log.state === 'unusable') {
    throw new GitError('LOG_UNREADABLE', `the status log can't be read: ${log.reason}`, {
      hint: 'A log is a plain file of at most 64 MiB that you may read.',
    })
  }
  return {
    source: log.state === 'absent' ? 'none' : 'worktree',
    log: log.state === 'read' ? log.bytes : Buffer.alloc(0),
    snapshot: snapshot.state === 'read' ? snapshot.bytes : null,
  }
}

const NO_LINK = { followLink: false } as const

/** What the branch holds, without a worktree that has it. */
async function readBranch({ commonDir }: Repository, mission: Mission): Promise<Files> {
  try {
    const tip = branchTip(commonDir, `refs/heads/${missionBranch(mission)}`)
    if (tip === null) return { source: 'none', log: Buffer.alloc(0), snapshot: null }
    const graph = new CommitGraph(commonDir, {})
    const { tree } = await graph.commit(tip)
    const folder = `${MISSIONS_FOLDER}/${mission.directory}`
    const blobAt = async (name: string): Promise<Buffer | null> => {
      const entry = await graph.entryAt(tree, `${folder}/${name}`)
      return entry === null || entry.isTree ? null : graph.blob(entry.oid)
    }
    const log = await blobAt(STATUS_LOG)
    const snapshot = await blobAt(STATUS_SNAPSHOT)
    return { source: log === null ? 'none' : 'branch', log: log ?? Buffer.alloc(0), snapshot }
  } catch (error) {
    throw gitErrorFrom(error)
  }
}
