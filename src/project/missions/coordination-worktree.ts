/**
 * Makes a mission's coordination worktree again where it was deleted, moved, or never checked out.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { GitError } from '../../errors.ts'
import { resolveRef, trackedBranch } from '../git/git-files.ts'
import { hasCoordination } from './mission-meta.ts'
import { WORKTREES_FOLDER } from './mission-names.ts'
import { runGit } from '../git/native-git.ts'
import type { GitOutcome } from '../git/native-git.ts'
import { expectedWorktree, missionBranch, resolvePlacement, unborn } from './placement.ts'
import { withRepositoryLock } from '../git/repository-lock.ts'
import { pathWithoutLinks } from '../files/safe-path.ts'
import type { Mission, Placement, Repository } from '../types.ts'
import {
  checkoutOptions,
  excludeWorktrees,
  gitFailed,
  removeHalfEntries,
  removeHeadLock,
} from './worktree-add.ts'
import { listCheckouts } from '../git/worktrees.ts'

/**
 * The mission's placement; a coordination worktree that was deleted is made again first. For
 * commands that write.
 *
 * @throws GitError as `resolvePlacement`, and GIT_MISSING, GIT_TIMEOUT, GIT_FAILED; ProjectError
 *   PATH_REFUSED, REPOSITORY_READ_ONLY, REPOSITORY_BUSY, LOCK_UNUSABLE
 */
export async function ensureCoordinationWorktree(
  repository: Repository,
  mission: Mission,
): Promise<Placement> {
  const first = await placementOr(repository, mission)
  if (first !== null || !hasCoordination(mission.topology)) {
    return first ?? resolvePlacement(repository, mission)
  }
  return withRepositoryLock(repository.commonDir, 'worktrees', async () => {
    // Another process may have been faster, which is as good.
    const second = await placementOr(repository, mission)
    if (second !== null) return second
    removeHalfEntries(repository.commonDir)
    const outcome = await restore(repository, mission)
    const third = await placementOr(repository, mission)
    if (third !== null) return third
    throw gitFailed(outcome)
  })
}

async function placementOr(repository: Repository, mission: Mission): Promise<Placement | null> {
  try {
    return await resolvePlacement(repository, mission)
  } catch (error) {
    if (error instanceof GitError && error.code === 'WORKTREE_MISSING') return null
    throw error
  }
}

async function restore(repository: Repository, mission: Mission): Promise<GitOutcome> {
  const path = expectedWorktree(repository, mission)
  const branch = missionBranch(mission)
  pathWithoutLinks(repository.root, [WORKTREES_FOLDER])
  excludeWorktrees(repository.commonDir)
  const options = await checkoutOptions(repository)
  if (listCheckouts(repository).some((known) => known.worktree === path && known.unfinished)) {
    // Whoever was making it is dead, since the lock is ours; it holds nothing but a part of a checkout.
    await runGit(['worktree', 'remove', '--force', '--force', '--', path], options)
  } else if (existsSync(join(path, '.git'))) {
    // The repository was moved: both sides still name the old place.
    const repaired = await runGit(['worktree', 'repair', '--', path], options)
    if ((await placementOr(repository, mission)) !== null) return repaired
  }
  // Forced, because git still has the deleted folder registered; `prune` would forget those of
  // others too.
  const add = ['worktree', 'add', '--quiet', '--force']
  const outcome = await runGit([...add, ...whence(repository, { branch, path })], options)
  if (outcome.code === 0) removeHeadLock(path)
  return outcome
}

function whence(
  { commonDir }: Repository,
  { branch, path }: { readonly branch: string; readonly path: string },
): readonly string[] {
  if (resolveRef(commonDir, `refs/heads/${branch}`) !== null) return ['--', path, branch]
  const tracked = trackedBranch(commonDir, branch)
  if (tracked === null) throw unborn()
  return ['--no-track', '-b', branch, '--', path, tracked.oid]
}
