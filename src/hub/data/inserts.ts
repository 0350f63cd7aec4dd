/** What a batch makes of the tables: the same entries in the same order, at the same times, make the same rows and verdicts. */
import type { Connection } from './database.ts'
import type {
  CommitEntry,
  Entry,
  EventEntry,
  LinesEntry,
  Outcome,
  PushedEntry,
  TimedEntries,
} from '../entries.ts'
import type { Heads } from './epoch.ts'
import type { LinesScope, LinesTable } from './lines-table.ts'
import { hashOf, isForgottenOrSame } from './row-content.ts'
import type { Statements } from './statements.ts'

/** More rows than one message can bring. */
export const ROWS_OF_MESSAGE_MAX = 2 ** 20

/** A project as a transaction sees it. */
type OpenProject = { readonly project_id: number; head: number; forgotten: number }
type Context = {
  readonly heads: Partial<Heads>
  readonly projectByKey: Map<string, OpenProject>
  /** Ledgers that got rows, and the last of them. */
  readonly ledgers: { readonly scope: LinesScope; readonly seq: number }[]
}
type Place = { readonly now: number; readonly isRetold: boolean }

/** What a transaction did, beside its rows. */
export type Inserted = Pick<Context, 'heads' | 'ledgers'> & {
  readonly outcomes: readonly (readonly Outcome[])[]
}

const TABLE = { event: 'events', commit: 'commits', lines: 'lines', pushed: null } as const

export class Inserts {
  readonly #database: Connection
  readonly #statements: Statements
  readonly #lines: LinesTable

  constructor(database: Connection, statements: Statements, lines: LinesTable) {
    this.#database = database
    this.#statements = statements
    this.#lines = lines
  }

  /** One transaction for all batches, and for what `seal` writes. */
  run(batches: readonly TimedEntries[], seal: () => void): Inserted {
    const context: Context = { heads: {}, projectByKey: new Map(), ledgers: [] }
    const run = this.#database.transaction(() => {
      const outcomes = batches.map((batch) => this.#batch(batch, context))
      for (const { project_id, head, forgotten } of context.projectByKey.values()) {
        this.#statements.raiseHead.run(head, forgotten, project_id)
      }
      seal()
      return outcomes
    })
    return { outcomes: run.immediate(), heads: context.heads, ledgers: context.ledgers }
  }

  #batch(batch: TimedEntries, context: Context): readonly Outcome[] {
    const { entries, at, isRetold = false, place } = batch
    if (place !== undefined) this.#number(entries, place * ROWS_OF_MESSAGE_MAX)
    return entries.map((entry, index) => {
      const now = typeof at === 'number' ? at : (at[index] ?? 0)
      return this.#entry(entry, { now, isRetold }, context)
    })
  }

  #number(entries: readonly Entry[], seq: number): void {
    const { raiseSequence, beginSequence } = this.#statements
    for (const table of new Set(entries.map(({ kind }) => TABLE[kind]))) {
      if (table === null) continue
      if (raiseSequence.run(seq, table).changes === 0) beginSequence.run(table, seq)
    }
  }

  #entry(entry: Entry, place: Place, context: Context): Outcome {
    switch (entry.kind) {
      case 'event':
        return this.#event(entry, place, context)
      case 'commit':
        return this.#commit(entry, place, context)
      case 'lines':
        return this.#linesOf(entry, place, context)
      default:
        return this.#pushed(entry, place)
    }
  }

  // The verdict comes from the insert itself: what was stored is not read again.
  #event(entry: EventEntry, { now }: Place, { heads, projectByKey }: Context): Outcome {
    const { team, event_id, project_uuid, node_id, lamport_clock, body, emptied } = entry
    const project = this.#projectIn(projectByKey, team, project_uuid)
    const hash = hashIn(entry)
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
      return { verdict: 'accepted', seq: raised(project, emptied) }
    }
    const first = this.#statements.eventById.get(team, event_id)
    if (first === undefined) return { verdict: 'unstored', seq: 0 }
    return againstFirst(first, entry)
  }

  /** What an event comes to whose id stands in another project of its team; null where it does not. */
  elsewhere(entry: Entry): Outcome | null {
    if (entry.kind !== 'event') return null
    const { team, event_id, project_uuid } = entry
    const first = this.#statements.eventElsewhere.get(team, event_id, project_uuid)
    return first === undefined ? null : againstFirst(first, entry)
  }

  // The hash of a commit pins its content, so a second description of it is the same commit.
  #commit(entry: CommitEntry, { now }: Place, { heads, projectByKey }: Context): Outcome {
    const { team, project_uuid, git_hash, user, body, emptied } = entry
    const project = this.#projectIn(projectByKey, team, project_uuid)
    const { changes, lastInsertRowid } = this.#statements.insertCommit.run(
      team,
      project_uuid,
      git_hash,
      hashIn(entry),
      now,
      body,
      project.project_id,
      project.head + 1,
      user,
    )
    if (changes === 1) {
      heads.commits = Number(lastInsertRowid)
      return { verdict: 'accepted', seq: raised(project, emptied) }
    }
    const first = this.#statements.commitByHash.get(team, project_uuid, git_hash)
    return { verdict: first === undefined ? 'unstored' : 'duplicate', seq: 0 }
  }

  // Of a commit that is here, perhaps since this very transaction; history speaks of commits that nobody announced.
  #linesOf(entry: LinesEntry, { now, isRetold }: Place, context: Context): Outcome {
    const { team, project_uuid, project_slug, git_hash, history, ledger, mission } = entry
    const { heads, projectByKey, ledgers } = context
    const isHere = this.#statements.commitByHash.get(team, project_uuid, git_hash) !== undefined
    if (!history && !isHere && !isRetold) return { verdict: 'unannounced', seq: 0 }
    const { project_id } = this.#projectIn(projectByKey, team, project_uuid)
    if (project_slug !== undefined) {
      this.#statements.nameProject.run({ project_slug, project_id })
    }
    const head = this.#lines.insert(project_id, entry, now)
    if (head === null) return { verdict: 'duplicate', seq: 0 }
    heads.lines = head
    ledgers.push({ scope: { project_id, ledger, mission }, seq: head })
    return { verdict: 'accepted', seq: 0, lines_seq: head }
  }

  #pushed({ team, project_uuid, hashes }: PushedEntry, { now }: Place): Outcome {
    const { commitByHash, markPushed } = this.#statements
    const here = hashes.filter((hash) => commitByHash.get(team, project_uuid, hash) !== undefined)
    if (here.length === 0) return { verdict: 'unannounced', seq: 0 }
    const pushed = here.filter(
      (hash) => markPushed.run(now, team, project_uuid, hash).changes === 1,
    )
    return { verdict: pushed.length > 0 ? 'accepted' : 'duplicate', seq: 0, pushed }
  }

  // Kept for the transaction only: after a rollback nothing of it is true.
  #projectIn(projectByKey: Context['projectByKey'], team: string, uuid: string): OpenProject {
    const key = `${team} ${uuid}`
    const known = projectByKey.get(key)
    if (known !== undefined) return known
    const stored = this.#statements.project.get(team, uuid)
    const project = stored === undefined ? this.#newProject(team, uuid) : { ...stored }
    projectByKey.set(key, project)
    return project
  }

  #newProject(team: string, uuid: string): OpenProject {
    const { lastInsertRowid } = this.#statements.insertProject.run(team, uuid)
    return { project_id: Number(lastInsertRowid), head: 0, forgotten: 0 }
  }
}

/** An event whose id is taken already. */
function againstFirst(
  first: { readonly body: string; readonly content_hash: Buffer },
  entry: EventEntry,
): Outcome {
  const isSame =
    first.content_hash.equals(hashIn(entry)) || isForgottenOrSame(first.body, entry.body)
  return { verdict: isSame ? 'duplicate' : 'conflict', seq: 0 }
}

function hashIn({ body, emptied }: EventEntry | CommitEntry): Buffer {
  return emptied === undefined ? hashOf(body) : Buffer.from(emptied, 'hex')
}

/** The number of what is new in a project; up to one that is emptied, history is forgotten. */
function raised(project: OpenProject, emptied: string | undefined): number {
  project.head += 1
  if (emptied !== undefined) project.forgotten = project.head
  return project.head
}
