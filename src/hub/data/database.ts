/**
 * Opens `hub.db`: created durably and for its owner only, refused when a newer version wrote it, and never used
 * before SQLite has confirmed that a commit reaches the disk.
 */
import { closeSync, existsSync, openSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import Database from 'better-sqlite3'
import type { Database as Connection } from 'better-sqlite3'
import { KittiwakeError, LinkError, systemCode } from '../../errors.ts'
import { syncFolder, syncParent } from '../../project/files/durable-file.ts'
import { makeFolders } from '../../project/files/make-folders.ts'
import { SCHEMA, STEPS } from './schema.ts'

export type { Connection }

export const DATABASE_FILE = 'hub.db'
const LOCK_FILE = 'hub.lock'
/** "kwkh": tells our file from another program's. */
export const APPLICATION_ID = 0x6b776b68
const SYNCHRONOUS_FULL = 2
const CHECKPOINT_PAGES = 4_000
/** How long a command waits for a hub that serves. */
const COMMAND_BUSY_MS = 5_000
const WAL_TRIES_MAX = 50
const WAL_PAUSE_MS = 20

export type OpenOptions = {
  /** How long a write waits for another process. */
  readonly busyTimeoutMs: number
  /** The caller holds the folder's lock. Who doesn't takes it where older tables must be changed. */
  readonly isLocked?: boolean
  /** Default true. Commands that look at a hub's data must not make any. */
  readonly create?: boolean
}

/** @throws LinkError HUB_DATA_UNUSABLE, HUB_DATA_NEWER, HUB_DATA_MISSING, HUB_DATA_IN_USE */
export function openDatabase(dataDir: string, options: OpenOptions): Connection {
  const folder = resolve(dataDir)
  const path = join(folder, DATABASE_FILE)
  try {
    if (options.create !== false) createFile(folder)
    else if (!existsSync(path)) throw missing()
    return openFile(path, options)
  } catch (error) {
    throw error instanceof LinkError ? error : unusable(error)
  }
}

/**
 * A command's own change, before a hub serves the folder or while it does.
 *
 * @param create whether data may be made where there is none
 * @throws LinkError HUB_DATA_MISSING, HUB_DATA_UNUSABLE, HUB_DATA_NEWER
 */
export function inTransaction<Value>(
  dataDir: string,
  create: boolean,
  work: (database: Connection, now: number) => Value,
): Value {
  const database = openDatabase(dataDir, { busyTimeoutMs: COMMAND_BUSY_MS, create })
  try {
    return database.transaction(() => work(database, Date.now())).immediate()
  } catch (error) {
    throw error instanceof KittiwakeError ? error : unusable(error)
  } finally {
    database.close()
  }
}

/**
 * Takes the lock that makes this the one hub of the folder. The kernel gives it back when the process dies.
 *
 * @throws LinkError HUB_DATA_IN_USE, HUB_DATA_UNUSABLE
 */
export function lockFolder(dataDir: string): Connection {
  let lock: Connection | null = null
  try {
    makeFolders(dataDir, 0o700)
    lock = new Database(join(resolve(dataDir), LOCK_FILE), { timeout: 0 })
    lock.exec('BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock?.close()
    if (systemCode(error) !== 'SQLITE_BUSY') throw unusable(error)
    throw new LinkError('HUB_DATA_IN_USE', 'another hub serves this data folder', {
      hint: 'Stop the other hub, or give this one a data folder of its own.',
      cause: error,
    })
  }
}

function missing(): LinkError {
  return new LinkError('HUB_DATA_MISSING', 'there is no hub.db in the data folder', {
    hint: 'Name the data folder of the hub with --data.',
  })
}

/** What can not be opened, read or written. */
export function unusable(cause: unknown): LinkError {
  const code = systemCode(cause) ?? 'unknown'
  return new LinkError('HUB_DATA_UNUSABLE', `the hub's data folder can't be used (${code})`, {
    hint: 'Check that the folder is writable and that hub.db in it is a database of this program.',
    cause,
  })
}

// SQLite would give the file the default mode, and would not make its name in the folder durable.
function createFile(folder: string): void {
  makeFolders(folder, 0o700)
  closeSync(openSync(join(folder, DATABASE_FILE), 'a', 0o600))
  syncFolder(folder)
  syncParent(folder)
}

function openFile(path: string, { busyTimeoutMs, isLocked = false }: OpenOptions): Connection {
  const database = new Database(path, { timeout: busyTimeoutMs })
  try {
    database.pragma('trusted_schema = OFF')
    database.pragma('cell_size_check = ON')
    useWriteAheadLog(database)
    database.pragma('synchronous = FULL')
    database.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
    // The build's default for a WAL is NORMAL, under which a commit may not survive a power cut.
    if (database.pragma('synchronous', { simple: true }) !== SYNCHRONOUS_FULL) {
      throw new LinkError('HUB_DATA_UNUSABLE', 'SQLite does not write durably here', {
        hint: 'Reinstall better-sqlite3 from the versions that package.json names.',
      })
    }
    if (isLocked) migrate(database)
    else migrateUnlocked(database, dirname(path))
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

// Two first openers at once can be told "busy" without the timeout: one would wait for the other.
function useWriteAheadLog(database: Connection): void {
  for (let tries = 1; ; tries++) {
    try {
      if (database.pragma('journal_mode = WAL', { simple: true }) === 'wal') return
      throw new LinkError('HUB_DATA_UNUSABLE', 'the data folder has no shared memory for SQLite', {
        hint: 'Put the data folder on a local disk.',
      })
    } catch (error) {
      if (systemCode(error) !== 'SQLITE_BUSY' || tries >= WAL_TRIES_MAX) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, WAL_PAUSE_MS)
    }
  }
}

// A hub that serves the folder knows its tables as they are: nobody changes them under it.
function migrateUnlocked(database: Connection, folder: string): void {
  // In a transaction: another process may be making the tables at this moment.
  const version = database.transaction(() => schemaOf(database))()
  if (version === 0 || version === SCHEMA) return migrate(database)
  const lock = lockFolder(folder)
  try {
    migrate(database)
  } finally {
    lock.close()
  }
}

function migrate(database: Connection): void {
  const run = database.transaction(() => {
    const version = schemaOf(database)
    if (version === SCHEMA) return
    for (const step of STEPS.slice(version)) database.exec(step)
    database.pragma(`application_id = ${APPLICATION_ID}`)
    database.pragma(`user_version = ${SCHEMA}`)
  })
  run.immediate()
}

/**
 * The schema of a hub's database; 0 for an empty file.
 *
 * @throws LinkError HUB_DATA_NEWER, HUB_DATA_UNUSABLE where it is another program's
 */
export function schemaOf(database: Connection): number {
  const version = Number(database.pragma('user_version', { simple: true }))
  const application = Number(database.pragma('application_id', { simple: true }))
  if (version > SCHEMA && application === APPLICATION_ID) {
    throw new LinkError('HUB_DATA_NEWER', `hub.db has schema ${version}; ${SCHEMA} is known`, {
      hint: 'Update kittiwake; the data folder was left as it is.',
    })
  }
  if (version > 0 && application === APPLICATION_ID) return version
  const tables = database.prepare('SELECT count(*) FROM sqlite_schema').pluck().get()
  if (version === 0 && application === 0 && tables === 0) return 0
  throw new LinkError('HUB_DATA_UNUSABLE', "hub.db is another program's database", {
    hint: 'Give the hub a data folder of its own.',
  })
}
