/** What the missions' branches hold that is not in the sync state yet. Reads only; nothing here writes. */
import type { LocalCommit } from '../../contracts/frames.ts'
import { MISSIONS_FOLDER } from '../../project/mission-names.ts'
import type { BranchBook, BranchEntry } from './branch-book.ts'
import type { CommitGraph, CommitNode } from './commit-graph.ts'
import { CommitDeferral } from './deferral.ts'
import { findBase, findSuperseded, scanBranch } from './frame-scan.ts'
import { branchTip } from './head.ts'
import { framesOf } from './sync-state.ts'
import type { SyncState } from './sync-state.ts'

export type Books = { readonly state: SyncState; readonly book: BranchBook }

export type MakeFrame = (
  missionId: string,
  commit: CommitNode,
  files: readonly string[],
) => LocalCommit

export type MovedBranch = {
  readonly ref: string
  readonly tip: string
  /** All missions on it, by directory name in order: a branch can be the target of several. */
  readonly missions: readonly (readonly [string, BranchEntry])[]
}

export type UnreadableBranch = { readonly ref: string; readonly message: string }

export type Found = Books & { readonly unreadable: readonly UnreadableBranch[] }

/** Turns what is new on the branches into frames. The same objects come back where nothing is new. */
export async function findFrames(
  graph: CommitGraph,
  commonDir: string,
  books: Books,
  makeFrame: MakeFrame,
): Promise<Found> {
  const { moved, unreadable } = movedBranches(commonDir, books.book)
  if (moved.length === 0) return { ...books, unreadable }
  let { state, book } = books
  for (const branch of moved) {
    try {
      const missions = await withBases(graph, branch)
      state = await scan(graph, state, { ...branch, missions }, makeFrame)
      const scanned = missions.map(
        ([name, entry]) => [name, { ...entry, scanned: branch.tip }] as const,
      )
      book = new Map([...book, ...scanned])
    } catch (error) {
      // One branch that can't be read must not hold up the others.
      if (!(error instanceof CommitDeferral)) throw error
      unreadable.push({ ref: branch.ref, message: error.message })
    }
  }
  return { state, book, unreadable }
}

/** The branches that are not where the last look ended: all that has to be read. */
export function movedBranches(
  commonDir: string,
  book: BranchBook,
): { readonly moved: readonly MovedBranch[]; readonly unreadable: UnreadableBranch[] } {
  const byRef = new Map<string, (readonly [string, BranchEntry])[]>()
  for (const pair of [...book].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const { ref } = pair[1]
    const sharing = byRef.get(ref)
    if (sharing === undefined) byRef.set(ref, [pair])
    else sharing.push(pair)
  }
  const moved: MovedBranch[] = []
  const unreadable: UnreadableBranch[] = []
  for (const [ref, missions] of byRef) {
    try {
      const tip = branchTip(commonDir, ref)
      if (tip === null || missions.every(([, entry]) => entry.scanned === tip)) continue
      moved.push({ ref, tip, missions })
    } catch (error) {
      if (!(error instanceof CommitDeferral)) throw error
      unreadable.push({ ref, message: error.message })
    }
  }
  return { moved, unreadable }
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
    const isLost = entry.base === null && entry.scanned === null
    const base = isLost ? await findBase(graph, `${MISSIONS_FOLDER}/${mission}`, tip) : entry.base
    known.push([mission, isLost ? { ...entry, base, scanned: base } : entry])
  }
  return known
}

async function scan(
  graph: CommitGraph,
  state: SyncState,
  { missions, tip }: MovedBranch,
  makeFrame: MakeFrame,
): Promise<SyncState> {
  const missionsByCommit = new Map<string, string[]>()
  let line: readonly CommitNode[] = []
  let isRewritten = false
  for (const [mission, entry] of missions) {
    const { commits, rewritten } = await scanBranch(graph, entry, tip)
    for (const { oid } of commits) {
      missionsByCommit.set(oid, [...(missionsByCommit.get(oid) ?? []), mission])
    }
    // Each ends at the tip along first parents, so the longest has all commits of the others.
    if (commits.length > line.length) line = commits
    isRewritten ||= rewritten
  }
  const entries = new Map(missions)
  const pending = framesOf(state)
  const hashes = new Set(pending.map((frame) => frame.git_hash))
  const frames: LocalCommit[] = []
  const framed: CommitNode[] = []
  for (const commit of line) {
    if (hashes.has(commit.oid) || commit.oid === state.last_saas_confirmed_hash) continue
    const files = await graph.changedFiles(commit, MISSIONS_FOLDER)
    if (files.length === 0) continue
    const entry = entries.get(ownerOf(missionsByCommit.get(commit.oid) ?? [], files) ?? '')
    if (entry === undefined) continue
    frames.push(makeFrame(entry.mission_id, commit, files))
    framed.push(commit)
  }
  const ids = new Set(missions.map(([, entry]) => entry.mission_id))
  const ours = pending.filter((frame) => ids.has(frame.mission_id))
  const superseded: ReadonlySet<unknown> = isRewritten
    ? await findSuperseded(graph, ours, framed, tip)
    : new Set()
  if (frames.length === 0 && superseded.size === 0) return state
  const kept = state.pending_local_commits.filter((item) => !superseded.has(item))
  return { ...state, pending_local_commits: [...kept, ...frames] }
}
