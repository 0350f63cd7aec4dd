/** A commit that somebody asks for by ref and paths: the engine of the ledgers' commits, with the codes of its own contract. */
import { GitError } from '../../../errors.ts'
import type { ErrorDetails } from '../../../errors.ts'
import type { Placement } from '../../../project/types.ts'
import { collectChanges } from '../commit/collect-changes.ts'
import { commitPaths } from '../commit/commit.ts'
import type { Deferred } from '../deferral.ts'
import { branchTip } from '../refs/head.ts'
import type { LedgerOptions } from '../logs/mission-logs.ts'
import type { DeferralReason } from '../protocol.ts'

/** Where it goes and what of. */
export type PathsCommit = {
  readonly placement: Placement
  /** Relative to the worktree. */
  readonly paths: readonly string[]
  readonly message: string
  /** True only by an explicit capability of the caller. */
  readonly mayLandOnProtected: boolean
}

export type MadeCommit = {
  readonly sha: string
  readonly changed_files: readonly string[]
}

const CODES: Readonly<Record<DeferralReason, string>> = {
  index_locked: 'LOCKED',
  ref_locked: 'LOCKED',
  ledger_locked: 'LOCKED',
  head_moved: 'LOCKED',
  io_error: 'IO_ERROR',
  head_mismatch: 'HEAD_MISMATCH',
  detached_head: 'HEAD_MISMATCH',
  unborn_branch: 'DESTINATION_NOT_FOUND',
  worktree_missing: 'NOT_A_WORKTREE',
  protected_branch: 'PROTECTED_BRANCH',
  path_conflicted: 'PATH_CONFLICTED',
  path_refused: 'PATH_POLICY',
  index_unsupported: 'UNSUPPORTED',
  repository_unsupported: 'UNSUPPORTED',
  repository_read_only: 'READ_ONLY',
  signing_failed: 'SIGNING_FAILED',
  not_committed_yet: 'LOCKED',
}

const HINTS: Readonly<Record<string, string>> = {
  LOCKED: 'Run the command again once the other git process is done.',
  IO_ERROR: 'Check the disk, and run `git fsck`.',
  HEAD_MISMATCH: 'Check the branch out in that worktree, or name the branch that is.',
  DESTINATION_NOT_FOUND: 'Make the branch and its first commit with git.',
  NOT_A_WORKTREE: 'Name the top folder of a worktree of this repository.',
  PROTECTED_BRANCH: 'Commit to a branch of your own and merge it.',
  PATH_CONFLICTED: 'Resolve the conflict, or finish what git has begun.',
  PATH_POLICY:
    'Name files and folders inside the worktree of the branch; that of a mission lies below `.worktrees`.',
  UNSUPPORTED: 'Commit with git.',
  READ_ONLY: 'Make the repository writable for this user.',
  SIGNING_FAILED: 'Put right what signs commits in git, then run the command again.',
}

/** Under the repository lock. @throws GitError SAFE_COMMIT_*; `committed` and `sha` in its details where a commit stands. */
export async function commitWantedPaths(
  { placement, paths, message, mayLandOnProtected }: PathsCommit,
  { author, protectedBranches }: LedgerOptions,
  cache: object,
): Promise<MadeCommit> {
  let built: string | null = null
  const outcome = await commitPaths(
    {
      placement,
      paths,
      message,
      author: await author(),
      protectedBranches: mayLandOnProtected ? [] : await protectedBranches(),
      cache,
      collect: collectChanges,
    },
    {
      beforeRefMoves: async ({ oid }) => {
        built = oid
      },
    },
  )
  if (outcome.type === 'committed') {
    return { sha: outcome.commit.oid, changed_files: outcome.commit.changedFiles }
  }
  if (outcome.type === 'unchanged') {
    throw refusal('EMPTY_CHANGESET', 'The branch holds these paths as they are.', {
      hint: 'Nothing has to be committed.',
    })
  }
  throw failure(
    outcome,
    built !== null && branchTip(placement.commonDir, placement.ref) === built ? built : null,
  )
}

/** Whether the refusal leaves the branch holding what was asked for. */
export function isCommitted(error: unknown): boolean {
  if (!(error instanceof GitError)) return false
  return error.code === 'SAFE_COMMIT_EMPTY_CHANGESET' || error.details['committed'] === true
}

function failure({ reason, message, path }: Deferred, made: string | null): GitError {
  const code = CODES[reason]
  const offending: ErrorDetails = path === undefined ? {} : { offending_path: path }
  const committed: ErrorDetails = made === null ? {} : { committed: true, sha: made }
  return refusal(code, message, {
    hint: HINTS[code] ?? 'Do what the message says.',
    retryable: code === 'LOCKED',
    details: { ...offending, ...committed },
  })
}

export function refusal(
  code: string,
  message: string,
  options: { hint: string; retryable?: boolean; details?: ErrorDetails },
): GitError {
  return new GitError(`SAFE_COMMIT_${code}`, message, options)
}
