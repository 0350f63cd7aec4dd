/** A file of a mission for those who only read: from its worktree, or from its branch where there is none. */
import { join } from 'node:path'
import { DECISION_LOG } from '../../../contracts/ledgers/decision-record.ts'
import { STATUS_LOG } from '../../../contracts/ledgers/status-record.ts'
import { GitError } from '../../../errors.ts'
import { readBounded } from '../../../project/files/bounded-file.ts'
import { MISSIONS_FOLDER } from '../../../project/missions/mission-names.ts'
import { trackedBranch } from '../../../project/git/git-files.ts'
import { missionBranch, resolvePlacement } from '../../../project/missions/placement.ts'
import { pathWithoutLinks } from '../../../project/files/safe-path.ts'
import type { Mission, Repository } from '../../../project/types.ts'
import { CommitGraph } from '../objects/commit-graph.ts'
import { branchTip } from '../refs/head.ts'
import { gitErrorFrom } from './ledger-errors.ts'
import { LOG_BYTES_MAX } from './log-file.ts'

export type MissionFiles = {
  readonly source: 'worktree' | 'branch'
  /**
   * Null where it is absent.
   *
   * @throws GitError LOG_UNREADABLE, IO_ERROR, REPOSITORY_UNSUPPORTED
   */
  readonly read: (name: string) => Promise<Buffer | null>
}

/**
 * Takes no lock and writes nothing. A branch that is gone, as after its merge, is stood for by the primary checkout, which
 * then has what it held.
 *
 * @throws GitError LOG_UNREADABLE, IO_ERROR, REPOSITORY_UNSUPPORTED
 */
export async function openMissionFiles(
  repository: Repository,
  mission: Mission,
): Promise<MissionFiles> {
  const placement = await resolvePlacement(repository, mission).catch((error: unknown) => {
    if (error instanceof GitError) return null
    throw error
  })
  if (placement !== null) return folderFiles(placement.missionPath)
  const tip = tipOf(repository, mission)
  if (tip !== null) return branchFiles(repository, mission, tip)
  const folder = folderFiles(
    pathWithoutLinks(repository.root, [MISSIONS_FOLDER, mission.directory]),
  )
  const tracked = trackedBranch(repository.commonDir, missionBranch(mission))
  return tracked === null ? folder : laterOf(folder, branchFiles(repository, mission, tracked.oid))
}

/** A clone has what others pushed, and after the merge it has that in the primary checkout: logs only grow. */
async function laterOf(folder: MissionFiles, tracked: MissionFiles): Promise<MissionFiles> {
  const sizeOf = async (files: MissionFiles): Promise<number> => {
    const logs = await Promise.all([STATUS_LOG, DECISION_LOG].map((name) => files.read(name)))
    return logs.reduce((sum, log) => sum + (log?.length ?? 0), 0)
  }
  return (await sizeOf(tracked)) > (await sizeOf(folder)) ? tracked : folder
}

function folderFiles(folder: string): MissionFiles {
  return {
    source: 'worktree',
    read: async (name) => {
      const file = readBounded(join(folder, name), LOG_BYTES_MAX, { followLink: false })
      if (file.state === 'absent') return null
      if (file.state === 'read') return file.bytes
      throw new GitError('LOG_UNREADABLE', `${name} can't be read: ${file.reason}`, {
        hint: 'A log is a plain file of at most 64 MiB that you may read.',
      })
    },
  }
}

function tipOf({ commonDir }: Repository, mission: Mission): string | null {
  try {
    return branchTip(commonDir, `refs/heads/${missionBranch(mission)}`)
  } catch (error) {
    throw gitErrorFrom(error)
  }
}

function branchFiles({ commonDir }: Repository, mission: Mission, tip: string): MissionFiles {
  const graph = new CommitGraph(commonDir)
  return {
    source: 'branch',
    read: async (name) => {
      try {
        const { tree } = await graph.commit(tip)
        const path = `${MISSIONS_FOLDER}/${mission.directory}/${name}`
        const entry = await graph.entryAt(tree, path)
        return entry === null || entry.isTree ? null : await graph.blob(entry.oid)
      } catch (error) {
        throw gitErrorFrom(error)
      }
    },
  }
}
