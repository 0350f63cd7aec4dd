/** Notices that other programs recorded frames or moved branches, by looking at the files that they write. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Repository } from '../../project/types.ts'
import { bookPath, readBranchBook } from './branch-book.ts'
import { syncStatePath } from './sync-state.ts'

/** How often another process's new frames are looked for while this one owns the link. */
const WATCH_MS = 50
/** Branches cost a look each, and who commits natively waits for nobody. */
const BRANCHES_EVERY = 5

export class RefWatch {
  readonly #repository: Repository
  readonly #changed: () => void
  #timer: NodeJS.Timeout | null = null
  #isLooking = false
  #turn = 0
  #state = ''
  #book = ''
  #refs: readonly string[] = []
  #branches = ''

  /** `changed` is called where something may be new; to look whether it is costs little. */
  constructor(repository: Repository, changed: () => void) {
    this.#repository = repository
    this.#changed = changed
  }

  async start(): Promise<void> {
    if (this.#timer !== null) return
    await this.#look()
    this.#timer = setInterval(() => {
      if (this.#isLooking) return
      this.#isLooking = true
      void this.#look().then((isNew) => {
        this.#isLooking = false
        if (isNew) this.#changed()
      })
    }, WATCH_MS)
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
  }

  async #look(): Promise<boolean> {
    const state = versionOf(syncStatePath(this.#repository.root))
    const isNew = state !== this.#state
    this.#state = state
    const isTurn = this.#turn === 0
    this.#turn = (this.#turn + 1) % BRANCHES_EVERY
    return (isTurn && (await this.#haveBranchesMoved())) || isNew
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
    const branches = paths.map(versionOf).join()
    const isMoved = branches !== this.#branches
    this.#branches = branches
    return isMoved
  }
}

function versionOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false })
  return found === undefined ? 'absent' : `${found.ino}:${found.mtimeMs}:${found.size}`
}
