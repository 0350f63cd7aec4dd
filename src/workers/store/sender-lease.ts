/**
 * The right to send for one project on this machine. It is a lock that the kernel takes back the
 * moment its holder dies, however it dies: no pid file, no expiry, no clock.
 */
import { existsSync } from 'node:fs'

import Database from 'better-sqlite3'

import { systemCode } from '../../errors.ts'
import { makeStateFile } from '../../project/state-directory.ts'
import { storeErrorOf } from './store-error.ts'

export class SenderLease {
  readonly #db: Database.Database

  /** Null where another connection, of this process or any other, holds it. @throws StoreError */
  static tryAcquire(path: string): SenderLease | null {
    let db: Database.Database | null = null
    try {
      makeStateFile(path)
      db = new Database(path, { timeout: 0 })
      // Nothing is ever written: the lock alone is the lease.
      db.exec('BEGIN EXCLUSIVE')
      return new SenderLease(db)
    } catch (error) {
      db?.close()
      if (systemCode(error)?.startsWith('SQLITE_BUSY')) return null
      throw storeErrorOf(error)
    }
  }

  /**
   * Whether some process holds it; makes no file. Never for its holder's own process, which would
   * lose it: to close any descriptor of the file drops the POSIX locks on it.
   *
   * @throws StoreError
   */
  static isHeld(path: string): boolean {
    if (!existsSync(path)) return false
    let db: Database.Database | null = null
    try {
      db = new Database(path, { readonly: true, fileMustExist: true, timeout: 0 })
      db.pragma('schema_version')
      return false
    } catch (error) {
      if (systemCode(error)?.startsWith('SQLITE_BUSY')) return true
      throw storeErrorOf(error)
    } finally {
      db?.close()
    }
  }

  private constructor(db: Database.Database) {
    this.#db = db
  }

  /** Twice is once. */
  release(): void {
    this.#db.close()
  }
}
