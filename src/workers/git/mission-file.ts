/** A file of a mission for those who only read: from its worktree, or from its branch where there is none. */
import { join } from 'node:path'
import { GitError } from '../../errors.ts'
import { readBounded } from '../../project/bounded-file.ts'
import { MISSIONS_FOLDER } from '../../project/mission-names.ts'
import { missionBranch, resolvePlacement } from '../../project/placement.ts'
import type { Mission, Repository } from '../../project/types.ts'
import { CommitGraph } from './commit-graph.ts'
import { branchTip } from './head.ts'
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

/** Takes no lock and writes nothing. @throws GitError IO_ERROR, REPOSITORY_UNSUPPORTED */
export async function openMissionFiles(
  repository: Repository,
  mission: Mission,
): Promise<MissionFiles> {
  const placement = await resolvePlacement(repository, mission).catch((error: unknown) => {
    if (error instanceof GitError) return null
    throw error
  })
  if (placement === null) return branchFiles(repository, mission)
  return {
    source: 'worktree',
    read: async (name) => {
      const file = readBounded(join(placement.missionPath, name), LOG_BYTES_MAX, {
        followLink: false,
      })
      if (file.state === 'absent') return null
      if (file.state === 'read') return file.bytes
      throw new GitError('LOG_UNREADABLE', `${name} can't be read: ${file.reason}`, {
        hint: 'A log is a plain file of at most 64 MiB that you may read.',
      })
    },
  }
}

function branchFiles({ commonDir }: Repository, mission: Mission): MissionFiles {
  const graph = new CommitGraph(commonDir, {})
  return {
    source: 'branch',
    read: async (name) => {
      try {
        const tip = branchTip(commonDir, `refs/heads/${missionBranch(mission)}`)
        if (tip === null) return null
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
