/** Which commits of a mission's branch are new since the last look, and which pending ones they replace. */
import type { LocalCommit } from '../../contracts/frames.ts'
import type { BranchEntry } from './branch-book.ts'
import type { CommitGraph, CommitNode } from './commit-graph.ts'

export type BranchScan = {
  /** Oldest first, along first parents. */
  readonly commits: readonly CommitNode[]
  /** The branch no longer leads to the commit that the last scan ended at. */
  readonly rewritten: boolean
}

/** How far one look goes back; older commits get no frame. */
export const SCAN_COMMITS_MAX = 10_000

/** The commits on the branch's first-parent line that no earlier scan has seen. */
export async function scanBranch(
  graph: CommitGraph,
  entry: BranchEntry,
  tip: string,
): Promise<BranchScan> {
  const commits: CommitNode[] = []
  let isOldLineRead = false
  const seen = new Set([entry.base, entry.scanned])
  for (let oid: string | undefined = tip; oid !== undefined && commits.length < SCAN_COMMITS_MAX;) {
    if (oid === entry.scanned) return { commits: commits.reverse(), rewritten: false }
    if (!isOldLineRead && commits.length >= LOOK_AHEAD) {
      for (const old of await oldLine(graph, entry)) seen.add(old)
      isOldLineRead = true
    }
    if (seen.has(oid)) break
    const commit: CommitNode = await graph.commit(oid)
    commits.push(commit)
    oid = commit.parents[0]
  }
  if (!isOldLineRead) {
    const old = await oldLine(graph, entry)
    const known = commits.findIndex((commit) => old.has(commit.oid))
    if (known !== -1) commits.length = known
  }
  return { commits: commits.reverse(), rewritten: entry.scanned !== null }
}

// An ordinary scan ends after a few commits; only then is it worth reading the line that was left.
const LOOK_AHEAD = 64

async function oldLine(graph: CommitGraph, entry: BranchEntry): Promise<ReadonlySet<string>> {
  const line = new Set<string>()
  let oid = entry.scanned
  while (oid !== null && oid !== entry.base && line.size < SCAN_COMMITS_MAX) {
    line.add(oid)
    // What a rewrite left behind may have been pruned since.
    const commit: CommitNode | null = await graph.findCommit(oid)
    oid = commit?.parents[0] ?? null
  }
  return line
}

/**
 * Where a mission's branch began, for a book that was lost: the last commit without the mission's folder. Null where
 * the history has none.
 */
export async function findBase(
  graph: CommitGraph,
  folder: string,
  tip: string,
): Promise<string | null> {
  let oid: string | undefined = tip
  for (let steps = 0; oid !== undefined && steps < SCAN_COMMITS_MAX; steps += 1) {
    const commit: CommitNode = await graph.commit(oid)
    if ((await graph.entryAt(commit.tree, folder)) === null) return oid
    oid = commit.parents[0]
  }
  return oid ?? null
}

/**
 * The pending frames of a branch's missions that new commits replace: only on proof, that is, the old commit is no longer
 * reachable from the branch, and a new one that has a frame has the same parents (a parent that was itself
 * replaced counts as its replacement). `commits` are those that got frames just now.
 */
export async function findSuperseded(
  graph: CommitGraph,
  pending: readonly LocalCommit[],
  commits: readonly CommitNode[],
  tip: string,
): Promise<ReadonlySet<LocalCommit>> {
  const superseded = new Set<LocalCommit>()
  const replacementByHash = new Map<string, string>()
  const newByParents = new Map(commits.map((commit) => [commit.parents.join(' '), commit.oid]))
  for (const frame of pending) {
    const old = await graph.findCommit(frame.git_hash)
    if (old === null || (await mayReach(graph, tip, old))) continue
    const parents = old.parents.map((parent) => replacementByHash.get(parent) ?? parent)
    const replacement = newByParents.get(parents.join(' '))
    if (replacement === undefined) continue
    replacementByHash.set(old.oid, replacement)
    superseded.add(frame)
  }
  return superseded
}

/** False only on proof. An ancestor of the target can't lead to it, so the search ends at its parents. */
async function mayReach(graph: CommitGraph, tip: string, target: CommitNode): Promise<boolean> {
  const visited = new Set<string>(target.parents)
  const open = [tip]
  for (let oid = open.pop(); oid !== undefined; oid = open.pop()) {
    if (oid === target.oid) return true
    if (visited.has(oid)) continue
    if (visited.size > SCAN_COMMITS_MAX) return true
    visited.add(oid)
    const commit = await graph.findCommit(oid)
    if (commit === null) return true
    open.push(...commit.parents)
  }
  return false
}

/**
 * Parents before children along first parents; what is not related goes by its date, then by when it was
 * recorded.
 */
export async function sortFrames(
  graph: CommitGraph,
  frames: readonly LocalCommit[],
): Promise<readonly LocalCommit[]> {
  if (frames.length < 2) return frames
  const ancestorByHash = await nearestPendingAncestors(graph, frames)
  const rest = frames.map((frame, index) => ({ frame, index, at: Date.parse(frame.committed_at) }))
  rest.sort((a, b) => a.at - b.at || a.index - b.index)
  const sorted: LocalCommit[] = []
  const placed = new Set<string>()
  const frameByHash = new Map(frames.map((frame) => [frame.git_hash, frame]))
  for (const { frame } of rest) {
    const chain: LocalCommit[] = []
    let next: LocalCommit | undefined = frame
    while (next !== undefined && !placed.has(next.git_hash)) {
      placed.add(next.git_hash)
      chain.push(next)
      next = frameByHash.get(ancestorByHash.get(next.git_hash) ?? '')
    }
    sorted.push(...chain.reverse())
  }
  return sorted
}

async function nearestPendingAncestors(
  graph: CommitGraph,
  frames: readonly LocalCommit[],
): Promise<ReadonlyMap<string, string>> {
  const pending = new Set(frames.map((frame) => frame.git_hash))
  const oldest = Math.min(...frames.map((frame) => Date.parse(frame.committed_at))) / 1000
  const ancestorByHash = new Map<string, string>()
  for (const hash of pending) {
    let commit = await graph.findCommit(hash)
    for (let steps = 0; commit !== null && steps < ORDER_STEPS_MAX; steps += 1) {
      const parent: string | undefined = commit.parents[0]
      if (parent === undefined || commit.seconds < oldest - CLOCK_SKEW_S) break
      if (pending.has(parent)) {
        ancestorByHash.set(hash, parent)
        break
      }
      commit = await graph.findCommit(parent)
    }
  }
  return ancestorByHash
}

const ORDER_STEPS_MAX = 1_000
const CLOCK_SKEW_S = 24 * 60 * 60
