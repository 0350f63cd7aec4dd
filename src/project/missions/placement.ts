/**
 * Where a mission's ledger lives: the worktree and the ref that its HEAD names, found together, as
 * one value. Nothing else in this program pairs the two.
 */
import { join } from 'node:path'
import { GitError } from '../../errors.ts'
import { hasCoordination } from './mission-meta.ts'
import { coordinationFolder, MISSIONS_FOLDER, WORKTREES_FOLDER } from './mission-names.ts'
import { pathWithoutLinks } from '../files/safe-path.ts'
import type { Mission, Placement, Repository } from '../types.ts'
import { listCheckouts } from '../git/worktrees.ts'
import type { Checkout } from '../git/worktrees.ts'

/** The short name of the branch that holds the mission's ledger. */
export function missionBranch(mission: Mission): string {
  return hasCoordination(mission.topology) && mission.coordination_branch !== null
    ? mission.coordination_branch
    : mission.target_branch
}

/** As `placeMission`, among the checkouts that there are now. @throws as `placeMission` */
export async function resolvePlacement(
  repository: Repository,
  mission: Mission,
): Promise<Placement> {
  return placeMission(repository, mission, listCheckouts(repository))
}

/**
 * The checkout that has the mission's branch, wherever it stands.
 *
 * @throws GitError HEAD_MISMATCH, DETACHED_HEAD, UNBORN_BRANCH, WORKTREE_MISSING; ProjectError
 *   PATH_REFUSED
 */
export function placeMission(
  repository: Repository,
  mission: Mission,
  checkouts: readonly Checkout[],
): Placement {
  const branch = missionBranch(mission)
  const ref = `refs/heads/${branch}`
  const checkout = checkouts.find(({ present, head }) => present && head.ref === ref)
  if (checkout === undefined) throw explain(repository, mission, checkouts)
  if (checkout.head.oid === null) throw unborn()
  return {
    mission,
    worktree: checkout.worktree,
    gitDir: checkout.gitDir,
    commonDir: repository.commonDir,
    ref,
    missionPath: pathWithoutLinks(checkout.worktree, [MISSIONS_FOLDER, mission.directory]),
  }
}

// What the checkout that should have the branch has instead.
function explain(
  repository: Repository,
  mission: Mission,
  checkouts: readonly Checkout[],
): GitError {
  const expected = expectedWorktree(repository, mission)
  const here = checkouts.find(({ worktree, present }) => present && worktree === expected)
  if (here === undefined) {
    return new GitError(
      'WORKTREE_MISSING',
      "the mission's worktree is expected, and is not there",
      {
        hint: 'A command that writes to the mission makes it again.',
      },
    )
  }
  const place = expected === repository.root ? 'primary checkout' : 'coordination worktree'
  if (here.head.detached) {
    return new GitError('DETACHED_HEAD', `the ${place} is expected on the mission's branch`, {
      hint: 'Finish or abort the rebase there, or `git switch` back to the branch of the mission.',
    })
  }
  return new GitError('HEAD_MISMATCH', `the ${place} is on another branch than the mission's`, {
    hint: 'Run `git switch` there to go back to the branch of the mission.',
  })
}

/** Where the checkout stands by convention. */
export function expectedWorktree({ root }: Repository, mission: Mission): string {
  return hasCoordination(mission.topology)
    ? join(root, WORKTREES_FOLDER, coordinationFolder(mission.directory))
    : root
}

export function unborn(hint?: string): GitError {
  return new GitError('UNBORN_BRANCH', 'a branch with at least one commit is expected', {
    hint: hint ?? "Fetch the mission's branch from the remote, or restore it with git.",
  })
}
