/**
 * Takes everything of one project out of the state directory: events, what became of them, consent, hubs and the link row.
 * What stays is its clocks, under a name that tells nothing.
 *
 * The database is emptied in place, because others may have it open: a file that is removed under them would take their next
 * events with it, and with its log perhaps those of the file that comes after it. Only whoever is alone removes the file.
 */
import { existsSync, rmdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'

import type Database from 'better-sqlite3'

import { LinkError } from '../../errors.ts'
import { syncFolder } from '../../project/files/durable-file.ts'
import { focusPath, outboxPath, senderLeasePath } from '../../project/state-directory.ts'
import { BUSY_TIMEOUT_MS, openDatabase } from './open-database.ts'
import { isBusy, patiently } from './patience.ts'
import { retainClocks } from './retained-clock.ts'
import { SenderLease } from './sender-lease.ts'
import { asStoreErrors } from './store-error.ts'

/** False where there was nothing. @throws LinkError LINK_HELD, StoreError as `openDatabase` */
export function purgeProject(state: string, projectUuid: string): boolean {
  const path = outboxPath(state, projectUuid)
  const focus = focusPath(state, projectUuid)
  if (existsSync(focus)) asStoreErrors(() => rmSync(focus, { force: true }))
  if (!existsSync(path)) return false
  const leasePath = senderLeasePath(state, projectUuid)
  const lease = SenderLease.tryAcquire(leasePath)
  if (lease === null) throw held()
  try {
    asStoreErrors(() => empty(state, projectUuid, path))
    rmSync(leasePath, { force: true })
  } finally {
    lease.release()
  }
  removeFolder(dirname(path))
  return true
}

function empty(state: string, projectUuid: string, path: string): void {
  const db = openDatabase(path, { kind: 'project', uuid: projectUuid })
  try {
    insist(() =>
      db
        .transaction(() => {
          // First: from here on the project's next event could be the first of a new store.
          retainClocks(state, projectUuid, db)
          dropAll(db)
        })
        .immediate(),
    )
    insist(() => db.exec('VACUUM'))
    insist(() => db.pragma('wal_checkpoint(TRUNCATE)'))
    if (isAlone(db)) removeFile(db, path)
  } finally {
    db.close()
  }
}

/** What is left is as a store that was never begun. */
function dropAll(db: Database.Database): void {
  const tables = db
    .prepare<[], string>(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    )
    .pluck()
    .all()
  for (const table of tables) db.exec(`DROP TABLE "${table}"`)
  db.exec('DELETE FROM sqlite_sequence')
  db.pragma('application_id = 0')
  db.pragma('user_version = 0')
}

/** SQLite leaves the write-ahead log only where nobody else has the file open. */
function isAlone(db: Database.Database): boolean {
  try {
    return db.pragma('journal_mode = DELETE', { simple: true }) === 'delete'
  } catch (error) {
    if (isBusy(error)) return false
    throw error
  }
}

/** Whoever opens it meanwhile waits for the lock, and finds another file or none by the name. */
function removeFile(db: Database.Database, path: string): void {
  try {
    db.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    if (isBusy(error)) return
    throw error
  }
  rmSync(path, { force: true })
  db.exec('ROLLBACK')
}

function removeFolder(folder: string): void {
  try {
    rmdirSync(folder)
    syncFolder(dirname(folder))
  } catch {
    // Somebody has the emptied store open: it stays.
  }
}

function insist(work: () => unknown): void {
  patiently(work, BUSY_TIMEOUT_MS)
}

function held(): LinkError {
  return new LinkError('LINK_HELD', 'another process holds the link of this project', {
    hint: 'End it, then ask again; `kittiwake sync status` shows the link.',
    retryable: true,
  })
}
