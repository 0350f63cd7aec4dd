/** What the hub holds: events and commits, by team. One transaction per batch; the batch is durable when it returns. */
import { createHash } from 'node:crypto'
import { FRAME_LENGTH_MAX } from '../contracts/frames.ts'
import { encodeJson, parseJson } from '../contracts/json.ts'
import { lockFolder, openDatabase } from './database.ts'
import type { Connection } from './database.ts'
import { Epoch } from './epoch.ts'
import type { Heads } from './epoch.ts'
import { BUSY_TIMEOUT_MS, PAGE_BYTES_MAX } from './limits.ts'
import { prepare } from './statements.ts'
import type { Statements } from './statements.ts'

export type EventEntry = {
  readonly kind: 'event'
  readonly team: string
  readonly event_id: string
  readonly project_uuid: string
  readonly node_id: string
  readonly lamport_clock: number
  /** The envelope as it came, without transport keys. */
  readonly body: string
}

export type CommitEntry = {
  readonly kind: 'commit'
  readonly team: string
  readonly project_uuid: string
  readonly git_hash: string
  readonly body: string
}

export type Entry = EventEntry | CommitEntry

/** `conflict`: the id is taken by other content, and that stays. `unstored`: the database took no row. */
export type Verdict = 'accepted' | 'duplicate' | 'conflict' | 'unstored'

export type Collection = 'events' | 'commits'

export type Row = { readonly seq: number; readonly received_at: number; readonly body: string }

export type Page = {
  readonly rows: readonly Row[]
  /** Sequence numbers of rows whose bytes no longer match their checksum. */
  readonly damaged: readonly number[]
  readonly next: number
}

export type PageRequest = {
  readonly team: string
  readonly project_uuid: string
  readonly after: number
  readonly limit: number
}

/** Whom a token speaks for. */
export type Holder = { readonly team: string; readonly user: string }

export class HubStore {
  readonly epoch: Epoch
  readonly #lock: Connection
  readonly #database: Connection
  readonly #statements: Statements

  /** @throws LinkError HUB_DATA_IN_USE, HUB_DATA_UNUSABLE, HUB_DATA_NEWER */
  constructor(dataDir: string) {
    this.#lock = lockFolder(dataDir)
    let database: Connection | null = null
    try {
      database = openDatabase(dataDir, BUSY_TIMEOUT_MS)
      this.epoch = new Epoch(database, dataDir)
      this.#database = database
      this.#statements = prepare(database)
    } catch (error) {
      database?.close()
      this.#lock.close()
      throw error
    }
  }

  /** Stores a batch, all or nothing, in its order. Throws what SQLite throws: then nothing is stored. */
  insert(batch: readonly Entry[]): readonly Verdict[] {
    const now = Date.now()
    const heads: Partial<Heads> = {}
    const run = this.#database.transaction(() =>
      batch.map((entry) =>
        entry.kind === 'event' ? this.#event(entry, now, heads) : this.#commit(entry, now, heads),
      ),
    )
    const verdicts = run.immediate()
    if (verdicts.includes('accepted')) this.epoch.mark(heads)
    return verdicts
  }

  // The verdict comes from the insert itself: what was stored is not read again.
  #event(entry: EventEntry, now: number, heads: Partial<Heads>): Verdict {
    const { team, event_id, project_uuid, node_id, lamport_clock, body } = entry
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
    )
    if (changes === 1) {
      heads.events = Number(lastInsertRowid)
      return 'accepted'
    }
    const first = this.#statements.eventById.get(team, event_id)
    if (first === undefined) return 'unstored'
    return first.content_hash.equals(hash) || isSameJson(first.body, body)
      ? 'duplicate'
      : 'conflict'
  }

  // The hash of a commit pins its content, so a second description of it is the same commit.
  #commit(entry: CommitEntry, now: number, heads: Partial<Heads>): Verdict {
    const { team, project_uuid, git_hash, body } = entry
    const { changes, lastInsertRowid } = this.#statements.insertCommit.run(
      team,
      project_uuid,
      git_hash,
      hashOf(body),
      now,
      body,
    )
    if (changes === 1) {
      heads.commits = Number(lastInsertRowid)
      return 'accepted'
    }
    const first = this.#statements.commitByHash.get(team, project_uuid, git_hash)
    return first === undefined ? 'unstored' : 'duplicate'
  }

  /** The rows of one team and project after a sequence number, oldest first. */
  page(collection: Collection, { team, project_uuid, after, limit }: PageRequest): Page {
    const rows: Row[] = []
    const damaged: number[] = []
    let next = after
    let bytes = 0
    const found = this.#statements.page[collection].iterate(team, project_uuid, after, limit)
    for (const { seq, received_at, body, content_hash } of found) {
      next = seq
      if (content_hash.equals(hashOf(body))) rows.push({ seq, received_at, body })
      else damaged.push(seq)
      bytes += body.length
      if (bytes >= PAGE_BYTES_MAX) break
    }
    return { rows, damaged, next }
  }

  /** Whom the token with this hash speaks for, or null. */
  holderOf(tokenHash: Buffer): Holder | null {
    return this.#statements.holder.get(tokenHash) ?? null
  }

  close(): void {
    this.#database.close()
    this.epoch.close()
    this.#lock.close()
  }
}

function hashOf(body: string): Buffer {
  return createHash('sha256').update(body, 'utf8').digest()
}

// Another writer may order the keys or escape the text differently; the event is the same then.
function isSameJson(one: string, other: string): boolean {
  try {
    return canonical(one) === canonical(other)
  } catch {
    return false
  }
}

function canonical(text: string): string {
  return encodeJson(parseJson(text, FRAME_LENGTH_MAX))
}
