/**
 * Opens `hub.db`: created durably and for its owner only, refused when a newer version wrote it, and never used
 * before SQLite has confirmed that a commit reaches the disk. Longer than usual: the tables are part of it.
 */
import { closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import Database from 'better-sqlite3'
import type { Database as Connection } from 'better-sqlite3'
import { LinkError, systemCode } from '../errors.ts'

export type { Connection }

export const DATABASE_FILE = 'hub.db'
const LOCK_FILE = 'hub.lock'
const SCHEMA = 1
/** "kwkh": tells our file from another program's. */
const APPLICATION_ID = 0x6b776b68
const SYNCHRONOUS_FULL = 2
const CHECKPOINT_PAGES = 4_000
const WAL_TRIES_MAX = 50
const WAL_PAUSE_MS = 20

const TABLES = `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE tokens (
    token_hash BLOB PRIMARY KEY, team TEXT NOT NULL, user TEXT NOT NULL, created_at INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, team TEXT NOT NULL, event_id TEXT NOT NULL,
    project_uuid TEXT NOT NULL, node_id TEXT NOT NULL, lamport_clock INTEGER NOT NULL,
    content_hash BLOB NOT NULL, received_at INTEGER NOT NULL, body TEXT NOT NULL,
    UNIQUE (team, event_id)
  );
  CREATE INDEX events_by_project ON events (team, project_uuid, seq);
  CREATE TABLE commits (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, team TEXT NOT NULL, project_uuid TEXT NOT NULL,
    git_hash TEXT NOT NULL, content_hash BLOB NOT NULL, received_at INTEGER NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (team, project_uuid, git_hash)
  );
  CREATE INDEX commits_by_project ON commits (team, project_uuid, seq);
`

/**
 * @param busyTimeoutMs how long a write waits for another process
 * @throws LinkError HUB_DATA_UNUSABLE, HUB_DATA_NEWER
 */
export function openDatabase(dataDir: string, busyTimeoutMs: number): Connection {
  try {
    createFile(resolve(dataDir))
    return openFile(join(resolve(dataDir), DATABASE_FILE), busyTimeoutMs)
  } catch (error) {
    throw error instanceof LinkError ? error : unusable(error)
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
    mkdirSync(resolve(dataDir), { recursive: true, mode: 0o700 })
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

function unusable(cause: unknown): LinkError {
  const code = systemCode(cause) ?? 'unknown'
  return new LinkError('HUB_DATA_UNUSABLE', `the hub's data folder can't be used (${code})`, {
    hint: 'Check that the folder is writable and that hub.db in it is a database of this program.',
    cause,
  })
}

// SQLite would give the file the default mode, and would not make its name in the folder durable.
function createFile(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  closeSync(openSync(join(folder, DATABASE_FILE), 'a', 0o600))
  syncFolder(folder)
  syncFolder(dirname(folder))
}

function syncFolder(folder: string): void {
  try {
    const descriptor = openSync(folder, 'r')
    try {
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
  } catch (error) {
    // Windows can't sync a folder, and a parent need not be readable to us.
    if (systemCode(error) === 'EIO') throw error
  }
}

function openFile(path: string, busyTimeoutMs: number): Connection {
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
    migrate(database)
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

function migrate(database: Connection): void {
  const create = database.transaction(() => {
    const version = Number(database.pragma('user_version', { simple: true }))
    const application = Number(database.pragma('application_id', { simple: true }))
    if (version > SCHEMA && application === APPLICATION_ID) {
      throw new LinkError('HUB_DATA_NEWER', `hub.db has schema ${version}; ${SCHEMA} is known`, {
        hint: 'Update kittiwake; the data folder was left as it is.',
      })
    }
    if (version === SCHEMA && application === APPLICATION_ID) return
    const tables = database.prepare('SELECT count(*) FROM sqlite_schema').pluck().get()
    if (version !== 0 || application !== 0 || tables !== 0) {
      throw new LinkError('HUB_DATA_UNUSABLE', "hub.db is another program's database", {
        hint: 'Give the hub a data folder of its own.',
      })
    }
    database.exec(TABLES)
    database.pragma(`application_id = ${APPLICATION_ID}`)
    database.pragma(`user_version = ${SCHEMA}`)
  })
  create.immediate()
}
