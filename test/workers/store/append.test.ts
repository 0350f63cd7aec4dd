import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import type Database from 'better-sqlite3'
import * as fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'

import type { Json, JsonObject } from '../../../src/contracts/json/json.ts'
import type { SerializedEvent } from '../../../src/contracts/event.ts'
import { SanitizeError } from '#dist/errors.js'
import {
  HUB,
  OTHER_PROJECT,
  REPOSITORY_OWNER,
  append,
  appendNumbers,
  claimedIds,
  codeOf,
  eventOf,
  idOf,
  later,
  linkedOutbox,
  openOutbox,
  rawDatabase,
  serialized,
  temporaryFolder,
  textOf,
} from '../../support/store-fixtures.ts'

const NEWS = { connection: null, reason: null, next_try_at: null } as const

/** The commits in a write-ahead log: frames of its present generation that end a transaction. */
function commitsIn(walPath: string): number {
  const wal = readFileSync(walPath)
  const pageSize = wal.readUInt32BE(8)
  const salt = wal.readBigUInt64BE(16)
  let commits = 0
  for (let at = 32; at + 24 + pageSize <= wal.length; at += 24 + pageSize) {
    if (wal.readBigUInt64BE(at + 8) !== salt) break
    if (wal.readUInt32BE(at + 4) !== 0) commits++
  }
  return commits
}

describe('appending', () => {
  it('ticks the clock into each event and answers in order (L10)', () => {
    const outbox = openOutbox()
    expect(appendNumbers(outbox, 7, 5).receipts).toEqual([
      { event_id: idOf(7), lamport_clock: 1 },
      { event_id: idOf(5), lamport_clock: 2 },
    ])
    expect(outbox.list({}).map(({ event }) => event)).toEqual([
      eventOf(7, { lamport_clock: 1 }),
      eventOf(5, { lamport_clock: 2 }),
    ])
  })

  it('stores all that waits in one transaction', () => {
    const path = join(temporaryFolder(), 'outbox.db')
    const outbox = openOutbox({ path })
    const before = commitsIn(`${path}-wal`)
    const batches = Array.from({ length: 50 }, (_, batch) => [
      textOf(2 * batch),
      textOf(2 * batch + 1),
    ])
    expect(outbox.appendAll(batches)).toHaveLength(50)
    expect(commitsIn(`${path}-wal`) - before).toBe(1)
    expect(outbox.counts().held).toBe(100)
  })

  it('answers the first receipt to an event that is stored already, and does not tick', () => {
    const outbox = openOutbox()
    appendNumbers(outbox, 1, 2)
    expect(appendNumbers(outbox, 1, 3, 3).receipts.map((receipt) => receipt.lamport_clock)).toEqual(
      [1, 3, 3],
    )
    expect(outbox.list({})).toHaveLength(3)
    expect(outbox.counts().held).toBe(3)
  })

  it('refuses another content under a known id, stored or in the same batch (S27)', () => {
    const outbox = openOutbox()
    appendNumbers(outbox, 1)
    const other = textOf(1, { payload: { other: true } })
    expect(codeOf(() => append(outbox, textOf(2), other))).toBe('EVENT_ID_CONFLICT')
    expect(codeOf(() => append(outbox, textOf(3), textOf(3, { payload: {} })))).toBe(
      'EVENT_ID_CONFLICT',
    )
    expect(outbox.list({}).map((row) => row.event_id)).toEqual([idOf(1)])
  })

  it('refuses a batch whole and stores its neighbours', () => {
    const outbox = openOutbox()
    const answers = outbox.appendAll([
      [textOf(1)],
      [textOf(2), textOf(3, { project_uuid: OTHER_PROJECT })],
      [textOf(1, { payload: {} })],
      [textOf(4)],
    ])
    expect(answers).toMatchObject([
      { receipts: [{ lamport_clock: 1 }] },
      { code: 'EVENT_FOREIGN_PROJECT' },
      { code: 'EVENT_ID_CONFLICT' },
      { receipts: [{ lamport_clock: 2 }] },
    ])
    expect(outbox.list({}).map((row) => row.event_id)).toEqual([idOf(1), idOf(4)])
  })

  it.each<[string, string, SerializedEvent]>([
    ['another project', 'EVENT_FOREIGN_PROJECT', textOf(1, { project_uuid: OTHER_PROJECT })],
    ['no project', 'EVENT_FOREIGN_PROJECT', textOf(1, { project_uuid: null })],
    ['another node', 'EVENT_FOREIGN_NODE', textOf(1, { node_id: 'ffffffffffff' })],
    [
      'a decision request',
      'EVENT_TYPE_NOT_QUEUED',
      textOf(1, { event_type: 'DecisionInputRequested' }),
    ],
    [
      'a decision answer',
      'EVENT_TYPE_NOT_QUEUED',
      textOf(1, { event_type: 'DecisionInputAnswered' }),
    ],
    ['no type', 'EVENT_MALFORMED', textOf(1, { event_type: '' })],
    ['an id of another kind', 'EVENT_MALFORMED', textOf(1, { event_id: '../../outbox' })],
    ['a clock of its own', 'EVENT_MALFORMED', textOf(1, { lamport_clock: 5 })],
    ['nested keys before the clock', 'EVENT_MALFORMED', textOf(1, { a: { lamport_clock: 0 } })],
    ['an odd key before the clock', 'EVENT_MALFORMED', textOf(1, { 'a"lamport_clock': 0 })],
    ['a list', 'EVENT_MALFORMED', '[]' as SerializedEvent],
    ['half a line', 'EVENT_MALFORMED', textOf(1).slice(0, 90) as SerializedEvent],
    ['spaces', 'EVENT_MALFORMED', textOf(1).replaceAll(':', ': ') as SerializedEvent],
    ['a giant', 'EVENT_TOO_LARGE', textOf(1, { payload: { text: 'x'.repeat(1_200_000) } })],
  ])('refuses an event with %s (%s)', (_, code, text) => {
    const outbox = openOutbox()
    expect(codeOf(() => append(outbox, text))).toBe(code)
    expect(outbox.list({})).toEqual([])
    expect(appendNumbers(outbox, 1).receipts[0]?.lamport_clock).toBe(1)
  })

  it('asks for the types that belong in the queue', () => {
    const outbox = openOutbox({ isQueued: (type) => type === 'HistoryAdded' })
    expect(codeOf(() => appendNumbers(outbox, 1))).toBe('EVENT_TYPE_NOT_QUEUED')
    expect(append(outbox, textOf(2, { event_type: 'HistoryAdded' })).receipts).toHaveLength(1)
  })

  it('writes nothing that is not proven clean (L4)', () => {
    const outbox = openOutbox({
      assertClean(value) {
        if (JSON.stringify(value).includes('/home/')) {
          throw new SanitizeError('NOT_CLEAN', 'a value is not clean')
        }
      },
    })
    const text = textOf(1, { payload: { path: '/home/someone/file' } })
    expect(codeOf(() => append(outbox, text))).toBe('NOT_CLEAN')
    expect(outbox.list({})).toEqual([])
  })

  it('takes events without project into the store of a repository only', () => {
    const outbox = openOutbox({ owner: REPOSITORY_OWNER })
    const text = textOf(1, { project_uuid: null, project_slug: null })
    expect(append(outbox, text)).toMatchObject({ receipts: [{ lamport_clock: 1 }], live: false })
    expect(codeOf(() => appendNumbers(outbox, 2))).toBe('EVENT_FOREIGN_PROJECT')
  })

  it('refuses when it is full, and takes again when something was delivered (L8)', () => {
    const outbox = openOutbox({ capacity: 3 })
    expect(appendNumbers(outbox, 1, 2)).toMatchObject({ undelivered: 2, capacity: 3 })
    const answers = outbox.appendAll([
      [textOf(3), textOf(4)],
      [textOf(5)],
      [textOf(6)],
      [textOf(1)],
    ])
    expect(answers).toMatchObject([
      { code: 'OUTBOX_FULL', hint: expect.any(String) as string },
      { receipts: [{ lamport_clock: 3 }], undelivered: 3 },
      { code: 'OUTBOX_FULL' },
      { receipts: [{ lamport_clock: 1 }] },
    ])
    outbox.grantConsent(false)
    outbox.target(HUB)
    outbox.settle(claimedIds(outbox, 1), [])
    expect(appendNumbers(outbox, 6)).toMatchObject({ undelivered: 3 })
  })

  it('says live only where the link lives and the events may leave', () => {
    let nowMs = 1_000_000
    const outbox = openOutbox({ now: () => nowMs })
    outbox.publishLink({ ...NEWS, state: 'live' })
    expect(appendNumbers(outbox, 1).live).toBe(false)
    outbox.grantConsent(false)
    expect(appendNumbers(outbox, 2).live).toBe(true)
    nowMs += 3_001
    expect(appendNumbers(outbox, 3).live).toBe(false)
    outbox.publishLink({ ...NEWS, state: 'live' })
    expect(appendNumbers(outbox, 4).live).toBe(true)
    nowMs -= 60_000
    expect([appendNumbers(outbox, 5).live, outbox.linkIsLive(nowMs)]).toEqual([false, false])
    outbox.publishLink({ ...NEWS, state: 'down' })
    expect(outbox.linkIsLive(nowMs)).toBe(false)
  })

  it('recovers a clock that was set back from the events themselves (L10, S27)', () => {
    const path = join(temporaryFolder(), 'outbox.db')
    const outbox = openOutbox({ path })
    appendNumbers(outbox, 1, 2, 3)
    const raw = rawDatabase(path)
    raw.exec('UPDATE clock SET value = 1')
    expect(appendNumbers(outbox, 4).receipts[0]?.lamport_clock).toBe(4)
    raw.exec('DELETE FROM clock')
    expect(appendNumbers(outbox, 5).receipts[0]?.lamport_clock).toBe(5)
    raw.exec('UPDATE clock SET value = 9007199254740991')
    expect(codeOf(() => appendNumbers(outbox, 6))).toBe('CLOCK_EXHAUSTED')
  })

  it('ticks each node on its own, and never by the wall clock (L10)', () => {
    const path = join(temporaryFolder(), 'outbox.db')
    const here = openOutbox({ path, now: () => 5_000_000 })
    const there = openOutbox({ path, nodeId: 'ba9876543210', now: () => 1 })
    appendNumbers(here, 1, 2)
    const [receipt] = append(there, textOf(3, { node_id: 'ba9876543210' })).receipts
    expect(receipt?.lamport_clock).toBe(1)
    expect(appendNumbers(here, 4).receipts[0]?.lamport_clock).toBe(3)
  })

  it('looks at nothing but what it writes, however long the history is (L8)', () => {
    const path = join(temporaryFolder(), 'outbox.db')
    const outbox = linkedOutbox({ path })
    appendNumbers(outbox, 1)
    const db = rawDatabase(path)
    const statement = Object.getPrototypeOf(db.prepare('SELECT 1')) as Database.Statement
    const spies = (['run', 'get', 'all', 'iterate'] as const).map((way) => vi.spyOn(statement, way))
    later(() => spies.forEach((spy) => spy.mockRestore()))
    appendNumbers(outbox, 2, 3)
    const ran = spies.flatMap((spy) =>
      spy.mock.contexts.map((context) => (context as Database.Statement).source),
    )
    for (const spy of spies) spy.mockRestore()
    expect(ran.length).toBeGreaterThan(4)
    const scans = [...new Set(ran)].flatMap((sql) =>
      db
        .prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
        .all(...Array.from(sql.matchAll(/\?/g), () => 0))
        .map(({ detail }) => `${detail}: ${sql}`)
        .filter((step) => /^SCAN (?!CONSTANT|link\b)|TEMP B-TREE/.test(step)),
    )
    // The link's table has one row.
    expect(scans).toEqual([])
  })

  it('shows other connections, and only them, that something changed', () => {
    const path = join(temporaryFolder(), 'outbox.db')
    const [mine, other] = [openOutbox({ path }), openOutbox({ path })]
    const before = [mine.changeCounter(), other.changeCounter()]
    appendNumbers(mine, 1)
    expect(mine.changeCounter()).toBe(before[0])
    expect(other.changeCounter()).not.toBe(before[1])
  })

  it('changes nothing of an event but its clock, whatever the payload holds (I4)', () => {
    const needle = '"lamport_clock":0,"node_id":'
    const text = fc.oneof(fc.string(), fc.constantFrom(needle, 'lamport_clock', `\\${needle}`))
    const leaf = fc.oneof(text, fc.integer(), fc.constant(null), fc.boolean())
    const { payload } = fc.letrec<{ node: Json; payload: JsonObject }>((tie) => ({
      node: fc.oneof({ depthSize: 'small' }, leaf, tie('payload'), fc.array(tie('node'))),
      payload: fc.dictionary(
        fc
          .oneof(text, fc.constantFrom('lamport_clock', 'node_id'))
          .filter((key) => key !== '__proto__'),
        tie('node'),
        { noNullPrototype: true },
      ),
    }))
    const outbox = linkedOutbox({ isQueued: () => true })
    let number = 0
    fc.assert(
      fc.property(
        payload,
        text,
        text.filter((type) => type !== ''),
        (value, aggregate, type) => {
          number++
          const fields = { payload: value, aggregate_id: aggregate, event_type: type }
          const [receipt] = append(outbox, textOf(number, fields)).receipts
          const expected = eventOf(number, {
            ...fields,
            lamport_clock: receipt?.lamport_clock ?? 0,
          })
          const [claimed] = outbox.claim(1).rows
          expect(claimed?.body).toBe(serialized(expected))
          outbox.settle([idOf(number)], [])
        },
      ),
      { numRuns: 200 },
    )
  })
})
