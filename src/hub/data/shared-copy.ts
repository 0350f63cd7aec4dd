/**
 * One hub's copy of the log that hubs share: the messages change the tables in the order of the log, and nothing else does, so
 * that all copies are the same. A batch of messages, and how far the log was followed, are one transaction.
 */
import { isWithinBase, lostIn } from './against-base.ts'
import type { Lost } from './against-base.ts'
import { ChangeTable } from './change-table.ts'
import type { Change } from '../changes.ts'
import type { Connection } from './database.ts'
import { EarlierCopy, heldIn } from './earlier-copy.ts'
import type { Held, ProjectName } from './earlier-copy.ts'
import type { Outcome, TimedEntries } from '../entries.ts'
import { epochIn } from './epoch.ts'
import type { Epoch } from './epoch.ts'
import { ROWS_OF_MESSAGE_MAX } from './inserts.ts'
import { LogTable, positionIn } from './log-table.ts'
import type { LoggedMessage, Position } from './log-table.ts'
import { prefixesOf } from './messages.ts'
import { Retention } from './retention.ts'
import type { LinesTable } from './lines-table.ts'
import { Scrubber } from './scrubber.ts'
import type { SessionsTable } from './sessions-table.ts'
import type { Project } from './stored.ts'
import type { Meaning } from './messages.ts'

/** A message of the log, as it was and as it is meant; null where nobody can read it. */
export type ReadMessage = LoggedMessage & { readonly meaning: Meaning | null }
/** The store, as far as the log changes it. */
type Filled = {
  readonly epoch: Epoch
  readonly lines: LinesTable
  readonly sessions: SessionsTable
  insertAll(batches: readonly TimedEntries[], seal: () => void): Applied['outcomes']
  project(team: string, projectUuid: string): Project | null
}
type ChangeOf<Kind extends Change['kind']> = Extract<Change, { readonly kind: Kind }>
type Done = { isEpochNew: boolean; isProjectGone: boolean; isScrubDue: boolean }
/** What messages made: outcomes by message, and whether more than rows were added. */
export type Applied = {
  readonly outcomes: readonly (readonly Outcome[])[]
  readonly isEpochNew: boolean
  readonly isProjectGone: boolean
}

const ROWS = ['events', 'commits', 'lines', 'projects', 'tokens', 'secrets', 'webhooks', 'sessions']
const OF_LOG = ['log', 'told']
/** What two copies at the same place have alike, but for what the messages of the log said. */
export const COPIED: readonly string[] = [...ROWS, ...OF_LOG]
const NUMBERED = ['events', 'commits', 'lines']
/** Of `meta`: where a copy is. */
const OF_PLACE = "'epoch', 'position', 'base'"
const NO_ENTRIES: TimedEntries = { entries: [], at: 0 }

export class SharedCopy {
  readonly log: LogTable
  readonly changes: ChangeTable
  readonly #database: Connection
  readonly #store: Filled
  readonly #earlier: EarlierCopy
  readonly #scrubber: Scrubber
  #retention: Retention | null = null
  #dataVersion = -1

  constructor(database: Connection, store: Filled) {
    this.#database = database
    this.#store = store
    this.#earlier = new EarlierCopy(database)
    this.log = new LogTable(database)
    this.changes = new ChangeTable(database, store.sessions)
    this.#scrubber = new Scrubber(database)
    this.#scrubber.again()
  }

  /** Applies the next messages of the log, all or none. Entries of a batch before its changes. */
  apply(messages: readonly ReadMessage[]): Applied {
    const done = { isEpochNew: false, isProjectGone: false, isScrubDue: false }
    const batches = messages.map(({ meaning, stream_seq: place }) =>
      meaning !== null && 'entries' in meaning ? { ...meaning, place } : NO_ENTRIES,
    )
    try {
      const outcomes = this.#store.insertAll(batches, () => {
        for (const { meaning, stream_seq } of messages) {
          if (meaning !== null && 'change' in meaning)
            this.#change(meaning.change, stream_seq, done)
        }
        this.log.record(messages)
      })
      const { isEpochNew, isProjectGone } = done
      return { outcomes, isEpochNew, isProjectGone }
    } finally {
      this.log.settle()
      if (done.isEpochNew || done.isProjectGone) this.#reload()
      if (done.isScrubDue) this.#scrubber.scrub()
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
    this.#note('partial', JSON.stringify(through))
  }

  /** Writes the file anew where that is due and was not possible so far; to be asked again and again. */
  scrubAgain(): void {
    this.#scrubber.again()
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
      const isUntold = this.#toldThrough()?.seq === 0
      this.#empty()
      // An earlier one that was not said again is to be, whatever was said of this one.
      if (!isUntold) this.told(toldThrough)
    })
    run.immediate()
    this.log.settle()
    this.#reload()
  }

  /** What of this copy a base has, or was told to a server that lost it. @param path of the base's file */
  against(path: string): { readonly isWithin: boolean; readonly lost: Lost } {
    return this.#attached(path, () => ({
      isWithin: isWithinBase(this.#database),
      lost: lostIn(this.#database, this.changes),
    }))
  }

  /** Whether a project was deleted since it had a number: then nothing is left up to there. */
  hasDeleted({ team, project_uuid, head }: ProjectName & { readonly head: number }): boolean {
    const project = this.#store.project(team, project_uuid)
    if (project === null || project.forgotten <= head) return false
    const { project_id } = project
    const back = ['events', 'commits'].map(
      (table) => `SELECT 1 FROM ${table} WHERE project_id = @project_id AND project_seq <= @head`,
    )
    const row = this.#database.prepare(back.join(' UNION ALL ')).get({ project_id, head })
    return row === undefined
  }

  /** Is as a base is, in its place of the log. @param path of the base's file, of today's schema */
  load(path: string): void {
    this.#attached(path, () => {
      const run = this.#database.transaction(() => {
        this.#empty()
        for (const table of [...COPIED, 'sqlite_sequence']) {
          this.#database.exec(`INSERT INTO main.${table} SELECT * FROM base.${table}`)
        }
        this.#database.exec(
          `INSERT INTO main.meta SELECT * FROM base.meta WHERE key IN (${OF_PLACE})`,
        )
      })
      run.immediate()
    })
    this.log.settle()
    this.#reload()
  }

  /** The last base that the log has told of; null where it told of none. */
  get base(): Position | null {
    return positionIn(this.#database, 'base')
  }

  #attached<Value>(path: string, work: () => Value): Value {
    this.#database.prepare('ATTACH ? AS base').run(path)
    try {
      return work()
    } finally {
      this.#database.exec('DETACH base')
    }
  }

  // In the caller's transaction.
  #empty(): void {
    for (const table of [...COPIED, 'sqlite_sequence']) {
      this.#database.exec(`DELETE FROM main.${table}`)
    }
    this.#database.exec(`DELETE FROM main.meta WHERE key IN (${OF_PLACE})`)
  }

  /** All that is held, to be said again. */
  get held(): Held {
    return heldIn(this.#database)
  }

  #change(change: Change, streamSeq: number, done: Done): void {
    switch (change.kind) {
      case 'epoch': {
        const known = epochIn(this.#database)
        if (known !== null && known !== change.before) return
        done.isEpochNew = true
        return this.#note('epoch', change.id)
      }
      case 'deletion':
        done.isProjectGone = true
        done.isScrubDue = true
        return this.#delete(change, streamSeq * ROWS_OF_MESSAGE_MAX)
      case 'retention':
        return this.#retain(change)
      case 'base':
        done.isScrubDue ||= change.scrub
        return this.#stand(change)
      case 'gone':
        return
      default:
        this.changes.apply(change)
    }
  }

  // Numbers of an epoch that is over mean other rows.
  #retain({ team, project_uuid, epoch, through }: ChangeOf<'retention'>): void {
    const project = this.#store.project(team, project_uuid)
    if (project === null || epoch !== epochIn(this.#database)) return
    this.#retention ??= new Retention(this.#database)
    this.#retention.empty(project.project_id, through)
  }

  #stand({ place, scrub }: ChangeOf<'base'>): void {
    this.log.forgetThrough(place.seq)
    this.#note('base', JSON.stringify(place))
    if (scrub) this.#scrubber.note()
  }

  #toldThrough(): Position | null {
    return positionIn(this.#database, 'partial')
  }

  #note(key: string, value: string): void {
    const sql = 'INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)'
    this.#database.prepare(sql).run(key, value)
  }

  /** @param seq above all numbers that any hub gave: one that comes later never gets the rows that went, and goes on as the others */
  #delete({ team, project_uuid }: ChangeOf<'deletion'>, seq: number): void {
    this.#scrubber.note()
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
  }

  #reload(): void {
    this.#store.lines.forget()
    this.#store.epoch.reload(this.#database)
  }
}
