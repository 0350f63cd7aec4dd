/** What a person changes of the queue by hand. */
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { Keeper } from '#dist/workers/store/keeper.js'
import { OutboxReader } from '#dist/workers/store/outbox-reader.js'
import type { Outbox } from '#dist/workers/store/outbox.js'
import {
  HUB,
  PROJECT_OWNER,
  appendNumbers,
  claimedIds,
  codeOf,
  idOf,
  later,
  linkedOutbox,
  openOutbox,
  rawDatabase,
  refused,
  temporaryFolder,
} from '../../support/store-fixtures.ts'

const OTHER_HUB = { ...HUB, team: 'other' }

function kept(open: typeof openOutbox = linkedOutbox, nowMs = () => 1_000) {
  const path = join(temporaryFolder(), 'outbox.db')
  const outbox = open({ path, now: nowMs })
  const keeper = Keeper.open({ path, owner: PROJECT_OWNER })
  if (keeper === null) throw new Error('no store')
  const reader = OutboxReader.open({ path, owner: PROJECT_OWNER })
  later(() => {
    keeper.close()
    reader.close()
  })
  return { path, outbox, keeper, reader }
}

/** 1 is delivered, 2 and 3 are quarantined for different reasons, 4 waits. */
function settled(world = kept()) {
  const { outbox } = world
  appendNumbers(outbox, 1, 2, 3, 4)
  claimedIds(outbox, 3)
  outbox.settle([idOf(1)], [...refused('invalid_event', 2), ...refused('too_large', 3)])
  return world
}

function statesOf(outbox: Outbox): readonly string[] {
  return outbox.list({}).map(({ event_id: id, state }) => `${Number(id.slice(3))} ${state}`)
}

/** The counts that are kept are those of the rows. */
function expectTrueCounts(outbox: Outbox): void {
  const rows = outbox.list({})
  for (const [state, count] of Object.entries(outbox.counts())) {
    expect([state, count]).toEqual([state, rows.filter((row) => row.state === state).length])
  }
}

describe('a retry', () => {
  it('puts back what was asked for, as if it had never been sent, in the old order', () => {
    const { outbox, keeper, reader } = settled()
    expect(reader.selected({ purpose: 'retry', reason: 'too_large' })).toBe(1)
    expect(keeper.retry({ reason: 'too_large' })).toBe(1)
    expect(statesOf(outbox)).toEqual(['1 delivered', '2 quarantined', '3 pending', '4 pending'])
    expect(outbox.list({ event_id: idOf(3) })).toMatchObject([{ attempts: 0, reason: null }])
    expect(keeper.retry({ event_ids: [idOf(1), idOf(2), idOf(4), idOf(9)] })).toBe(1)
    expect(claimedIds(outbox)).toEqual([2, 3, 4].map(idOf))
    expectTrueCounts(outbox)
    expect(appendNumbers(outbox, 5).undelivered).toBe(4)
  })

  it('leaves with the person what consent does not cover any more', () => {
    const { outbox, keeper } = settled()
    outbox.refuseConsent()
    outbox.grantConsent(false)
    expect(keeper.retry({})).toBe(2)
    expect(statesOf(outbox)).toEqual(['1 delivered', '2 held', '3 held', '4 held'])
    expectTrueCounts(outbox)
  })

  it('takes more than one transaction holds, and no damaged row', () => {
    const { path, outbox, keeper } = kept()
    const numbers = Array.from({ length: 1_203 }, (_, at) => at + 1)
    appendNumbers(outbox, ...numbers)
    rawDatabase(path).exec('UPDATE event SET checksum = checksum + 1 WHERE sequence = 7')
    claimedIds(outbox, 2_000)
    outbox.settle([], refused('busy', ...numbers))
    expect(outbox.counts().quarantined).toBe(1_203)
    expect(keeper.retry({})).toBe(1_202)
    expect(outbox.counts()).toMatchObject({ pending: 1_202, quarantined: 1 })
  })
})

describe('a purge', () => {
  it('removes what is dealt with, and neither what waits nor the clock', () => {
    const { outbox, keeper, reader } = settled()
    expect(reader.selected({ purpose: 'purge' })).toBe(3)
    expect(keeper.purge({ state: 'quarantined', reason: 'too_large' })).toBe(1)
    expect(statesOf(outbox)).toEqual(['1 delivered', '2 quarantined', '4 pending'])
    expect(keeper.purge({})).toBe(2)
    expect(keeper.purge({ event_ids: [idOf(4)] })).toBe(0)
    expect(statesOf(outbox)).toEqual(['4 pending'])
    expectTrueCounts(outbox)
    expect(appendNumbers(outbox, 1).receipts[0]?.lamport_clock).toBe(5)
    expect(claimedIds(outbox)).toEqual([4, 1].map(idOf))
  })

  it('keeps what another hub has still to get', () => {
    const { outbox, keeper } = settled()
    outbox.target(OTHER_HUB)
    claimedIds(outbox, 1)
    outbox.settle([idOf(1)], [])
    outbox.target(HUB)
    expect(keeper.purge({})).toBe(1)
    expect(statesOf(outbox)).toEqual(['2 quarantined', '3 quarantined', '4 pending'])
    outbox.target(OTHER_HUB)
    expect(claimedIds(outbox)).toEqual([2, 3, 4].map(idOf))
    expectTrueCounts(outbox)
  })
})

describe('a collection', () => {
  it('leaves of old events that every hub has their ids, and knows them again', () => {
    let nowMs = 1_000
    const { path, outbox, keeper, reader } = kept(linkedOutbox, () => nowMs)
    const { receipts } = appendNumbers(outbox, 1, 2, 3)
    nowMs = 5_000
    appendNumbers(outbox, 4)
    claimedIds(outbox)
    outbox.settle([1, 2, 4].map(idOf), refused('invalid_event', 3))
    expect(reader.selected({ purpose: 'collect', before: 4_000 })).toBe(2)
    expect(keeper.collect(4_000)).toBe(2)
    expect(statesOf(outbox)).toEqual(['3 quarantined', '4 delivered'])
    expect([reader.removed(), reader.damaged()]).toEqual([2, 0])
    expectTrueCounts(outbox)
    expect(rawDatabase(path).prepare('SELECT body FROM event').pluck().all().slice(0, 2)).toEqual([
      '',
      '',
    ])
    expect(appendNumbers(outbox, 1, 2).receipts).toEqual(receipts.slice(0, 2))
    expect(appendNumbers(outbox, 5).receipts[0]?.lamport_clock).toBe(5)
    outbox.target({ ...HUB, epoch: 'second' })
    expect(claimedIds(outbox)).toEqual([4, 5].map(idOf))
    expectTrueCounts(outbox)
  })

  it('takes nothing that some hub has still to get', () => {
    const { outbox, keeper } = settled()
    outbox.target(OTHER_HUB)
    expect(keeper.collect(Number.MAX_SAFE_INTEGER)).toBe(0)
  })
})

describe('the history', () => {
  it('is shown as it is, and released as it was shown', () => {
    let nowMs = 1_000
    const { path, outbox, keeper, reader } = kept(openOutbox, () => nowMs)
    appendNumbers(outbox, 1, 2)
    outbox.grantConsent(true)
    outbox.target(HUB)
    nowMs = 2_000
    appendNumbers(outbox, 3)
    outbox.settle(claimedIds(outbox), [])
    const shown = reader.history()
    expect(shown).toMatchObject({ count: 2, oldest_at: 1_000, types: { WPStatusChanged: 2 } })
    expect(shown.hash).toMatch(/^[0-9a-f]{64}$/)
    nowMs = 9_000
    expect(keeper.release(shown.hash, nowMs)).toEqual(shown)
    expect(claimedIds(outbox)).toEqual([1, 2].map(idOf))
    expect(
      rawDatabase(path).prepare('SELECT hash, count, confirmed_at FROM disclosure').all(),
    ).toEqual([{ hash: shown.hash, count: 2, confirmed_at: 9_000 }])
    outbox.settle([1, 2].map(idOf), [])
    expect(statesOf(outbox)).toEqual(['1 delivered', '2 delivered', '3 delivered'])
    expectTrueCounts(outbox)
  })

  it('is refused where it is not what was confirmed any more, or consent is missing', () => {
    const { path, outbox, keeper, reader } = kept(openOutbox)
    appendNumbers(outbox, 1, 2)
    const { hash } = reader.history()
    expect(codeOf(() => keeper.release(hash, 1))).toBe('NO_CONSENT')
    outbox.grantConsent(true)
    rawDatabase(path).exec('UPDATE event SET checksum = checksum + 1 WHERE sequence = 1')
    expect(codeOf(() => keeper.release(hash, 1))).toBe('HISTORY_CHANGED')
    expect(outbox.counts()).toMatchObject({ pending: 0, held: 2 })
  })

  it('that was released is held again by an opt-out, and so is what was pending then', () => {
    const { outbox, keeper, reader } = kept(openOutbox)
    appendNumbers(outbox, 1)
    outbox.grantConsent(true)
    outbox.target(HUB)
    keeper.release(reader.history().hash, 1)
    appendNumbers(outbox, 2)
    outbox.refuseConsent()
    outbox.grantConsent(false)
    expect(claimedIds(outbox)).toEqual([])
    expect(reader.history().count).toBe(2)
    keeper.release(reader.history().hash, 1)
    appendNumbers(outbox, 3)
    expect(claimedIds(outbox)).toEqual([1, 2, 3].map(idOf))
    outbox.target(OTHER_HUB)
    expect(claimedIds(outbox)).toEqual([1, 2, 3].map(idOf))
    expectTrueCounts(outbox)
  })
})

it('makes no store where there is none (L14)', () => {
  expect(Keeper.open({ path: join(temporaryFolder(), 'outbox.db'), owner: PROJECT_OWNER })).toBe(
    null,
  )
})
