/** Windows of browsers that are logged in: each by its own secret together with that of its browser, both as hashes. */
import type { Statement, Transaction } from 'better-sqlite3'
import type { Connection } from './database.ts'
import { SESSIONS_MAX } from '../limits.ts'

export type StoredSession = {
  readonly browser_hash: Buffer
  /** The hash of the secret of the token that it came from. */
  readonly token_hash: Buffer
}
export type NewSession = StoredSession & { readonly secret_hash: Buffer; readonly ends_at: number }

export class SessionsTable {
  readonly #add: Transaction<(session: NewSession, now: number) => void>
  readonly #find: Statement<[Buffer, number], StoredSession>
  readonly #ofBrowser: Statement<[Buffer, number], 1>
  readonly #end: Statement<[Buffer]>

  constructor(database: Connection) {
    const insert = database.prepare<[NewSession]>(
      `INSERT OR REPLACE INTO sessions (secret_hash, browser_hash, token_hash, ends_at)
       VALUES (@secret_hash, @browser_hash, @token_hash, @ends_at)`,
    )
    const sweep = database.prepare('DELETE FROM sessions WHERE ends_at <= ?')
    const makeRoom = database.prepare(
      `DELETE FROM sessions WHERE secret_hash IN
         (SELECT secret_hash FROM sessions ORDER BY ends_at DESC LIMIT -1 OFFSET ?)`,
    )
    this.#add = database.transaction((session: NewSession, now: number) => {
      sweep.run(now)
      insert.run(session)
      makeRoom.run(SESSIONS_MAX)
    })
    this.#find = database.prepare(
      'SELECT browser_hash, token_hash FROM sessions WHERE secret_hash = ? AND ends_at > ?',
    )
    this.#ofBrowser = database
      .prepare<[Buffer, number], 1>('SELECT 1 FROM sessions WHERE browser_hash = ? AND ends_at > ?')
      .pluck()
    this.#end = database.prepare('DELETE FROM sessions WHERE secret_hash = ?')
  }

  add(session: NewSession, now: number): void {
    this.#add.immediate(session, now)
  }

  find(secretHash: Buffer, now: number): StoredSession | null {
    return this.#find.get(secretHash, now) ?? null
  }

  /** Whether a browser has a window that is logged in. */
  knows(browserHash: Buffer, now: number): boolean {
    return this.#ofBrowser.get(browserHash, now) !== undefined
  }

  end(secretHash: Buffer): void {
    this.#end.run(secretHash)
  }
}
