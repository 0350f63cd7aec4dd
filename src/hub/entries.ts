/** What the hub is asked to store, and what became of it. */
import type { LedgerName } from '../contracts/wire/ledger-lines.ts'

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

export type LinesEntry = {
  readonly kind: 'lines'
  readonly team: string
  readonly project_uuid: string
  /** The name of the project, where it was told. */
  readonly project_slug?: string | undefined
  readonly git_hash: string
  readonly mission: string
  readonly mission_id: string | null
  readonly ledger: LedgerName
  readonly history: boolean
  readonly rows: readonly { readonly line: number; readonly key: string; readonly body: string }[]
}

/** Who brings arrivals, and is told what became of them. */
export type Sender = {
  readonly team: string
  pause(): void
  resume(): void
  /** The answers of a transaction are complete. */
  flush(): void
  /** The transaction failed: what was sent is neither stored nor answered. */
  fail(): void
}

export type DeadLetter = {
  readonly team: string
  readonly event_id: string
  /** Null where what was refused names no project. */
  readonly project_uuid: string | null
  /** As its sender was told. */
  readonly category: string
  /** Whose it was. */
  readonly token_id: string
  /** Unix milliseconds. */
  readonly refused_at: number
}

/** Entries that are stored as one. */
export type TimedEntries = {
  readonly entries: readonly Entry[]
  /** When they came, in Unix milliseconds: one time for all, or one for each. */
  readonly at: number | readonly number[]
  /** Another hub had them: what they speak of need not be here any more. */
  readonly isRetold?: boolean
  /** In a log that hubs share: rows are numbered by it, within their tables, whatever came before and is gone. */
  readonly place?: number
}
