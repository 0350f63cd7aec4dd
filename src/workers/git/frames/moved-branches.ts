/** Which missions' branches are not where the last look at them ended; read from refs, without an object. */
import { readBranchBook } from './branch-book.ts'
import type { BranchBook, BranchEntry } from './branch-book.ts'
import { CommitDeferral } from '../deferral.ts'
import { branchTip } from '../refs/head.ts'

export type MovedBranch = {
  readonly ref: string
  /** Null where the branch is gone. */
  readonly tip: string | null
  /** All missions on it, by directory name in order: a branch can be the target of several. */
  readonly missions: readonly (readonly [string, BranchEntry])[]
}

export type BranchProblem = {
  readonly ref: string
  /** `cut`: the oldest commits were not looked at. */
  readonly kind: 'unreadable' | 'cut'
  readonly message: string
}

/** The branches that are not where the last look ended: all that has to be read. */
export function movedBranches(
  commonDir: string,
  book: BranchBook,
): { readonly moved: readonly MovedBranch[]; readonly problems: BranchProblem[] } {
  const byRef = new Map<string, (readonly [string, BranchEntry])[]>()
  for (const pair of [...book].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const { ref } = pair[1]
    const sharing = byRef.get(ref)
    if (sharing === undefined) byRef.set(ref, [pair])
    else sharing.push(pair)
  }
  const moved: MovedBranch[] = []
  const problems: BranchProblem[] = []
  for (const [ref, missions] of byRef) {
    try {
      const tip = branchTip(commonDir, ref)
      if (missions.every(([, entry]) => entry.scanned === tip)) continue
      moved.push({ ref, tip, missions })
    } catch (error) {
      if (!(error instanceof CommitDeferral)) throw error
      problems.push({ ref, kind: 'unreadable', message: error.message })
    }
  }
  return { moved, problems }
}

/** For those who have to know only whether there is something to do. Total. */
export async function haveBranchesMoved(commonDir: string): Promise<boolean> {
  const { book, damaged } = await readBranchBook(commonDir).catch(() => NOTHING)
  return damaged || movedBranches(commonDir, book).moved.length > 0
}

const NOTHING = { book: new Map<string, BranchEntry>(), damaged: false } as const
