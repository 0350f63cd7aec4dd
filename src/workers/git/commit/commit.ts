/**
 * Commits files of ours onto the branch that a worktree has checked out, without touching anything of the user's: objects
 * first and durable, by whichever implementation can make them, then, under git's own locks and a re-checked HEAD,
 * reflogs, our index entries and the branch. Hooks are not run: these are bookkeeping commits, whose outcome must not
 * depend on them. Half of this file is the contract with its callers.
 */
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { namesIn } from '../../../project/files/names-in.ts'
import { isProtectedBranch, protectedByDefault } from '../../../project/git/protection.ts'
import type { Placement } from '../../../project/types.ts'
import { buildCommit } from './commit-builder.ts'
import type { BuiltCommit } from './commit-builder.ts'
import { buildUnderLocks, publishCommit } from './commit-publisher.ts'
import type { Publication } from './commit-publisher.ts'
import { CommitDeferral, deferralOf } from '../deferral.ts'
import { DurableFs, TEMPORARY_PREFIX, UNFINISHED_SUFFIX } from '../disk/durable-fs.ts'
import type { OnStep } from '../disk/durable-fs.ts'
import { forgetLocks, freeLocks } from '../refs/git-locks.ts'
import { readParent } from '../refs/head.ts'
import { readJournal } from '../refs/journal.ts'
import { openObjects } from '../objects/objects.ts'
import { stateOrNull } from '../disk/path-state.ts'
import { requireFormat } from '../refs/repository-state.ts'
import { readSigner } from '../objects/signer.ts'
import { readWorktreeFile } from '../disk/worktree-file.ts'
import type { WorktreeChange } from '../objects/worktree-change.ts'
import type { CommitContext, CommitHooks, CommitOutcome, CommitRequest } from './commit-request.ts'

/** Of times that somebody else's commit or staging came between. */
const MAX_ATTEMPTS = 12
/** After so many of them the locks are taken before the commit is built, so that nobody can be quicker. */
const OPTIMISTIC_ATTEMPTS = 4
const LOCK_WAIT_MS = 2_500
/** Less than others wait for the repository lock, which is held meanwhile. */
const SIGNING_TIMEOUT_MS = 8_000
const RETRY_MIN_MS = 5
const RETRY_MAX_MS = 25

/**
 * One commit that holds the present bytes of `paths`, or the reason why not now. Call it under
 * `withRepositoryLock`. Throws only what `beforeRefMoves` throws, and bugs.
 */
export async function commitPaths(
  request: CommitRequest,
  hooks: CommitHooks = {},
): Promise<CommitOutcome> {
  try {
    return await commitUntilPublished(await openContext(request, hooks))
  } catch (error) {
    const deferred = deferralOf(error)
    if (deferred === null) throw error
    return deferred
  }
}

/**
 * Reclaims what a dead owner left: our lock files, half-made reflog lines, temporary files. Call it under
 * `withRepositoryLock`, before anything else. Throws system errors.
 */
export async function recoverRepository(
  repository: { readonly commonDir: string },
  onStep?: OnStep,
): Promise<void> {
  const fs = new DurableFs(repository.commonDir, onStep)
  const names = namesIn(fs.stateDirectory)
  const journal = await readJournal(fs)
  if (journal !== null) {
    await freeLocks(fs, journal)
    await forgetLocks(fs, journal)
  }
  for (const name of names) {
    if (name.startsWith(TEMPORARY_PREFIX) || name.endsWith(UNFINISHED_SUFFIX)) {
      await fs.removeQuietly(join(fs.stateDirectory, name))
    }
  }
}

async function openContext(request: CommitRequest, hooks: CommitHooks): Promise<CommitContext> {
  const { placement, cache = {}, signingTimeoutMs = SIGNING_TIMEOUT_MS } = request
  requireWorktree(placement.worktree)
  const format = requireFormat(placement.commonDir)
  readParent(placement)
  refuseProtected(request)
  const changes = await (request.collect ?? ledgerFiles)(placement, [...new Set(request.paths)])
  await recoverRepository(placement, hooks.onStep)
  const fs = new DurableFs(placement.commonDir, hooks.onStep)
  await fs.makeDirectory(fs.stateDirectory)
  const signer = await readSigner(placement)
  const store = openObjects({ placement, fs, format, cache, signer, signingTimeoutMs })
  const optimisticAttempts = signer === null ? OPTIMISTIC_ATTEMPTS : MAX_ATTEMPTS
  return { request, hooks, fs, store, format, changes, optimisticAttempts }
}

async function ledgerFiles(
  { worktree }: Placement,
  paths: readonly string[],
): Promise<readonly WorktreeChange[]> {
  return paths.map((path) => ({
    kind: 'file',
    mode: null,
    ...readWorktreeFile(worktree, path),
  }))
}

async function commitUntilPublished(context: CommitContext): Promise<CommitOutcome> {
  const deadline = performance.now() + (context.request.lockWaitMs ?? LOCK_WAIT_MS)
  let built: BuiltCommit | null = null
  for (let attempt = 0; attempt < MAX_ATTEMPTS;) {
    let publication: Publication
    if (attempt < context.optimisticAttempts) {
      const parent = readParent(context.request.placement)
      if (built?.parent !== parent) {
        built = await buildCommit(context, parent)
        if (built === null) return { type: 'unchanged', oid: parent }
        await context.hooks.beforeRefMoves?.(built.commit)
      }
      publication = await publishCommit(context, built)
    } else {
      publication = await buildUnderLocks(context)
    }
    if (publication.state === 'published') return { type: 'committed', commit: publication.commit }
    if (publication.state === 'unchanged') return { type: 'unchanged', oid: publication.oid }
    if (publication.state === 'moved') attempt += 1
    else if (performance.now() >= deadline) throw lockedBy(publication.lock)
    await delay(RETRY_MIN_MS + Math.random() * (RETRY_MAX_MS - RETRY_MIN_MS))
  }
  const message = 'The branch or the index kept changing. Try again when git is quiet.'
  throw new CommitDeferral('head_moved', message)
}

function lockedBy(lock: 'index' | 'ref'): CommitDeferral {
  const what = lock === 'index' ? 'the index' : 'HEAD or the branch'
  const message = `Another git process holds the lock of ${what}. If none runs, remove the lock file.`
  return new CommitDeferral(lock === 'index' ? 'index_locked' : 'ref_locked', message)
}

function refuseProtected({ placement, protectedBranches }: CommitRequest): void {
  const names = protectedBranches ?? protectedByDefault(placement.commonDir)
  if (!isProtectedBranch(placement.ref, names)) return
  const message = 'The branch is protected. Use a branch of its own, as coordination branches are.'
  throw new CommitDeferral('protected_branch', message)
}

function requireWorktree(worktree: string): void {
  if (stateOrNull(worktree)?.isDirectory() === true) return
  const message = 'The worktree is gone. Restore it with git worktree.'
  throw new CommitDeferral('worktree_missing', message)
}
