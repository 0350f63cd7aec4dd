/** What the hub is asked to store, and what became of it. */
import type { LinesEntry } from './lines-table.ts'

export type EventEntry = {
  readonly kind: 'event'
  readonly team: string
  readonly event_id: string
  readonly project_uuid: string
  readonly node_id: string
  readonly lamport_clock: number
  /** The envelope as it came, without transport keys. */
  readonly body: string
  /** Where retention has emptied the body: the hash that it had, in hexadecimal. */
  readonly emptied?: string | undefined
}

export type CommitEntry = {
  readonly kind: 'commit'
  readonly team: string
  readonly project_uuid: string
  readonly git_hash: string
  /** Whose token brought it; null where an older hub took it. */
  readonly user: string | null
  readonly body: string
  /** As of an event. */
  readonly emptied?: string | undefined
}

/** Commits that a remote has. */
export type PushedEntry = {
  readonly kind: 'pushed'
  readonly team: string
  readonly project_uuid: string
  readonly hashes: readonly string[]
}

export type Entry = EventEntry | CommitEntry | LinesEntry | PushedEntry

/**
 * `conflict`: the id is taken by other content, and that stays. `unstored`: the database took no row. `unannounced`: the
 * commit that the lines are of is not here.
 */
export type Verdict = 'accepted' | 'duplicate' | 'conflict' | 'unstored' | 'unannounced'

/** `seq` is the place of what was accepted in its project, else 0. */
export type Outcome = {
  readonly verdict: Verdict
  readonly seq: number
  /** The commits that are no longer local only since this. */
  readonly pushed?: readonly string[]
  /** The last of the rows of ledgers that are new. */
  readonly lines_seq?: number
}
