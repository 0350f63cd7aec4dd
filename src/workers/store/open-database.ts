/**
 * Opens the database of one outbox: settings, schema, owner. Nothing is used before all are checked;
 * the file is long because their order is the point.
 */
import { statSync } from 'node:fs'

import Database from 'better-sqlite3'

import { StoreError } from '../../errors.ts'
import { makeStateFile } from '../../project/state-directory.ts'
import type { Rest } from '../serve.ts'
import { migrateFrom1 } from './migrate.ts'
import { NATIVE_WAIT_MS, patiently } from './patience.ts'
import { restoreClocks } from './retained-clock.ts'
import { APPLICATION_ID, SCHEMA_SQL, SCHEMA_VERSION } from './schema.ts'
import { asStoreErrors, corruptOutbox, isUnfinished } from './store-error.ts'
import type { OutboxOwner } from './outbox-place.ts'

/** How long a transaction waits for another process's. */
export const BUSY_TIMEOUT_MS = 4_000
/** About 40 MB between checkpoints; the default of 1,000 costs a quarter of the throughput. */
const CHECKPOINT_PAGES = 10_000
const WAL_SIZE_LIMIT_BYTES = 64 * 1024 * 1024
const SYNCHRONOUS_FULL = 2

/**
 * Opens for writing, and creates folder, file and schema where there is none.
 *
 * @throws StoreError OUTBOX_CORRUPT, OUTBOX_TOO_NEW, OUTBOX_OWNER_MISMATCH, OUTBOX_NOT_DURABLE,
 *   OUTBOX_BUSY,
 *   OUTBOX_UNREACHABLE
 */
export function openDatabase(
  path: string,
  owner: OutboxOwner,
  busyTimeoutMs: number = BUSY_TIMEOUT_MS,
  rest?: Rest,
): Database.Database {
  return asStoreErrors(() => patiently(() => openOnce(path, owner), busyTimeoutMs, rest))
}

/** A purge removes the file under its lock: nothing may be written into one that has lost its name meanwhile. */
function openOnce(path: string, owner: OutboxOwner): Database.Database {
  makeStateFile(path)
  const file = fileOf(path)
  try {
    const db = openPresent(path, owner)
    if (fileOf(path) === file) return db
    db.close()
  } catch (error) {
    if (fileOf(path) === file) throw error
  }
  // So that it is opened again, by its name.
  throw new Database.SqliteError('the file was exchanged', 'SQLITE_BUSY')
}

function openPresent(path: string, owner: OutboxOwner): Database.Database {
  // A writing connection folds the log into the file when it closes; so a file that isn't ours to
  // change is first looked at by one that can't.
  if (sizeOf(path) > 0) lookAt(path)
  return opened(new Database(path, { timeout: NATIVE_WAIT_MS }), (db) => {
    headerOf(db)
    applySettings(db)
    db.transaction(() => bringUpToDate(db, path, owner)).immediate()
    checkOwner(db, owner)
    assertDurable(db)
  })
}

function lookAt(path: string): void {
  try {
    opened(new Database(path, { readonly: true, timeout: NATIVE_WAIT_MS }), headerOf).close()
  } catch (error) {
    // A process died while it made the file or brought it up to date: to take that back is for whoever writes.
    if (!isUnfinished(error)) throw error
  }
}

/**
 * Opens for reading; null where there is no store yet. Creates nothing.
 *
 * @throws StoreError OUTBOX_CORRUPT, OUTBOX_TOO_NEW, OUTBOX_OUTDATED, OUTBOX_UNFINISHED,
 *   OUTBOX_OWNER_MISMATCH, OUTBOX_BUSY, OUTBOX_UNREACHABLE
 */
export function openReadOnly(
  path: string,
  owner: OutboxOwner,
  busyTimeoutMs: number,
): Database.Database | null {
  return asStoreErrors(() => patiently(() => openReadOnlyOnce(path, owner), busyTimeoutMs))
}

function openReadOnlyOnce(path: string, owner: OutboxOwner): Database.Database | null {
  if (sizeOf(path) === 0) return null
  const db = new Database(path, { readonly: true, fileMustExist: true, timeout: NATIVE_WAIT_MS })
  let isEmpty = false
  opened(db, () => {
    guardReads(db)
    const header = headerOf(db)
    isEmpty = header === 'empty'
    if (!isEmpty) checkOwner(db, owner)
    if (header === 'outdated') throw outdated()
  })
  if (!isEmpty) return db
  db.close()
  return null
}

/**
 * Durable means that a commit is on the disk when it returns. @throws StoreError OUTBOX_NOT_DURABLE
 */
export function assertDurable(db: Database.Database): void {
  const isWal = db.pragma('journal_mode', { simple: true }) === 'wal'
  const isFull = db.pragma('synchronous', { simple: true }) === SYNCHRONOUS_FULL
  if (isWal && isFull) return
  throw new StoreError(
    'OUTBOX_NOT_DURABLE',
    'the outbox must run with a write-ahead log and synchronous=FULL',
    { hint: 'Set KITTIWAKE_HOME to a folder on a local disk.' },
  )
}

/** 0 where there is no file. A pipe or a folder is never opened: it could hang. */
function sizeOf(path: string): number {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats?.isFile() === false) throw corruptOutbox()
  return stats?.size ?? 0
}

/** Whether there is anything at that place. @throws StoreError OUTBOX_UNREACHABLE */
export function isThere(path: string): boolean {
  return asStoreErrors(() => statSync(path, { throwIfNoEntry: false })) !== undefined
}

function fileOf(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false })
  return `${stats?.dev}:${stats?.ino}`
}

function opened(db: Database.Database, check: (db: Database.Database) => unknown) {
  try {
    check(db)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** Whoever only looks can't bring it up to date. */
function outdated(): StoreError {
  return new StoreError('OUTBOX_OUTDATED', 'the outbox was made by an older version of Kittiwake', {
    hint: 'The next writing command brings it up to date, such as `kittiwake sync now`.',
  })
}

function headerOf(db: Database.Database): 'ready' | 'outdated' | 'empty' {
  const applicationId = db.pragma('application_id', { simple: true })
  const version = Number(db.pragma('user_version', { simple: true }))
  if (applicationId === APPLICATION_ID && version === SCHEMA_VERSION) return 'ready'
  if (applicationId === APPLICATION_ID && version === 1) return 'outdated'
  if (applicationId === APPLICATION_ID && version > SCHEMA_VERSION) {
    throw new StoreError(
      'OUTBOX_TOO_NEW',
      `the outbox has schema ${version}; this version of Kittiwake knows ${SCHEMA_VERSION}`,
      { hint: 'Update Kittiwake. The outbox was not changed.' },
    )
  }
  const tables = db
    .prepare("SELECT count(*) FROM sqlite_schema WHERE name <> 'sqlite_sequence'")
    .pluck()
    .get()
  if (applicationId === 0 && version === 0 && tables === 0) return 'empty'
  throw corruptOutbox()
}

function applySettings(db: Database.Database): void {
  guardReads(db)
  db.pragma('journal_mode = WAL')
  // The compiled-in default of a reopened log is NORMAL, which loses acknowledged commits in a
  // power cut.
  db.pragma('synchronous = FULL')
  db.pragma('fullfsync = ON')
  db.pragma('checkpoint_fullfsync = ON')
  db.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
  db.pragma(`journal_size_limit = ${WAL_SIZE_LIMIT_BYTES}`)
}

function guardReads(db: Database.Database): void {
  db.pragma('trusted_schema = OFF')
  db.pragma('cell_size_check = ON')
}

function bringUpToDate(db: Database.Database, path: string, owner: OutboxOwner): void {
  const header = headerOf(db)
  if (header === 'ready') return
  if (header === 'outdated') {
    checkOwner(db, owner)
    migrateFrom1(db)
  } else {
    db.exec(SCHEMA_SQL)
    db.prepare('INSERT INTO owner VALUES (1, ?, ?)').run(owner.kind, ownerId(owner))
    restoreClocks(path, owner, db)
    db.pragma(`application_id = ${APPLICATION_ID}`)
  }
  db.pragma(`user_version = ${SCHEMA_VERSION}`)
}

function checkOwner(db: Database.Database, owner: OutboxOwner): void {
  type Row = { kind: string; id: string }
  const row = db.prepare<[], Row>('SELECT kind, id FROM owner').get()
  if (row === undefined) throw corruptOutbox()
  if (row.kind === owner.kind && row.id === ownerId(owner)) return
  throw new StoreError('OUTBOX_OWNER_MISMATCH', 'the outbox belongs to another project', {
    hint: 'Stores are never shared or renamed. Move the file back to where it came from.',
  })
}

function ownerId(owner: OutboxOwner): string {
  return owner.kind === 'project' ? owner.uuid : owner.key
}
