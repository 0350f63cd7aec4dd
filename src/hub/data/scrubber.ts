/**
 * Writes a database anew after rows went: they lie in free pages and in its log until both are. What is due stands in the database,
 * until it is done: a disk may be full, and somebody may read, a backup for one.
 */
import type { Connection } from './database.ts'
import { SCRUB_RETRY_MAX_MS, SCRUB_RETRY_MIN_MS } from '../limits.ts'

export class Scrubber {
  readonly #database: Connection
  #isDue: boolean
  /** The file is anew; its log may still hold what it was. */
  #isVacuumed = false
  #waitMs = SCRUB_RETRY_MIN_MS
  #nextMs = 0

  constructor(database: Connection) {
    this.#database = database
    const due = database.prepare("SELECT 1 FROM meta WHERE key = 'unscrubbed'")
    this.#isDue = due.get() !== undefined
  }

  /** It will be due, once the caller's transaction is committed. */
  note(): void {
    this.#database.exec("INSERT OR REPLACE INTO meta (key, value) VALUES ('unscrubbed', '')")
  }

  /** Not in a transaction. What is not possible now is done by `again`: what was applied is applied. */
  scrub(): void {
    this.#isDue = true
    this.#isVacuumed = false
    this.#waitMs = SCRUB_RETRY_MIN_MS
    this.#attempt()
  }

  /** Tries again, after a while that grows. It waits for nobody. */
  again(): void {
    if (!this.#isDue || performance.now() < this.#nextMs) return
    const timeout = Number(this.#database.pragma('busy_timeout', { simple: true }))
    this.#database.pragma('busy_timeout = 0')
    try {
      this.#attempt()
    } finally {
      this.#database.pragma(`busy_timeout = ${timeout}`)
    }
  }

  #attempt(): void {
    this.#nextMs = performance.now() + this.#waitMs
    this.#waitMs = Math.min(this.#waitMs * 2, SCRUB_RETRY_MAX_MS)
    try {
      if (!this.#isVacuumed) this.#database.exec('VACUUM')
      this.#isVacuumed = true
      // It says so, and doesn't throw, where a reader still needs what it would write over.
      const [{ busy } = { busy: 1 }] = this.#database.pragma('wal_checkpoint(TRUNCATE)') as {
        readonly busy: number
      }[]
      if (busy !== 0) return
      this.#database.exec("DELETE FROM meta WHERE key = 'unscrubbed'")
      this.#isDue = false
    } catch {
      // It stays due.
    }
  }
}
