/**
 * One hub's copy of the log that hubs share: the messages change the tables in the order of the log, and nothing else does, so
 * that all copies are the same. A batch of messages, and how far the log was followed, are one transaction.
 */
import { ChangeTable } from './change-table.ts'
import type { Change } from './changes.ts'
import type { Connection } from './database.ts'
import { EarlierCopy, heldIn } from './earlier-copy.ts'
import type { Held } from './earlier-copy.ts'
import type { Outcome } from './entries.ts'
import { epochIn } from './epoch.ts'
import type { TimedEntries } from './inserts.ts'
import { LogTable, positionIn } from './log-table.ts'
import type { LoggedMessage, Position } from './log-table.ts'
import { prefixesOf } from './nats/messages.ts'
import type { HubStore } from './store.ts'

/** A message of the log, as it was and as it is meant; null where nobody can read it. */
export type ReadMessage = LoggedMessage & { readonly meaning: Meaning | null }
export type Meaning = TimedEntries | { readonly change: Change }

type Deletion = Extract<Change, { readonly kind: 'deletion' }>
type Done = { isEpochNew: boolean; isProjectGone: boolean }
/** What messages made: outcomes by message, and whether more than rows were added. */
export type Applied = {
  readonly outcomes: readonly (readonly Outcome[])[]
  readonly isEpochNew: boolean
  readonly isProjectGone: boolean
}

const ROWS = ['events', 'commits', 'lines', 'projects', 'tokens', 'secrets', 'webhooks', 'sessions']
const OF_LOG = ['log', 'told']
const NUMBERED = ['events', 'commits', 'lines']
/** More than one message can bring. */
const ROWS_OF_MESSAGE_MAX = 2 ** 20
const NO_ENTRIES: TimedEntries = { entries: [], at: 0 }

export class SharedCopy {
  readonly log: LogTable
  readonly changes: ChangeTable
  readonly #database: Connection
  readonly #store: HubStore
  readonly #earlier: EarlierCopy
  #dataVersion = -1

  constructor(database: Connection, store: HubStore) {
    this.#database = database
    this.#store = store
    this.#earlier = new EarlierCopy(database)
    this.log = new LogTable(database)
    this.changes = new ChangeTable(database, store.sessions)
    const unscrubbed = database.prepare("SELECT 1 FROM meta WHERE key = 'unscrubbed'")
    if (unscrubbed.get() !== undefined) this.#scrub()
  }

  /** Applies the next messages of the log, all or none. Entries of a batch before its changes. */
  apply(messages: readonly ReadMessage[]): Applied {
    const done = { isEpochNew: false, isProjectGone: false }
    const batches = messages.map(({ meaning }) =>
      meaning !== null && 'entries' in meaning ? meaning : NO_ENTRIES,
    )
    try {
      const outcomes = this.#store.insertAll(batches, () => {
        for (const { meaning, stream_seq } of messages) {
          if (meaning !== null && 'change' in meaning)
            this.#change(meaning.change, stream_seq, done)
        }
        this.log.record(messages)
      })
      return { outcomes, ...done }
    } finally {
      this.log.settle()
      if (done.isEpochNew || done.isProjectGone) this.#reload()
      if (done.isProjectGone) this.#scrub()
    }
  }

  /** Whether what is here was held by all hubs at some moment: not while a copy is filled anew. */
  get isWhole(): boolean {
    return this.#toldThrough() === null && this.#store.epoch.id !== ''
  }

  /** All that the log had was applied. */
  complete(): void {
    this.#database.exec("DELETE FROM meta WHERE key = 'partial'")
    this.#earlier.remove()
  }

  /** What was here before the copy was cleared, and up to where it was said again; null while there is no need of it. */
  get earlier(): { readonly copy: EarlierCopy; readonly toldThrough: Position } | null {
    const toldThrough = this.#toldThrough()
    return toldThrough === null || !this.#earlier.isThere
      ? null
      : { copy: this.#earlier, toldThrough }
  }

  /** All that was held before stands in the log up to here. */
  told(through: Position): void {
    const sql = "INSERT OR REPLACE INTO meta (key, value) VALUES ('partial', ?)"
    this.#database.prepare(sql).run(JSON.stringify(through))
  }

  /** Whether another process changed the data since this was asked last. */
  hasChanged(): boolean {
    const version = Number(this.#database.pragma('data_version', { simple: true }))
    const isNew = version !== this.#dataVersion
    this.#dataVersion = version
    return isNew
  }

  /**
   * Forgets all, to be filled anew from the start of the log. What was held stays in a file until then, since a server may lose
   * once more what it was told.
   */
  clear(toldThrough: Position): void {
    if (this.#toldThrough() === null) this.#earlier.keep(this.#database)
    const run = this.#database.transaction(() => {
      for (const table of [...ROWS, ...OF_LOG]) this.#database.exec(`DELETE FROM ${table}`)
      this.#database.exec("DELETE FROM meta WHERE key IN ('epoch', 'position')")
      this.told(toldThrough)
      this.#database.exec('DELETE FROM sqlite_sequence')
    })
    run.immediate()
    this.log.settle()
    this.#reload()
  }

  /** All that is held, to be said again. */
  get held(): Held {
    return heldIn(this.#database)
  }

  #change(change: Change, streamSeq: number, done: Done): void {
    if (change.kind === 'epoch') {
      const { before, id } = change
      const known = epochIn(this.#database)
      if (known !== null && known !== before) return
      done.isEpochNew = true
      this.#begin(id)
    } else if (change.kind === 'deletion') {
      done.isProjectGone = true
      this.#delete(change, streamSeq * ROWS_OF_MESSAGE_MAX)
    } else this.changes.apply(change)
  }

  #toldThrough(): Position | null {
    return positionIn(this.#database, 'partial')
  }

  #begin(epoch: string): void {
    const sql = "INSERT OR REPLACE INTO meta (key, value) VALUES ('epoch', ?)"
    this.#database.prepare(sql).run(epoch)
  }

  #raise(seq: number): void {
    for (const table of NUMBERED) {
      this.#database.prepare('DELETE FROM sqlite_sequence WHERE name = ?').run(table)
      this.#database
        .prepare('INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)')
        .run(table, seq)
    }
  }

  /** @param seq above all numbers that any hub gave: one that comes later never gets the rows that went, and goes on as the others */
  #delete({ team, project_uuid }: Deletion, seq: number): void {
    this.#database.exec("INSERT OR REPLACE INTO meta (key, value) VALUES ('unscrubbed', '')")
    this.log.forget(prefixesOf(team, project_uuid))
    const run = (sql: string, ...values: readonly (string | number)[]): unknown =>
      this.#database.prepare(sql).run(...values)
    run(
      `INSERT INTO projects (team, project_uuid, head, forgotten) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET head = excluded.head,
         forgotten = excluded.forgotten, slug = NULL`,
      team,
      project_uuid,
      seq,
      seq,
    )
    const id = this.#store.project(team, project_uuid)?.project_id ?? -1
    for (const table of NUMBERED) run(`DELETE FROM ${table} WHERE project_id = ?`, id)
    run('DELETE FROM webhooks WHERE team = ? AND project_uuid = ?', team, project_uuid)
    this.#raise(seq)
  }

  // What was deleted lies in free pages and in the log of the database until both are written anew.
  #scrub(): void {
    this.#database.exec('VACUUM')
    this.#database.pragma('wal_checkpoint(TRUNCATE)')
    this.#database.exec("DELETE FROM meta WHERE key = 'unscrubbed'")
  }

  #reload(): void {
    this.#store.lines.forget()
    this.#store.epoch.reload(this.#database)
  }
}
