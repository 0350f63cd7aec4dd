/**
 * Which branches are looked at for frames, and from where on: the branch of every mission, from the first time that
 * this clone meets it. What is older was announced by whoever made it.
 */
import { MissionFinder, missionRef } from '../../../project/missions/mission-finder.ts'
import { withRepositoryLock } from '../../../project/git/repository-lock.ts'
import type { Mission, Placement, Repository } from '../../../project/types.ts'
import { readBranchBook, setBranchBookAside, branchBookFile } from './branch-book.ts'
import type { BranchBook, BranchEntry } from './branch-book.ts'
import { replaceOwned } from '../disk/owned-json.ts'
import { CommitDeferral } from '../deferral.ts'
import { DurableFs } from '../disk/durable-fs.ts'
import { branchTip } from '../refs/head.ts'
import { gitErrorFrom } from '../logs/ledger-errors.ts'
import { Warnings } from '../warnings.ts'
import type { LedgerWarning } from '../warnings.ts'

export type MissionBranchesOptions = {
  readonly commonDir: string
  readonly fs: DurableFs
  /** Asked at every look, so it must cost next to nothing where all missions are known. */
  readonly missions: (isKnown: (directory: string) => boolean) => readonly Mission[]
  readonly warnings: Warnings
}

/** All methods are called under the repository lock; they throw GitError, CommitDeferral and system errors. */
export class MissionBranches {
  readonly #options: MissionBranchesOptions

  constructor(options: MissionBranchesOptions) {
    this.#options = options
  }

  /** The book, with all missions that were met just now. */
  async read(): Promise<BranchBook> {
    const { commonDir, missions } = this.#options
    const { book: known, damaged } = await readBranchBook(commonDir)
    if (damaged) return this.#rebuild()
    const book = new Map(known)
    for (const mission of missions((directory) => known.has(directory))) {
      const tip = this.#tipOf(mission)
      if (tip !== null) book.set(mission.directory, entryOf(mission, tip))
    }
    return book.size === known.size ? known : this.write(book)
  }

  /** Notes where the mission's branch is before our first commit there, or that it has another branch now. */
  async track({ mission, ref }: Placement): Promise<void> {
    const book = await this.read()
    const entry = book.get(mission.directory)
    if (entry?.ref === ref && entry.mission_id === mission.mission_id) return
    const tip = branchTip(this.#options.commonDir, ref)
    const { base, scanned } = entry ?? { base: tip, scanned: tip }
    const changed = { mission_id: mission.mission_id, ref, base, scanned }
    await this.write(new Map(book).set(mission.directory, changed))
  }

  async write(book: BranchBook): Promise<BranchBook> {
    const { fs, commonDir } = this.#options
    const { path, text } = branchBookFile(commonDir, book)
    await replaceOwned(fs, path, text)
    return book
  }

  async #rebuild(): Promise<BranchBook> {
    const { commonDir, fs, missions, warnings } = this.#options
    await setBranchBookAside(fs, commonDir)
    const book = new Map<string, BranchEntry>()
    for (const mission of missions(() => false)) {
      // The hub knows the commits that it has already; one that is sent twice is kept once.
      if (this.#tipOf(mission) !== null) book.set(mission.directory, entryOf(mission, null))
    }
    await this.write(book)
    warnings.add(
      'BRANCH_BOOK_REBUILT',
      'The list of scanned branches was damaged. It was rebuilt from git.',
    )
    return book
  }

  /** Null where there is no branch to follow yet. */
  #tipOf(mission: Mission): string | null {
    try {
      return branchTip(this.#options.commonDir, missionRef(mission))
    } catch (error) {
      if (error instanceof CommitDeferral) return null
      throw error
    }
  }
}

/**
 * Follows the branch of a mission from its creation on, in a process that has no git worker: `mission create`. Answers
 * what was found damaged.
 *
 * @throws GitError LEDGER_LOCKED, LOCK_UNUSABLE, LEDGER_STATE_UNREADABLE, IO_ERROR, REPOSITORY_READ_ONLY;
 *   ProjectError REPOSITORY_READ_ONLY, WRITE_FAILED
 */
export async function followNewMissions(repository: Repository): Promise<readonly LedgerWarning[]> {
  const { commonDir } = repository
  const warnings = new Warnings()
  const finder = new MissionFinder(repository)
  const missions: MissionBranchesOptions['missions'] = (isKnown) => finder.find(isKnown)
  const fs = new DurableFs(commonDir)
  const branches = new MissionBranches({ commonDir, fs, missions, warnings })
  try {
    await withRepositoryLock(commonDir, 'ledger', () => branches.read())
  } catch (error) {
    throw gitErrorFrom(error)
  }
  return warnings.take()
}

function entryOf(mission: Mission, base: string | null): BranchEntry {
  return { mission_id: mission.mission_id, ref: missionRef(mission), base, scanned: base }
}
