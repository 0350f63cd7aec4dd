/** How many events are in which state, kept in the transactions that change states. */
import type Database from 'better-sqlite3'

import type { StoreCounts } from './protocol.ts'

/** The store's own row: what holds whatever hub is asked. */
export const STORE = 0

/** Of the store: `settled` are those that some hub has answered for good, but for damaged ones; what is `removed` counts nowhere else. */
type StoreState = 'recorded' | 'open' | 'superseded' | 'settled' | 'quarantined' | 'removed'
/** Of a hub; `…Open` are those among them that may leave now. */
type HubState = 'delivered' | 'quarantined' | 'deliveredOpen' | 'quarantinedOpen'

/** A hub that was reached, and how many events a sender has under way to it. */
type Reached = { readonly id: number; readonly inflight: number }

type Row = { readonly state: string; readonly reason: string; readonly count: number }

export class Tally {
  readonly #rows: Database.Statement<[number], Row>
  readonly #add: Database.Statement<[number, number, string, string]>
  readonly #begin: Database.Statement<[number, string, string, number]>
  readonly #clear: Database.Statement<[number, string]>
  readonly #clearOpen: Database.Statement<[]>

  constructor(db: Database.Database) {
    this.#rows = db.prepare<[number], Row>('SELECT state, reason, count FROM tally WHERE hub = ?')
    this.#add = db.prepare(
      'UPDATE tally SET count = count + ? WHERE hub = ? AND state = ? AND reason = ?',
    )
    this.#begin = db.prepare('INSERT INTO tally VALUES (?, ?, ?, ?)')
    this.#clear = db.prepare('UPDATE tally SET count = 0 WHERE hub = ? AND state = ?')
    this.#clearOpen = db.prepare(
      "UPDATE tally SET count = 0 WHERE state IN ('open', 'deliveredOpen', 'quarantinedOpen')",
    )
  }

  add(state: StoreState, count: number, reason = ''): void {
    this.#change(STORE, state, count, reason)
  }

  addAt(hub: number, state: HubState, count: number, reason = ''): void {
    this.#change(hub, state, count, reason)
  }

  /** The hub has lost what it acknowledged. */
  forgetDelivered(hub: number): void {
    this.#clear.run(hub, 'delivered')
    this.#clear.run(hub, 'deliveredOpen')
  }

  /** Nothing may leave any more. */
  close(): void {
    this.#clearOpen.run()
  }

  /** What may leave once all may that is neither superseded nor quarantined here. */
  whole(): number {
    const store = this.#sums(STORE)
    return store('recorded') - store('superseded') - store('quarantined')
  }

  /** What no hub has answered for good, whether or not it may leave now. */
  undelivered(): number {
    return this.whole() - this.#sums(STORE)('settled')
  }

  removed(): number {
    return this.#sums(STORE)('removed')
  }

  /** As the hub sees it; null stands for one that was never reached. */
  counts(hub: Reached | null): StoreCounts {
    const store = this.#sums(STORE)
    const own = hub === null ? () => 0 : this.#sums(hub.id)
    const unsettled = store('open') - own('deliveredOpen') - own('quarantinedOpen')
    const delivered = own('delivered')
    const quarantined = own('quarantined') + store('quarantined')
    const superseded = store('superseded')
    const inflight = Math.min(hub?.inflight ?? 0, Math.max(unsettled, 0))
    const held = store('recorded') - superseded - delivered - quarantined - unsettled
    return { pending: unsettled - inflight, inflight, delivered, quarantined, held, superseded }
  }

  /** Why events are quarantined, and how many for each reason. */
  reasons(hub: Reached | null): Readonly<Record<string, number>> {
    const rows = [STORE, ...(hub === null ? [] : [hub.id])].flatMap((id) => this.#rows.all(id))
    const countByReason = new Map<string, number>()
    for (const { state, reason, count } of rows) {
      if (state !== 'quarantined' || count === 0) continue
      countByReason.set(reason, (countByReason.get(reason) ?? 0) + count)
    }
    return Object.fromEntries(countByReason)
  }

  #change(hub: number, state: string, count: number, reason: string): void {
    if (count === 0) return
    const { changes } = this.#add.run(count, hub, state, reason)
    if (changes === 0) this.#begin.run(hub, state, reason, count)
  }

  #sums(hub: number): (state: string) => number {
    const sumByState = new Map<string, number>()
    for (const { state, count } of this.#rows.all(hub)) {
      sumByState.set(state, (sumByState.get(state) ?? 0) + count)
    }
    return (state) => sumByState.get(state) ?? 0
  }
}
