/** Notices that other programs recorded frames, moved branches or died half-way, by looking at the files that they write. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Repository } from '../../project/types.ts'
import { bookPath, readBranchBook } from './frames/branch-book.ts'
import { historyPath } from './logs/ledger-history.ts'
import { remoteVersion } from './refs/remote-refs.ts'
import { hasIndexChanged } from './index/replaced-book.ts'
import { seedMarkPath } from './ledgers/seed-mark.ts'
import { syncStatePath } from './frames/sync-state.ts'
import { unqueuedPath } from './ledgers/unqueued.ts'

/** How often another process's new frames are looked for while this one owns the link. */
const WATCH_MS = 50
/** Branches cost a look each, and who commits natively waits for nobody. */
const BRANCHES_EVERY = 5
/** Turns of the branches that the same notes stand before who wrote them is taken for dead, and then until they are looked at again. */
const NOTED_AFTER = 4
const NOTED_AGAIN = 240
const ABSENT = 'absent'

export type RefReports = {
  /** Something may be new; to look whether it is costs little. */
  readonly changed: () => void
  /** Rows are on their way into a scope's file; to look whether they still are costs little. */
  readonly marked: () => void
  /** Notes of events stand that no outbox may hold. */
  readonly noted: () => void
  /** Somebody wrote an index that a commit of ours had changed. */
  readonly restaged: () => void
}

export class RefWatch {
  readonly #repository: Repository
  readonly #reports: RefReports
  #timer: NodeJS.Timeout | null = null
  #isLooking = false
  #turn = 0
  #state = ''
  #book = ''
  #refs: readonly string[] = []
  #branches = ''
  #mark = ABSENT
  #notes = ABSENT
  #noted = 0

  constructor(repository: Repository, reports: RefReports) {
    this.#repository = repository
    this.#reports = reports
  }

  async start(): Promise<void> {
    if (this.#timer !== null) return
    await this.#look()
    this.#timer = setInterval(() => {
      if (this.#isLooking) return
      this.#isLooking = true
      void this.#look().then((isNew) => {
        this.#isLooking = false
        if (isNew) this.#reports.changed()
      })
    }, WATCH_MS)
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
  }

  async #look(): Promise<boolean> {
    const { root, commonDir } = this.#repository
    const state = versionOf(syncStatePath(root)) + versionOf(historyPath(commonDir))
    const isNew = state !== this.#state
    this.#state = state
    const isTurn = this.#turn === 0
    this.#turn = (this.#turn + 1) % BRANCHES_EVERY
    if (isTurn) {
      this.#lookAtMark()
      this.#lookAtNotes()
      if (hasIndexChanged(commonDir)) this.#reports.restaged()
    }
    return (isTurn && (await this.#haveBranchesMoved())) || isNew
  }

  #lookAtMark(): void {
    const mark = versionOf(seedMarkPath(this.#repository.commonDir))
    const isNew = mark !== this.#mark
    this.#mark = mark
    if (isNew && mark !== ABSENT) this.#reports.marked()
  }

  /** Who lives takes a note away as soon as the outbox has its event. */
  #lookAtNotes(): void {
    const notes = versionOf(unqueuedPath(this.#repository.commonDir))
    this.#noted = notes === this.#notes ? this.#noted + 1 : 0
    this.#notes = notes
    if (notes === ABSENT) return
    if (this.#noted === NOTED_AFTER || this.#noted % NOTED_AGAIN === NOTED_AGAIN - 1) {
      this.#reports.noted()
    }
  }

  async #haveBranchesMoved(): Promise<boolean> {
    const { commonDir } = this.#repository
    const book = versionOf(bookPath(commonDir))
    if (book !== this.#book) {
      // Total but for a failing disk, which whoever asks for the frames is told of.
      const reading = await readBranchBook(commonDir).catch(() => null)
      this.#refs = [...new Set([...(reading?.book.values() ?? [])].map(({ ref }) => ref))]
      this.#book = book
    }
    const paths = [...this.#refs, 'packed-refs'].map((name) => join(commonDir, name))
    const branches = [...paths.map(versionOf), remoteVersion(commonDir)].join()
    const isMoved = branches !== this.#branches
    this.#branches = branches
    return isMoved
  }
}

function versionOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false })
  return found === undefined ? ABSENT : `${found.ino}:${found.mtimeMs}:${found.size}`
}
