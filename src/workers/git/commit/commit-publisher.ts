/**
 * The short part of a commit: git's locks, HEAD checked again, reflogs, our index entries, the branch. Both ways to
 * it, optimistic and under the locks, stand in one file because they must end in the same last steps.
 */
import { dirname, join } from 'node:path'
import { buildCommit } from './commit-builder.ts'
import type { BuiltCommit } from './commit-builder.ts'
import type { Commit, CommitContext } from './commit-request.ts'
import type { Placement } from '../../../project/types.ts'
import { CommitDeferral } from '../deferral.ts'
import {
  findForeignLock,
  forgetLocks,
  freeLocks,
  prepareLocks,
  publish,
  refillLocks,
  takeLocks,
} from '../refs/git-locks.ts'
import type { LockPlan, PreparedLocks } from '../refs/git-locks.ts'
import { readParent } from '../refs/head.ts'
import { patchIndex } from '../index/index-file.ts'
import type { IndexFile } from '../index/index-file.ts'
import { IndexScan } from '../index/index-scan.ts'
import {
  readIndex,
  readIndexIdentity,
  readIndexVersion,
  timeBefore,
} from '../index/index-reader.ts'
import type { IndexState } from '../index/index-reader.ts'
import { appendReflogs, areUntouched, planReflogs } from '../refs/reflog.ts'
import { noteReplaced } from '../index/replaced-book.ts'
import type { ReplacedEntry } from '../index/replaced-book.ts'
import { isMerging } from '../refs/repository-state.ts'

export type Publication =
  /** `index`: as of `readIndexVersion`, as it was left. */
  | { readonly state: 'published'; readonly commit: Commit; readonly index: string }
  /** HEAD, the commit `oid`, holds the same bytes by now. */
  | { readonly state: 'unchanged'; readonly oid: string }
  /** The branch, the index or a reflog is not what the commit was prepared for. */
  | { readonly state: 'moved' }
  /** Another process holds the lock of the index, or of HEAD or the branch. */
  | { readonly state: 'busy'; readonly lock: 'index' | 'ref' }

/**
 * One try with everything prepared before the locks are taken. @throws CommitDeferral and system errors; then
 * nothing of ours is locked.
 */
export async function publishCommit(
  context: CommitContext,
  built: BuiltCommit,
): Promise<Publication> {
  const busy = await findBusy(context)
  if (busy !== null) return busy
  const index = readIndex(context.request.placement.gitDir, context.format.hash)
  const { replaced, ...plan } = await planLocks(context, built, index)
  const publication = await underLocks(context, plan, (prepared) =>
    publishLocked(context, built, prepared, index),
  )
  await noteOf(context, publication, replaced)
  return publication
}

/** One try that nobody can overtake, for a longer hold: the commit is built while the locks are held. */
export async function buildUnderLocks(context: CommitContext): Promise<Publication> {
  const { fs, request, hooks, format, store } = context
  const busy = await findBusy(context)
  if (busy !== null) return busy
  const [index, head, branch] = await guardedPaths(context)
  const file = { bytes: Buffer.alloc(0) }
  const guarded = [
    { path: index, file },
    { path: head, file: null },
    { path: branch, file },
  ]
  let replaced: readonly ReplacedEntry[] = []
  const publication = await underLocks(context, { guarded, reflogs: [] }, async (prepared) => {
    const parent = readParent(request.placement)
    const built = await buildCommit(context, parent)
    if (built === null) return { state: 'unchanged', oid: parent }
    await hooks.beforeRefMoves?.(built.commit)
    const state = readIndex(request.placement.gitDir, format.hash)
    const plan = await planLocks(context, built, state)
    replaced = plan.replaced
    await refillLocks(fs, prepared, plan, store.takeUnsettled())
    return publishLocked(context, built, prepared, state)
  })
  await noteOf(context, publication, replaced)
  return publication
}

/** Only helps against a race, so the commit stands whatever becomes of it. */
async function noteOf(
  { fs, request: { placement } }: CommitContext,
  publication: Publication,
  entries: readonly ReplacedEntry[],
): Promise<void> {
  if (publication.state !== 'published') return
  const { commonDir, gitDir, ref } = placement
  const { index } = publication
  await noteReplaced(fs, commonDir, { gitDir, ref, index, entries }).catch(() => undefined)
}

async function underLocks(
  { fs, hooks, request, store }: CommitContext,
  plan: LockPlan,
  body: (prepared: PreparedLocks) => Promise<Publication>,
): Promise<Publication> {
  const prepared = await prepareLocks(fs, plan, store.takeUnsettled())
  const startedAt = performance.now()
  try {
    const foreign = await takeLocks(fs, prepared)
    return foreign === null ? await body(prepared) : busyWith(foreign, request.placement)
  } finally {
    // What fails here stays in the journal for the next recovery, and can't change what was published.
    await freeLocks(fs, prepared.journal)
      .then(() => {
        hooks.onLockHold?.(performance.now() - startedAt)
        return forgetLocks(fs, prepared.journal)
      })
      .catch(() => undefined)
  }
}

async function findBusy({ request }: CommitContext): Promise<Publication | null> {
  const { placement } = request
  const foreign = await findForeignLock(pathsOf(placement))
  return foreign === null ? null : busyWith(foreign, placement)
}

function busyWith(path: string, placement: Placement): Publication {
  return { state: 'busy', lock: path === pathsOf(placement)[0] ? 'index' : 'ref' }
}

/** Index, HEAD and branch: git's own order. */
function pathsOf({ gitDir, commonDir, ref }: Placement): [string, string, string] {
  return [join(gitDir, 'index'), join(gitDir, 'HEAD'), join(commonDir, ref)]
}

/** The same, once the branch's file can be made. */
async function guardedPaths({ fs, request }: CommitContext): Promise<[string, string, string]> {
  const paths = pathsOf(request.placement)
  await fs.makeDirectory(dirname(paths[2]))
  await fs.removeEmptyFolders(paths[2])
  return paths
}

async function planLocks(
  context: CommitContext,
  built: BuiltCommit,
  index: IndexState,
): Promise<LockPlan & { readonly replaced: readonly ReplacedEntry[] }> {
  const { request, format, changes } = context
  const { placement, author, message } = request
  refuseMergedPaths(context, index, built)
  const changeByPath = new Map(changes.map((change) => [change.path, change]))
  const entries = built.files.map(({ path, oid, mode }): IndexFile => {
    const change = changeByPath.get(path)
    const stats = change === undefined || change.kind === 'deleted' ? null : change.stats
    return { path, oid, mode, stats }
  })
  const patched = patchIndex(index.bytes, entries, format.hash, index.mtimeNs / 1_000_000_000n)
  const mode = index.mode ?? format.fileMode
  const time = patched.racy ? { modifiedAt: timeBefore(index) } : {}
  const [indexPath, headPath, branchPath] = await guardedPaths(context)
  const { commit, parent, timestamp } = built
  const line = { oldOid: parent, newOid: commit.oid, ...author, timestamp, message }
  const tip = { bytes: Buffer.from(`${commit.oid}\n`), mode: format.fileMode }
  return {
    guarded: [
      { path: indexPath, file: { bytes: patched.pieces, mode, ...time } },
      { path: headPath, file: null },
      { path: branchPath, file: tip },
    ],
    reflogs: [...planReflogs(placement, line)],
    replaced: patched.replaced,
  }
}

async function publishLocked(
  { fs, request, format }: CommitContext,
  { commit, parent }: BuiltCommit,
  { journal: { reflogs } }: PreparedLocks,
  index: IndexState,
): Promise<Publication> {
  const { placement } = request
  const still =
    readParent(placement) === parent &&
    readIndexIdentity(placement.gitDir) === index.identity &&
    areUntouched(placement, reflogs)
  if (!still) return { state: 'moved' }
  await appendReflogs(fs, reflogs, format.createReflogs)
  // The index first: a crash in between leaves our lines staged; the other way round the user would revert them.
  const [indexPath, , branchPath] = pathsOf(placement)
  const version = readIndexVersion(placement.gitDir, 'index.lock')
  await publish(fs, indexPath)
  await publish(fs, branchPath)
  return { state: 'published', commit, index: version }
}

/** A merge that changes a path is the user's to finish: a commit of ours would take its result away. */
function refuseMergedPaths(
  { request, format }: CommitContext,
  index: IndexState,
  built: BuiltCommit,
): void {
  if (index.bytes === null || !isMerging(request.placement.gitDir)) return
  const scan = new IndexScan(index.bytes, format.hash)
  for (const { path, previousOid } of built.files) {
    const at = scan.find(Buffer.from(path))
    if ((at === -1 ? null : scan.oid(at)) === previousOid) continue
    const message = 'A merge in progress changes the path. Finish or abort the merge.'
    throw new CommitDeferral('path_conflicted', message)
  }
}
