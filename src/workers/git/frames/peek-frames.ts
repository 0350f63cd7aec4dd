/** The pending frames as the next look will find them, for those who only read: no lock, and nothing is written. */
import { readBranchBook } from './branch-book.ts'
import { deferralOf } from '../deferral.ts'
import { beginAnew, findFrames } from './find-frames.ts'
import type { Books } from './find-frames.ts'
import { movedBranches } from './moved-branches.ts'
import { framesOf, localCommit, readSyncState } from './sync-state.ts'
import type { Superseded } from './sync-state.ts'

export type PendingCommits = {
  /** Hashes, in the order in which they were recorded. */
  readonly pending: readonly string[]
  readonly last_confirmed: string | null
  /** Pending once, until their branch left them; with what took their place. */
  readonly superseded: readonly Superseded[]
}

/**
 * Total but for a disk that fails: a state file that can't be read shows no frames, and a branch that can't be read
 * no new ones; the next writing command puts right what it can.
 *
 * @throws GitError LEDGER_STATE_UNREADABLE
 */
export async function peekFrames(
  root: string,
  commonDir: string,
  identity: { readonly uuid: string; readonly build_id: string } | null,
): Promise<PendingCommits> {
  // The book first: a writer goes the other way round, so nothing is missed between the two.
  const reading = await readBranchBook(commonDir)
  const { state, ...lost } = await readSyncState(root)
  const book = beginAnew(reading.book, lost)
  const now = identity === null ? state : await lookAhead(commonDir, { book, state }, identity)
  return {
    pending: framesOf(now).map((frame) => frame.git_hash),
    last_confirmed: now.last_saas_confirmed_hash,
    superseded: now.superseded_local_commits,
  }
}

async function lookAhead(
  commonDir: string,
  books: Books,
  { uuid, build_id }: { readonly uuid: string; readonly build_id: string },
): Promise<Books['state']> {
  try {
    if (movedBranches(commonDir, books.book).moved.length === 0) return books.state
    // Only now, since it takes longer to load than all the rest to read.
    const { CommitGraph } = await import('../objects/commit-graph.ts')
    const graph = new CommitGraph(commonDir)
    const found = await findFrames(graph, commonDir, books, (mission_id, commit, changed_files) =>
      localCommit({
        git_hash: commit.oid,
        mission_id,
        build_id,
        project_uuid: uuid,
        changed_files,
        committed_at: commit.committedAt,
      }),
    )
    return found.state
  } catch (error) {
    if (deferralOf(error) === null) throw error
    return books.state
  }
}
