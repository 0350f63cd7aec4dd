/**
 * Which commits of the missions' branches the hub has still to be told of: what is reachable, was made in this clone, touches
 * the missions' folder and is not acknowledged. Reads only; nothing here writes.
 */
import type { LocalCommit } from '../../contracts/frames.ts'
import { MISSIONS_FOLDER } from '../../project/mission-names.ts'
import { readAcknowledged } from './acknowledged.ts'
import type { BranchBook, BranchEntry } from './branch-book.ts'
import type { CommitGraph, CommitNode } from './commit-graph.ts'
import { CommitDeferral } from './deferral.ts'
import { findBase, findReplacements } from './frame-scan.ts'
import { branchTip } from './head.ts'
import { historyAbove, HISTORY_COMMITS_MAX, inOrder, reachableIn } from './history.ts'
import { addedSince, localCommits } from './local-commits.ts'
import { movedBranches } from './moved-branches.ts'
import type { BranchProblem, MovedBranch } from './moved-branches.ts'
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

/** What a look at one branch came to. */
type BranchLook = {
  /** Made here and not looked at before, parents first. */
  readonly commits: readonly CommitNode[]
  readonly missionsByCommit: ReadonlyMap<string, readonly string[]>
  /** Null where the branch was only added to, and has lost nothing. */
  readonly rewritten: {
    /** Whether the branch, or what could be read of it, still has this commit. */
    readonly has: (oid: string) => boolean
    readonly fresh: ReadonlyMap<string, CommitNode>
  } | null
}

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
  const scanner = new Scanner(graph, commonDir, makeFrame, problems)
  let { state, book } = books
  for (const branch of moved) {
    try {
      const missions = await withBases(graph, branch)
      state = await scanner.scan(state, book, { ...branch, missions })
      const scanned = missions.map(
        ([name, entry]) => [name, { ...entry, scanned: branch.tip }] as const,
      )
      book = new Map([...book, ...scanned])
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

async function withBases(
  graph: CommitGraph,
  { missions, tip }: MovedBranch,
): Promise<MovedBranch['missions']> {
  const known: [string, BranchEntry][] = []
  for (const [mission, entry] of missions) {
    const isLost = entry.base === null && entry.scanned === null && tip !== null
    const base = isLost ? await findBase(graph, `${MISSIONS_FOLDER}/${mission}`, tip) : entry.base
    known.push([mission, isLost ? { ...entry, base, scanned: base } : entry])
  }
  return known
}

class Scanner {
  readonly #graph: CommitGraph
  readonly #commonDir: string
  readonly #makeFrame: MakeFrame
  readonly #problems: BranchProblem[]
  #acknowledged: ReadonlySet<string> | null = null

  constructor(
    graph: CommitGraph,
    commonDir: string,
    makeFrame: MakeFrame,
    problems: BranchProblem[],
  ) {
    this.#graph = graph
    this.#commonDir = commonDir
    this.#makeFrame = makeFrame
    this.#problems = problems
  }

  async scan(state: SyncState, book: BranchBook, branch: MovedBranch): Promise<SyncState> {
    const { commits, missionsByCommit, rewritten } = await this.#look(branch)
    const frames = await this.#framesFor(state, branch, commits, missionsByCommit)
    const ids = new Set(branch.missions.map(([, { mission_id }]) => mission_id))
    const left =
      rewritten === null
        ? []
        : framesOf(state).filter(
            ({ mission_id, git_hash }) => ids.has(mission_id) && !rewritten.has(git_hash),
          )
    const gone = left.length === 0 ? left : await this.#notElsewhere(left, book, branch.ref)
    if (frames.length === 0 && gone.length === 0) return state
    const dropped: ReadonlySet<unknown> = new Set(gone)
    const kept = state.pending_local_commits.filter((item) => !dropped.has(item))
    const superseded = await this.#supersede(gone, branch.ref, rewritten?.fresh ?? new Map())
    return withSuperseded({ ...state, pending_local_commits: [...kept, ...frames] }, superseded)
  }

  async #look({ ref, tip, missions }: MovedBranch): Promise<BranchLook> {
    const missionsByCommit = new Map<string, string[]>()
    const commits = new Map<string, CommitNode>()
    const note = (mission: string, node: CommitNode): void => {
      commits.set(node.oid, node)
      missionsByCommit.set(node.oid, [...(missionsByCommit.get(node.oid) ?? []), mission])
    }
    if (tip === null)
      return { commits: [], missionsByCommit, rewritten: { has: () => false, fresh: new Map() } }
    const [graph, commonDir] = [this.#graph, this.#commonDir]
    const present = new Set<string>()
    const fresh = new Map<string, CommitNode>()
    let isRewritten = false
    let isCut = false
    for (const [mission, { base, scanned }] of missions) {
      const added =
        scanned === null ? null : await addedSince(graph, commonDir, { ref, tip, scanned })
      if (added !== null) {
        for (const node of added) note(mission, node)
        continue
      }
      isRewritten = true
      const history = await historyAbove(graph, tip, base)
      isCut ||= history.isCut
      const local = await localCommits(graph, commonDir, { ref, tip, history })
      // What the last look could see of the branch it has judged.
      const judged =
        scanned === null || scanned === base
          ? new Set<string>()
          : await reachableIn(graph, history, [scanned])
      for (const node of history.nodes.values()) {
        present.add(node.oid)
        if (judged.has(node.oid)) continue
        fresh.set(node.oid, node)
        if (local.has(node.oid)) note(mission, node)
      }
    }
    if (isCut) this.#problems.push({ ref, kind: 'cut', message: CUT })
    return {
      commits: inOrder([...commits.values()]),
      missionsByCommit,
      rewritten: isRewritten ? { has: (oid) => isCut || present.has(oid), fresh } : null,
    }
  }

  async #framesFor(
    state: SyncState,
    { missions }: MovedBranch,
    commits: readonly CommitNode[],
    missionsByCommit: BranchLook['missionsByCommit'],
  ): Promise<readonly LocalCommit[]> {
    if (commits.length === 0) return []
    this.#acknowledged ??= readAcknowledged(this.#commonDir)
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
      const tip = branchTip(this.#commonDir, entry.ref)
      if (tip === null) continue
      const { nodes, isCut } = await historyAbove(this.#graph, tip, entry.base)
      rest = rest.filter(({ git_hash }) => !isCut && !nodes.has(git_hash))
    }
    return rest
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
