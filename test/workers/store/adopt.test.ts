import { existsSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import type { Identity } from '../../../src/project/types.ts'
import type { Pulse } from '../../../src/workers/serve.ts'
import { SanitizeError } from '#dist/errors.js'
import { adoptUnidentified } from '#dist/workers/store/adopt.js'
import {
  PROJECT,
  REPOSITORY_KEY,
  REPOSITORY_OWNER,
  append,
  appendNumbers,
  codeOf,
  eventOf,
  idOf,
  openOutbox,
  rawDatabase,
  temporaryFolder,
  textOf,
} from '../../support/store-fixtures.ts'

const IDENTITY: Identity = {
  uuid: PROJECT,
  slug: 'a-project',
  node_id: 'ffffffffffff',
  build_id: 'the-build',
}
const UNIDENTIFIED = { project_uuid: null, project_slug: null, build_id: '' }
const IDENTIFIED = { project_uuid: PROJECT, project_slug: 'a-project', build_id: 'the-build' }

function source(...numbers: readonly number[]) {
  const path = join(temporaryFolder(), 'unidentified.db')
  const outbox = openOutbox({ path, owner: REPOSITORY_OWNER })
  append(outbox, ...numbers.map((number) => textOf(number, UNIDENTIFIED)))
  return { path, outbox }
}

function adopt(from: string, to = openOutbox(), pulse: Pulse = { beat() {}, rest: () => true }) {
  const where = { from, repositoryKey: REPOSITORY_KEY, to, identity: IDENTITY }
  const adopted = adoptUnidentified({ ...where, pulse })
  return { adopted, to }
}

describe('adopting what was recorded before init', () => {
  it('moves it in order with its ids, identified and ticked anew', () => {
    const { path, outbox } = source(3, 1, 2)
    const to = openOutbox()
    appendNumbers(to, 50)
    expect(adopt(path, to).adopted).toBe(3)
    expect(to.list({ after: 1 }).map(({ event, state }) => [event, state])).toEqual(
      [3, 1, 2].map((number, at) => [
        eventOf(number, { ...IDENTIFIED, lamport_clock: at + 2 }),
        'held',
      ]),
    )
    expect([outbox.list({}), outbox.counts().held]).toEqual([[], 0])
    expect(adopt(path, to).adopted).toBe(0)
  })

  it('stamps the node whose clock it ticks (L10)', () => {
    const { path } = source(1)
    const to = openOutbox({ nodeId: 'ba9876543210' })
    adopt(path, to)
    expect(to.list({})[0]?.event?.node_id).toBe('ba9876543210')
  })

  it('moves more than one batch', () => {
    const numbers = Array.from({ length: 300 }, (_, number) => number)
    const { path } = source(...numbers)
    const { adopted, to } = adopt(path)
    expect(adopted).toBe(300)
    expect(to.list({}).map((row) => row.event_id)).toEqual(numbers.map(idOf))
  })

  it('says that it lives before each batch, however many there are', () => {
    const { path } = source(...Array.from({ length: 300 }, (_, number) => number))
    const to = openOutbox()
    const heldAtBeat: number[] = []
    const pulse = { beat: () => heldAtBeat.push(to.counts().held), rest: () => false }
    adopt(path, to, pulse)
    expect(heldAtBeat).toEqual([0, 64, 128, 192, 256])
  })

  it('waits by the rests of its thread, while it opens and between two batches', () => {
    const { path } = source(1)
    const other = rawDatabase(path)
    let rests = 0
    const rest = () => {
      rests += 1
      other.exec('ROLLBACK')
      return true
    }
    const to = openOutbox({ assertClean: () => void other.exec('BEGIN IMMEDIATE') })
    other.exec('BEGIN IMMEDIATE')
    expect(adopt(path, to, { beat() {}, rest }).adopted).toBe(1)
    expect(rests).toBe(2)
  })

  it('gives up where its thread may rest no more, and loses nothing', () => {
    const { path, outbox } = source(1, 2)
    const other = rawDatabase(path)
    other.exec('BEGIN IMMEDIATE')
    const to = openOutbox()
    expect(codeOf(() => adopt(path, to, { beat() {}, rest: () => false }))).toBe('OUTBOX_BUSY')
    other.exec('ROLLBACK')
    expect([outbox.counts().held, to.counts().held]).toEqual([2, 0])
  })

  it('makes it once when it was killed between storing and removing (L9)', () => {
    const { path } = source(1, 2, 3)
    const to = openOutbox()
    append(to, textOf(1, IDENTIFIED), textOf(2, IDENTIFIED))
    expect(adopt(path, to).adopted).toBe(1)
    expect(to.list({}).map(({ event }) => [event?.event_id, event?.lamport_clock])).toEqual([
      [idOf(1), 1],
      [idOf(2), 2],
      [idOf(3), 3],
    ])
  })

  it('leaves nothing of a concurrent append behind', () => {
    const { path, outbox } = source(1, 2)
    let appended = false
    const to = openOutbox({
      assertClean() {
        if (appended) return
        appended = true
        append(outbox, textOf(9, UNIDENTIFIED))
      },
    })
    expect(adopt(path, to).adopted).toBe(3)
    expect(to.list({}).map((row) => row.event_id)).toEqual([idOf(1), idOf(2), idOf(9)])
    expect(outbox.list({})).toEqual([])
  })

  it('makes it once when another process adopts the same at the same time (L9)', () => {
    const { path } = source(1, 2, 3)
    const target = join(temporaryFolder(), 'outbox.db')
    const other = openOutbox({ path: target })
    let first = 0
    const to = openOutbox({
      path: target,
      assertClean() {
        first += adopt(path, other).adopted
      },
    })
    expect([adopt(path, to).adopted, first]).toEqual([0, 3])
    expect(to.list({}).map((row) => row.event_id)).toEqual([idOf(1), idOf(2), idOf(3)])
  })

  it('lets it leave only under a grant that covers the past (L12)', () => {
    const states = [
      () => openOutbox(),
      () => grantedOutbox(false),
      () => grantedOutbox(true),
      () => {
        const outbox = grantedOutbox(false)
        outbox.refuseConsent()
        outbox.grantConsent(false)
        return outbox
      },
    ].map((open) => adopt(source(1).path, open()).to.list({})[0]?.state)
    expect(states).toEqual(['held', 'pending', 'held', 'held'])
  })

  it('keeps back, with the reason, only what can not be adopted (L4)', () => {
    const { path, outbox } = source(1, 2, 3, 4)
    rawDatabase(path).exec('UPDATE event SET checksum = checksum + 1 WHERE sequence = 4')
    const to = openOutbox({
      assertClean(value) {
        if (JSON.stringify(value).includes(idOf(2))) throw new SanitizeError('NOT_CLEAN', 'no')
      },
    })
    expect(adopt(path, to).adopted).toBe(2)
    expect(to.list({}).map((row) => row.event_id)).toEqual([idOf(1), idOf(3)])
    expect(outbox.list({}).map((row) => [row.event_id, row.state, row.reason])).toEqual([
      [idOf(2), 'quarantined', 'NOT_CLEAN'],
      [idOf(4), 'quarantined', 'CHECKSUM_MISMATCH'],
    ])
    expect(outbox.counts()).toMatchObject({ held: 0, quarantined: 2 })
  })

  it('stops when the project has no room, and loses nothing', () => {
    const { path, outbox } = source(1, 2, 3)
    const to = openOutbox({ capacity: 2 })
    expect(codeOf(() => adopt(path, to))).toBe('OUTBOX_FULL')
    expect([outbox.counts().held, to.counts().held]).toEqual([3, 0])
  })

  it('makes no store where there is nothing to adopt (L14)', () => {
    const path = join(temporaryFolder(), 'unidentified.db')
    expect(adopt(path).adopted).toBe(0)
    expect(existsSync(path)).toBe(false)
  })

  it('takes nothing from a store of another repository or project (L12)', () => {
    const path = join(temporaryFolder(), 'outbox.db')
    appendNumbers(openOutbox({ path }), 1)
    expect(codeOf(() => adopt(path))).toBe('OUTBOX_OWNER_MISMATCH')
  })
})

function grantedOutbox(fromNow: boolean) {
  const outbox = openOutbox()
  outbox.grantConsent(fromNow)
  return outbox
}
