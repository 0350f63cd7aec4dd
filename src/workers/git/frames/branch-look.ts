/** What a look at one branch comes to: what it has gained and lost since the last one. Costs as much as has changed. */
import { MISSIONS_FOLDER } from '../../../project/missions/mission-names.ts'
import type { BranchEntry } from './branch-book.ts'
import type { CommitGraph, CommitNode } from '../objects/commit-graph.ts'
import { findBase } from './frame-scan.ts'
import { historyAbove, inOrder } from '../objects/history.ts'
import { addedSince, localCommits } from './local-commits.ts'
import type { MovedBranch } from './moved-branches.ts'

export type BranchLook = {
  /** As the book shall have them. */
  readonly missions: MovedBranch['missions']
  /** Made here and not looked at before, parents first. */
  readonly commits: readonly CommitNode[]
  /** The missions that a commit may belong to. */
  readonly missionsByCommit: ReadonlyMap<string, readonly string[]>
  /** What the branch has now and had not before. */
  readonly gained: ReadonlyMap<string, CommitNode>
  /** Whether the branch has left a commit that had a frame of this mission. */
  readonly hasLost: (oid: string, missionId: string) => boolean
  /** Older commits were not looked at. */
  readonly isCut: boolean
}

type MissionLook = {
  readonly local: readonly CommitNode[]
  readonly gained: ReadonlyMap<string, CommitNode>
  readonly lost: ReadonlyMap<string, CommitNode>
  /** All that the branch has is in `gained`: what it had before can't be told, or it is gone. */
  readonly isWhole: boolean
  readonly isCut: boolean
}

const NONE: ReadonlyMap<string, CommitNode> = new Map()

/** @throws CommitDeferral where a commit of the branch can't be read. */
export async function lookAtBranch(
  graph: CommitGraph,
  commonDir: string,
  branch: MovedBranch,
): Promise<BranchLook> {
  const missionsByCommit = new Map<string, string[]>()
  const commits = new Map<string, CommitNode>()
  const gained = new Map<string, CommitNode>()
  const lost = new Set<string>()
  const whole = new Set<string>()
  const missions: [string, BranchEntry][] = []
  let isCut = false
  for (const [mission, known] of branch.missions) {
    const entry = await withBase(graph, branch.tip, mission, known)
    const look = await lookFor(graph, commonDir, branch, entry)
    for (const node of look.local) {
      commits.set(node.oid, node)
      missionsByCommit.set(node.oid, [...(missionsByCommit.get(node.oid) ?? []), mission])
    }
    for (const [oid, node] of look.gained) gained.set(oid, node)
    for (const oid of look.lost.keys()) lost.add(oid)
    if (look.isWhole && !look.isCut) whole.add(entry.mission_id)
    isCut ||= look.isCut
    missions.push([mission, { ...entry, scanned: branch.tip }])
  }
  return {
    missions,
    commits: inOrder([...commits.values()]),
    missionsByCommit,
    gained,
    hasLost: (oid, missionId) => lost.has(oid) || (whole.has(missionId) && !gained.has(oid)),
    isCut,
  }
}

/** A base that was lost, or that was rewritten and thrown away, is found again: else all of the history would count. */
async function withBase(
  graph: CommitGraph,
  tip: string | null,
  mission: string,
  entry: BranchEntry,
): Promise<BranchEntry> {
  if (tip === null) return entry
  const { base, scanned } = entry
  const isGone = base === null ? scanned === null : (await graph.findCommit(base)) === null
  if (!isGone) return entry
  return { ...entry, base: await findBase(graph, `${MISSIONS_FOLDER}/${mission}`, tip) }
}

async function lookFor(
  graph: CommitGraph,
  commonDir: string,
  { ref, tip }: MovedBranch,
  { base, scanned }: BranchEntry,
): Promise<MissionLook> {
  const isKnown = scanned !== null && (await graph.findCommit(scanned)) !== null
  if (tip === null) {
    const lost = isKnown ? (await historyAbove(graph, scanned, [base])).nodes : NONE
    return { local: [], gained: NONE, lost, isWhole: true, isCut: false }
  }
  if (isKnown) {
    const added = await addedSince(graph, commonDir, { ref, tip, scanned })
    if (added !== null) {
      const gained = new Map(added.map((node) => [node.oid, node]))
      return { local: added, gained, lost: NONE, isWhole: false, isCut: false }
    }
  }
  const origin = isKnown ? scanned : base
  const { nodes: gained, isCut } = await historyAbove(graph, tip, [base, origin])
  const local = await localCommits(graph, commonDir, { ref, tip, origin, base, gained })
  const lost = isKnown ? await lostSince(graph, { base, scanned }, tip, gained) : NONE
  return { local, gained, lost, isWhole: !isKnown, isCut }
}

/** What the branch had: hidden by where `gained` ends, which is beneath all that it has gained whatever the clocks say. */
async function lostSince(
  graph: CommitGraph,
  { base, scanned }: { readonly base: string | null; readonly scanned: string },
  tip: string,
  gained: ReadonlyMap<string, CommitNode>,
): Promise<ReadonlyMap<string, CommitNode>> {
  const border = new Set([tip, ...[...gained.values()].flatMap(({ parents }) => parents)])
  const kept = [...border].filter((oid) => !gained.has(oid))
  const { nodes } = await historyAbove(graph, scanned, [base, ...kept])
  return new Map([...nodes].filter(([oid]) => !gained.has(oid)))
}
