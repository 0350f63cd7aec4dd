/** What forbids a commit before any write: the kind of repository, or git in the middle of something. */
import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { systemCode } from '../../../errors.ts'
import { readFormat } from '../../../project/git/repository-format.ts'
import type { RepositoryFormat } from '../../../project/git/repository-format.ts'
import { CommitDeferral } from '../deferral.ts'

/** Unfinished work of git's in a worktree during which its branch must stay where it is. */
const OPERATIONS = [
  { name: 'rebase-merge', title: 'A rebase' },
  { name: 'rebase-apply', title: 'A rebase or an am' },
  { name: 'BISECT_START', title: 'A bisect' },
  { name: 'BISECT_LOG', title: 'A bisect' },
]

/** What a merge, a cherry-pick and a revert leave until they are finished or aborted. */
const UNFINISHED = ['MERGE_HEAD', 'CHERRY_PICK_HEAD', 'REVERT_HEAD']

/** @throws CommitDeferral `repository_unsupported`. */
export function requireFormat(commonDir: string): RepositoryFormat {
  const format = readFormat(commonDir)
  if (format.unsupported === null) return format
  const message = `The repository is ${format.unsupported}; commits can not be made in it.`
  throw new CommitDeferral('repository_unsupported', message)
}

/** @throws CommitDeferral `detached_head` while a rebase, am or bisect is under way. */
export function refuseDuringOperation(gitDir: string): void {
  for (const { name, title } of OPERATIONS) {
    if (!isThere(join(gitDir, name))) continue
    const message = `${title} is in progress in the worktree. Finish or abort it.`
    throw new CommitDeferral('detached_head', message)
  }
}

export function isMerging(gitDir: string): boolean {
  return UNFINISHED.some((name) => isThere(join(gitDir, name)))
}

function isThere(path: string): boolean {
  try {
    lstatSync(path)
    return true
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false
    throw error
  }
}
