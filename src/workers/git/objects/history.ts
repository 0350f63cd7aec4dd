/** Parts of the graph of commits: what a branch has and another commit has not, and in which order. Bounded, and reads only. */
import type { CommitGraph, CommitNode } from './commit-graph.ts'

export type History = {
  /** Younger ones first, but for clocks that ran wrong. */
  readonly nodes: ReadonlyMap<string, CommitNode>
  /** Older commits were not looked at. */
  readonly isCut: boolean
}

/** The most commits that one look reads. */
export const HISTORY_COMMITS_MAX = 10_000
/** How far a search goes on beneath what it needs, for clocks that ran wrong. */
const SLOP_COMMITS = 100

/** Young before old, each once. */
class DateQueue {
  readonly #nodes: CommitNode[] = []

  get size(): number {
    return this.#nodes.length
  }

  push(node: CommitNode): void {
    let [low, high] = [0, this.#nodes.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#nodes[middle]?.seconds ?? 0) <= node.seconds) low = middle + 1
      else high = middle
    }
    this.#nodes.splice(low, 0, node)
  }

  pop(): CommitNode | undefined {
    return this.#nodes.pop()
  }

  some(test: (node: CommitNode) => boolean): boolean {
    return this.#nodes.some(test)
  }
}

/** What is reachable from `tip` and from none of `hiddenTips`. One of these that is gone hides nothing. */
export async function historyAbove(
  graph: CommitGraph,
  tip: string,
  hiddenTips: readonly (string | null)[],
): Promise<History> {
  const nodes = new Map<string, CommitNode>()
  const hidden = new Set<string>()
  const queue = new DateQueue()
  for (const oid of hiddenTips) {
    const start = oid === null ? null : await graph.findCommit(oid)
    if (start === null || hidden.has(start.oid)) continue
    hidden.add(start.oid)
    queue.push(start)
  }
  if (!hidden.has(tip)) queue.push(await graph.commit(tip))
  const done = new Set<string>()
  let slop = 0
  for (let steps = 0; queue.size > 0; steps += 1) {
    if (steps > HISTORY_COMMITS_MAX) return { nodes, isCut: true }
    const node = queue.pop()
    if (node === undefined) break
    const isHidden = hidden.has(node.oid)
    const mark = `${isHidden ? '-' : '+'}${node.oid}`
    if (done.has(mark)) continue
    done.add(mark)
    if (isHidden) nodes.delete(node.oid)
    else nodes.set(node.oid, node)
    for (const oid of node.parents) {
      if (isHidden) hidden.add(oid)
      if (done.has(`${hidden.has(oid) ? '-' : '+'}${oid}`)) continue
      const parent = isHidden ? await graph.findCommit(oid) : await graph.commit(oid)
      if (parent !== null) queue.push(parent)
    }
    if (queue.some(({ oid }) => !hidden.has(oid))) slop = 0
    else if (isHidden && (slop += 1) > SLOP_COMMITS) break
  }
  return { nodes, isCut: false }
}

/** Those of `nodes` that are reachable from any of `tips`, wherever these stand. */
export async function reachableIn(
  graph: CommitGraph,
  nodes: ReadonlyMap<string, CommitNode>,
  tips: Iterable<string>,
  look: (node: CommitNode) => void = () => undefined,
): Promise<ReadonlySet<string>> {
  if (nodes.size === 0) return new Set()
  const reached = new Set<string>()
  let oldest = Infinity
  for (const { seconds } of nodes.values()) oldest = Math.min(oldest, seconds)
  const queue = new DateQueue()
  const seen = new Set<string>()
  const visit = async (oid: string): Promise<void> => {
    if (seen.has(oid)) return
    seen.add(oid)
    const node = nodes.get(oid) ?? (await graph.findCommit(oid))
    if (node !== null) queue.push(node)
  }
  for (const tip of tips) await visit(tip)
  let slop = 0
  for (let steps = 0; queue.size > 0 && steps <= HISTORY_COMMITS_MAX; steps += 1) {
    const node = queue.pop()
    if (node === undefined) break
    look(node)
    if (nodes.has(node.oid)) reached.add(node.oid)
    // What is looked for is only beneath commits that are no older.
    if (node.seconds < oldest && (slop += 1) > SLOP_COMMITS) break
    for (const parent of node.parents) await visit(parent)
  }
  return reached
}

/** These commits and what lies between them; those that are gone are left out. */
export async function historyAround(
  graph: CommitGraph,
  oids: Iterable<string>,
): Promise<readonly CommitNode[]> {
  const wanted = new Map<string, CommitNode>()
  for (const oid of oids) {
    const node = await graph.findCommit(oid)
    if (node !== null) wanted.set(oid, node)
  }
  const between = new Map(wanted)
  await reachableIn(graph, wanted, wanted.keys(), (node) => between.set(node.oid, node))
  return [...between.values()]
}

/** Parents before children, by all parents; what is not related goes by its date, then by its hash. */
export function inOrder(nodes: readonly CommitNode[]): readonly CommitNode[] {
  const byOid = new Map(nodes.map((node) => [node.oid, node]))
  const sorted: CommitNode[] = []
  const placed = new Set<string>()
  const byDate = [...nodes].sort((a, b) => a.seconds - b.seconds || (a.oid < b.oid ? -1 : 1))
  for (const first of byDate) {
    const open = [first]
    while (open.length > 0) {
      const node = open.at(-1)
      if (node === undefined) break
      const next = placed.has(node.oid)
        ? undefined
        : node.parents
            .flatMap((oid) => byOid.get(oid) ?? [])
            .filter(({ oid }) => !placed.has(oid))
            .sort((a, b) => b.seconds - a.seconds || (a.oid < b.oid ? 1 : -1))
            .at(-1)
      if (next !== undefined) {
        open.push(next)
        continue
      }
      open.pop()
      if (placed.has(node.oid)) continue
      placed.add(node.oid)
      sorted.push(node)
    }
  }
  return sorted
}
