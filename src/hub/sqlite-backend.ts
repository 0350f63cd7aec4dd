/** One hub with its own database: a transaction is all it takes. */
import type { Announcer } from './announcer.ts'
import type { Batch, HubBackend } from './backend.ts'
import type { DeadLetter } from './dead-letters.ts'
import type { Outcome } from './entries.ts'
import type { Metrics } from './metrics.ts'
import type { HubStore } from './store.ts'

export type SqliteOptions = {
  readonly store: Pick<HubStore, 'insert' | 'deadLetters'>
  readonly announcer: Announcer
  readonly metrics: Metrics
}

export class SqliteBackend implements HubBackend {
  readonly state = 'ready'
  readonly shared = null
  readonly #options: SqliteOptions

  constructor(options: SqliteOptions) {
    this.#options = options
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
    return Promise.resolve()
  }
}
