/** The Lamport clock of one node in one outbox. It is only touched inside a write transaction. */
import type Database from 'better-sqlite3'

import { StoreError } from '../../errors.ts'

export class LamportClock {
  readonly #nodeId: string
  readonly #stored: Database.Statement<[string], number>
  readonly #recorded: Database.Statement<[string], number | null>
  readonly #save: Database.Statement<[string, number]>

  constructor(db: Database.Database, nodeId: string) {
    this.#nodeId = nodeId
    this.#stored = db.prepare<[string], number>('SELECT value FROM clock WHERE node_id = ?').pluck()
    this.#recorded = db
      .prepare<[string], number>('SELECT max(lamport_clock) FROM event WHERE node_id = ?')
      .pluck()
    this.#save = db.prepare(
      'INSERT INTO clock VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
    )
  }

  /**
   * The last value of this node: what the clock says, or what its events say, if that is more; a
   * restored or edited clock must never give a value twice.
   */
  read(): number {
    return Math.max(this.#stored.get(this.#nodeId) ?? 0, this.#recorded.get(this.#nodeId) ?? 0)
  }

  /** @throws StoreError CLOCK_EXHAUSTED */
  save(value: number): void {
    if (!Number.isSafeInteger(value)) {
      throw new StoreError('CLOCK_EXHAUSTED', 'the clock is beyond what JSON can carry exactly', {
        hint: 'The outbox is damaged; move it away to begin a new one.',
      })
    }
    this.#save.run(this.#nodeId, value)
  }
}
