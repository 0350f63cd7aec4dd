/** What became of an event at each hub, and which events a newer one makes superfluous. */
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { OUTGOING_SQL } from '#dist/workers/store/outgoing-sql.js'
import {
  HUB,
  append,
  appendNumbers,
  claimedIds,
  idOf,
  linkedOutbox,
  openOutbox,
  rawDatabase,
  refused,
  temporaryFolder,
  textOf,
} from '../../support/store-fixtures.ts'

const OTHER_HUB = { ...HUB, team: 'other' }

describe('a hub', () => {
  it('gets everything that consent covers, whatever another one has', () => {
    const outbox = linkedOutbox()
    appendNumbers(outbox, 1, 2, 3)
    claimedIds(outbox)
    outbox.settle([idOf(1), idOf(2)], refused('invalid_event', 3))
    expect(claimedIds(outbox)).toEqual([])
    outbox.target(OTHER_HUB)
    expect(outbox.counts()).toMatchObject({ pending: 3, delivered: 0, quarantined: 0 })
    expect(claimedIds(outbox)).toEqual([1, 2, 3].map(idOf))
    outbox.settle([idOf(1)], [])
    outbox.target(HUB)
    expect(outbox.counts()).toMatchObject({ pending: 0, delivered: 2, quarantined: 1 })
  })

  it('gets again what it acknowledged under another epoch, and nothing where it names none', () => {
    const outbox = linkedOutbox()
    appendNumbers(outbox, 1, 2, 3)
    claimedIds(outbox)
    outbox.settle([idOf(1), idOf(3)], refused('invalid_event', 2))
    outbox.target({ ...HUB, epoch: null })
    expect(claimedIds(outbox)).toEqual([])
    outbox.target({ ...HUB, epoch: 'second' })
    expect(outbox.counts()).toMatchObject({ pending: 2, delivered: 0, quarantined: 1 })
    expect(claimedIds(outbox, 1)).toEqual([idOf(1)])
    outbox.settle([idOf(1)], [])
    // A sender that dies here goes on where it stopped.
    outbox.target({ ...HUB, epoch: 'second' })
    expect(claimedIds(outbox)).toEqual([idOf(3)])
  })

  it('whose row the disk refused is settled with once it is there', () => {
    const path = join(temporaryFolder(), 'outbox.db')
    const outbox = openOutbox({ path })
    outbox.grantConsent(false)
    appendNumbers(outbox, 1, 2)
    const raw = rawDatabase(path)
    // What fails when the transaction ends, as a disk that is full does.
    raw.exec(`CREATE TABLE parent (id INTEGER PRIMARY KEY);
      CREATE TABLE child (id REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
      CREATE TRIGGER late AFTER INSERT ON hub BEGIN INSERT INTO child VALUES (1); END`)
    expect(() => outbox.target(HUB)).toThrow()
    expect(() => outbox.claim(10)).toThrow()
    raw.exec('DROP TRIGGER late')
    expect(claimedIds(outbox)).toEqual([1, 2].map(idOf))
    outbox.settle([1, 2].map(idOf), [])
    expect(claimedIds(outbox)).toEqual([])
    expect(outbox.counts()).toMatchObject({ pending: 0, delivered: 2 })
  })

  it('that lost its memory gets what it passes over in the new epoch, too', () => {
    const outbox = linkedOutbox()
    appendNumbers(outbox, 1, 2, 3)
    outbox.settle(claimedIds(outbox), [])
    outbox.target({ ...HUB, epoch: 'second' })
    claimedIds(outbox)
    outbox.settle([idOf(3)], [])
    expect(claimedIds(outbox)).toEqual([1, 2].map(idOf))
    expect(appendNumbers(outbox, 4).undelivered).toBe(3)
  })

  it('is not believed about what was sent before it lost its memory (L11)', () => {
    const outbox = linkedOutbox()
    appendNumbers(outbox, 1)
    claimedIds(outbox)
    outbox.target({ ...HUB, epoch: 'second' })
    outbox.settle([idOf(1)], [])
    expect(outbox.counts()).toMatchObject({ pending: 1, delivered: 0 })
  })

  it('may refuse an event for now five times, and then that is for good, in its own words', () => {
    const outbox = linkedOutbox()
    appendNumbers(outbox, 1, 2)
    const busy = { event_id: idOf(1), reason: 'busy', isFinal: false }
    for (let attempt = 1; attempt <= 5; attempt++) {
      expect(claimedIds(outbox)).toEqual(attempt === 1 ? [1, 2].map(idOf) : [idOf(1)])
      outbox.settle([idOf(2)], [busy, busy])
      expect(outbox.list({})[0]).toMatchObject({ attempts: attempt, reason: 'busy' })
    }
    expect(outbox.counts()).toMatchObject({ pending: 0, quarantined: 1, delivered: 1 })
  })

  it('is offered what it passed over before what comes behind it (L3)', () => {
    const outbox = linkedOutbox()
    appendNumbers(outbox, 1, 2, 3, 4)
    claimedIds(outbox, 3)
    outbox.settle([idOf(3)], [])
    expect(claimedIds(outbox)).toEqual([1, 2, 4].map(idOf))
  })
})

it('counts a damaged event out of what waits once, whichever hub had it before', () => {
  const path = join(temporaryFolder(), 'outbox.db')
  const outbox = linkedOutbox({ path })
  appendNumbers(outbox, 1)
  outbox.settle(claimedIds(outbox), [])
  rawDatabase(path).exec('UPDATE event SET checksum = checksum + 1')
  outbox.target(OTHER_HUB)
  expect(claimedIds(outbox)).toEqual([])
  expect(appendNumbers(outbox, 2).undelivered).toBe(1)
})

describe('a claim', () => {
  it('is not starved by what may not leave, however much of it comes first', () => {
    const outbox = openOutbox()
    const held = Array.from({ length: 50 }, (_, index) => index + 1)
    appendNumbers(outbox, ...held)
    outbox.grantConsent(true)
    outbox.target(HUB)
    appendNumbers(outbox, 51, 52)
    expect(claimedIds(outbox, 1)).toEqual([idOf(51)])
    outbox.settle([idOf(51)], [])
    expect(claimedIds(outbox, 1)).toEqual([idOf(52)])
    expect(outbox.counts()).toMatchObject({ held: 50, delivered: 1 })
  })

  it('looks at what it takes and no more, however long the history is', () => {
    const path = join(temporaryFolder(), 'outbox.db')
    openOutbox({ path })
    const plan = rawDatabase(path)
      .prepare<[object], { detail: string }>(`EXPLAIN QUERY PLAN ${OUTGOING_SQL}`)
      .all({ project: '', hub: 1, generation: 1, reached: 0, max: 1 })
      .map(({ detail }) => detail)
    expect(plan.filter((step) => /SCAN|TEMP B-TREE/.test(step))).toEqual([])
    expect(plan).toContain('SEARCH x USING INTEGER PRIMARY KEY (rowid>?)')
  })
})

describe('a snapshot', () => {
  function snapshot(number: number, path: string, mission = 'one') {
    return textOf(number, {
      event_type: 'MissionDossierArtifactIndexed',
      payload: {
        namespace: { project_uuid: 'p', mission_slug: mission },
        artifact_id: { path },
        number,
      },
    })
  }

  it('supersedes an older one of the same thing that nobody has seen', () => {
    const outbox = linkedOutbox()
    append(outbox, snapshot(1, 'a'), snapshot(2, 'b'), snapshot(3, 'a'), snapshot(4, 'a', 'two'))
    appendNumbers(outbox, 5, 6)
    expect(outbox.counts()).toMatchObject({ pending: 5, superseded: 1 })
    expect(outbox.list({ state: 'superseded' }).map((row) => row.event_id)).toEqual([idOf(1)])
    expect(claimedIds(outbox)).toEqual([2, 3, 4, 5, 6].map(idOf))
    expect(append(outbox, snapshot(1, 'a')).receipts).toEqual([
      { event_id: idOf(1), lamport_clock: 1 },
    ])
  })

  it('leaves alone what is delivered, under way or was offered, also by another process', () => {
    const path = join(temporaryFolder(), 'outbox.db')
    const sender = linkedOutbox({ path })
    const other = openOutbox({ path })
    append(other, snapshot(1, 'a'), snapshot(2, 'b'), snapshot(3, 'c'))
    expect(claimedIds(sender)).toEqual([1, 2, 3].map(idOf))
    append(other, snapshot(4, 'a'))
    sender.settle([idOf(2)], [])
    sender.releaseInflight()
    append(other, snapshot(5, 'b'), snapshot(6, 'c'), snapshot(7, 'a'))
    // 1 was passed over by the hub and may be there; 3 came back untouched; 4 was never taken.
    expect(other.list({ state: 'superseded' }).map((row) => row.event_id)).toEqual([3, 4].map(idOf))
    expect(claimedIds(sender)).toEqual([1, 5, 6, 7].map(idOf))
  })

  it('is one only where it says of what, in words that the sanitizer has left', () => {
    const outbox = linkedOutbox()
    append(outbox, snapshot(1, '<path>'), snapshot(2, '<path>'), snapshot(3, ''), snapshot(4, ''))
    const bare = { event_type: 'MissionDossierSnapshotComputed', payload: { namespace: 'one' } }
    append(outbox, textOf(5, bare), textOf(6, bare))
    expect(outbox.counts()).toMatchObject({ pending: 6, superseded: 0 })
  })

  it('counts right where consent does not cover it', () => {
    const outbox = openOutbox()
    append(outbox, snapshot(1, 'a'), snapshot(2, 'a'))
    expect(outbox.counts()).toMatchObject({ held: 1, superseded: 1 })
    expect(outbox.grantConsent(false)).toEqual({ state: 'granted', covered: 1, held: 0 })
    outbox.refuseConsent()
    append(outbox, snapshot(3, 'a'))
    expect(outbox.counts()).toMatchObject({ pending: 0, held: 1, superseded: 2 })
  })
})
