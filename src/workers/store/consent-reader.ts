/**
 * What the sink asks for each record before it leaves: has the project whose uuid the record itself
 * carries said yes? Absent, unreadable, foreign: all mean no.
 */
import { statSync } from 'node:fs'

import type Database from 'better-sqlite3'

import { outboxPath } from '../../project/state-directory.ts'
import { openReadOnly } from './open-database.ts'

/** No is the answer while somebody locks the store: the frame is asked for again, and the link must not stand still. */
const NO_WAIT_MS = 0
/** A socket worker serves one project; others only come up in a mix-up. */
const OPEN_STORES_MAX = 8

type OpenStore = {
  readonly db: Database.Database
  readonly file: string
  readonly grant: Database.Statement<[string], number>
}

export class ConsentReader {
  readonly #state: string
  readonly #storeByUuid = new Map<string, OpenStore>()

  /** `state`: the state directory. Nothing is opened before the first question. */
  constructor(state: string) {
    this.#state = state
  }

  granted(projectUuid: string): boolean {
    return this.grant(projectUuid) !== null
  }

  /** The number of the grant that is in force; null where the answer is no. Each grant has one of its own. */
  grant(projectUuid: string): number | null {
    try {
      return this.#store(projectUuid)?.grant.get(projectUuid) ?? null
    } catch {
      this.#forget(projectUuid)
      return null
    }
  }

  close(): void {
    for (const uuid of this.#storeByUuid.keys()) this.#forget(uuid)
  }

  /**
   * A store that was removed or replaced keeps answering on an open connection, so its file is
   * looked at.
   */
  #store(projectUuid: string): OpenStore | null {
    const path = outboxPath(this.#state, projectUuid)
    const { dev, ino } = statSync(path)
    const file = `${dev}:${ino}`
    const known = this.#storeByUuid.get(projectUuid)
    if (known?.file === file) return known
    this.#forget(projectUuid)
    const owner = { kind: 'project', uuid: projectUuid } as const
    const db = openReadOnly(path, owner, NO_WAIT_MS)
    if (db === null) return null
    const grant = db
      .prepare<[string], number>(
        "SELECT epoch FROM consent WHERE project_uuid = ? AND state = 'granted'",
      )
      .pluck()
    const [oldest] = this.#storeByUuid.keys()
    if (oldest !== undefined && this.#storeByUuid.size >= OPEN_STORES_MAX) this.#forget(oldest)
    const store = { db, file, grant }
    this.#storeByUuid.set(projectUuid, store)
    return store
  }

  #forget(projectUuid: string): void {
    this.#storeByUuid.get(projectUuid)?.db.close()
    this.#storeByUuid.delete(projectUuid)
  }
}
