/** What the hub holds: events and commits, by team. One transaction per batch; the batch is durable when it returns. */
import { KittiwakeError, systemCode } from '../../errors.ts'
import { claimUse } from './data-use.ts'
import type { DataUse } from './data-use.ts'
import { lockFolder, openDatabase, unusable } from './database.ts'
import type { Connection } from './database.ts'
import { DeadLettersTable } from './dead-letters-table.ts'
import type { Entry, Outcome, TimedEntries } from '../entries.ts'
import { Epoch } from './epoch.ts'
import { Inserts } from './inserts.ts'
import { BUSY_TIMEOUT_MS, FOLD_LENGTH_MAX, FOLD_ROWS_MAX, PAGE_BYTES_MAX } from '../limits.ts'
import { LinesTable } from './lines-table.ts'
import { hashOf, wholeRows } from './row-content.ts'
import { ProjectsTable } from './projects-table.ts'
import { SessionsTable } from './sessions-table.ts'
import { SharedCopy } from './shared-copy.ts'
import { prepare } from './statements.ts'
import type { Statements } from './statements.ts'
import type {
  Bounds,
  Collection,
  FeedRow,
  Holder,
  Page,
  PageRequest,
  Project,
  Row,
  StoredWebhook,
} from './stored.ts'

export class HubStore {
  readonly epoch: Epoch
  readonly lines: LinesTable
  readonly projects: ProjectsTable
  readonly sessions: SessionsTable
  readonly deadLetters: DeadLettersTable
  /** What only a hub uses that shares its log. */
  readonly copy: SharedCopy
  readonly #lock: Connection
  readonly #database: Connection
  readonly #statements: Statements
  readonly #inserts: Inserts

  /** @throws LinkError HUB_DATA_IN_USE, HUB_DATA_UNUSABLE, HUB_DATA_NEWER, HUB_DATA_SHARED, HUB_DATA_NOT_SHARED */
  constructor(dataDir: string, use: DataUse = 'own') {
    this.#lock = lockFolder(dataDir)
    let database: Connection | null = null
    try {
      database = openDatabase(dataDir, { busyTimeoutMs: BUSY_TIMEOUT_MS, isLocked: true })
      claimUse(database, use)
      this.epoch = new Epoch(database, dataDir, use)
      this.#database = database
      this.#statements = prepare(database)
      this.lines = new LinesTable(database)
      this.#inserts = new Inserts(database, this.#statements, this.lines)
      this.projects = new ProjectsTable(database)
      this.sessions = new SessionsTable(database)
      this.deadLetters = new DeadLettersTable(database)
      this.copy = new SharedCopy(database, this)
    } catch (error) {
      database?.close()
      this.#lock.close()
      const isTold = error instanceof KittiwakeError || systemCode(error) === null
      throw isTold ? error : unusable(error)
    }
  }

  /** Stores a batch, all or nothing, in its order. Throws what SQLite throws: then nothing is stored. */
  insert(entries: readonly Entry[]): readonly Outcome[] {
    return this.insertAll([{ entries, at: Date.now() }])[0] ?? []
  }

  /** As `insert`, of several batches, each at its own time; what `seal` writes is durable with them. */
  insertAll(
    batches: readonly TimedEntries[],
    seal: () => void = () => {},
  ): readonly (readonly Outcome[])[] {
    const { outcomes, heads, ledgers } = this.#inserts.run(batches, seal)
    for (const { scope, seq } of ledgers) this.lines.raise(scope, seq)
    if (Object.keys(heads).length > 0) this.epoch.mark(heads)
    return outcomes
  }

  /** What an event comes to whose id stands in another project of its team; null where it does not. Stores nothing. */
  elsewhere(entry: Entry): Outcome | null {
    return this.#inserts.elsewhere(entry)
  }

  /** A project of the team, and how far it is; null where the team has none of this name. */
  project(team: string, projectUuid: string): Project | null {
    return this.#statements.project.get(team, projectUuid) ?? null
  }

  /** The rows of one project after a sequence number, oldest first. */
  page(collection: Collection, request: PageRequest): Page {
    const rows: Row[] = []
    const damaged: number[] = []
    let next = request.after
    let bytes = 0
    const found = this.#statements.page[collection].iterate(request)
    for (const { content_hash, ...row } of found) {
      next = row.seq
      if (content_hash.equals(hashOf(row.body))) rows.push(row)
      else damaged.push(row.seq)
      bytes += row.body.length
      if (bytes >= PAGE_BYTES_MAX) break
    }
    return { rows, damaged, next }
  }

  /** What happened in a project after a place, in order, at least one row; `body` is empty where it is damaged. */
  feed(project_id: number, after: number, { rowsMax, bytesMax }: Bounds): readonly FeedRow[] {
    const found = this.#statements.feed.iterate({ project_id, after, limit: rowsMax })
    return wholeRows(found, bytesMax)
  }

  /** As `feed`, the latest, or the latest before a place. */
  recent(
    project_id: number,
    { rowsMax, bytesMax }: Bounds,
    before = Number.MAX_SAFE_INTEGER,
  ): readonly FeedRow[] {
    const found = this.#statements.recent.iterate({ project_id, before, limit: rowsMax })
    return wholeRows(found, bytesMax).toReversed()
  }

  /** As `recent`, of the commits that were not seen pushed. */
  localOnly(project_id: number, { rowsMax, bytesMax }: Bounds): readonly FeedRow[] {
    const found = this.#statements.localOnly.iterate({ project_id, limit: rowsMax })
    return wholeRows(found, bytesMax).toReversed()
  }

  /** The number of the last event that tells of a clarification, 0 where there is none. */
  glossaryHead(project_id: number): number {
    return this.#statements.glossaryHead.get(project_id) ?? 0
  }

  /** Bodies of the events that tell of clarifications, in order; what is damaged is left out. */
  glossaryEvents(project_id: number): {
    readonly bodies: readonly string[]
    readonly isCut: boolean
    readonly length: number
  } {
    const bodies: string[] = []
    let length = 0
    for (const { body, content_hash } of this.#statements.glossary.iterate(project_id)) {
      if (bodies.length >= FOLD_ROWS_MAX || length > FOLD_LENGTH_MAX) {
        return { bodies, isCut: true, length }
      }
      length += body.length
      if (content_hash.equals(hashOf(body))) bodies.push(body)
    }
    return { bodies, isCut: false, length }
  }

  /** A webhook that was not revoked, or null. */
  webhook(webhook_id: string): StoredWebhook | null {
    return this.#statements.webhook.get(webhook_id) ?? null
  }

  /** Whom the secret with this hash speaks for at this time, or null. */
  holderOf(secretHash: Buffer, now = Date.now()): Holder | null {
    return this.#statements.holder.get(secretHash, now) ?? null
  }

  close(): void {
    this.#database.close()
    this.epoch.close()
    this.#lock.close()
  }
}
