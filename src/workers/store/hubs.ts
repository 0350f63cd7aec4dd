/** The hubs that this project was delivered to, each with how far it was reached and under which epoch. */
import type Database from 'better-sqlite3'

import type { Target } from './protocol.ts'
import type { Tally } from './tally.ts'

export type HubRow = {
  readonly id: number
  readonly epoch: string | null
  /** Counts the epochs that were seen: what was delivered in another one doesn't count. */
  readonly generation: number
  /** Up to here each event that may leave has its row. */
  readonly reached: number
  /** How many a sender has under way, and up to where. */
  readonly inflight: number
  readonly claimed_through: number
  readonly acknowledged_at: number | null
}

/** Whether some hub has answered for an event for good, in whichever epoch. */
export const SETTLED_SOMEWHERE_SQL = `
SELECT 1 FROM hub AS h CROSS JOIN delivery AS d ON d.hub = h.id AND d.sequence = ?
WHERE d.state <> 'pending' LIMIT 1`

const COLUMNS = 'id, epoch, generation, reached, inflight, claimed_through, acknowledged_at'

/** Null where it was never reached. Without a name: the hub that was reached last. */
export function findHub(
  db: Database.Database,
  name?: Pick<Target, 'origin' | 'team'>,
): HubRow | null {
  const row =
    name === undefined
      ? db
          .prepare<[], HubRow>(`SELECT ${COLUMNS} FROM hub WHERE id = (SELECT hub FROM target)`)
          .get()
      : db
          .prepare<[string, string], HubRow>(
            `SELECT ${COLUMNS} FROM hub WHERE origin = ? AND team = ?`,
          )
          .get(name.origin, name.team)
  return row ?? null
}

export class Hubs {
  readonly #db: Database.Database
  readonly #tally: Tally
  readonly #byId: Database.Statement<[number], HubRow>
  readonly #reach: Database.Statement<[number, number | null, number]>
  readonly #takeUp: Database.Statement<[number, number, number]>

  constructor(db: Database.Database, tally: Tally) {
    this.#db = db
    this.#tally = tally
    this.#byId = db.prepare<[number], HubRow>(`SELECT ${COLUMNS} FROM hub WHERE id = ?`)
    this.#reach = db.prepare(
      'UPDATE hub SET reached = ?, acknowledged_at = coalesce(?, acknowledged_at) WHERE id = ?',
    )
    this.#takeUp = db.prepare('UPDATE hub SET inflight = ?, claimed_through = ? WHERE id = ?')
  }

  get(id: number): HubRow | undefined {
    return this.#byId.get(id)
  }

  /**
   * The hub that is delivered to from now on. One that comes back with another epoch may have lost what it acknowledged: all
   * of it counts as pending again, by one number and not by a row for each.
   */
  select({ origin, team, epoch }: Target): HubRow {
    const known = findHub(this.#db, { origin, team })
    const id = known === null ? this.#begin(origin, team, epoch) : known.id
    if (known !== null && epoch !== null && epoch !== known.epoch) {
      this.#db
        .prepare('UPDATE hub SET epoch = ?, generation = generation + 1, reached = 0 WHERE id = ?')
        .run(epoch, id)
      this.#tally.forgetDelivered(id)
    }
    this.#db
      .prepare('INSERT INTO target VALUES (1, ?) ON CONFLICT DO UPDATE SET hub = excluded.hub')
      .run(id)
    return this.#byId.get(id) as HubRow
  }

  /** `acknowledgedAt`: null where it took nothing. */
  reach(hub: HubRow, sequence: number, acknowledgedAt: number | null): void {
    this.#reach.run(Math.max(hub.reached, sequence), acknowledgedAt, hub.id)
  }

  /** Says to others what is under way: what is must not be superseded. */
  takeUp(hub: HubRow, inflight: number, through: number): void {
    if (hub.inflight === inflight && hub.claimed_through === through) return
    this.#takeUp.run(inflight, through, hub.id)
  }

  /** Nobody holds anything any more. */
  release(): void {
    this.#db.prepare('UPDATE hub SET inflight = 0 WHERE inflight > 0').run()
  }

  #begin(origin: string, team: string, epoch: string | null): number {
    const { lastInsertRowid } = this.#db
      .prepare('INSERT INTO hub VALUES (NULL, ?, ?, ?, 1, 0, 0, 0, NULL)')
      .run(origin, team, epoch)
    return Number(lastInsertRowid)
  }
}
