/**
 * Moves what was recorded before `init` into the project's store: in order, ids kept, clock ticked
 * anew.
 */
import { existsSync } from 'node:fs'

import type Database from 'better-sqlite3'

import type { SerializedEvent } from '../../contracts/event.ts'
import { encodeJson, type JsonObject } from '../../contracts/json/json.ts'
import { KittiwakeError } from '../../errors.ts'
import type { Identity } from '../../project/types.ts'
import type { Pulse, Rest } from '../serve.ts'
import { BUSY_TIMEOUT_MS, openDatabase } from './open-database.ts'
import type { Outbox } from './outbox.ts'
import { patiently } from './patience.ts'
import { isIntact } from './row-checksum.ts'
import { asStoreErrors } from './store-error.ts'
import { Tally } from './tally.ts'

export type AdoptOptions = {
  /** Path of the store of the repository without identity. */
  readonly from: string
  readonly repositoryKey: string
  readonly to: Outbox
  readonly identity: Identity
  /** Of the thread that this runs in: there may be many batches, and each may wait. */
  readonly pulse: Pulse
}

const BATCH_MAX = 64

type Row = {
  readonly sequence: number
  readonly event_id: string
  readonly lamport_clock: number
  readonly checksum: number
  readonly body: string
}

/**
 * Each batch is first durable in the project's store and then taken out of the other; after a crash
 * between the two, and with a second process doing the same, the ids make it once. Events that
 * can't be adopted stay behind, quarantined with the reason.
 *
 * @returns how many came over
 * @throws StoreError OUTBOX_FULL and what concerns a whole store
 */
export function adoptUnidentified(options: AdoptOptions): number {
  const { from, repositoryKey, pulse } = options
  if (!existsSync(from)) return 0
  const owner = { kind: 'repository', key: repositoryKey } as const
  const db = openDatabase(from, owner, BUSY_TIMEOUT_MS, pulse.rest)
  try {
    return asStoreErrors(() => {
      const source = new AdoptionSource(db, pulse.rest)
      let adopted = 0
      for (let rows = source.oldest(); rows.length > 0; rows = source.oldest()) {
        adopted += adoptBatch(rows, source, options)
      }
      return adopted
    })
  } finally {
    db.close()
  }
}

function adoptBatch(rows: readonly Row[], source: AdoptionSource, options: AdoptOptions): number {
  options.pulse.beat()
  const intact = rows.filter((row) => isIntact(row))
  for (const row of rows) if (!isIntact(row)) source.quarantine(row.sequence, 'CHECKSUM_MISMATCH')
  let adopted: number
  try {
    adopted = options.to.adopt(intact.map((row) => identified(row, options)))
  } catch (error) {
    if (!concernsOneEvent(error)) throw error
    // One event spoils the batch: the culprit is found by taking each alone.
    if (intact.length > 1) {
      return intact.reduce((sum, row) => sum + adoptBatch([row], source, options), 0)
    }
    for (const row of intact) source.quarantine(row.sequence, error.code)
    return 0
  }
  source.remove(intact.map((row) => row.sequence))
  return adopted
}

function identified(row: Row, { to, identity }: AdoptOptions): SerializedEvent {
  const event: JsonObject = {
    ...(JSON.parse(row.body) as JsonObject),
    project_uuid: identity.uuid,
    project_slug: identity.slug,
    build_id: identity.build_id,
    node_id: to.nodeId,
    lamport_clock: 0,
  }
  return encodeJson(event) as SerializedEvent
}

function concernsOneEvent(error: unknown): error is KittiwakeError {
  return error instanceof KittiwakeError && !/^(?:OUTBOX|CLOCK)_/.test(error.code)
}

/**
 * Only rows that were read are removed: what another process appends meanwhile is the next batch.
 */
class AdoptionSource {
  readonly #db: Database.Database
  readonly #tally: Tally
  readonly #rest: Rest

  constructor(db: Database.Database, rest: Rest) {
    this.#db = db
    this.#rest = rest
    this.#tally = new Tally(db)
  }

  oldest(): readonly Row[] {
    return this.#db
      .prepare<[number], Row>(
        `SELECT e.sequence, e.event_id, e.lamport_clock, e.checksum, e.body FROM event AS e
         WHERE NOT EXISTS (SELECT 1 FROM mark AS m WHERE m.sequence = e.sequence)
         ORDER BY e.sequence LIMIT ?`,
      )
      .all(BATCH_MAX)
  }

  remove(sequences: readonly number[]): void {
    const removeEvent = this.#db.prepare<[number]>('DELETE FROM event WHERE sequence = ?')
    this.#write(() => {
      let removed = 0
      for (const sequence of sequences) removed += removeEvent.run(sequence).changes
      this.#tally.add('recorded', -removed)
    })
  }

  quarantine(sequence: number, reason: string): void {
    this.#write(() => {
      const { changes } = this.#db
        .prepare<[string, number]>(
          `INSERT INTO mark SELECT sequence, 'quarantined', ? FROM event WHERE sequence = ?
           ON CONFLICT DO NOTHING`,
        )
        .run(reason, sequence)
      this.#tally.add('quarantined', changes, reason)
    })
  }

  #write(work: () => void): void {
    patiently(() => this.#db.transaction(work).immediate(), BUSY_TIMEOUT_MS, this.#rest)
  }
}
