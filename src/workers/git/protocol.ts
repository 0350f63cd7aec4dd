/** What the git worker is asked, and what it answers. A message on the port is an event of the machines. */
import type { AnsweredRecord, RequestedRecord } from '../../contracts/ledgers/decision-record.ts'
import type { SerializedEvent } from '../../contracts/event.ts'
import type { GlossaryRecord } from '../../contracts/ledgers/glossary-record.ts'
import type { Scope } from '../../contracts/ledgers/glossary-sense.ts'
import type { JsonObject } from '../../contracts/json/json.ts'
import type { LedgerFeature, LedgerFrame } from '../../contracts/wire/ledger-frame.ts'
import type { LedgerName } from '../../contracts/wire/ledger-lines.ts'
import type { LaneMove, PackageFacts } from '../../contracts/ledgers/lane-move.ts'
import type { Transition } from '../../contracts/ledgers/status-record.ts'
import type { ErrorOnWire } from '../../errors.ts'
import type { IdentityLiterals } from '../../project/identity-literals.ts'
import type { Repository } from '../../project/types.ts'

export { LEDGERS } from '../../contracts/wire/ledger-lines.ts'
export type { LedgerName }

/** What the thread is started with. */
export type GitInput = {
  readonly repository: Repository
  readonly literals: IdentityLiterals
  /** Where the login lies. */
  readonly state: string
}

/** Why a commit could not happen now. A closed list; the first group may pass by itself. */
export type DeferralReason =
  | 'index_locked'
  | 'ref_locked'
  | 'ledger_locked'
  | 'head_moved'
  | 'io_error'
  | 'head_mismatch'
  | 'detached_head'
  | 'unborn_branch'
  | 'worktree_missing'
  | 'protected_branch'
  | 'path_conflicted'
  | 'path_refused'
  | 'index_unsupported'
  | 'repository_unsupported'
  | 'repository_read_only'
  /** Commits are to be signed, and the signer refused, failed or did not answer. */
  | 'signing_failed'
  /** Whoever answered was ended before the commit; the next writing command makes it. */
  | 'not_committed_yet'

export type Deferral = {
  /** Directory name. */
  readonly mission: string
  readonly ledger: LedgerName
  readonly reason: DeferralReason
  /** What was found and what to do. */
  readonly message: string
}

/** A move of a work package as it goes into the log, with the events that tell of it. */
export type TransitionRecord = {
  readonly move: LaneMove
  readonly transition: Transition
  /** The line that introduces the package, before its first transition; null for all later ones. */
  readonly created: JsonObject | null
  /** Stamped; each has the id of its line. */
  readonly events: readonly { readonly event_id: string; readonly event: SerializedEvent }[]
}

/** What goes into a mission's glossary log together; of several rows the last one names it. */
export type GlossaryEntry = {
  readonly records: readonly GlossaryRecord[]
  /** Stamped; each has the id of its row. */
  readonly events: readonly { readonly event_id: string; readonly event: SerializedEvent }[]
}

export type Glossed = {
  /** Of the row that was there already, where it was. */
  readonly event_id: string
  readonly duplicate: boolean
  /** Whose file holds the sense; null where the entry gives none. */
  readonly scope: Scope | null
  /** Whether the file had to be changed. */
  readonly changed: boolean
}

/** A line of a ledger is in its log; `duplicate`: it was there already. */
export type Appended = { readonly event_id: string; readonly duplicate: boolean }

/** What earlier commands had left. */
export type Healed = {
  /** Hashes of the commits that were made. */
  readonly committed: readonly string[]
  readonly deferred: readonly Deferral[]
  /** As stamped when their lines were written; oldest first. */
  readonly unqueued: readonly SerializedEvent[]
}

export type GitCommand =
  /** Appends and fsyncs. Idempotent by event id. `mission` is the directory name, here and below. */
  | { readonly type: 'git.request'; readonly mission: string; readonly record: RequestedRecord }
  /** Appends and fsyncs; the same answer again is no second record; another answer is refused. */
  | { readonly type: 'git.answer'; readonly mission: string; readonly record: AnsweredRecord }
  /** Where a work package stands, for who is about to move it; reads only. */
  | { readonly type: 'git.look'; readonly mission: string; readonly wp_id: string }
  /**
   * Appends what was judged and stamped outside, if the package still is in the lane that it was judged in. Idempotent by
   * event id. Each line that the queue gets an event of is noted first, in the order of `events`.
   */
  | {
      readonly type: 'git.move'
      readonly mission: string
      readonly record: TransitionRecord
    }
  /**
   * Appends to the mission's glossary log, and puts the sense into its scope's file. Idempotent by the last row's id; a
   * clarification is resolved once. Each row that the queue gets an event of is noted first.
   */
  | { readonly type: 'git.gloss'; readonly mission: string; readonly entry: GlossaryEntry }
  /** Commits a ledger of the mission as it stands in its worktree, records the LocalCommit frame. */
  | { readonly type: 'git.commit'; readonly mission: string; readonly ledger: LedgerName }
  /** Looks for the commit that first holds an answer; reads only. */
  | { readonly type: 'git.locate'; readonly mission: string; readonly event_id: string }
  /** Reclaims what a dead process left, retries every deferred commit, and names the events that are in no outbox yet. */
  | { readonly type: 'git.heal' }
  /** The outbox holds these events, which lines of the ledger stand for. */
  | { readonly type: 'git.forget'; readonly event_ids: readonly string[] }
  /** The pending frames, topologically, then chronologically, and what else the hub takes but for what it has refused. */
  | { readonly type: 'git.frames'; readonly except?: readonly string[] }
  /** The hub holds these frames, by their ids. */
  | { readonly type: 'git.confirm'; readonly hashes: readonly string[] }
  /** Whoever has greeted the link: commits are confirmed by the hub of this login, by its id, in this epoch from now on. */
  | {
      readonly type: 'git.target'
      readonly login: string
      readonly epoch: string | null
      readonly takes?: readonly LedgerFeature[]
    }
  /** Report when another process records frames or moves a mission's branch. */
  | { readonly type: 'git.watch' }

export type GitAnswer =
  | ({ readonly type: 'git.appended' } & Appended)
  /** `commit` holds the whole log as it stands; it is the earlier commit where nothing was left to do. */
  | { readonly type: 'git.committed'; readonly commit: string; readonly frames: number }
  | ({ readonly type: 'git.glossed' } & Glossed)
  | { readonly type: 'git.looked'; readonly facts: PackageFacts }
  | { readonly type: 'git.located'; readonly commit: string | null }
  | { readonly type: 'git.deferred'; readonly deferral: Deferral }
  | ({ readonly type: 'git.healed' } & Healed)
  | { readonly type: 'git.forgotten' }
  | { readonly type: 'git.framed'; readonly frames: readonly LedgerFrame[] }
  | { readonly type: 'git.confirmed'; readonly pending: number }
  | { readonly type: 'git.targeted' }
  | { readonly type: 'git.watching' }
  | { readonly type: 'git.refused'; readonly error: ErrorOnWire }

/** Something happened that nobody asked for. */
export type GitFact =
  /** Frames were recorded, or a branch was moved, by whatever program. */
  | { readonly type: 'git.changed' }
  /** Notes of events have stood for so long that who wrote them has died; oldest first. */
  | { readonly type: 'git.noted'; readonly unqueued: readonly SerializedEvent[] }
  /** The command that is answered next found something damaged and put it right. */
  | { readonly type: 'git.warned'; readonly code: string; readonly message: string }
