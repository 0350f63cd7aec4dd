/** One file that holds a hub's data as it was at one moment, and the way back. */
import { randomUUID } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import Database from 'better-sqlite3'
import { LinkError, systemCode } from '../../errors.ts'
import {
  createDurably,
  discard,
  sweepLeftovers,
  syncFile,
  syncFolder,
  takeNewName,
  temporaryBeside,
} from '../../project/files/durable-file.ts'
import { sharedData, useOf } from '../data/data-use.ts'
import type { DataUse } from '../data/data-use.ts'
import { DATABASE_FILE, lockFolder, openDatabase } from '../data/database.ts'
import type { Connection } from '../data/database.ts'
import { Epoch } from '../data/epoch.ts'
import { verifyDatabase } from './verify.ts'
import type { Verification } from './verify.ts'

const BUSY_TIMEOUT_MS = 5_000
const LEFTOVER_MS = 3_600_000
const WORK = 'restore-'

/**
 * Writes the data into a file that is not there yet, while a hub serves it or not, and reads the file again.
 *
 * @throws LinkError HUB_BACKUP_EXISTS, HUB_BACKUP_FAILED, HUB_DATA_MISSING, HUB_DATA_UNUSABLE, HUB_DATA_NEWER
 */
export function backupHub(dataDir: string, file: string): Verification {
  if (existsSync(file)) throw exists()
  const database = openDatabase(dataDir, { busyTimeoutMs: BUSY_TIMEOUT_MS, create: false })
  const temporary = temporaryBeside(resolve(file))
  try {
    sweepLeftovers(resolve(file), LEFTOVER_MS)
    createDurably(temporary, { text: '', mode: 0o600 })
    database.prepare('VACUUM INTO ?').run(temporary)
    const verification = verifyFile(temporary)
    syncFile(temporary)
    if (!takeNewName(temporary, resolve(file))) throw exists()
    return verification
  } catch (error) {
    throw error instanceof LinkError ? error : failed('HUB_BACKUP_FAILED', 'the backup', error)
  } finally {
    database.close()
    discard(temporary)
  }
}

function verifyFile(path: string): Verification {
  const copy = new Database(path, { readonly: true, fileMustExist: true })
  try {
    return verifyDatabase(copy, null)
  } finally {
    copy.close()
  }
}

export type Restoration = {
  readonly events: number
  readonly commits: number
  /** A new one, unless it is shared: what was acknowledged after the backup may be gone, and is to be sent again. */
  readonly epoch: string
  /** A copy of what hubs share: it goes on from where it was in their log. */
  readonly shared: boolean
  /** Where the data lies that was there before, or null. */
  readonly before: string | null
}

/**
 * Puts a backup in the place of the data, which is kept aside. Tokens and webhooks stay as they are now, so that none that
 * was revoked comes back; where there are no tokens, those of the backup count. Sessions of browsers end. A copy of what hubs
 * share is put into a folder without data alone, and nothing of it is changed.
 *
 * @throws LinkError HUB_DATA_IN_USE, HUB_BACKUP_UNUSABLE, HUB_BACKUP_UNSOUND, HUB_DATA_NEWER, HUB_RESTORE_FAILED,
 * HUB_DATA_SHARED
 */
export function restoreHub(dataDir: string, file: string): Restoration {
  const folder = resolve(dataDir)
  const path = join(folder, DATABASE_FILE)
  const lock = lockFolder(folder)
  let work: string | null = null
  try {
    sweepWork(folder)
    work = mkdtempSync(join(folder, WORK))
    const copy = join(work, DATABASE_FILE)
    copyIn(file, copy)
    const { verification, use } = prepareCopy(work, path)
    // SQLite makes sure of what it wrote itself alone.
    syncFile(copy)
    const { events, commits } = verification
    const before = existsSync(path) ? setAside(path) : null
    renameSync(copy, path)
    syncFolder(folder)
    return { events, commits, epoch: settleEpoch(folder, use), shared: use === 'shared', before }
  } catch (error) {
    throw error instanceof LinkError ? error : failed('HUB_RESTORE_FAILED', 'the data', error)
  } finally {
    if (work !== null) discard(work)
    lock.close()
  }
}

// What a restore left that was ended: whoever holds the folder's lock is the only one.
function sweepWork(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (name.startsWith(WORK)) rmSync(join(folder, name), { recursive: true, force: true })
  }
}

function copyIn(file: string, copy: string): void {
  try {
    if (!statSync(file).isFile()) throw unusable()
    copyFileSync(file, copy)
  } catch (error) {
    throw error instanceof LinkError ? error : unusable(error)
  }
  chmodSync(copy, 0o600)
}

type Prepared = { readonly verification: Verification; readonly use: DataUse }

function prepareCopy(work: string, path: string): Prepared {
  const database = openCopy(work)
  try {
    const verification = verifyDatabase(database, null)
    if (!verification.sound) throw unsound()
    const use = useOf(database) ?? 'own'
    // One copy of what hubs share, put back, would be behind what it told its clients.
    if (isShared(path) || (use === 'shared' && existsSync(path))) throw sharedData()
    if (use === 'shared') return { verification, use }
    database.exec('DELETE FROM sessions')
    if (existsSync(path)) keepTokens(database, path)
    database
      .prepare("INSERT OR REPLACE INTO meta (key, value) VALUES ('epoch', ?)")
      .run(randomUUID())
    return { verification, use }
  } catch (error) {
    throw systemCode(error)?.startsWith('SQLITE_') === true ? unusable(error) : error
  } finally {
    database.close()
  }
}

function openCopy(work: string): Connection {
  try {
    const options = { busyTimeoutMs: BUSY_TIMEOUT_MS, isLocked: true, create: false }
    return openDatabase(work, options)
  } catch (error) {
    if (error instanceof LinkError && error.code === 'HUB_DATA_NEWER') throw error
    throw unusable(error)
  }
}

// Data that can't be read is nobody's.
function isShared(path: string): boolean {
  if (!existsSync(path)) return false
  try {
    const database = new Database(path, { readonly: true })
    try {
      return useOf(database) === 'shared'
    } finally {
      database.close()
    }
  } catch (error) {
    if (systemCode(error)?.startsWith('SQLITE_') === true) return false
    throw error
  }
}

// Data that can't be read has no tokens to keep.
function keepTokens(database: Connection, path: string): void {
  try {
    database.prepare('ATTACH ? AS present').run(path)
    if (database.prepare('SELECT 1 FROM present.tokens LIMIT 1').get() === undefined) return
    database.exec(`
      BEGIN; DELETE FROM main.tokens; DELETE FROM main.secrets;
      INSERT INTO main.tokens SELECT * FROM present.tokens;
      INSERT INTO main.secrets SELECT * FROM present.secrets; COMMIT`)
    database.exec(`
      BEGIN; DELETE FROM main.webhooks;
      INSERT INTO main.webhooks SELECT * FROM present.webhooks; COMMIT`)
  } catch {
    if (database.inTransaction) database.exec('ROLLBACK')
  }
}

/** Gives the present data a name of its own; the old name stays until the copy takes it. */
function setAside(path: string): string {
  foldLog(path)
  const aside = `${path}.before-${new Date().toISOString().replaceAll(/[-:.]/g, '')}`
  linkSync(path, aside)
  // A log that could not be folded must not be taken for the copy's.
  for (const suffix of ['-wal', '-shm']) {
    if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix)
  }
  return aside
}

// SQLite folds the log into the file when the last connection is closed. Data that is damaged keeps it.
function foldLog(path: string): void {
  try {
    const database = new Database(path, { fileMustExist: true })
    database.pragma('wal_checkpoint(TRUNCATE)')
    database.close()
  } catch (error) {
    if (systemCode(error)?.startsWith('SQLITE_') !== true) throw error
  }
}

// The mark that lies there tells of the data before: numbers go on above it, under one more epoch.
function settleEpoch(folder: string, use: DataUse): string {
  const options = { busyTimeoutMs: BUSY_TIMEOUT_MS, isLocked: true, create: false }
  const database = openDatabase(folder, options)
  try {
    const epoch = new Epoch(database, folder, use)
    epoch.close()
    return epoch.id
  } finally {
    database.close()
  }
}

function exists(): LinkError {
  return new LinkError('HUB_BACKUP_EXISTS', 'there is a file of that name already', {
    hint: 'Give the backup a name of its own.',
  })
}

function unusable(cause?: unknown): LinkError {
  return new LinkError(
    'HUB_BACKUP_UNUSABLE',
    'the file is no backup of a hub, or can not be read',
    {
      hint: 'Name a file that `kittiwake hub backup` wrote.',
      cause,
    },
  )
}

function unsound(): LinkError {
  return new LinkError('HUB_BACKUP_UNSOUND', 'the backup is damaged; the data was left as it is', {
    hint: 'Take an older backup.',
  })
}

function failed(code: string, what: string, cause: unknown): LinkError {
  const reason = systemCode(cause) ?? 'unknown'
  return new LinkError(code, `${what} can't be written (${reason})`, {
    hint: 'Check that the folder is there and writable and that the disk has room.',
    cause,
  })
}
