/** One hub with its own database: a transaction is all it takes. */
import type { Announcer } from './announcer.ts'
import type { Batch, HubBackend } from './backend.ts'
import type { DeadLetter, Outcome } from './entries.ts'
import type { HubLog } from './log.ts'
import type { Metrics } from './metrics.ts'
import { Keeper } from './upkeep/retain.ts'
import type { HubStore } from './data/store.ts'

export type SqliteOptions = {
  readonly store: Pick<HubStore, 'insert' | 'deadLetters'>
  readonly announcer: Announcer
  readonly metrics: Metrics
  /** Of the store. */
  readonly dataDir: string
  /** How long events and commits are kept, in milliseconds; null, the default, for ever. */
  readonly keepMs?: number | null
  readonly log: HubLog
}

export class SqliteBackend implements HubBackend {
  readonly state = 'ready'
  readonly shared = null
  readonly #options: SqliteOptions
  #keeper: Keeper | null = null

  constructor(options: SqliteOptions) {
    this.#options = options
  }

  /** @throws LinkError HUB_DATA_UNUSABLE */
  start(): void {
    const { dataDir, keepMs = null, log } = this.#options
    if (keepMs !== null) this.#keeper = new Keeper({ dataDir, keepMs, log })
  }

  append({ entries, senders }: Batch): readonly Outcome[] {
    const { store, announcer, metrics } = this.#options
    const startedMs = performance.now()
    const outcomes = store.insert(entries)
    metrics.transactionSeconds.observe((performance.now() - startedMs) / 1_000)
    announcer.announce({ entries, outcomes, senders })
    return outcomes
  }

  bury(letters: readonly DeadLetter[]): void {
    this.#options.store.deadLetters.add(letters)
  }

  close(): Promise<void> {
    this.#keeper?.stop()
    return Promise.resolve()
  }
}
