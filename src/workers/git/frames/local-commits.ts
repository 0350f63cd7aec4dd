/**
 * Which commits of a branch were made in this clone. The branch's own log says what it was moved over; what came by fetch, pull
 * or clone, or is reachable from what did, is another's, unless a log of this clone remembers that it was made here.
 */
import { readArrivals } from './arrivals.ts'
import type { CommitGraph, CommitNode } from '../objects/commit-graph.ts'
import { HISTORY_COMMITS_MAX, reachableIn } from '../objects/history.ts'
import { readMade, readMovements } from './movements.ts'
import type { Movement } from './movements.ts'

const NONE: ReadonlyMap<string, CommitNode> = new Map()

/** A branch, and what was judged of it before. */
export type Stretch = {
  readonly ref: string
  readonly tip: string
  /** Where the last look found the branch; null where nothing was judged yet. */
  readonly origin: string | null
  /** What is reachable from here is not asked for. */
  readonly base: string | null
  /** What the branch has and had not at the last look. */
  readonly gained: ReadonlyMap<string, CommitNode>
}

/**
 * The commits that were simply added to the branch since `scanned`, oldest first; null where something else happened, or
 * where no log proves it. The ordinary case, and cheap.
 */
export async function addedSince(
  graph: CommitGraph,
  commonDir: string,
  { ref, tip, scanned }: { readonly ref: string; readonly tip: string; readonly scanned: string },
): Promise<readonly CommitNode[] | null> {
  const movements = readMovements(commonDir, ref) ?? []
  const added: CommitNode[] = []
  const first = movements.findIndex(({ to }) => to === scanned)
  let at = movements.length - 1
  for (let oid = tip; oid !== scanned; at -= 1) {
    const movement = movements[at]
    if (movement?.to !== oid || movement.kind !== 'made') return null
    if (added.length >= HISTORY_COMMITS_MAX) return null
    const node = await graph.commit(oid)
    if (node.parents.length !== 1 || node.parents[0] !== movement.from) return null
    added.push(node)
    oid = movement.from
  }
  // It was there twice: what it was moved over in between may not have been looked at.
  if (first !== -1 && first !== at) return null
  return added.reverse()
}

/** All that were made here and that the branch was moved over since the last look, of those that it has now. */
export async function localCommits(
  graph: CommitGraph,
  commonDir: string,
  stretch: Stretch,
): Promise<readonly CommitNode[]> {
  const { ref, tip, origin, base, gained } = stretch
  const movements = readMovements(commonDir, ref) ?? []
  // The first time that it was there: to look at more again costs time, to look at less a commit.
  const start = movements.findIndex(({ to }) => to === origin) + 1
  const ends = endsOf(movements.slice(start))
  // What no log tells of was brought by a program that writes none.
  if (movements.at(-1)?.to !== tip) ends.push(tip)
  const made = readMade(commonDir)
  let walked = await movedOver(graph, ends, origin, gained)
  // A side line that was brought now may have been the branch's own long before.
  if ([...gained.keys()].some((oid) => made.has(oid) && !walked.has(oid))) {
    ends.push(...endsOf(movements.slice(0, start)))
    walked = await movedOver(graph, ends, origin, gained)
  }
  const rest = new Map([...walked].filter(([oid]) => !gained.has(oid)))
  // Beneath where the last look ended, but moved over only since: the side line of a merge.
  const reached = await reachableIn(graph, rest, [tip])
  const hidden = await reachableIn(
    graph,
    reached.size === 0 ? NONE : rest,
    base === null ? [] : [base],
  )
  const has = (oid: string): boolean => gained.has(oid) || (reached.has(oid) && !hidden.has(oid))
  const candidates = new Map([...walked].filter(([oid]) => has(oid)))
  if ([...candidates.keys()].every((oid) => made.has(oid))) return [...candidates.values()]
  const foreign = await foreignIn(graph, commonDir, candidates, movements)
  return [...candidates.values()].filter(({ oid }) => made.has(oid) || !foreign.has(oid))
}

/** Where the branch was, but for what the next commit was simply added to. */
function endsOf(movements: readonly Movement[]): string[] {
  return movements.flatMap(({ to }, at) => {
    const next = movements[at + 1]
    return next?.from === to && next.kind === 'made' && !next.isAmend ? [] : [to]
  })
}

/**
 * The commits that led to `ends` along first parents, but for those that led to `origin`. A side line is told of by the
 * merge that brought it.
 */
async function movedOver(
  graph: CommitGraph,
  ends: Iterable<string>,
  origin: string | null,
  gained: ReadonlyMap<string, CommitNode>,
): Promise<ReadonlyMap<string, CommitNode>> {
  const walked = new Map<string, CommitNode>()
  const judged = new Set<string>()
  let next: string | undefined = origin ?? undefined
  const judge = async (): Promise<void> => {
    if (next === undefined) return
    judged.add(next)
    next = (await graph.findCommit(next))?.parents[0]
  }
  await judge()
  let isOpen = false
  for (const end of ends) {
    for (let oid: string | undefined = end; ;) {
      if (oid === undefined) isOpen = true
      if (oid === undefined || walked.has(oid) || judged.has(oid)) break
      if (walked.size >= HISTORY_COMMITS_MAX) break
      const node = await graph.findCommit(oid)
      if (node === null) break
      walked.set(oid, node)
      oid = node.parents[0]
      if (oid === undefined || gained.has(oid)) continue
      // Twice as fast, so that it comes to where both lines meet.
      await judge()
      await judge()
    }
  }
  // A line that began before they met.
  while (isOpen && next !== undefined && judged.size < HISTORY_COMMITS_MAX) await judge()
  for (const oid of judged) walked.delete(oid)
  return walked
}

async function foreignIn(
  graph: CommitGraph,
  commonDir: string,
  candidates: ReadonlyMap<string, CommitNode>,
  movements: readonly Movement[],
): Promise<ReadonlySet<string>> {
  const arrivals = new Set(readArrivals(commonDir))
  const merged: string[] = []
  for (const { kind, from, to, isForward } of movements) {
    if (kind !== 'arrived') continue
    const node = isForward ? null : await graph.findCommit(to)
    // A pull that merged: ours is on its first line, and stays ours.
    const isMerge = node !== null && node.parents.length > 1 && node.parents[0] === from
    if (isMerge) merged.push(to)
    for (const oid of isMerge ? node.parents.slice(1) : [to]) arrivals.add(oid)
  }
  return new Set([...(await reachableIn(graph, candidates, arrivals)), ...merged])
}
