/** What the hub holds: events and commits, by team. One transaction per batch; the batch is durable when it returns. */
import { lockFolder, openDatabase } from './database.ts'
import type { Connection } from './database.ts'
import type { CommitEntry, Entry, EventEntry, Outcome, PushedEntry } from './entries.ts'
import { Epoch } from './epoch.ts'
import type { Heads } from './epoch.ts'
import { BUSY_TIMEOUT_MS, FOLD_LENGTH_MAX, FOLD_ROWS_MAX, PAGE_BYTES_MAX } from './limits.ts'
import { LinesTable } from './lines-table.ts'
import type { LinesEntry, LinesScope } from './lines-table.ts'
import { hashOf, isSameJson, wholeRows } from './row-content.ts'
import { ProjectsTable } from './projects-table.ts'
import { SessionsTable } from './sessions-table.ts'
import { prepare } from './statements.ts'
import type { Statements } from './statements.ts'

export type Collection = 'events' | 'commits'

export type Row = {
  readonly seq: number
  readonly received_at: number
  readonly body: string
  /** When a commit was seen pushed; until then it is local only. */
  readonly pushed_at: number | null
  /** Who brought a commit; null of an event, and where an older hub took it. */
  readonly user: string | null
}

/** What happened in a project, in its order. */
export type FeedRow = {
  readonly kind: 'event' | 'commit'
  readonly project_seq: number
  readonly body: string
  readonly pushed_at: number | null
  readonly user: string | null
}

export type Bounds = { readonly rowsMax: number; readonly bytesMax: number }

export type Project = { readonly project_id: number; readonly head: number }

export type Page = {
  readonly rows: readonly Row[]
  /** Sequence numbers of rows whose bytes no longer match their checksum. */
  readonly damaged: readonly number[]
  readonly next: number
}

export type PageRequest = {
  readonly project_id: number
  readonly after: number
  readonly limit: number
}

/** Whom a token speaks for. */
export type Holder = {
  readonly team: string
  readonly user: string
  readonly token_id: string
  /** When its secret ends, in Unix milliseconds; null for never. */
  readonly ends_at: number | null
}

/** Whose pushes a git host reports, and the key of its signatures. */
export type StoredWebhook = {
  readonly team: string
  readonly project_uuid: string
  readonly secret: string
}

/** A project as a transaction sees it. */
type OpenProject = { readonly project_id: number; head: number }
type Batch = {
  readonly now: number
  readonly heads: Partial<Heads>
  readonly projectByKey: Map<string, OpenProject>
  /** Ledgers that got rows, and the last of them. */
  readonly ledgers: { readonly scope: LinesScope; readonly seq: number }[]
}

export class HubStore {
  readonly epoch: Epoch
  readonly lines: LinesTable
  readonly projects: ProjectsTable
  readonly sessions: SessionsTable
  readonly #lock: Connection
  readonly #database: Connection
  readonly #statements: Statements

  /** @throws LinkError HUB_DATA_IN_USE, HUB_DATA_UNUSABLE, HUB_DATA_NEWER */
  constructor(dataDir: string) {
    this.#lock = lockFolder(dataDir)
    let database: Connection | null = null
    try {
      database = openDatabase(dataDir, { busyTimeoutMs: BUSY_TIMEOUT_MS, isLocked: true })
      this.epoch = new Epoch(database, dataDir)
      this.#database = database
      this.#statements = prepare(database)
      this.lines = new LinesTable(database)
      this.projects = new ProjectsTable(database)
      this.sessions = new SessionsTable(database)
    } catch (error) {
      database?.close()
      this.#lock.close()
      throw error
    }
  }

  /** Stores a batch, all or nothing, in its order. Throws what SQLite throws: then nothing is stored. */
  insert(entries: readonly Entry[]): readonly Outcome[] {
    const batch: Batch = { now: Date.now(), heads: {}, projectByKey: new Map(), ledgers: [] }
    const run = this.#database.transaction(() => {
      const outcomes = entries.map((entry) => {
        if (entry.kind === 'lines') return this.#lines(entry, batch)
        if (entry.kind === 'pushed') return this.#pushed(entry, batch.now)
        return entry.kind === 'event' ? this.#event(entry, batch) : this.#commit(entry, batch)
      })
      for (const { project_id, head } of batch.projectByKey.values()) {
        this.#statements.raiseHead.run(head, project_id)
      }
      return outcomes
    })
    const outcomes = run.immediate()
    for (const { scope, seq } of batch.ledgers) this.lines.raise(scope, seq)
    if (Object.keys(batch.heads).length > 0) this.epoch.mark(batch.heads)
    return outcomes
  }

  // The verdict comes from the insert itself: what was stored is not read again.
  #event(entry: EventEntry, { now, heads, projectByKey }: Batch): Outcome {
    const { team, event_id, project_uuid, node_id, lamport_clock, body } = entry
    const project = this.#projectIn(projectByKey, team, project_uuid)
    const hash = hashOf(body)
    const { changes, lastInsertRowid } = this.#statements.insertEvent.run(
      team,
      event_id,
      project_uuid,
      node_id,
      lamport_clock,
      hash,
      now,
      body,
      project.project_id,
      project.head + 1,
    )
    if (changes === 1) {
      heads.events = Number(lastInsertRowid)
      return { verdict: 'accepted', seq: ++project.head }
    }
    const first = this.#statements.eventById.get(team, event_id)
    if (first === undefined) return { verdict: 'unstored', seq: 0 }
    const isSame = first.content_hash.equals(hash) || isSameJson(first.body, body)
    return { verdict: isSame ? 'duplicate' : 'conflict', seq: 0 }
  }

  // The hash of a commit pins its content, so a second description of it is the same commit.
  #commit(entry: CommitEntry, { now, heads, projectByKey }: Batch): Outcome {
    const { team, project_uuid, git_hash, user, body } = entry
    const project = this.#projectIn(projectByKey, team, project_uuid)
    const { changes, lastInsertRowid } = this.#statements.insertCommit.run(
      team,
      project_uuid,
      git_hash,
      hashOf(body),
      now,
      body,
      project.project_id,
      project.head + 1,
      user,
    )
    if (changes === 1) {
      heads.commits = Number(lastInsertRowid)
      return { verdict: 'accepted', seq: ++project.head }
    }
    const first = this.#statements.commitByHash.get(team, project_uuid, git_hash)
    return { verdict: first === undefined ? 'unstored' : 'duplicate', seq: 0 }
  }

  // Of a commit that is here, perhaps since this very transaction; history speaks of commits that nobody announced.
  #lines(entry: LinesEntry, { now, heads, projectByKey, ledgers }: Batch): Outcome {
    const { team, project_uuid, git_hash, history, ledger, mission } = entry
    const isHere = this.#statements.commitByHash.get(team, project_uuid, git_hash) !== undefined
    if (!history && !isHere) return { verdict: 'unannounced', seq: 0 }
    const { project_id } = this.#projectIn(projectByKey, team, project_uuid)
    const head = this.lines.insert(project_id, entry, now)
    if (head === null) return { verdict: 'duplicate', seq: 0 }
    heads.lines = head
    ledgers.push({ scope: { project_id, ledger, mission }, seq: head })
    return { verdict: 'accepted', seq: 0, lines_seq: head }
  }

  #pushed({ team, project_uuid, hashes }: PushedEntry, now: number): Outcome {
    const { commitByHash, markPushed } = this.#statements
    const here = hashes.filter((hash) => commitByHash.get(team, project_uuid, hash) !== undefined)
    if (here.length === 0) return { verdict: 'unannounced', seq: 0 }
    const pushed = here.filter(
      (hash) => markPushed.run(now, team, project_uuid, hash).changes === 1,
    )
    return { verdict: pushed.length > 0 ? 'accepted' : 'duplicate', seq: 0, pushed }
  }

  // Kept for the transaction only: after a rollback nothing of it is true.
  #projectIn(projectByKey: Batch['projectByKey'], team: string, uuid: string): OpenProject {
    const key = `${team} ${uuid}`
    const known = projectByKey.get(key)
    if (known !== undefined) return known
    const stored = this.project(team, uuid)
    const project = stored === null ? this.#newProject(team, uuid) : { ...stored }
    projectByKey.set(key, project)
    return project
  }

  #newProject(team: string, uuid: string): OpenProject {
    const { lastInsertRowid } = this.#statements.insertProject.run(team, uuid)
    return { project_id: Number(lastInsertRowid), head: 0 }
  }

  /** A project of the team, and how far it is; null where the team has none of this name. */
  project(team: string, projectUuid: string): Project | null {
    return this.#statements.project.get(team, projectUuid) ?? null
  }

  /** The rows of one project after a sequence number, oldest first. */
  page(collection: Collection, { project_id, after, limit }: PageRequest): Page {
    const rows: Row[] = []
    const damaged: number[] = []
    let next = after
    let bytes = 0
    const found = this.#statements.page[collection].iterate(project_id, after, limit)
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
    const found = this.#statements.localOnly.iterate(project_id, rowsMax)
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
