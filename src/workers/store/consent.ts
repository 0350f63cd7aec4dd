/**
 * Whether this project's events may leave. No row means no. It lives beside the events, so that a
 * claim and a decision of another process can't miss each other.
 */
import type Database from 'better-sqlite3'

import { StoreError } from '../../errors.ts'
import type { OutboxOwner } from './open-database.ts'
import type { ConsentState } from './protocol.ts'
import { Tally } from './tally.ts'

export type ConsentAnswer = {
  readonly state: ConsentState
  /** How many recorded events this decision sets free. */
  readonly covered: number
  readonly held: number
}

type Row = { readonly state: 'granted' | 'refused'; readonly covers_history: 0 | 1 }

export class Consent {
  readonly #db: Database.Database
  readonly #owner: OutboxOwner
  readonly #tally: Tally
  readonly #row: Database.Statement<[string], Row>

  constructor(db: Database.Database, owner: OutboxOwner) {
    this.#db = db
    this.#owner = owner
    this.#tally = new Tally(db)
    this.#row = db.prepare<[string], Row>(
      'SELECT state, covers_history FROM consent WHERE project_uuid = ?',
    )
  }

  state(): ConsentState {
    return this.#read()?.state ?? 'absent'
  }

  /** Whether what was recorded before the grant may leave, too. */
  coversHistory(): boolean {
    const row = this.#read()
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
    const before = this.state()
    if (before === 'granted') return this.#answer(before, 0)
    const covers = before === 'absent' && !fromNow
    this.#save('granted', covers ? 1 : 0, nowMs)
    return this.#answer('granted', covers ? this.#move("'held'", 'pending') : 0)
  }

  /** @throws StoreError CONSENT_WITHOUT_IDENTITY */
  refuse(nowMs: number): ConsentAnswer {
    if (this.state() !== 'refused') {
      this.#save('refused', 0, nowMs)
      this.#move("'pending', 'inflight'", 'held')
    }
    return this.#answer('refused', 0)
  }

  #read(): Row | undefined {
    return this.#owner.kind === 'project' ? this.#row.get(this.#owner.uuid) : undefined
  }

  #save(state: 'granted' | 'refused', coversHistory: 0 | 1, nowMs: number): void {
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
        'INSERT INTO consent VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET ' +
          'state = excluded.state, covers_history = excluded.covers_history, ' +
          'decided_at = excluded.decided_at',
      )
      .run(this.#owner.uuid, state, coversHistory, nowMs)
  }

  #move(from: string, to: 'pending' | 'held'): number {
    const before = this.#tally.counts()
    const { changes } = this.#db
      .prepare(`UPDATE delivery SET state = '${to}' WHERE state IN (${from})`)
      .run()
    if (to === 'pending') this.#tally.move('held', 'pending', changes)
    else {
      this.#tally.move('pending', 'held', before.pending)
      this.#tally.move('inflight', 'held', before.inflight)
    }
    return changes
  }

  #answer(state: ConsentState, covered: number): ConsentAnswer {
    return { state, covered, held: this.#tally.counts().held }
  }
}
