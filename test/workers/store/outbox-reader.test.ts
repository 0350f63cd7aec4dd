import { copyFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { describe, expect, it, vi } from 'vitest'

import { Outbox } from '#dist/workers/store/outbox.js'
import { OutboxReader } from '#dist/workers/store/outbox-reader.js'
import {
  NODE,
  OTHER_PROJECT,
  PROJECT_OWNER,
  appendNumbers,
  claimedIds,
  codeOf,
  idOf,
  later,
  linkedOutbox,
  openOutbox,
  rawDatabase,
  temporaryFolder,
} from '../../support/store-fixtures.ts'

const LIVE = { state: 'live', connection: 'live', reason: null, next_try_at: null } as const

function read(path: string, capacity?: number): OutboxReader {
  const reader = OutboxReader.open({
    path,
    owner: PROJECT_OWNER,
    ...(capacity === undefined ? {} : { capacity }),
  })
  later(() => reader.close())
  return reader
}

describe('reading the outbox', () => {
  it('waits for somebody who locks the store', () => {
    const path = join(temporaryFolder(), 'outbox.db')
    const outbox = Outbox.open({ path, owner: PROJECT_OWNER, nodeId: NODE })
    appendNumbers(outbox, 1)
    outbox.close()
    const other = rawDatabase(path)
    other.pragma('locking_mode = EXCLUSIVE')
    other.exec('BEGIN EXCLUSIVE')
    const wait = vi.spyOn(Atomics, 'wait').mockImplementation(() => {
      other.close()
      return 'timed-out'
    })
    later(() => wait.mockRestore())
    expect(read(path).counts().held).toBe(1)
    expect(wait).toHaveBeenCalledTimes(1)
  })

  it('takes a missing store for an empty one and makes nothing (L14)', () => {
    const folder = temporaryFolder()
    const reader = read(join(folder, 'projects', 'outbox.db'))
    expect(reader.counts()).toEqual({
      pending: 0,
      inflight: 0,
      delivered: 0,
      quarantined: 0,
      held: 0,
      superseded: 0,
    })
    expect([reader.consent(), reader.list({}), reader.linkIsLive(0)]).toEqual(['absent', [], false])
    expect([reader.oldestUndeliveredAgeMs(5), reader.capacityUse().undelivered]).toEqual([null, 0])
    expect(readdirSync(folder)).toEqual([])
  })

  it('takes a file that was just begun for an empty store', () => {
    const path = join(temporaryFolder(), 'outbox.db')
    writeFileSync(path, '')
    expect(read(path).counts().held).toBe(0)
    rawDatabase(path).pragma('journal_mode = WAL')
    expect(read(path).counts().held).toBe(0)
  })

  it('shows what the outbox holds while another connection writes', () => {
    const path = join(temporaryFolder(), 'outbox.db')
    let nowMs = 10_000
    const outbox = openOutbox({ path, now: () => nowMs })
    const reader = read(path, 5)
    appendNumbers(outbox, 1, 2)
    nowMs = 20_000
    appendNumbers(outbox, 3)
    expect(reader.oldestUndeliveredAgeMs(25_000)).toBe(15_000)
    expect(reader.capacityUse()).toEqual({ undelivered: 3, capacity: 5, isNearlyFull: false })
    outbox.grantConsent(true)
    outbox.publishLink(LIVE)
    appendNumbers(outbox, 4)
    expect([reader.consent(), reader.linkIsLive(nowMs)]).toEqual(['granted', true])
    expect(reader.capacityUse().isNearlyFull).toBe(true)
    expect(reader.list({ state: 'pending' }).map((row) => row.event_id)).toEqual([idOf(4)])
    expect(reader.counts()).toMatchObject({ held: 3, pending: 1 })
  })

  it('finds the oldest that waits among those that may leave and those that are held', () => {
    const path = join(temporaryFolder(), 'outbox.db')
    let nowMs = 1_000
    const outbox = linkedOutbox({ path, now: () => nowMs })
    appendNumbers(outbox, 1)
    nowMs = 2_000
    appendNumbers(outbox, 2)
    const reader = read(path)
    expect(reader.oldestUndeliveredAgeMs(10_000)).toBe(9_000)
    outbox.settle(claimedIds(outbox, 1), [])
    expect(reader.oldestUndeliveredAgeMs(10_000)).toBe(8_000)
    outbox.settle(claimedIds(outbox, 1), [])
    expect(reader.oldestUndeliveredAgeMs(10_000)).toBeNull()
    expect(reader.oldestUndeliveredAgeMs(0)).toBeNull()
  })

  it('leaves a store at rest as it found it: names and bytes (L14)', () => {
    const path = join(temporaryFolder(), 'outbox.db')
    const outbox = Outbox.open({ path, owner: PROJECT_OWNER, nodeId: NODE })
    appendNumbers(outbox, 1)
    outbox.close()
    const before = readFileSync(path)
    const reader = OutboxReader.open({ path, owner: PROJECT_OWNER })
    expect(reader.counts().held).toBe(1)
    reader.close()
    expect(readdirSync(dirname(path))).toEqual(['outbox.db'])
    expect(readFileSync(path).equals(before)).toBe(true)
  })

  it('leaves to the next writer what a killed one left in its log (L14)', () => {
    const path = join(temporaryFolder(), 'outbox.db')
    appendNumbers(openOutbox({ path }), 1)
    const copy = join(temporaryFolder(), 'outbox.db')
    for (const suffix of ['', '-wal']) copyFileSync(`${path}${suffix}`, `${copy}${suffix}`)
    const before = [readFileSync(copy), readFileSync(`${copy}-wal`)]
    const reader = OutboxReader.open({ path: copy, owner: PROJECT_OWNER })
    expect(reader.counts().held).toBe(1)
    reader.close()
    expect([readFileSync(copy), readFileSync(`${copy}-wal`)]).toEqual(before)
  })

  it('takes no log away from a writer that came after it', () => {
    const path = join(temporaryFolder(), 'outbox.db')
    Outbox.open({ path, owner: PROJECT_OWNER, nodeId: NODE }).close()
    const reader = OutboxReader.open({ path, owner: PROJECT_OWNER })
    expect(reader.counts().held).toBe(0)
    const outbox = openOutbox({ path })
    appendNumbers(outbox, 1)
    reader.close()
    appendNumbers(outbox, 2)
    expect(read(path).counts().held).toBe(2)
    expect(readdirSync(dirname(path))).toContain('outbox.db-wal')
  })

  it('refuses what it can not understand, and leaves it (L14)', () => {
    const path = join(temporaryFolder(), 'outbox.db')
    Outbox.open({ path, owner: PROJECT_OWNER, nodeId: NODE }).close()
    const owner = { kind: 'project', uuid: OTHER_PROJECT } as const
    expect(codeOf(() => OutboxReader.open({ path, owner }))).toBe('OUTBOX_OWNER_MISMATCH')
    expect(readdirSync(dirname(path))).toEqual(['outbox.db'])
    rawDatabase(path).pragma('user_version = 9')
    expect(codeOf(() => read(path))).toBe('OUTBOX_TOO_NEW')
    const garbage = join(temporaryFolder(), 'outbox.db')
    writeFileSync(garbage, 'garbage '.repeat(1_000))
    expect(codeOf(() => read(garbage))).toBe('OUTBOX_CORRUPT')
    expect(readFileSync(garbage, 'utf8')).toBe('garbage '.repeat(1_000))
  })

  it('answers with a code where there is a folder in its place', () => {
    const path = join(temporaryFolder(), 'outbox.db')
    mkdirSync(path)
    expect(codeOf(() => read(path))).toBe('OUTBOX_CORRUPT')
    expect(codeOf(() => openOutbox({ path }))).toBe('OUTBOX_CORRUPT')
  })
})
