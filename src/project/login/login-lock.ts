/** One writer of the login at a time, over all processes of the machine: a lock that the kernel ends with its holder. */
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { LinkError, systemCode } from '../../errors.ts'

/** A writer holds it for a few file operations, and perhaps a keyring that asks. */
const WAIT_MS = 5_000

/** @throws LinkError LOGIN_BUSY (retryable), LOGIN_WRITE; and what `work` throws */
export function withLoginLock<Result>(state: string, work: () => Result): Result {
  const database = take(join(state, 'login.lock.db'))
  try {
    return work()
  } finally {
    // Closing rolls the empty transaction back, and with it frees the lock.
    database.close()
  }
}

function take(path: string): Database.Database {
  let database: Database.Database | null = null
  try {
    database = new Database(path, { timeout: WAIT_MS })
    database.exec('BEGIN EXCLUSIVE')
    return database
  } catch (error) {
    database?.close()
    const code = systemCode(error) ?? 'unknown fault'
    if (/^SQLITE_(?:BUSY|LOCKED)/.test(code)) {
      throw new LinkError('LOGIN_BUSY', 'another process is changing the login', {
        hint: 'Run the command again in a moment.',
        retryable: true,
      })
    }
    throw new LinkError(
      'LOGIN_WRITE',
      `the login can't be changed in the state directory: ${code}`,
      {
        hint: 'Check the owner and the free space of the state directory.',
      },
    )
  }
}
