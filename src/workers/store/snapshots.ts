/**
 * Of snapshot-like events only the newest needs to be sent: it supersedes an older one of the same key that no hub has seen, in
 * the append's own transaction.
 */
import type Database from 'better-sqlite3'

import type { Consent } from './consent.ts'
import type { Tally } from './tally.ts'

export type SnapshotsParts = {
  readonly db: Database.Database
  readonly consent: Consent
  readonly tally: Tally
}

/** Offered to a hub, or on its way there, or dealt with otherwise: then it stays what it is. */
const IS_TAKEN_SQL = `
SELECT EXISTS (SELECT 1 FROM event WHERE sequence = :sequence) = 0
  OR EXISTS (SELECT 1 FROM mark WHERE sequence = :sequence)
  OR EXISTS (SELECT 1 FROM hub AS h CROSS JOIN delivery AS d
    ON d.hub = h.id AND d.sequence = :sequence)
  OR EXISTS (SELECT 1 FROM hub WHERE inflight > 0 AND claimed_through >= :sequence)`

export class Snapshots {
  readonly #parts: SnapshotsParts
  readonly #newest: Database.Statement<[string], number>
  readonly #setNewest: Database.Statement<[string, number]>
  readonly #isTaken: Database.Statement<[{ readonly sequence: number }], number>
  readonly #mark: Database.Statement<[number]>

  #superseded = 0
  #supersededOpen = 0

  constructor(parts: SnapshotsParts) {
    const { db } = parts
    this.#parts = parts
    this.#newest = db
      .prepare<[string], number>('SELECT sequence FROM newest WHERE coalesce_key = ?')
      .pluck()
    this.#setNewest = db.prepare(
      'INSERT INTO newest VALUES (?, ?) ON CONFLICT DO UPDATE SET sequence = excluded.sequence',
    )
    this.#isTaken = db.prepare<[{ readonly sequence: number }], number>(IS_TAKEN_SQL).pluck()
    this.#mark = db.prepare("INSERT INTO mark VALUES (?, 'superseded', NULL)")
  }

  begin(): void {
    this.#superseded = 0
    this.#supersededOpen = 0
  }

  /** Once what was stored is counted: some of that may be superseded already. */
  finish(): void {
    const { tally } = this.#parts
    tally.add('superseded', this.#superseded)
    tally.add('open', -this.#supersededOpen)
  }

  /** `sequence` is the event that was just stored. */
  supersede(coalesceKey: string, sequence: number): void {
    const older = this.#newest.get(coalesceKey)
    this.#setNewest.run(coalesceKey, sequence)
    if (older === undefined || this.#isTaken.get({ sequence: older }) === 1) return
    const row = this.#parts.consent.row()
    const isOpen = row !== undefined && row.state !== 'refused' && older > row.opened_after
    this.#mark.run(older)
    this.#superseded += 1
    if (isOpen) this.#supersededOpen += 1
  }
}
