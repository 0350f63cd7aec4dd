/**
 * The LocalCommit frames that the hub has not confirmed: derived from the missions' branches, kept in the sync
 * state. All methods are called under the repository lock; they throw GitError, CommitDeferral and system errors.
 */
import type { LocalCommit } from '../../contracts/frames.ts'
import type { Placement, Repository } from '../../project/types.ts'
import { readBranchBook, setBranchBookAside, writeBranchBook } from './branch-book.ts'
import type { BranchBook, BranchEntry } from './branch-book.ts'
import type { CommitGraph, CommitNode } from './commit-graph.ts'
import { CommitDeferral } from './deferral.ts'
import type { DurableFs } from './durable-fs.ts'
import { findSuperseded, scanBranch, sortFrames } from './frame-scan.ts'
import { branchTip } from './head.ts'
import { ignoreSyncState } from './local-ignore.ts'
import { framesOf, localCommit, readSyncState } from './sync-state.ts'
import { setSyncStateAside, writeSyncState } from './sync-state.ts'
import type { SyncState } from './sync-state.ts'

export type FrameBookOptions = {
  readonly repository: Repository
  readonly fs: DurableFs
  readonly identity: () => Promise<{ readonly uuid: string; readonly build_id: string } | null>
  /** Where every mission's ledger is, for the time after the book itself was lost. */
  readonly placements: () => Promise<readonly Placement[]>
  readonly assertClean: (value: unknown) => void
}

type Books = { state: SyncState; book: BranchBook; isStateNew: boolean }
type Identity = { readonly uuid: string; readonly build_id: string }

export class FrameBook {
  readonly #options: FrameBookOptions
  readonly #warnings = new Set<string>()
  #isIgnored = false

  constructor(options: FrameBookOptions) {
    this.#options = options
  }

  /** Notes where the mission's branch is before our first commit there: what follows gets frames. */
  async track({ mission, ref }: Placement): Promise<void> {
    const { repository, fs } = this.#options
    const book = new Map(await this.#readBook())
    const entry = book.get(mission.directory)
    if (entry?.ref === ref && entry.mission_id === mission.mission_id) return
    const tip = branchTip(repository.commonDir, ref)
    const { base, scanned } = entry ?? { base: tip, scanned: tip }
    book.set(mission.directory, { mission_id: mission.mission_id, ref, base, scanned })
    await writeBranchBook(fs, repository.commonDir, book)
  }

  /** Turns what is new on all tracked branches into pending frames; answers how many are pending. */
  async record(graph: CommitGraph): Promise<number> {
    return framesOf((await this.#bringUpToDate(graph)).state).length
  }

  async frames(graph: CommitGraph): Promise<readonly LocalCommit[]> {
    return sortFrames(graph, framesOf((await this.#bringUpToDate(graph)).state))
  }

  /** Removes exactly the frames of these commits; answers how many are pending still. */
  async confirm(graph: CommitGraph, hashes: readonly string[]): Promise<number> {
    const { state } = await this.#bringUpToDate(graph)
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

  /** What happened to damaged files since the last call. */
  takeWarnings(): readonly string[] {
    const warnings = [...this.#warnings]
    this.#warnings.clear()
    return warnings
  }

  async #bringUpToDate(graph: CommitGraph): Promise<Books> {
    const books = await this.#readBooks()
    // Without identity there are no frames; what was committed meanwhile is found once there is one.
    const identity = await this.#options.identity()
    if (identity === null) return books
    const { repository, fs } = this.#options
    const book = new Map(books.book)
    let { state } = books
    for (const [mission, entry] of books.book) {
      const tip = branchTip(repository.commonDir, entry.ref)
      if (tip === null || tip === entry.scanned) continue
      try {
        state = await this.#scan(graph, state, identity, { mission, entry, tip })
        book.set(mission, { ...entry, scanned: tip })
      } catch (error) {
        // One branch that can't be read must not hold up the others.
        if (!(error instanceof CommitDeferral)) throw error
        this.#warnings.add(`The branch of ${mission} can not be read. ${error.message}`)
      }
    }
    const hasMoved = [...book].some(([mission, entry]) => books.book.get(mission) !== entry)
    if (hasMoved) {
      // In this order: a crash in between scans the same commits again and finds them pending.
      if (state !== books.state || books.isStateNew) await this.#writeState(state)
      await writeBranchBook(fs, repository.commonDir, book)
    }
    return { state, book, isStateNew: false }
  }

  async #scan(
    graph: CommitGraph,
    state: SyncState,
    identity: Identity,
    { mission, entry, tip }: { mission: string; entry: BranchEntry; tip: string },
  ): Promise<SyncState> {
    const { commits, rewritten } = await scanBranch(graph, entry, tip)
    const pending = framesOf(state)
    const hashes = new Set(pending.map((frame) => frame.git_hash))
    const frames: LocalCommit[] = []
    const framed: CommitNode[] = []
    for (const commit of commits) {
      if (hashes.has(commit.oid) || commit.oid === state.last_saas_confirmed_hash) continue
      const frame = await this.#frameOf(graph, identity, mission, entry.mission_id, commit)
      if (frame === null) continue
      frames.push(frame)
      framed.push(commit)
    }
    const ours = pending.filter((frame) => frame.mission_id === entry.mission_id)
    const superseded: ReadonlySet<unknown> = rewritten
      ? await findSuperseded(graph, ours, framed, tip)
      : new Set()
    if (frames.length === 0 && superseded.size === 0) return state
    const kept = state.pending_local_commits.filter((item) => !superseded.has(item))
    return { ...state, pending_local_commits: [...kept, ...frames] }
  }

  /** Null for a commit that leaves the mission's folder alone. */
  async #frameOf(
    graph: CommitGraph,
    { uuid, build_id }: Identity,
    mission: string,
    missionId: string,
    commit: CommitNode,
  ): Promise<LocalCommit | null> {
    const files = await graph.changedFiles(commit, `kitty-specs/${mission}`)
    if (files.length === 0) return null
    const frame = localCommit({
      git_hash: commit.oid,
      mission_id: missionId,
      build_id,
      project_uuid: uuid,
      // A file name of the user's can hold what must not leave; the commit itself is still announced.
      changed_files: files.filter((file) => this.#isClean(file)),
      committed_at: commit.committedAt,
    })
    this.#options.assertClean(frame)
    return frame
  }

  #isClean(file: string): boolean {
    try {
      this.#options.assertClean({ changed_files: [file] })
      return true
    } catch {
      return false
    }
  }

  async #readBooks(): Promise<Books> {
    const { repository, fs } = this.#options
    const book = await this.#readBook()
    const { state, damaged, absent } = await readSyncState(repository.root)
    const wasWritten = [...book.values()].some((entry) => entry.scanned !== entry.base)
    if (!damaged && !(absent && wasWritten)) return { state, book, isStateNew: absent }
    const restarted = restart(book)
    await writeBranchBook(fs, repository.commonDir, restarted)
    if (damaged) await setSyncStateAside(fs, repository.root)
    this.#warnings.add(
      damaged
        ? 'The sync state could not be read. It was set aside and rebuilt from git.'
        : 'The sync state was missing and was rebuilt from git.',
    )
    return { state, book: restarted, isStateNew: true }
  }

  async #readBook(): Promise<BranchBook> {
    const { repository, fs } = this.#options
    const { book, damaged } = await readBranchBook(repository.commonDir)
    if (!damaged) return book
    await setBranchBookAside(fs, repository.commonDir)
    const rebuilt = new Map<string, BranchEntry>()
    for (const { mission, ref } of await this.#options.placements()) {
      // The hub knows the commits that it has already; one that is sent twice is kept once.
      const entry = { mission_id: mission.mission_id, ref, base: null, scanned: null }
      rebuilt.set(mission.directory, entry)
    }
    await writeBranchBook(fs, repository.commonDir, rebuilt)
    this.#warnings.add('The list of scanned branches was damaged. It was rebuilt from git.')
    return rebuilt
  }

  async #writeState(state: SyncState): Promise<void> {
    const { repository, fs } = this.#options
    if (!this.#isIgnored) await ignoreSyncState(fs, repository.commonDir)
    this.#isIgnored = true
    await writeSyncState(fs, repository.root, state)
  }
}

function restart(book: BranchBook): BranchBook {
  return new Map([...book].map(([mission, entry]) => [mission, { ...entry, scanned: entry.base }]))
}
