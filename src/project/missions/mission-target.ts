/** The branch that a new mission starts from and goes back to. */
import { GitError, InputError } from '../../errors.ts'
import { isBranchName, readHead, resolveRef } from '../git/git-files.ts'
import { unborn } from './placement.ts'
import { readFormat } from '../git/repository-format.ts'
import type { Repository } from '../types.ts'

export type Target = { readonly branch: string; readonly oid: string }

/** @throws GitError REPOSITORY_UNSUPPORTED */
export function checkFormat({ commonDir }: Repository): void {
  const { unsupported } = readFormat(commonDir)
  if (unsupported === null) return
  throw new GitError(
    'REPOSITORY_UNSUPPORTED',
    `a repository whose references are plain files is expected; this is ${unsupported}`,
    {
      hint: 'One made with `--ref-format=reftable` is not supported.',
    },
  )
}

/**
 * The wanted branch, or the one that is checked out, with its tip.
 *
 * @throws InputError BRANCH_NAME; GitError UNBORN_BRANCH, DETACHED_HEAD, BRANCH_NOT_FOUND
 */
export function targetOf(repository: Repository, wanted: string | undefined): Target {
  const branch = wanted ?? checkedOutBranch(repository)
  if (!isBranchName(branch)) {
    throw new InputError('BRANCH_NAME', 'the short name of a branch is expected as the target', {
      hint: 'For example `main`; `git branch` lists them.',
    })
  }
  const oid = resolveRef(repository.commonDir, `refs/heads/${branch}`)
  if (oid !== null) return { branch, oid }
  if (wanted === undefined) throw unborn('Make the first commit, then create the mission.')
  throw new GitError(
    'BRANCH_NOT_FOUND',
    'the target branch is expected to exist in this repository',
    {
      hint: 'Make it with `git branch`, or fetch it.',
    },
  )
}

function checkedOutBranch({ root, worktree, gitDir, commonDir }: Repository): string {
  const here = readHead(gitDir, commonDir)
  // Another mission's worktree is no place to branch from; there the primary checkout decides.
  const isMissions = worktree !== root && here.branch?.startsWith('kitty/mission-') === true
  const head = isMissions ? readHead(commonDir, commonDir) : here
  if (head.branch !== null) return head.branch
  throw new GitError('DETACHED_HEAD', 'a branch is expected to be checked out as the target', {
    hint: 'Run `git switch` to a branch, or name the target branch.',
  })
}
