/** Where a mission's branch began, what replaces its commits after a rewrite, and the order in which frames go. */
import type { LocalCommit } from '../../../contracts/wire/frames.ts'
import type { CommitGraph, CommitNode } from '../objects/commit-graph.ts'
import { historyAround, HISTORY_COMMITS_MAX, inOrder } from '../objects/history.ts'
import type { Movement } from './movements.ts'

/**
 * For a book that was lost: the last commit without the mission's folder. Null where the history has none.
 */
export async function findBase(
  graph: CommitGraph,
  folder: string,
  tip: string,
): Promise<string | null> {
  let oid: string | undefined = tip
  for (let steps = 0; oid !== undefined && steps < HISTORY_COMMITS_MAX; steps += 1) {
    const commit: CommitNode = await graph.commit(oid)
    if ((await graph.entryAt(commit.tree, folder)) === null) return oid
    oid = commit.parents[0]
  }
  return oid ?? null
}

/**
 * What took the place of commits that a branch left, by hash, as far as it can be proven: an amend by its log, a moved
 * commit by its author's line and its message, a reworded or squashed one by its parents (a parent that was
 * itself replaced counts as its replacement). `fresh` is what is new on the branch.
 */
export async function findReplacements(
  graph: CommitGraph,
  left: readonly string[],
  fresh: ReadonlyMap<string, CommitNode>,
  movements: readonly Movement[],
): Promise<ReadonlyMap<string, string>> {
  const amended = new Map(
    movements.filter(({ isAmend }) => isAmend).map(({ from, to }) => [from, to]),
  )
  const byWords = new Map<string, string[]>()
  const byParents = new Map<string, string>()
  for (const { oid, parents } of inOrder([...fresh.values()])) {
    const words = await graph.words(oid)
    byWords.set(words, [...(byWords.get(words) ?? []), oid])
    byParents.set(parents.join(' '), oid)
  }
  const replacements = new Map<string, string>()
  const old = (await Promise.all(left.map((oid) => graph.findCommit(oid)))).filter(
    (node) => node !== null,
  )
  for (const { oid, parents } of inOrder(old)) {
    const moved = parents.map((parent) => replacements.get(parent) ?? parent).join(' ')
    // Those with the same words were moved in the order that they had.
    const found =
      followed(amended, oid, fresh) ??
      byWords.get(await graph.words(oid))?.shift() ??
      byParents.get(moved)
    if (found !== undefined) replacements.set(oid, found)
  }
  return replacements
}

/** To the end of a chain of amends, where that is on the branch. */
function followed(
  amended: ReadonlyMap<string, string>,
  from: string,
  fresh: ReadonlyMap<string, CommitNode>,
): string | undefined {
  const seen = new Set<string>()
  for (let oid = amended.get(from); oid !== undefined && !seen.has(oid); oid = amended.get(oid)) {
    if (fresh.has(oid)) return oid
    seen.add(oid)
  }
  return undefined
}

/** Parents before children; what is not related goes by its date, then by its hash. One that is gone goes last. */
export async function sortFrames(
  graph: CommitGraph,
  frames: readonly LocalCommit[],
): Promise<readonly LocalCommit[]> {
  if (frames.length < 2) return frames
  const frameByHash = new Map(frames.map((frame) => [frame.git_hash, frame]))
  const around = await historyAround(graph, frameByHash.keys())
  const sorted = inOrder(around).flatMap(({ oid }) => frameByHash.get(oid) ?? [])
  const placed = new Set(sorted)
  return [...sorted, ...frames.filter((frame) => !placed.has(frame))]
}
