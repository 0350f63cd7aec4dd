/**
 * The LocalCommit frames that the hub has not confirmed: derived from the missions' branches, kept in the sync
 * state. All methods are called under the repository lock; they throw GitError, CommitDeferral and system errors.
 */
import type { LocalCommit } from '../../contracts/frames.ts'
import type { Repository } from '../../project/types.ts'
import type { BranchBook, BranchEntry } from './branch-book.ts'
import type { CommitGraph } from './commit-graph.ts'
import type { DurableFs } from './durable-fs.ts'
import { findFrames } from './find-frames.ts'
import type { Books, MakeFrame, UnreadableBranch } from './find-frames.ts'
import { sortFrames } from './frame-scan.ts'
import { ignoreSyncState } from './local-ignore.ts'
import type { MissionBranches } from './mission-branches.ts'
import { framesOf, localCommit, readSyncState } from './sync-state.ts'
import { setSyncStateAside, writeSyncState } from './sync-state.ts'
import type { SyncState } from './sync-state.ts'
import type { Warnings } from './warnings.ts'

export type FrameBookOptions = {
  readonly repository: Repository
  readonly fs: DurableFs
  readonly branches: MissionBranches
  readonly warnings: Warnings
  readonly identity: () => Promise<{ readonly uuid: string; readonly build_id: string } | null>
  readonly assertClean: (value: unknown) => void
}

type Identity = { readonly uuid: string; readonly build_id: string }

export class FrameBook {
  readonly #options: FrameBookOptions
  #unreadable: ReadonlySet<string> = new Set()
  #isIgnored = false

  constructor(options: FrameBookOptions) {
    this.#options = options
  }

  /** Turns what is new on all missions' branches into pending frames; answers how many are pending. */
  async record(graph: CommitGraph): Promise<number> {
    return framesOf(await this.#bringUpToDate(graph)).length
  }

  async frames(graph: CommitGraph): Promise<readonly LocalCommit[]> {
    return sortFrames(graph, framesOf(await this.#bringUpToDate(graph)))
  }

  /** Removes exactly the frames of these commits; answers how many are pending still. */
  async confirm(graph: CommitGraph, hashes: readonly string[]): Promise<number> {
    const state = await this.#bringUpToDate(graph)
    const pending = new Set(framesOf(state).map((frame) => frame.git_hash))
    const known = hashes.filter((hash) => pending.has(hash))
    const last = known.at(-1)
    if (last === undefined) return pending.size
    const confirmed = new Set<unknown>(known)
    const frames = new Set<unknown>(framesOf(state))
    const left = state.pending_local_commits.filter(
      (entry) => !frames.has(entry) || !confirmed.has((entry as LocalCommit).git_hash),
    )
    await this.#writeState({
      ...state,
      last_saas_confirmed_hash: last,
      pending_local_commits: left,
    })
    return pending.size - new Set(known).size
  }

  async #bringUpToDate(graph: CommitGraph): Promise<SyncState> {
    const { repository, branches } = this.#options
    const { isStateNew, ...books } = await this.#readBooks()
    // Without identity there are no frames; what was committed meanwhile is found once there is one.
    const identity = await this.#options.identity()
    if (identity === null) return books.state
    const found = await findFrames(graph, repository.commonDir, books, this.#frameMaker(identity))
    this.#warnOf(found.unreadable)
    if (found.book !== books.book) {
      // In this order: a crash in between scans the same commits again and finds them pending.
      if (found.state !== books.state || isStateNew) await this.#writeState(found.state)
      await branches.write(found.book)
    }
    return found.state
  }

  #frameMaker({ uuid, build_id }: Identity): MakeFrame {
    return (mission_id, commit, files) => {
      const frame = localCommit({
        git_hash: commit.oid,
        mission_id,
        build_id,
        project_uuid: uuid,
        // A file name of the user's can hold what must not leave; the commit itself is still announced.
        changed_files: files.filter((file) => this.#isClean(file)),
        committed_at: commit.committedAt,
      })
      this.#options.assertClean(frame)
      return frame
    }
  }

  #isClean(file: string): boolean {
    try {
      this.#options.assertClean({ changed_files: [file] })
      return true
    } catch {
      return false
    }
  }

  /** Once, until it can be read again: a link looks often. */
  #warnOf(branches: readonly UnreadableBranch[]): void {
    for (const { ref, message } of branches) {
      if (this.#unreadable.has(ref)) continue
      this.#options.warnings.add(
        'BRANCH_UNREADABLE',
        `The branch ${ref.replace('refs/heads/', '')} can not be read. ${message}`,
      )
    }
    this.#unreadable = new Set(branches.map(({ ref }) => ref))
  }

  async #readBooks(): Promise<Books & { readonly isStateNew: boolean }> {
    const { repository, fs, branches, warnings } = this.#options
    const book = await branches.read()
    const { state, damaged, absent } = await readSyncState(repository.root)
    const wasWritten = [...book.values()].some((entry) => entry.scanned !== entry.base)
    if (!damaged && !(absent && wasWritten)) return { state, book, isStateNew: absent }
    const restarted = await branches.write(restart(book))
    if (damaged) await setSyncStateAside(fs, repository.root)
    warnings.add(
      'SYNC_STATE_REBUILT',
      damaged
        ? 'The sync state could not be read. It was set aside and rebuilt from git.'
        : 'The sync state was missing and was rebuilt from git.',
    )
    return { state, book: restarted, isStateNew: true }
  }

  async #writeState(state: SyncState): Promise<void> {
    const { repository, fs } = this.#options
    if (!this.#isIgnored) await ignoreSyncState(fs, repository.commonDir)
    this.#isIgnored = true
    await writeSyncState(fs, repository.root, state)
  }
}

function restart(book: BranchBook): BranchBook {
  return new Map(
    [...book].map(([mission, entry]): [string, BranchEntry] => [
      mission,
      { ...entry, scanned: entry.base },
    ]),
  )
}
