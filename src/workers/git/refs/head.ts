/** The commit that ours will stand on, or why there can't be one. */
import { isBranchName, readHead, readRef } from '../../../project/git/git-files.ts'
import type { Placement } from '../../../project/types.ts'
import { CommitDeferral } from '../deferral.ts'
import { refuseDuringOperation } from './repository-state.ts'

const HEADS = 'refs/heads/'

/**
 * The tip of the placement's branch, which its worktree must have checked out. @throws CommitDeferral
 * `worktree_missing`, `detached_head`, `head_mismatch`, `unborn_branch` and what `branchTip` throws.
 */
export function readParent({
  gitDir,
  commonDir,
  ref,
}: Pick<Placement, 'gitDir' | 'commonDir' | 'ref'>): string {
  const head = readHead(gitDir, commonDir)
  refuseDuringOperation(gitDir)
  if (head.detached) {
    const message = 'HEAD of the worktree is detached. Check the branch out again.'
    throw new CommitDeferral('detached_head', message)
  }
  if (head.ref === null) {
    const message = 'The worktree has no HEAD any more. Restore it with git worktree.'
    throw new CommitDeferral('worktree_missing', message)
  }
  if (head.ref !== ref || !ref.startsWith(HEADS) || !isBranchName(ref.slice(HEADS.length))) {
    const message = 'The worktree has another branch checked out. Switch it back.'
    throw new CommitDeferral('head_mismatch', message)
  }
  const oid = branchTip(commonDir, ref)
  if (oid === null) {
    const message = 'The branch has no commit yet. Make the first one with git.'
    throw new CommitDeferral('unborn_branch', message)
  }
  return oid
}

/**
 * The commit that the branch is at, or null where it has none yet. @throws CommitDeferral `io_error` and, for a branch
 * that is a name of another one, `repository_unsupported`.
 */
export function branchTip(commonDir: string, ref: string): string | null {
  const reading = readRef(commonDir, ref)
  if (reading.state === 'read') return reading.oid
  if (reading.state === 'absent') return null
  if (reading.state === 'unusable') {
    throw new CommitDeferral('io_error', 'The branch of the mission can not be read.')
  }
  const message = 'The branch of the mission is not a plain reference to a commit.'
  throw new CommitDeferral('repository_unsupported', message)
}
