/**
 * What a person may change of the stored events by hand, beside the threads and under the same locks: put back, remove, release.
 * Each method works in transactions of bounded size, and what was done before a crash stays done.
 */
import type Database from 'better-sqlite3'

import { Consent } from './consent.ts'
import { type HistoryPreview, releaseHistory } from './history.ts'
import { findHub, type HubRow } from './hubs.ts'
import { BUSY_TIMEOUT_MS, isThere, openDatabase } from './open-database.ts'
import type { ReaderOptions } from './outbox-reader.ts'
import { patiently } from './patience.ts'
import { DAMAGED, REMOVED } from './row-checksum.ts'
import { type Selected, selectAfter, type Selection } from './selection.ts'
import { asStoreErrors } from './store-error.ts'
import { Tally } from './tally.ts'

const CHUNK = 1_000

type Verdict = {
  readonly hub: number
  readonly state: 'pending' | 'delivered' | 'quarantined'
  readonly is_present: 0 | 1
  readonly reason: string | null
}

const VERDICTS_SQL = `
SELECT d.hub, d.state, d.generation = h.generation AS is_present, d.reason
FROM hub AS h CROSS JOIN delivery AS d ON d.hub = h.id AND d.sequence = ?`

export class Keeper {
  readonly #db: Database.Database
  readonly #options: ReaderOptions
  readonly #tally: Tally
  readonly #verdicts: Database.Statement<[number], Verdict>

  /** Null where there is no store. @throws StoreError as `openDatabase` */
  static open(options: ReaderOptions): Keeper | null {
    return isThere(options.path) ? new Keeper(options) : null
  }

  private constructor(options: ReaderOptions) {
    this.#options = options
    this.#db = openDatabase(options.path, options.owner)
    this.#tally = new Tally(this.#db)
    this.#verdicts = this.#db.prepare<[number], Verdict>(VERDICTS_SQL)
  }

  /** Quarantined events are pending again, as if they had never been sent; what consent doesn't cover is held. */
  retry(selection: Omit<Selection, 'purpose'>): number {
    return this.#inChunks({ ...selection, purpose: 'retry' }, (row, hub) => {
      if (hub === null) return
      this.#withdraw(row, hub.id)
      const isOpen = row.is_open === 1
      if (isOpen) this.#offer(row.sequence, hub)
      if (!this.#verdicts.all(row.sequence).some(({ state }) => state !== 'pending')) {
        this.#tally.add('settled', -1)
      }
    })
  }

  /** Events that are dealt with are gone, ids and all. The clock stays where it is. */
  purge(selection: Omit<Selection, 'purpose'>): number {
    return this.#inChunks({ ...selection, purpose: 'purge' }, (row) => {
      this.#forget(row)
      this.#db.prepare('DELETE FROM mark WHERE sequence = ?').run(row.sequence)
      this.#db.prepare('DELETE FROM event WHERE sequence = ?').run(row.sequence)
    })
  }

  /** Of events that every hub has only the ids stay, so that none of them is taken for a new one. */
  collect(before: number): number {
    return this.#inChunks({ purpose: 'collect', before }, (row) => {
      this.#forget(row)
      this.#tally.add('removed', 1)
      this.#db
        .prepare(
          "INSERT INTO mark VALUES (?, 'removed', NULL) ON CONFLICT DO UPDATE SET state = excluded.state",
        )
        .run(row.sequence)
      this.#db.prepare(`UPDATE event SET body = '${REMOVED}' WHERE sequence = ?`).run(row.sequence)
    })
  }

  /** Exactly what the hash stands for may leave from now on. @throws StoreError NO_CONSENT, HISTORY_CHANGED */
  release(hash: string, nowMs: number): HistoryPreview {
    const { owner } = this.#options
    const [db, tally] = [this.#db, this.#tally]
    return this.#write(() =>
      releaseHistory({ db, tally, consent: new Consent(db, owner), hub: this.#hub() }, hash, nowMs),
    )
  }

  close(): void {
    this.#db.close()
  }

  #hub(): HubRow | null {
    return findHub(this.#db, this.#options.hub)
  }

  #inChunks(selection: Selection, change: (row: Selected, hub: HubRow | null) => void): number {
    let changed = 0
    let after = 0
    for (;;) {
      const rows = this.#write(() => {
        const hub = this.#hub()
        const selected = selectAfter(this.#db, hub, selection, { after, max: CHUNK })
        for (const row of selected) change(row, hub)
        return selected
      })
      changed += rows.length
      after = rows.at(-1)?.sequence ?? after
      if (rows.length < CHUNK) return changed
    }
  }

  #offer(sequence: number, { id, generation }: HubRow): void {
    this.#db
      .prepare("INSERT INTO delivery VALUES (?, ?, 'pending', ?, 0, NULL)")
      .run(id, sequence, generation)
  }

  /** Takes back what the hub has said. */
  #withdraw({ sequence, is_open: isOpen }: Selected, hub: number): void {
    for (const verdict of this.#verdicts.all(sequence)) {
      if (verdict.hub !== hub || verdict.state === 'pending') continue
      if (verdict.state === 'quarantined' || verdict.is_present === 1) {
        this.#tally.addAt(hub, verdict.state, -1, verdict.reason ?? '')
        if (isOpen === 1) this.#tally.addAt(hub, `${verdict.state}Open`, -1)
      }
    }
    this.#db.prepare('DELETE FROM delivery WHERE hub = ? AND sequence = ?').run(hub, sequence)
  }

  /** Takes an event out of every count. */
  #forget(row: Selected): void {
    const verdicts = this.#verdicts.all(row.sequence)
    for (const { hub } of verdicts) this.#withdraw(row, hub)
    this.#tally.add('recorded', -1)
    if (row.is_open === 1) this.#tally.add('open', -1)
    if (row.mark === 'superseded') this.#tally.add('superseded', -1)
    if (row.mark === 'quarantined') {
      this.#tally.add('quarantined', -1, row.mark_reason ?? DAMAGED)
    } else if (verdicts.some(({ state }) => state !== 'pending')) this.#tally.add('settled', -1)
  }

  #write<Result>(work: () => Result): Result {
    return asStoreErrors(() =>
      patiently(() => this.#db.transaction(work).immediate(), BUSY_TIMEOUT_MS),
    )
  }
}
