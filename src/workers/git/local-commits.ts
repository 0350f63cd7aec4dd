/**
 * Which commits of a branch were made in this clone. The branch's own log says what it was moved to; what came by fetch, pull
 * or clone, or is reachable from what did, is another's, unless a log of this clone remembers that it was made here.
 */
import { listRefs } from '../../project/git-files.ts'
import type { CommitGraph, CommitNode } from './commit-graph.ts'
import { reachableIn } from './history.ts'
import type { History } from './history.ts'
import { readFetched, readMade, readMovements } from './movements.ts'
import type { Movement } from './movements.ts'

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
  let oid = tip
  for (let at = movements.length - 1; oid !== scanned; at -= 1) {
    const movement = movements[at]
    if (movement?.to !== oid || movement.kind !== 'made') return null
    const node = await graph.commit(oid)
    if (node.parents.length !== 1 || node.parents[0] !== movement.from) return null
    added.push(node)
    oid = movement.from
  }
  return added.reverse()
}

/** Of `history`, which is what the branch has, all that were made here and that the branch was ever moved over. */
export async function localCommits(
  graph: CommitGraph,
  commonDir: string,
  { ref, tip, history }: { readonly ref: string; readonly tip: string; readonly history: History },
): Promise<ReadonlySet<string>> {
  const movements = readMovements(commonDir, ref) ?? []
  const ends = movements.filter(({ kind }) => kind !== 'arrived').map(({ to }) => to)
  // What no log tells of was brought by a program that writes none.
  if (movements.at(-1)?.to !== tip) ends.push(tip)
  const lines = linesOf(history, ends)
  const made = readMade(commonDir)
  if ([...lines].every((oid) => made.has(oid))) return lines
  const foreign = await foreignIn(graph, commonDir, history, movements)
  return new Set([...lines].filter((oid) => made.has(oid) || !foreign.has(oid)))
}

/** The commits that led to these along first parents. A side line is told of by the merge that brought it. */
function linesOf({ nodes }: History, ends: readonly string[]): ReadonlySet<string> {
  const lines = new Set<string>()
  for (const end of ends) {
    for (let node = nodes.get(end); node !== undefined && !lines.has(node.oid);) {
      lines.add(node.oid)
      node = nodes.get(node.parents[0] ?? '')
    }
  }
  return lines
}

async function foreignIn(
  graph: CommitGraph,
  commonDir: string,
  history: History,
  movements: readonly Movement[],
): Promise<ReadonlySet<string>> {
  const fetched = readFetched(commonDir)
  const arrivals = new Set<string>()
  const merged: string[] = []
  for (const { to } of [...fetched.values()].flat()) arrivals.add(to)
  for (const { ref, oid } of listRefs(commonDir, 'refs/remotes/')) {
    if (!fetched.has(ref)) arrivals.add(oid)
  }
  for (const { kind, from, to } of movements) {
    if (kind !== 'arrived') continue
    // A pull that merged: ours is on its first line, and stays ours.
    const node = history.nodes.get(to) ?? (await graph.findCommit(to))
    const isMerge = node !== null && node.parents.length > 1 && node.parents[0] === from
    if (isMerge) merged.push(to)
    for (const oid of isMerge ? node.parents.slice(1) : [to]) arrivals.add(oid)
  }
  return new Set([...(await reachableIn(graph, history, arrivals)), ...merged])
}
