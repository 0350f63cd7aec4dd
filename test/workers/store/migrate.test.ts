/** A store as the first version made it, opened by this one. */
import { copyFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'

import { OutboxReader } from '#dist/workers/store/outbox-reader.js'
import { rowChecksum } from '#dist/workers/store/row-checksum.js'
import { APPLICATION_ID } from '#dist/workers/store/schema.js'
import {
  HUB,
  NODE,
  OTHER_PROJECT,
  PROJECT,
  PROJECT_OWNER,
  append,
  claimedIds,
  codeOf,
  eventOf,
  idOf,
  openOutbox,
  serialized,
  temporaryFolder,
  textOf,
} from '../../support/store-fixtures.ts'

const SCHEMA_1 = readFileSync(
  fileURLToPath(new URL('../../support/schema-1.sql', import.meta.url)),
  'utf8',
)

type Old = {
  /** The states of the events 1, 2, …, which were recorded at 1,000, 2,000, … */
  readonly states: readonly string[]
  readonly consent?: { readonly state: string; readonly covers: 0 | 1; readonly decidedAt: number }
}

function storeOfSchema1({ states, consent }: Old): string {
  const path = join(temporaryFolder(), 'outbox.db')
  const db = new Database(path)
  db.exec(SCHEMA_1)
  db.pragma(`application_id = ${APPLICATION_ID}`)
  db.prepare('INSERT INTO owner VALUES (1, ?, ?)').run('project', PROJECT)
  db.prepare('INSERT INTO clock VALUES (?, ?)').run(NODE, 77)
  db.prepare("INSERT INTO link VALUES (1, 'live', 1000)").run()
  if (consent !== undefined) {
    const { state, covers, decidedAt } = consent
    db.prepare('INSERT INTO consent VALUES (?, ?, ?, ?)').run(PROJECT, state, covers, decidedAt)
  }
  for (const [at, state] of states.entries()) {
    const number = at + 1
    const body = serialized(eventOf(number, { lamport_clock: number }))
    const checksum = rowChecksum(idOf(number), number, body)
    db.prepare('INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?)').run(
      number,
      idOf(number),
      NODE,
      number,
      number * 1_000,
      checksum,
      body,
    )
    const reason = state === 'quarantined' ? 'payload_invalid' : null
    db.prepare('INSERT INTO delivery VALUES (?, ?, ?)').run(number, state, reason)
  }
  db.close()
  return path
}

function statesIn(path: string): readonly string[] {
  return openOutbox({ path })
    .list({})
    .map((row) => row.state)
}

describe('a store of schema 1', () => {
  const mixed = ['delivered', 'quarantined', 'inflight', 'pending']
  const granted = { state: 'granted', covers: 1, decidedAt: 1 } as const

  it('keeps events, clock and what became of them, and goes on', () => {
    const path = storeOfSchema1({ states: mixed, consent: granted })
    const outbox = openOutbox({ path })
    expect(
      outbox.list({}).map(({ event, state, reason }) => [event?.event_id, state, reason]),
    ).toEqual([
      [idOf(1), 'delivered', null],
      [idOf(2), 'quarantined', 'payload_invalid'],
      [idOf(3), 'pending', null],
      [idOf(4), 'pending', null],
    ])
    expect(outbox.counts()).toMatchObject({ delivered: 1, quarantined: 1, pending: 2, held: 0 })
    expect(append(outbox, textOf(4), textOf(5)).receipts.map((one) => one.lamport_clock)).toEqual([
      4, 78,
    ])
  })

  it('is delivered whole to the first hub that has a name, since nobody knows which it was', () => {
    const outbox = openOutbox({ path: storeOfSchema1({ states: mixed, consent: granted }) })
    outbox.target(HUB)
    expect(claimedIds(outbox)).toEqual([1, 2, 3, 4].map(idOf))
  })

  it('keeps at home what consent from now on did not cover, and sends what waited', () => {
    const states = ['held', 'delivered', 'held', 'pending', 'held', 'pending']
    const consent = { state: 'granted', covers: 0, decidedAt: 4_500 } as const
    const path = storeOfSchema1({ states, consent })
    expect(statesIn(path)).toEqual(states)
    const outbox = openOutbox({ path })
    expect(outbox.counts()).toMatchObject({ pending: 2, held: 3, delivered: 1 })
    outbox.target(HUB)
    expect(claimedIds(outbox)).toEqual([idOf(4), idOf(6)])
  })

  it.each([undefined, { state: 'refused', covers: 0, decidedAt: 1 } as const])(
    'holds everything where consent was %o',
    (consent) => {
      const outbox = openOutbox({
        path: storeOfSchema1({ states: ['held', 'held'], ...(consent && { consent }) }),
      })
      expect(outbox.counts()).toMatchObject({ pending: 0, held: 2 })
      expect(outbox.consent()).toBe(consent?.state ?? 'absent')
      outbox.target(HUB)
      expect(claimedIds(outbox)).toEqual([])
    },
  )

  it('is not changed by whoever only looks, nor by another project (L14)', () => {
    const path = storeOfSchema1({ states: mixed, consent: granted })
    const before = readFileSync(path)
    expect(codeOf(() => OutboxReader.open({ path, owner: PROJECT_OWNER }))).toBe('OUTBOX_OUTDATED')
    expect(readFileSync(path).equals(before)).toBe(true)
    const owner = { kind: 'project', uuid: OTHER_PROJECT } as const
    expect(codeOf(() => openOutbox({ path, owner }))).toBe('OUTBOX_OWNER_MISMATCH')
    const db = new Database(path)
    expect(db.pragma('user_version', { simple: true })).toBe(1)
    db.close()
  })

  it('is left as it was where its tables are not those of schema 1', () => {
    const path = storeOfSchema1({ states: mixed })
    const db = new Database(path)
    db.exec('ALTER TABLE delivery DROP COLUMN reason')
    db.close()
    expect(codeOf(() => openOutbox({ path }))).toBe('OUTBOX_CORRUPT')
    const after = new Database(path)
    expect(after.pragma('user_version', { simple: true })).toBe(1)
    expect(after.prepare('SELECT count(*) FROM delivery').pluck().get()).toBe(4)
    after.close()
  })

  it('of a repository keeps apart what could not be adopted', () => {
    const path = storeOfSchema1({ states: ['held', 'quarantined'] })
    const key = '00112233445566778899aabbccddeeff'
    const db = new Database(path)
    db.exec(`UPDATE owner SET kind = 'repository', id = '${key}'`)
    db.close()
    const outbox = openOutbox({ path, owner: { kind: 'repository', key } })
    expect(outbox.list({}).map(({ state, reason }) => [state, reason])).toEqual([
      ['held', null],
      ['quarantined', 'payload_invalid'],
    ])
    expect(outbox.counts()).toMatchObject({ held: 1, quarantined: 1 })
  })
})

describe('a store whose change died in the middle', () => {
  it('is refused to who only reads, and taken back by who writes (F01, L9)', () => {
    const old = storeOfSchema1({ states: ['pending', 'delivered'] })
    const path = join(temporaryFolder(), 'outbox.db')
    const db = new Database(old)
    // Pages go to the file before the end, and the way back into a journal beside it.
    db.pragma('cache_size = 1')
    db.exec('BEGIN IMMEDIATE; CREATE TABLE begun (text TEXT)')
    const insert = db.prepare('INSERT INTO begun VALUES (?)')
    for (let row = 0; row < 200; row += 1) insert.run('half'.repeat(500))
    for (const end of ['', '-journal']) copyFileSync(`${old}${end}`, `${path}${end}`)
    db.exec('ROLLBACK')
    db.close()
    expect(codeOf(() => OutboxReader.open({ path, owner: PROJECT_OWNER }).counts())).toBe(
      'OUTBOX_UNFINISHED',
    )
    expect(statesIn(path)).toHaveLength(2)
    expect(existsSync(`${path}-journal`)).toBe(false)
  })
})
