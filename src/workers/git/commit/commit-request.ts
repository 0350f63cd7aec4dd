/** A commit as it is asked for, what becomes of it, and what all its steps need. */
import type { RepositoryFormat } from '../../../project/git/repository-format.ts'
import type { Placement } from '../../../project/types.ts'
import type { DurableFs, OnStep } from '../disk/durable-fs.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import type { WorktreeChange } from '../objects/worktree-change.ts'
import type { Author } from '../../../project/bookkeeper.ts'
import type { Deferred } from '../deferral.ts'

export type Commit = {
  readonly oid: string
  readonly parents: readonly string[]
  /** RFC 3339 with offset, from the commit itself. Ours are in UTC: a zone would tell where somebody is. */
  readonly committedAt: string
  readonly changedFiles: readonly string[]
}

/** @throws CommitDeferral `path_refused` and system errors. */
export type CollectChanges = (
  placement: Placement,
  paths: readonly string[],
) => Promise<readonly WorktreeChange[]>

export type CommitRequest = {
  readonly placement: Placement
  /** Relative to the worktree, `/` between the names. */
  readonly paths: readonly string[]
  /** What they stand for; absent: each is a plain file of a ledger, and anything else is refused. */
  readonly collect?: CollectChanges
  readonly message: string
  /** Also the committer. */
  readonly author: Author
  /** Short or full names or globs; null means main, master and the remotes' default. */
  readonly protectedBranches: readonly string[] | null
  /** Of packs and processes, shared between calls where the caller keeps it. */
  readonly cache?: object
  /** For locks that somebody else holds, in total; `LOCK_WAIT_MS` where absent. */
  readonly lockWaitMs?: number
  /** For the program that signs, each time; `SIGNING_TIMEOUT_MS` where absent. */
  readonly signingTimeoutMs?: number
}

export type CommitOutcome =
  | { readonly type: 'committed'; readonly commit: Commit }
  /** HEAD, the commit `oid`, already holds these bytes. */
  | { readonly type: 'unchanged'; readonly oid: string }
  | Deferred

export type CommitHooks = {
  /**
   * Awaited once the commit is known, before anything of it need be there. Called again with another commit when the
   * branch moved meanwhile: the last call counts. What it throws, `commitPaths` throws, and nothing has moved.
   */
  readonly beforeRefMoves?: (commit: Commit) => Promise<void>
  readonly onStep?: OnStep
  /** How long git's locks were held, each time they were. */
  readonly onLockHold?: (lockHoldMs: number) => void
}

/** What all steps of one commit need. */
export type CommitContext = {
  readonly request: CommitRequest
  readonly hooks: CommitHooks
  readonly fs: DurableFs
  readonly store: ObjectStore
  readonly format: RepositoryFormat
  readonly changes: readonly WorktreeChange[]
  /** Of attempts before the locks are taken first; a signer must not be waited for while git is locked out. */
  readonly optimisticAttempts: number
}
