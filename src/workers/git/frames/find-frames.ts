/**
 * Which commits of the missions' branches the hub has still to be told of: what is reachable, was made in this clone, touches
 * the missions' folder and is not acknowledged. Reads only; nothing here writes.
 */
import type { LocalCommit } from '../../../contracts/wire/frames.ts'
import { MISSIONS_FOLDER } from '../../../project/missions/mission-names.ts'
import { readAcknowledged } from './acknowledged.ts'
import type { BranchBook, BranchEntry } from './branch-book.ts'
import { lookAtBranch } from './branch-look.ts'
import type { BranchLook } from './branch-look.ts'
import type { CommitGraph, CommitNode } from '../objects/commit-graph.ts'
import { CommitDeferral } from '../deferral.ts'
import { findReplacements } from './frame-scan.ts'
import { branchTip } from '../refs/head.ts'
import { HISTORY_COMMITS_MAX, reachableIn } from '../objects/history.ts'
import { movedBranches } from './moved-branches.ts'
import type { BranchProblem } from './moved-branches.ts'
import { readMovements } from './movements.ts'
import { framesOf, withSuperseded } from './sync-state.ts'
import type { Superseded, SyncState, SyncStateReading } from './sync-state.ts'

export type Books = { readonly state: SyncState; readonly book: BranchBook }

export type MakeFrame = (
  missionId: string,
  commit: CommitNode,
  files: readonly string[],
) => LocalCommit

export type Found = Books & { readonly problems: readonly BranchProblem[] }

const CUT = `It has more than ${HISTORY_COMMITS_MAX} new commits; the oldest are not announced to the hub.`

/** Turns what is new on the branches into frames. The same objects come back where nothing is new. */
export async function findFrames(
  graph: CommitGraph,
  commonDir: string,
  books: Books,
  makeFrame: MakeFrame,
): Promise<Found> {
  const { moved, problems } = movedBranches(commonDir, books.book)
  if (moved.length === 0) return { ...books, problems }
  const frames = new FrameWriter(graph, commonDir, makeFrame)
  let { state, book } = books
  for (const branch of moved) {
    try {
      const look = await lookAtBranch(graph, commonDir, branch)
      if (look.isCut) problems.push({ ref: branch.ref, kind: 'cut', message: CUT })
      state = await frames.apply(state, book, branch.ref, look)
      book = new Map([...book, ...look.missions])
    } catch (error) {
      // One branch that can't be read must not hold up the others.
      if (!(error instanceof CommitDeferral)) throw error
      problems.push({ ref: branch.ref, kind: 'unreadable', message: error.message })
    }
  }
  return { state, book, problems }
}

/** The book for a sync state that was lost: all is looked at again that was ever looked at. */
export function beginAnew(
  book: BranchBook,
  { damaged, absent }: Pick<SyncStateReading, 'damaged' | 'absent'>,
): BranchBook {
  const wasWritten = [...book.values()].some(({ scanned, base }) => scanned !== base)
  if (!damaged && !(absent && wasWritten)) return book
  return lookAtAllAgain(book)
}

/** The book as it was before the first look. */
export function lookAtAllAgain(book: BranchBook): BranchBook {
  return new Map([...book].map(([name, entry]) => [name, { ...entry, scanned: entry.base }]))
}

/**
 * Which of the missions on a branch a commit belongs to, since it has one frame: the first whose folder it touches, else
 * the first. Order is that of the directory names. Undefined without missions.
 */
export function ownerOf(missions: readonly string[], files: readonly string[]): string | undefined {
  const sorted = [...missions].sort()
  const touched = (mission: string): boolean =>
    files.some((file) => file.startsWith(`${MISSIONS_FOLDER}/${mission}/`))
  return sorted.find(touched) ?? sorted[0]
}

/** Brings the pending frames in line with what a look found. */
class FrameWriter {
  readonly #graph: CommitGraph
  readonly #commonDir: string
  readonly #makeFrame: MakeFrame
  #acknowledged: ReadonlySet<string> | null = null

  constructor(graph: CommitGraph, commonDir: string, makeFrame: MakeFrame) {
    this.#graph = graph
    this.#commonDir = commonDir
    this.#makeFrame = makeFrame
  }

  async apply(
    state: SyncState,
    book: BranchBook,
    ref: string,
    look: BranchLook,
  ): Promise<SyncState> {
    const added = await this.#framesFor(state, look)
    const left = framesOf(state).filter(({ git_hash, mission_id }) =>
      look.hasLost(git_hash, mission_id),
    )
    const gone = await this.#notElsewhere(left, book, ref)
    if (added.length === 0 && gone.length === 0) return state
    const dropped: ReadonlySet<unknown> = new Set(gone)
    const kept = state.pending_local_commits.filter((item) => !dropped.has(item))
    const superseded = await this.#supersede(gone, ref, look.gained)
    return withSuperseded({ ...state, pending_local_commits: [...kept, ...added] }, superseded)
  }

  async #framesFor(
    state: SyncState,
    { missions, commits, missionsByCommit }: BranchLook,
  ): Promise<readonly LocalCommit[]> {
    if (commits.length === 0) return []
    this.#acknowledged ??= readAcknowledged(this.#commonDir).hashes
    const entries = new Map(missions)
    const pending = new Set(framesOf(state).map(({ git_hash }) => git_hash))
    const frames: LocalCommit[] = []
    for (const commit of commits) {
      const { oid } = commit
      if (pending.has(oid) || this.#acknowledged.has(oid)) continue
      if (oid === state.last_saas_confirmed_hash) continue
      const files = await this.#graph.changedFiles(commit, MISSIONS_FOLDER)
      if (files.length === 0) continue
      const entry = entries.get(ownerOf(missionsByCommit.get(oid) ?? [], files) ?? '')
      if (entry !== undefined) frames.push(this.#makeFrame(entry.mission_id, commit, files))
    }
    return frames
  }

  /** A commit that this branch left may be on another mission's. */
  async #notElsewhere(
    left: readonly LocalCommit[],
    book: BranchBook,
    ref: string,
  ): Promise<readonly LocalCommit[]> {
    let rest = left
    for (const entry of book.values()) {
      if (entry.ref === ref || rest.length === 0) continue
      const held = await this.#heldBy(entry, rest)
      rest = rest.filter(({ git_hash }) => !held.has(git_hash))
    }
    return rest
  }

  async #heldBy(
    { ref, base }: BranchEntry,
    frames: readonly LocalCommit[],
  ): Promise<ReadonlySet<string>> {
    const nodes = new Map<string, CommitNode>()
    for (const { git_hash } of frames) {
      const node = await this.#graph.findCommit(git_hash)
      if (node !== null) nodes.set(git_hash, node)
    }
    try {
      const tip = branchTip(this.#commonDir, ref)
      if (tip === null) return new Set()
      const held = await reachableIn(this.#graph, nodes, [tip])
      const older = await reachableIn(this.#graph, nodes, base === null ? [] : [base])
      return new Set([...held].filter((oid) => !older.has(oid)))
    } catch (error) {
      // One that can't be read may hold them all.
      if (!(error instanceof CommitDeferral)) throw error
      return new Set(nodes.keys())
    }
  }

  async #supersede(
    gone: readonly LocalCommit[],
    ref: string,
    fresh: ReadonlyMap<string, CommitNode>,
  ): Promise<readonly Superseded[]> {
    if (gone.length === 0) return []
    const hashes = gone.map(({ git_hash }) => git_hash)
    const movements = readMovements(this.#commonDir, ref) ?? []
    const replacements = await findReplacements(this.#graph, hashes, fresh, movements)
    return hashes.map((git_hash) => ({ git_hash, replaced_by: replacements.get(git_hash) ?? null }))
  }
}
