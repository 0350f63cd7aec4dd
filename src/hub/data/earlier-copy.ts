/** What a hub held before its copy is made anew: a file beside it, until the new one has all that was said again from it. */
import { existsSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import {
  createDurably,
  sweepLeftovers,
  syncFile,
  syncFolder,
  temporaryBeside,
} from '../../project/files/durable-file.ts'
import { ChangeTable } from './change-table.ts'
import type { Connection } from './database.ts'
import { epochIn } from './epoch.ts'
import type { TimedEntries } from '../entries.ts'
import { LogTable, positionIn } from './log-table.ts'
import type { Position } from './log-table.ts'
import { retoldBatches } from './retold.ts'
import { SessionsTable } from './sessions-table.ts'

/** A project as all hubs know it. */
export type ProjectName = { readonly team: string; readonly project_uuid: string }

/** What can be said again to a server. */
export type Held = {
  readonly log: LogTable
  /** The last one that the log has told of. */
  readonly base: Position | null
  readonly changes: ChangeTable
  /** Null where none has begun. */
  readonly epoch: string | null
  readonly projects: () => readonly (ProjectName & { readonly head: number })[]
  readonly retold: () => Iterable<TimedEntries>
}

export function heldIn(database: Connection): Held {
  return {
    log: new LogTable(database),
    base: positionIn(database, 'base'),
    changes: new ChangeTable(database, new SessionsTable(database)),
    epoch: epochIn(database),
    projects: () =>
      database
        .prepare<[], ProjectName & { head: number }>(
          'SELECT team, project_uuid, head FROM projects',
        )
        .all(),
    retold: () => retoldBatches(database),
  }
}

export class EarlierCopy {
  readonly #path: string

  constructor(database: Connection) {
    this.#path = `${database.name}.earlier`
  }

  get isThere(): boolean {
    return existsSync(this.#path)
  }

  /** Durable when it returns. Not in a transaction. */
  keep(database: Connection): void {
    sweepLeftovers(this.#path)
    const temporary = temporaryBeside(this.#path)
    try {
      createDurably(temporary, { text: '', mode: 0o600 })
      database.prepare('VACUUM INTO ?').run(temporary)
      syncFile(temporary)
      renameSync(temporary, this.#path)
    } finally {
      rmSync(temporary, { force: true })
    }
    syncFolder(dirname(this.#path))
  }

  async read<Value>(work: (held: Held) => Promise<Value>): Promise<Value> {
    const database = new Database(this.#path, { readonly: true })
    try {
      return await work(heldIn(database))
    } finally {
      database.close()
    }
  }

  remove(): void {
    rmSync(this.#path, { force: true })
  }
}
