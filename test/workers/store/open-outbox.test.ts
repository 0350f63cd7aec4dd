import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'

import { assertDurable, openDatabase, openReadOnly } from '#dist/workers/store/open-database.js'
import { Outbox } from '#dist/workers/store/outbox.js'
import {
  NODE,
  OTHER_PROJECT,
  PROJECT_OWNER,
  REPOSITORY_OWNER,
  appendNumbers,
  codeOf,
  later,
  openOutbox,
  rawDatabase,
  temporaryFolder,
} from '../../support/store-fixtures.ts'

function open(path: string, owner: Parameters<typeof openDatabase>[1] = PROJECT_OWNER): Outbox {
  const outbox = Outbox.open({ path, owner, nodeId: NODE })
  later(() => outbox.close())
  return outbox
}

function closedOutbox(...numbers: readonly number[]): string {
  const path = join(temporaryFolder(), 'outbox.db')
  const outbox = Outbox.open({ path, owner: PROJECT_OWNER, nodeId: NODE })
  appendNumbers(outbox, ...numbers)
  outbox.close()
  return path
}

describe('opening the outbox', () => {
  it('believes no schema that somebody put there (S23)', () => {
    const db = openDatabase(closedOutbox(1), PROJECT_OWNER)
    later(() => db.close())
    for (const [name, value] of [
      ['trusted_schema', 0],
      ['cell_size_check', 1],
    ] as const) {
      expect([name, db.pragma(name, { simple: true })]).toEqual([name, value])
    }
  })

  it('runs with a write-ahead log and synchronous=FULL, also when reopened (L1)', () => {
    const path = closedOutbox(1)
    for (const round of ['first', 'second']) {
      const db = openDatabase(path, PROJECT_OWNER)
      later(() => db.close())
      const pragma = (name: string) => db.pragma(name, { simple: true })
      expect([round, pragma('synchronous'), pragma('journal_mode')]).toEqual([round, 2, 'wal'])
      expect([pragma('trusted_schema'), pragma('cell_size_check')]).toEqual([0, 1])
      expect(pragma('wal_autocheckpoint')).toBeGreaterThan(1_000)
    }
  })

  it('never lets SQLite itself wait for a lock, also where it only reads', () => {
    const path = closedOutbox(1)
    for (const db of [openDatabase(path, PROJECT_OWNER), openReadOnly(path, PROJECT_OWNER, 0)]) {
      later(() => db?.close())
      expect(db?.pragma('busy_timeout', { simple: true })).toBe(0)
    }
  })

  it('refuses to work with a connection that is not durable (L1)', () => {
    const db = rawDatabase(closedOutbox(1))
    db.pragma('synchronous = NORMAL')
    expect(codeOf(() => assertDurable(db))).toBe('OUTBOX_NOT_DURABLE')
    db.pragma('synchronous = FULL')
    expect(() => assertDurable(db)).not.toThrow()
    db.pragma('journal_mode = DELETE')
    expect(codeOf(() => assertDurable(db))).toBe('OUTBOX_NOT_DURABLE')
  })

  it.skipIf(process.platform === 'win32')('lets only this user in', () => {
    const state = join(temporaryFolder(), 'state')
    const path = join(state, 'projects', 'one', 'outbox.db')
    appendNumbers(open(path), 1)
    const modeOf = (at: string) => statSync(at).mode & 0o777
    const folders = [state, join(state, 'projects'), join(state, 'projects', 'one')]
    expect(folders.map(modeOf)).toEqual([0o700, 0o700, 0o700])
    expect([path, `${path}-wal`, `${path}-shm`].map(modeOf)).toEqual([0o600, 0o600, 0o600])
  })

  it('keeps events, clock and counts over a reopening', () => {
    const path = closedOutbox(1, 2)
    const outbox = open(path)
    expect(outbox.list({}).map(({ event }) => event?.lamport_clock)).toEqual([1, 2])
    expect(appendNumbers(outbox, 3).receipts[0]?.lamport_clock).toBe(3)
    expect(outbox.counts().held).toBe(3)
  })

  it('refuses a store of another owner (L12)', () => {
    const path = closedOutbox(1)
    const foreign = { kind: 'project', uuid: OTHER_PROJECT } as const
    expect(codeOf(() => open(path, foreign))).toBe('OUTBOX_OWNER_MISMATCH')
    expect(codeOf(() => open(path, REPOSITORY_OWNER))).toBe('OUTBOX_OWNER_MISMATCH')
    expect(open(path).counts().held).toBe(1)
  })

  it('refuses a newer schema and leaves the file byte for byte (L14)', () => {
    const path = closedOutbox(1)
    const db = new Database(path)
    db.pragma('user_version = 3')
    db.close()
    const before = readFileSync(path)
    expect(codeOf(() => open(path))).toBe('OUTBOX_TOO_NEW')
    expect(readFileSync(path).equals(before)).toBe(true)
  })

  it('does not fold the log of a newer version into its file (L14)', () => {
    const path = closedOutbox(1)
    const newer = rawDatabase(path)
    newer.pragma('user_version = 3')
    const folder = temporaryFolder()
    for (const suffix of ['', '-wal']) {
      writeFileSync(join(folder, `outbox.db${suffix}`), readFileSync(`${path}${suffix}`))
    }
    const copy = join(folder, 'outbox.db')
    const before = [readFileSync(copy), readFileSync(`${copy}-wal`)]
    expect(codeOf(() => open(copy))).toBe('OUTBOX_TOO_NEW')
    expect([readFileSync(copy), readFileSync(`${copy}-wal`)]).toEqual(before)
  })

  it.each([
    ['text', Buffer.from('this was never a database\n'.repeat(400))],
    ['zeros', Buffer.alloc(8_192)],
    [
      'a header and noise',
      Buffer.concat([Buffer.from('SQLite format 3\0'), Buffer.alloc(5_000, 7)]),
    ],
  ])('refuses a file of %s and leaves it as it is (L14)', (_, content) => {
    const path = join(temporaryFolder(), 'outbox.db')
    writeFileSync(path, content)
    expect(codeOf(() => open(path))).toBe('OUTBOX_CORRUPT')
    expect(readFileSync(path).equals(content)).toBe(true)
  })

  it('refuses a cut file and leaves it as it is (L14)', () => {
    const path = closedOutbox(1, 2, 3)
    const half = readFileSync(path).subarray(0, 10_000)
    writeFileSync(path, half)
    expect(codeOf(() => open(path).counts())).toBe('OUTBOX_CORRUPT')
    expect(readFileSync(path).equals(half)).toBe(true)
  })

  it("refuses another program's database and leaves it as it is (L14, S23)", () => {
    const path = join(temporaryFolder(), 'outbox.db')
    const db = new Database(path)
    db.exec('CREATE TABLE bookmark (url TEXT)')
    db.close()
    const before = readFileSync(path)
    expect(codeOf(() => open(path))).toBe('OUTBOX_CORRUPT')
    expect(readFileSync(path).equals(before)).toBe(true)
  })

  it('refuses a database of ours that lacks its tables', () => {
    const path = closedOutbox(1)
    const db = new Database(path)
    db.exec('DROP TABLE delivery')
    db.close()
    expect(codeOf(() => open(path))).toBe('OUTBOX_CORRUPT')
  })

  it('begins a store in an empty file', () => {
    const path = join(temporaryFolder(), 'outbox.db')
    writeFileSync(path, '')
    expect(appendNumbers(open(path), 1).receipts).toHaveLength(1)
  })

  it('answers with a code where the folder cannot be made', () => {
    const blocker = join(temporaryFolder(), 'file')
    writeFileSync(blocker, '')
    expect(codeOf(() => open(join(blocker, 'outbox.db')))).toBe('STATE_UNREACHABLE')
  })

  it('leaves one file behind when the last one closes it', () => {
    const path = closedOutbox(1)
    expect(readdirSync(join(path, '..'))).toEqual(['outbox.db'])
    expect(existsSync(`${path}-wal`)).toBe(false)
  })

  it('answers OUTBOX_BUSY, retryable, to each batch while another process keeps the lock', () => {
    const path = closedOutbox(1)
    const outbox = openOutbox({ path, busyTimeoutMs: 20 })
    const other = rawDatabase(path)
    other.exec('BEGIN IMMEDIATE')
    const answers = outbox.appendAll([[], []])
    expect(answers).toMatchObject([{ code: 'OUTBOX_BUSY' }, { code: 'OUTBOX_BUSY' }])
    other.exec('ROLLBACK')
    expect(appendNumbers(outbox, 2).receipts[0]?.lamport_clock).toBe(2)
  })

  it('waits by the rests of its thread, while it opens and while it appends', () => {
    const path = closedOutbox(1)
    const other = rawDatabase(path)
    let rests = 0
    const rest = () => {
      rests += 1
      other.exec('ROLLBACK')
      return true
    }
    other.exec('BEGIN IMMEDIATE')
    const outbox = openOutbox({ path, rest })
    expect(rests).toBe(1)
    other.exec('BEGIN IMMEDIATE')
    expect(appendNumbers(outbox, 2).receipts[0]?.lamport_clock).toBe(2)
    expect(rests).toBe(2)
  })

  it('answers OUTBOX_BUSY at once where its thread may rest no more', () => {
    const path = closedOutbox(1)
    let rests = 0
    const rest = () => {
      rests += 1
      return false
    }
    const outbox = openOutbox({ path, rest })
    rawDatabase(path).exec('BEGIN IMMEDIATE')
    expect(outbox.appendAll([[]])).toMatchObject([{ code: 'OUTBOX_BUSY' }])
    expect(rests).toBe(1)
    expect(codeOf(() => openOutbox({ path, rest }))).toBe('OUTBOX_BUSY')
  })
})
