/**
 * What SQLite says, as an error of ours. Its own texts stay inside: they can quote paths and
 * values.
 */
import Database from 'better-sqlite3'

import { KittiwakeError, StoreError, systemCode } from '../../errors.ts'
import { reachHint } from '../../project/state-directory.ts'

/** Whoever comes first to a database makes its index of the log, before anything is written: a full disk has no room for it. */
const FULL: ReadonlySet<string> = new Set(['SQLITE_FULL', 'SQLITE_IOERR_SHMSIZE'])

/** A file that is no outbox, or a damaged one. */
export function corruptOutbox(cause?: unknown): StoreError {
  return new StoreError('OUTBOX_CORRUPT', 'the outbox must be an intact database of Kittiwake', {
    hint: 'It was left as it is. `kittiwake doctor` says where; move it away to begin anew.',
    cause,
  })
}

/** Ours stay as they are; SQLite's get a stable code; a bug stays a bug. */
export function storeErrorOf(error: unknown): unknown {
  if (error instanceof KittiwakeError) return error
  if (!(error instanceof Database.SqliteError)) {
    const isOfTheSystem = error instanceof Error && 'syscall' in error && systemCode(error) !== null
    return isOfTheSystem ? unreachable(error) : error
  }
  const { code } = error
  if (/^SQLITE_(?:BUSY|LOCKED)/.test(code)) {
    return new StoreError('OUTBOX_BUSY', 'the outbox is locked by another process', {
      hint: 'Try again; if it stays, end the process that holds it.',
      cause: error,
      retryable: true,
    })
  }
  if (FULL.has(code)) {
    return new StoreError('OUTBOX_DISK_FULL', 'the disk of the outbox is full', {
      hint: 'Free some space and try again; what was acknowledged is safe.',
      cause: error,
      retryable: true,
    })
  }
  if (code.startsWith('SQLITE_IOERR')) {
    return new StoreError('OUTBOX_IO', 'the disk failed while the outbox was used', {
      hint: 'Whether the events are stored is unknown; to append them again is safe.',
      cause: error,
      retryable: true,
    })
  }
  if (isUnfinished(error)) {
    return new StoreError('OUTBOX_UNFINISHED', 'a process died while it changed the outbox', {
      hint: 'The next writing command mends it, such as `kittiwake sync now`.',
      cause: error,
    })
  }
  if (/^SQLITE_(?:READONLY|CANTOPEN|PERM|AUTH)/.test(code)) {
    return unreachable(error)
  }
  return corruptOutbox(error)
}

/** Only a connection that writes may take back what a dead one has begun. */
export function isUnfinished(error: unknown): boolean {
  return error instanceof Database.SqliteError && error.code === 'SQLITE_READONLY_ROLLBACK'
}

function unreachable(cause: Error): StoreError {
  return new StoreError('OUTBOX_UNREACHABLE', 'the outbox must be readable and writable', {
    hint: reachHint(cause),
    cause,
  })
}

/** Runs `work` and throws what it throws as an error of ours. */
export function asStoreErrors<Result>(work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    throw storeErrorOf(error)
  }
}
