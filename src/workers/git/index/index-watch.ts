/**
 * Looks at the indexes that commits of ours changed, in the second after: a native command that had read one before
 * writes it back as soon as it gets git's lock, and the user's next commit may follow at once.
 */
import { readIndexVersion } from './index-reader.ts'
import { readReplaced } from './replaced-book.ts'

/** Each look is a stat; the next one is twice as far away. */
const FIRST_LOOK_MS = 2
const LAST_LOOK_MS = 1_024

export class IndexWatch {
  readonly #commonDir: string
  readonly #changed: () => Promise<void>
  #timer: NodeJS.Timeout | null = null
  #versionByGitDir = new Map<string, string>()

  /** `changed`: somebody wrote one; to look what became of our entries costs as much as it is long. Never rejects. */
  constructor(commonDir: string, changed: () => Promise<void>) {
    this.#commonDir = commonDir
    this.#changed = changed
  }

  /** A commit of ours was made just now. */
  begin(): void {
    this.stop()
    this.remember()
    this.#lookIn(FIRST_LOOK_MS)
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  /** Whether somebody wrote one since `begin`; while nothing is watched, nobody did. */
  get isDue(): boolean {
    return this.#timer !== null && this.#hasChanged()
  }

  /** Who can't be looked at twice is looked at once more before the end. */
  async end(): Promise<void> {
    const isDue = this.isDue
    this.stop()
    if (isDue) await this.#changed()
  }

  #lookIn(ms: number): void {
    this.#timer = setTimeout(() => void this.#look(ms), ms).unref()
  }

  async #look(ms: number): Promise<void> {
    const timer = this.#timer
    if (this.#hasChanged()) {
      await this.#changed()
      // A commit that was made meanwhile has begun anew.
      if (timer !== this.#timer) return
      this.remember()
    }
    if (ms < LAST_LOOK_MS) this.#lookIn(ms * 2)
    else this.#timer = null
  }

  /** What was to be done in the indexes as they are has been done. */
  remember(): void {
    const known = readReplaced(this.#commonDir)
    this.#versionByGitDir = new Map(known.map(({ gitDir, index }) => [gitDir, index]))
  }

  #hasChanged(): boolean {
    return [...this.#versionByGitDir].some(([gitDir, version]) => {
      return readIndexVersion(gitDir) !== version
    })
  }
}
