/**
 * Whether this project's events may leave. No row means no. It lives beside the events, so that a
 * claim and a decision of another process can't miss each other.
 */
import type Database from 'better-sqlite3'

import { StoreError } from '../../errors.ts'
import { findHub } from './hubs.ts'
import type { OutboxOwner } from './outbox-place.ts'
import type { ConsentState } from './protocol.ts'
import { Tally } from './tally.ts'

export type ConsentAnswer = {
  readonly state: ConsentState
  /** How many recorded events this decision sets free. */
  readonly covered: number
  readonly held: number
}

/** `sealing`: nothing more goes out, and what is under way may still be acknowledged. */
export type ConsentRow = {
  readonly state: 'granted' | 'sealing' | 'refused'
  readonly covers_history: 0 | 1
  /** The number of the grant; each begins a new one. */
  readonly epoch: number
  /** What was recorded later may leave, but for what is marked. */
  readonly opened_after: number
}

const SEAL_SQL = `
UPDATE consent SET state = 'refused';
DELETE FROM mark WHERE state IN ('held', 'released');
DELETE FROM delivery WHERE state = 'pending';
UPDATE hub SET inflight = 0;
`

export class Consent {
  readonly #db: Database.Database
  readonly #owner: OutboxOwner
  readonly #tally: Tally
  readonly #row: Database.Statement<[string], ConsentRow>

  constructor(db: Database.Database, owner: OutboxOwner) {
    this.#db = db
    this.#owner = owner
    this.#tally = new Tally(db)
    this.#row = db.prepare<[string], ConsentRow>(
      'SELECT state, covers_history, epoch, opened_after FROM consent WHERE project_uuid = ?',
    )
  }

  state(): ConsentState {
    const row = this.row()
    if (row === undefined) return 'absent'
    return row.state === 'granted' ? 'granted' : 'refused'
  }

  row(): ConsentRow | undefined {
    return this.#owner.kind === 'project' ? this.#row.get(this.#owner.uuid) : undefined
  }

  /** Whether what was recorded before the grant may leave, too. */
  coversHistory(): boolean {
    const row = this.row()
    return row?.state === 'granted' && row.covers_history === 1
  }

  /**
   * Only the very first decision can cover what was recorded before it. After an opt-out a grant
   * counts from now on: what was recorded while the answer was no stays held until someone
   * discloses it by name.
   *
   * @throws StoreError CONSENT_WITHOUT_IDENTITY
   */
  grant(fromNow: boolean, nowMs: number): ConsentAnswer {
    const before = this.row()
    if (before?.state === 'granted') return this.#answer('granted', 0)
    if (before?.state === 'sealing') this.#seal(before, nowMs)
    const covers = before === undefined && !fromNow
    const epoch = (before?.epoch ?? 0) + 1
    const openedAfter = covers ? 0 : this.#last()
    const row = { covers_history: covers ? 1 : 0, epoch, opened_after: openedAfter } as const
    this.#save({ state: 'granted', ...row }, nowMs)
    this.#db
      .prepare('INSERT INTO consent_epoch VALUES (?, ?, ?, NULL, NULL)')
      .run(epoch, openedAfter, nowMs)
    const covered = covers ? this.#tally.whole() : 0
    this.#tally.add('open', covered)
    return this.#answer('granted', covered)
  }

  /** From now on nothing goes out; answers how many events are under way. @throws StoreError CONSENT_WITHOUT_IDENTITY */
  freeze(nowMs: number): number {
    const row = this.row()
    if (row?.state !== 'granted') return 0
    this.#save({ ...row, state: 'sealing' }, nowMs)
    return findHub(this.#db)?.inflight ?? 0
  }

  /** @throws StoreError CONSENT_WITHOUT_IDENTITY */
  refuse(nowMs: number): ConsentAnswer {
    const row = this.row()
    if (row === undefined) {
      this.#save({ state: 'refused', covers_history: 0, epoch: 0, opened_after: 0 }, nowMs)
    } else if (row.state !== 'refused') this.#seal(row, nowMs)
    return this.#answer('refused', 0)
  }

  /** What has not left stays: neither a late answer nor a later grant sets it free. */
  #seal({ epoch }: ConsentRow, nowMs: number): void {
    this.#db.exec(SEAL_SQL)
    this.#tally.close()
    this.#db.prepare('UPDATE consent SET decided_at = ?').run(nowMs)
    this.#db
      .prepare('UPDATE consent_epoch SET sealed_through = ?, sealed_at = ? WHERE epoch = ?')
      .run(this.#last(), nowMs, epoch)
  }

  #last(): number {
    return this.#db.prepare<[], number>('SELECT max(sequence) FROM event').pluck().get() ?? 0
  }

  #save(row: ConsentRow, nowMs: number): void {
    if (this.#owner.kind !== 'project') {
      throw new StoreError(
        'CONSENT_WITHOUT_IDENTITY',
        'only a project with an identity can consent',
        {
          hint: 'Run `kittiwake init` first.',
        },
      )
    }
    this.#db
      .prepare(
        'INSERT INTO consent VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET ' +
          'state = excluded.state, covers_history = excluded.covers_history, ' +
          'decided_at = excluded.decided_at, epoch = excluded.epoch, ' +
          'opened_after = excluded.opened_after',
      )
      .run(this.#owner.uuid, row.state, row.covers_history, nowMs, row.epoch, row.opened_after)
  }

  #answer(state: ConsentState, covered: number): ConsentAnswer {
    return { state, covered, held: this.#tally.counts(findHub(this.#db)).held }
  }
}
