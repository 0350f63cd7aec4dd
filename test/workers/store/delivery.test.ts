import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { Outbox } from '#dist/workers/store/outbox.js'
import { OutboxReader } from '#dist/workers/store/outbox-reader.js'
import {
  HUB,
  NODE,
  PROJECT_OWNER,
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
  refused,
  serialized,
  temporaryFolder,
  textOf,
} from '../../support/store-fixtures.ts'

describe('claiming', () => {
  it('gives the oldest first, byte for byte, and keeps giving what is under way (L3)', () => {
    const outbox = linkedOutbox()
    appendNumbers(outbox, 3, 1, 2)
    expect(outbox.claim(2).rows).toEqual([
      { event_id: idOf(3), body: serialized(eventOf(3, { lamport_clock: 1 })) },
      { event_id: idOf(1), body: serialized(eventOf(1, { lamport_clock: 2 })) },
    ])
    expect(outbox.counts()).toMatchObject({ pending: 1, inflight: 2 })
    expect(claimedIds(outbox, 3)).toEqual([idOf(3), idOf(1), idOf(2)])
    expect(outbox.counts()).toMatchObject({ pending: 0, inflight: 3 })
  })

  it('gives nothing without consent, and nothing from a repository without identity (L12)', () => {
    const outbox = openOutbox()
    outbox.target(HUB)
    appendNumbers(outbox, 1)
    expect(claimedIds(outbox)).toEqual([])
    const unidentified = openOutbox({ owner: REPOSITORY_OWNER })
    append(unidentified, textOf(1, { project_uuid: null }))
    expect(claimedIds(unidentified)).toEqual([])
  })

  it('waits for a hub that has greeted', () => {
    const outbox = openOutbox()
    outbox.grantConsent(false)
    expect(codeOf(() => outbox.claim(1))).toBe('NO_TARGET')
    outbox.target(HUB)
    outbox.claim(1)
    // As where the login that led to it is not there any more.
    outbox.target(null)
    expect(codeOf(() => outbox.claim(1))).toBe('NO_TARGET')
  })

  it('stops as soon as another process says no (L12)', () => {
    const path = join(temporaryFolder(), 'outbox.db')
    const sender = linkedOutbox({ path })
    const other = openOutbox({ path })
    appendNumbers(other, 1, 2)
    expect(claimedIds(sender, 1)).toEqual([idOf(1)])
    other.refuseConsent()
    expect(claimedIds(sender)).toEqual([])
    expect(sender.settle([idOf(1)], [])).toBe(2)
    expect(sender.counts()).toMatchObject({ held: 2, delivered: 0 })
  })

  it('holds consent inside the query, even where states say otherwise (L12)', () => {
    const path = join(temporaryFolder(), 'outbox.db')
    const outbox = openOutbox({ path })
    appendNumbers(outbox, 1, 2)
    outbox.target(HUB)
    rawDatabase(path).exec(`
      INSERT INTO mark VALUES (1, 'released', NULL);
      INSERT INTO delivery VALUES (1, 2, 'pending', 1, 0, NULL)`)
    expect(claimedIds(outbox)).toEqual([])
  })

  it('offers what no hub has answered for, however long ago it was first offered', () => {
    let at = 1_000
    const outbox = linkedOutbox({ now: () => at })
    appendNumbers(outbox, 1, 2)
    const decade = 10 * 365 * 24 * 3_600_000
    for (let round = 0; round < 20; round++) {
      expect(claimedIds(outbox)).toEqual([1, 2].map(idOf))
      at += decade
      if (round % 2 === 0) outbox.releaseInflight()
    }
    expect(outbox.list({}).map(({ attempts }) => attempts)).toEqual([0, 0])
  })

  it('ends a claim before it grows too large, but never before the first event (L8)', () => {
    const outbox = linkedOutbox()
    const big = (number: number) => textOf(number, { payload: { text: 'x'.repeat(1_000_000) } })
    for (let number = 1; number <= 10; number++) append(outbox, big(number))
    const first = claimedIds(outbox)
    expect(first.length).toBe(8)
    expect(outbox.counts()).toMatchObject({ pending: 2, inflight: 8 })
    outbox.settle(first, [])
    expect(claimedIds(outbox)).toEqual([idOf(9), idOf(10)])
  })

  it('does not take the write lock when there is nothing to claim', () => {
    const path = join(temporaryFolder(), 'outbox.db')
    const outbox = linkedOutbox({ path, busyTimeoutMs: 0 })
    rawDatabase(path).exec('BEGIN IMMEDIATE')
    expect(claimedIds(outbox)).toEqual([])
  })

  it('begins a lease with what a dead sender had under way, in the old order', () => {
    const outbox = linkedOutbox()
    appendNumbers(outbox, 1, 2, 3)
    outbox.claim(2)
    outbox.releaseInflight()
    expect(outbox.counts()).toMatchObject({ pending: 3, inflight: 0 })
    expect(outbox.settle([idOf(1)], [])).toBe(3)
    expect(claimedIds(outbox)).toEqual([idOf(1), idOf(2), idOf(3)])
  })
})

describe('settling', () => {
  it('changes exactly the ids that are under way (L11)', () => {
    const outbox = linkedOutbox()
    appendNumbers(outbox, 1, 2, 3, 4)
    outbox.claim(3)
    const foreign = [idOf(4), idOf(99), idOf(1).toLowerCase(), `${idOf(1)} `, '']
    expect(
      outbox.settle(
        foreign,
        foreign.map((id) => ({ event_id: id, reason: 'x', isFinal: true })),
      ),
    ).toBe(4)
    expect(outbox.settle([idOf(2), idOf(2)], refused('payload_invalid', 3))).toBe(2)
    expect(outbox.settle([idOf(3)], refused('late', 2))).toBe(2)
    expect(outbox.list({}).map(({ state, reason }) => [state, reason])).toEqual([
      ['inflight', null],
      ['delivered', null],
      ['quarantined', 'payload_invalid'],
      ['pending', null],
    ])
    expect(claimedIds(outbox)).toEqual([idOf(1), idOf(4)])
  })

  it('notes when a hub last took something, and no refusal and no silence for it', () => {
    let at = 1_000
    const path = join(temporaryFolder(), 'outbox.db')
    const outbox = linkedOutbox({ path, now: () => at })
    const seen = (): number | null => {
      const reader = OutboxReader.open({ path, owner: PROJECT_OWNER })
      try {
        return reader.acknowledgedAt()
      } finally {
        reader.close()
      }
    }
    appendNumbers(outbox, 1, 2, 3)
    outbox.claim(3)
    outbox.settle([], [])
    outbox.settle([], refused('payload_invalid', 1))
    expect(seen()).toBeNull()
    at = 2_000
    outbox.settle([idOf(2)], [])
    at = 3_000
    outbox.settle([], refused('payload_invalid', 3))
    expect(seen()).toBe(2_000)
  })

  it("keeps a hub's words short and printable", () => {
    const outbox = linkedOutbox()
    appendNumbers(outbox, 1)
    outbox.claim(1)
    outbox.settle([], refused(`\u001b]0;é${'x'.repeat(500)}`, 1))
    expect(outbox.list({})[0]?.reason).toBe(`?]0;?${'x'.repeat(115)}`)
  })
})

describe('a damaged row', () => {
  it('is quarantined at any flipped bit of its body, and its neighbours go on', () => {
    const folder = temporaryFolder()
    const path = join(folder, 'outbox.db')
    const first = Outbox.open({ path, owner: PROJECT_OWNER, nodeId: NODE })
    first.grantConsent(false)
    first.target(HUB)
    appendNumbers(first, 1, 2, 3)
    first.close()
    const intact = readFileSync(path)
    const body = serialized(eventOf(2, { lamport_clock: 2 }))
    const start = intact.indexOf(body)
    expect(start).toBeGreaterThan(0)
    const bit = fc.nat({ max: body.length * 8 - 1 })
    fc.assert(
      fc.property(bit, (at) => {
        const damaged = Buffer.from(intact)
        const byte = start + Math.floor(at / 8)
        damaged[byte] = (damaged[byte] ?? 0) ^ (1 << (at % 8))
        writeFileSync(path, damaged)
        const outbox = Outbox.open({ path, owner: PROJECT_OWNER, nodeId: NODE })
        try {
          outbox.target(HUB)
          expect(outbox.list({})[1]?.event).toBeNull()
          expect(claimedIds(outbox)).toEqual([idOf(1), idOf(3)])
          expect(outbox.list({ state: 'quarantined' })).toMatchObject([
            { event_id: idOf(2), event: null, reason: 'CHECKSUM_MISMATCH' },
          ])
          expect(outbox.counts()).toMatchObject({ pending: 0, inflight: 2, quarantined: 1 })
        } finally {
          outbox.close()
        }
      }),
      { numRuns: 60 },
    )
  })

  it.each([
    'event_id = event_id || 0',
    'lamport_clock = 77',
    "body = replace(body, 'WP01', 'WP02')",
  ])('is quarantined where its %s was changed', (change) => {
    const path = join(temporaryFolder(), 'outbox.db')
    const outbox = linkedOutbox({ path })
    appendNumbers(outbox, 1, 2)
    rawDatabase(path).exec(`UPDATE event SET ${change} WHERE sequence = 1`)
    expect(claimedIds(outbox)).toEqual([idOf(2)])
  })

  it('does not end a drain early when all of a claim is damaged', () => {
    const path = join(temporaryFolder(), 'outbox.db')
    const outbox = linkedOutbox({ path })
    appendNumbers(outbox, 1, 2, 3, 4, 5)
    rawDatabase(path).exec('UPDATE event SET checksum = checksum + 1 WHERE sequence < 5')
    expect(claimedIds(outbox, 2)).toEqual([idOf(5)])
    expect(outbox.counts().quarantined).toBe(4)
  })
})

describe('listing', () => {
  it('pages by sequence and filters by state', () => {
    const outbox = linkedOutbox()
    appendNumbers(outbox, 1, 2, 3, 4, 5)
    outbox.settle(claimedIds(outbox, 2), [])
    const ids = (options: Parameters<Outbox['list']>[0]) =>
      outbox.list(options).map((row) => row.event_id)
    expect(ids({ state: 'delivered' })).toEqual([idOf(1), idOf(2)])
    expect(ids({ state: 'pending', limit: 2 })).toEqual([idOf(3), idOf(4)])
    const after = outbox.list({ limit: 4 }).at(-1)?.sequence ?? 0
    expect(ids({ after })).toEqual([idOf(5)])
  })

  it('answers from what is stored after the store is closed and opened', () => {
    const path = join(temporaryFolder(), 'outbox.db')
    const first = Outbox.open({ path, owner: PROJECT_OWNER, nodeId: NODE })
    appendNumbers(first, 1)
    first.close()
    const again = Outbox.open({ path, owner: PROJECT_OWNER, nodeId: NODE })
    later(() => again.close())
    expect(again.list({})).toMatchObject([{ event_id: idOf(1), state: 'held', reason: null }])
  })
})
