/**
 * The LocalCommit frames that the hub has not confirmed: derived from the missions' branches, kept in the sync
 * state. All methods are called under the repository lock; they throw GitError, CommitDeferral and system errors.
 */
import type { LocalCommit } from '../../../contracts/wire/frames.ts'
import type { LedgerFeature, LedgerFrame } from '../../../contracts/wire/ledger-frame.ts'
import type { Identity, Repository } from '../../../project/types.ts'
import { addAcknowledged, keyOf, readAcknowledged, setConfirmer } from './acknowledged.ts'
import type { Confirmer } from './acknowledged.ts'
import { branchBookFile } from './branch-book.ts'
import type { CommitGraph } from '../objects/commit-graph.ts'
import type { DurableFs } from '../disk/durable-fs.ts'
import { beginAnew, findFrames, lookAtAllAgain } from './find-frames.ts'
import type { Books, MakeFrame } from './find-frames.ts'
import type { BranchProblem } from './moved-branches.ts'
import { replaceOwned, replaceOwnedInTurn } from '../disk/owned-json.ts'
import type { OwnedText } from '../disk/owned-json.ts'
import { PushedBook } from './pushed-book.ts'
import { sortFrames } from './frame-scan.ts'
import { LinesBook } from './lines-book.ts'
import type { Clean } from '../logs/lines-of-commit.ts'
import { ignoreSyncState } from '../disk/local-ignore.ts'
import type { Looked } from './lost-rows.ts'
import type { MissionBranches } from './mission-branches.ts'
import { framesOf, localCommit, readSyncState } from './sync-state.ts'
import { setSyncStateAside, syncStateFile } from './sync-state.ts'
import type { SyncState } from './sync-state.ts'
import type { Warnings } from '../warnings.ts'

export type FrameBookOptions = {
  readonly repository: Repository
  readonly fs: DurableFs
  readonly branches: MissionBranches
  readonly warnings: Warnings
  readonly identity: () => Promise<Named | null>
  readonly assertClean: (value: unknown) => void
  /** As of the `LinesBook`. */
  readonly clean?: Clean
  /** Told of each look at which a branch had moved, before that counts as looked at. */
  readonly onLooked?: (graph: CommitGraph, looked: Looked) => Promise<void>
}

type Named = Pick<Identity, 'uuid' | 'build_id' | 'slug'>

export class FrameBook {
  readonly #options: FrameBookOptions
  readonly #lines: LinesBook
  readonly #pushed: PushedBook
  #unreadable: ReadonlySet<string> = new Set()
  #isIgnored = false
  /** Whoever confirms from now on; null where no link has said so. */
  #confirmer: string | null = null
  #placeByHash: ReadonlyMap<string, number> = new Map()

  constructor(options: FrameBookOptions) {
    this.#options = options
    const { fs, clean = null, repository } = options
    this.#lines = new LinesBook({ commonDir: repository.commonDir, fs, clean })
    this.#pushed = new PushedBook(repository.commonDir, fs)
  }

  /**
   * From now on commits are confirmed by this hub in this epoch: what another one has doesn't count. What it takes
   * beside commits it gets of those that it has confirmed.
   */
  confirmBy(hub: Confirmer, takes: readonly LedgerFeature[]): void {
    this.#confirmer = keyOf(hub)
    this.#lines.aim(takes.includes('ledger_lines'))
    this.#pushed.aim(takes.includes('pushed_commits'))
  }

  /**
   * Turns what is new on all missions' branches into pending frames; answers how many are pending.
   *
   * @param made the commit that the caller has just made
   */
  async record(graph: CommitGraph, made: string | null = null): Promise<number> {
    return framesOf(await this.#bringUpToDate(graph, made)).length
  }

  /**
   * Pending commits; where there are none, which of the confirmed ones were pushed, and the next lines of these.
   *
   * @param except what the hub has refused; without it a hub that refuses one would get no others
   */
  async offer(graph: CommitGraph, except: readonly string[]): Promise<readonly LedgerFrame[]> {
    const refused = new Set(except)
    const commits = (await this.frames(graph)).filter(({ git_hash }) => !refused.has(git_hash))
    if (commits.length > 0) return commits
    const identity = await this.#options.identity()
    if (identity === null) return []
    const owner = { project_uuid: identity.uuid, build_id: identity.build_id }
    const pushed = await this.#pushed.frames(graph, this.#confirmer, owner, refused)
    const named = { ...owner, project_slug: identity.slug }
    return [...pushed, ...(await this.#lines.frames(graph, this.#confirmer, named, refused))]
  }

  async frames(graph: CommitGraph): Promise<readonly LocalCommit[]> {
    const pending = framesOf(await this.#bringUpToDate(graph))
    const places = this.#placeByHash
    // A drain asks again and again, and what it leaves keeps its order.
    const sorted = pending.every(({ git_hash }) => places.has(git_hash))
      ? [...pending].sort((a, b) => placeIn(places, a) - placeIn(places, b))
      : await sortFrames(graph, pending)
    this.#placeByHash = new Map(sorted.map(({ git_hash }, place) => [git_hash, place]))
    return sorted
  }

  /**
   * Removes exactly the frames of these commits; answers how many are pending still. One that its branch has left
   * meanwhile is remembered too, since the branch may come back to it.
   */
  async confirm(graph: CommitGraph, hashes: readonly string[]): Promise<number> {
    const state = await this.#bringUpToDate(graph)
    await this.#lines.confirm(this.#confirmer, hashes)
    await this.#pushed.confirm(this.#confirmer, hashes)
    const pending = new Set(framesOf(state).map((frame) => frame.git_hash))
    const known = hashes.filter((hash) => pending.has(hash))
    const left = new Set(state.superseded_local_commits.map(({ git_hash }) => git_hash))
    // First: until the state says so too, they may be sent again, but never after.
    await addAcknowledged(
      this.#options.fs,
      this.#options.repository.commonDir,
      hashes.filter((hash) => pending.has(hash) || left.has(hash)),
    )
    const last = known.at(-1)
    if (last === undefined) return pending.size
    const confirmed = new Set<unknown>(known)
    const frames = new Set<unknown>(framesOf(state))
    const waiting = state.pending_local_commits.filter(
      (entry) => !frames.has(entry) || !confirmed.has((entry as LocalCommit).git_hash),
    )
    await this.#writeState({
      ...state,
      last_saas_confirmed_hash: last,
      pending_local_commits: waiting,
    })
    return pending.size - new Set(known).size
  }

  async #bringUpToDate(graph: CommitGraph, made: string | null = null): Promise<SyncState> {
    const { repository, fs, onLooked } = this.#options
    await this.#turnToConfirmer()
    const { isStateNew, ...books } = await this.#readBooks()
    // Without identity there are no frames; what was committed meanwhile is found once there is one.
    const identity = await this.#options.identity()
    if (identity === null) return books.state
    const found = await findFrames(graph, repository.commonDir, books, this.#frameMaker(identity))
    this.#warnOf(found.problems)
    if (found.book !== books.book) {
      await onLooked?.(graph, { before: books.book, after: found.book, made })
      // In this order: a crash in between scans the same commits again and finds them pending.
      const isChanged = found.state !== books.state || isStateNew
      const state = isChanged ? [await this.#stateFile(found.state)] : []
      await replaceOwnedInTurn(fs, [...state, branchBookFile(repository.commonDir, found.book)])
    }
    return found.state
  }

  /** In an order in which a crash only makes it happen again. */
  async #turnToConfirmer(): Promise<void> {
    const { repository, fs, branches } = this.#options
    const { commonDir, root } = repository
    const key = this.#confirmer
    if (key === null) return
    const present = readAcknowledged(commonDir, { as: key })
    if (present.key === key) return
    if (!present.isEmpty) {
      const { state, damaged } = await readSyncState(root)
      if (!damaged) await this.#writeState(withoutConfirmed(state, present.hashes))
      await branches.write(lookAtAllAgain(await branches.read()))
    }
    await setConfirmer(fs, commonDir, key)
  }

  #frameMaker({ uuid, build_id }: Named): MakeFrame {
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
  #warnOf(problems: readonly BranchProblem[]): void {
    for (const { ref, kind, message } of problems) {
      if (this.#unreadable.has(ref)) continue
      const branch = ref.replace('refs/heads/', '')
      const { warnings } = this.#options
      if (kind === 'cut') warnings.add('HISTORY_CUT', `The branch ${branch} moved far. ${message}`)
      else warnings.add('BRANCH_UNREADABLE', `The branch ${branch} can not be read. ${message}`)
    }
    this.#unreadable = new Set(problems.map(({ ref }) => ref))
  }

  async #readBooks(): Promise<Books & { readonly isStateNew: boolean }> {
    const { repository, fs, branches, warnings } = this.#options
    const book = await branches.read()
    const { state, damaged, absent } = await readSyncState(repository.root)
    const begun = beginAnew(book, { damaged, absent })
    if (begun === book) return { state, book, isStateNew: absent }
    const restarted = await branches.write(begun)
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
    const { path, text } = await this.#stateFile(state)
    await replaceOwned(this.#options.fs, path, text)
  }

  async #stateFile(state: SyncState): Promise<OwnedText> {
    const { repository, fs } = this.#options
    if (!this.#isIgnored) await ignoreSyncState(fs, repository.commonDir)
    this.#isIgnored = true
    return syncStateFile(repository.root, state)
  }
}

function withoutConfirmed(state: SyncState, confirmed: ReadonlySet<string>): SyncState {
  const done = new Set<unknown>(framesOf(state).filter(({ git_hash }) => confirmed.has(git_hash)))
  const pending = state.pending_local_commits.filter((entry) => !done.has(entry))
  return { ...state, last_saas_confirmed_hash: null, pending_local_commits: pending }
}

function placeIn(places: ReadonlyMap<string, number>, { git_hash }: LocalCommit): number {
  return places.get(git_hash) ?? places.size
}
