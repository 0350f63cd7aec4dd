/**
 * What was recorded without consent, and how it is released: a person sees count, time and types, and confirms by a hash over
 * the exact ids and contents. What has changed in between is not released.
 */
import { createHash } from 'node:crypto'

import type Database from 'better-sqlite3'

import { StoreError } from '../../errors.ts'
import type { Consent } from './consent.ts'
import { type HubRow, SETTLED_SOMEWHERE_SQL } from './hubs.ts'
import { STATE_SQL, type StateQuery, stateQuery } from './list-events.ts'
import type { Tally } from './tally.ts'

export type HistoryPreview = {
  readonly count: number
  /** Unix milliseconds at which the first and the last of them was recorded. */
  readonly oldest_at: number | null
  readonly newest_at: number | null
  readonly types: Readonly<Record<string, number>>
  readonly hash: string
}

export type HistoryParts = {
  readonly db: Database.Database
  readonly tally: Tally
  readonly consent: Consent
  readonly hub: HubRow | null
}

type Row = {
  readonly sequence: number
  readonly event_id: string
  readonly recorded_at: number
  readonly checksum: number
  readonly body: string
}

type Verdict = { readonly state: string; readonly generation: number }

const HELD_SQL = `
SELECT sequence, event_id, recorded_at, checksum, body FROM (${STATE_SQL})
WHERE state = 'held' ORDER BY sequence`

/** In the compact dialect the first match is the event's own: in strings before it the quotes are escaped. */
const TYPE = /"event_type":"([^"\\]{1,256})"/

export const NO_HISTORY: HistoryPreview = fold([])

export function previewHistory(db: Database.Database, hub: HubRow | null): HistoryPreview {
  return fold(db.prepare<[StateQuery], Row>(HELD_SQL).iterate(stateQuery(hub)))
}

/** Inside a write transaction. @throws StoreError NO_CONSENT, HISTORY_CHANGED */
export function releaseHistory(parts: HistoryParts, hash: string, nowMs: number): HistoryPreview {
  const { db, consent, hub, tally } = parts
  const row = consent.row()
  if (row?.state !== 'granted') {
    throw historyWithoutConsent()
  }
  const preview = previewHistory(db, hub)
  if (preview.hash !== hash) {
    throw new StoreError('HISTORY_CHANGED', 'what is held is not what was confirmed', {
      hint: 'Look again with `kittiwake sync import-history`, and confirm the hash that it prints.',
    })
  }
  const held = db.prepare<[StateQuery], Row>(HELD_SQL).all(stateQuery(hub))
  const release = new Release(parts)
  for (const { sequence } of held) release.add(sequence)
  tally.add('open', held.length)
  db.prepare('INSERT INTO disclosure VALUES (NULL, ?, ?, ?, ?)').run(
    row.epoch,
    hash,
    held.length,
    nowMs,
  )
  return preview
}

export function historyWithoutConsent(): StoreError {
  return new StoreError('NO_CONSENT', 'history is released only where the project has consented', {
    hint: 'Run `kittiwake sync opt-in`.',
  })
}

class Release {
  readonly #parts: HistoryParts
  readonly #hubs: readonly Pick<HubRow, 'id' | 'generation' | 'reached'>[]
  readonly #mark: Database.Statement<[number]>
  readonly #row: Database.Statement<[number, number], Verdict>
  readonly #offer: Database.Statement<[number, number, number]>
  readonly #isSettled: Database.Statement<[number], number>

  constructor(parts: HistoryParts) {
    const { db } = parts
    this.#parts = parts
    this.#hubs = db
      .prepare<[], Pick<HubRow, 'id' | 'generation' | 'reached'>>(
        'SELECT id, generation, reached FROM hub',
      )
      .all()
    this.#mark = db.prepare(
      "INSERT INTO mark VALUES (?, 'released', NULL) ON CONFLICT DO UPDATE SET state = excluded.state",
    )
    this.#row = db.prepare<[number, number], Verdict>(
      'SELECT state, generation FROM delivery WHERE hub = ? AND sequence = ?',
    )
    this.#isSettled = db.prepare<[number], number>(SETTLED_SOMEWHERE_SQL).pluck()
    this.#offer = db.prepare(
      "INSERT INTO delivery VALUES (?, ?, 'pending', ?, 0, NULL) ON CONFLICT DO UPDATE SET " +
        'state = excluded.state, generation = excluded.generation',
    )
  }

  /** A hub that has passed it gets it as something to be offered again; one that has it keeps its word. */
  add(sequence: number): void {
    this.#mark.run(sequence)
    for (const { id, generation, reached } of this.#hubs) {
      const known = this.#row.get(id, sequence)
      const { tally } = this.#parts
      if (known?.state === 'quarantined') tally.addAt(id, 'quarantinedOpen', 1)
      else if (known?.state === 'delivered' && known.generation === generation) {
        tally.addAt(id, 'deliveredOpen', 1)
      } else if (sequence <= reached) this.#offerTo(id, sequence, generation)
    }
  }

  #offerTo(hub: number, sequence: number, generation: number): void {
    const wasSettled = this.#isSettled.get(sequence) !== undefined
    this.#offer.run(hub, sequence, generation)
    if (wasSettled && this.#isSettled.get(sequence) === undefined) {
      this.#parts.tally.add('settled', -1)
    }
  }
}

function fold(rows: Iterable<Row>): HistoryPreview {
  const hash = createHash('sha256')
  const countByType = new Map<string, number>()
  let count = 0
  let oldest: number | null = null
  let newest: number | null = null
  for (const { event_id: id, checksum, recorded_at: at, body } of rows) {
    hash.update(`${id} ${checksum}\n`)
    const type = TYPE.exec(body)?.[1] ?? 'unreadable'
    countByType.set(type, (countByType.get(type) ?? 0) + 1)
    count += 1
    oldest = Math.min(oldest ?? at, at)
    newest = Math.max(newest ?? at, at)
  }
  const types = Object.fromEntries([...countByType].sort(([a], [b]) => (a < b ? -1 : 1)))
  return { count, oldest_at: oldest, newest_at: newest, types, hash: hash.digest('hex') }
}
