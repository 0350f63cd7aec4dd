/** How many events are in which state, kept in the transactions that change states. */
import type Database from 'better-sqlite3'

import type { EventState, StoreCounts } from './protocol.ts'

export class Tally {
  readonly #read: Database.Statement<[], { state: EventState; count: number }>
  readonly #add: Database.Statement<[number, EventState]>

  constructor(db: Database.Database) {
    this.#read = db.prepare<[], { state: EventState; count: number }>('SELECT * FROM tally')
    this.#add = db.prepare('UPDATE tally SET count = count + ? WHERE state = ?')
  }

  counts(): StoreCounts {
    const counts = { pending: 0, inflight: 0, delivered: 0, quarantined: 0, held: 0 }
    for (const row of this.#read.all()) counts[row.state] = row.count
    return counts
  }

  add(state: EventState, count: number): void {
    if (count !== 0) this.#add.run(count, state)
  }

  move(from: EventState, to: EventState, count: number): void {
    this.add(from, -count)
    this.add(to, count)
  }
}

/** What still waits for the hub, whether or not it may leave now. */
export function undeliveredOf(counts: StoreCounts): number {
  return counts.pending + counts.inflight + counts.held
}
