/**
 * The row in which the process that owns the link says that it is live, so that others can route.
 */
import type Database from 'better-sqlite3'

import { LINK_STALE_MS, type LinkNews, type LinkRow } from './protocol.ts'

export class LinkRecord {
  readonly #read: Database.Statement<[], LinkRow>

  constructor(db: Database.Database) {
    this.#read = db.prepare<[], LinkRow>(
      'SELECT state, heartbeat_at, connection, reason, next_try_at FROM link',
    )
  }

  /** A heartbeat from the future is as stale as an old one: the wall clock has jumped. */
  isLive(nowMs: number): boolean {
    const row = this.#read.get()
    return row?.state === 'live' && Math.abs(nowMs - row.heartbeat_at) <= LINK_STALE_MS
  }

  /** What its holder says; null where nobody holds it. */
  held(nowMs: number): LinkRow | null {
    const row = this.#read.get()
    const isFresh = row !== undefined && Math.abs(nowMs - row.heartbeat_at) <= LINK_STALE_MS
    return isFresh ? row : null
  }
}

export function publishLink(db: Database.Database, news: LinkNews, nowMs: number): void {
  db.prepare(
    'INSERT INTO link VALUES (1, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET state = excluded.state, ' +
      'heartbeat_at = excluded.heartbeat_at, connection = excluded.connection, ' +
      'reason = excluded.reason, next_try_at = excluded.next_try_at',
  ).run(news.state, nowMs, news.connection, news.reason, news.next_try_at)
}

export function beatLink(db: Database.Database, nowMs: number): void {
  db.prepare('UPDATE link SET heartbeat_at = ?').run(nowMs)
}
