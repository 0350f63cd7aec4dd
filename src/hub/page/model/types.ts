/** What the hub answers, as the page reads it; docs/wire has all of it. */

export type Project = {
  readonly project_uuid: string
  readonly slug: string | null
  readonly head: number
  readonly missions: number
  readonly local_only: number
  readonly last_at: string | null
}

export type Summary = Readonly<Record<string, number>>
export type Mission = {
  readonly mission: string
  readonly decision_rows: number
  readonly status_rows: number
  readonly received_at: string
  /** Of its last move; null where it has none. */
  readonly moved_at: string | null
  readonly summary: Summary | null
}

export type Move = {
  readonly event_id: string
  readonly from_lane: string
  readonly to_lane: string
  readonly at: string
  readonly actor: unknown
  readonly force: boolean
  readonly commit: string | null
}
export type WorkPackage = {
  readonly wp_id: string
  readonly title: string | null
  readonly lane: string
  readonly moves: readonly Move[]
}
export type Oddity = { readonly line: number; readonly wp_id: string | null; readonly what: string }
export type Board = {
  readonly mission: string
  readonly summary: Summary
  readonly work_packages: readonly WorkPackage[]
  readonly anomalies: readonly Oddity[]
  readonly is_cut: boolean
}

export type Decision = {
  readonly mission: string
  readonly decision_id: string
  readonly question: string
  readonly options: readonly string[]
  readonly answer: string | null
  readonly requested_at: string
  readonly requested_by: unknown
  readonly answered_at: string | null
  readonly answered_by: unknown
  readonly commit: string | null
}
export type Decisions = {
  readonly decisions: readonly Decision[]
  readonly total: number
  readonly next: number
  readonly anomalies: readonly Oddity[]
}

export type Clarification = {
  readonly mission_id: string | null
  readonly conflict_id: string
  readonly term: string
  readonly question: string
  readonly options: readonly string[]
  readonly urgency: string
  readonly requested_at: string
  readonly resolution: Readonly<Record<string, unknown>> | null
}
export type Glossary = { readonly open: number; readonly clarifications: readonly Clarification[] }

export type Hour = {
  readonly at: string
  readonly events: number
  readonly commits: number
  readonly rows: number
}

export type EventRow = {
  readonly type: 'event'
  readonly project_uuid: string
  readonly seq: number
  readonly event_id: string
  readonly event_type: string
  readonly aggregate_id: string
  readonly node_id: string
  readonly timestamp: string
}
export type CommitRow = {
  readonly type: 'LocalCommit'
  readonly project_uuid: string
  readonly seq: number
  readonly git_hash: string
  readonly mission_id: string
  readonly build_id: string
  readonly changed_files: readonly string[]
  readonly committed_at: string
  readonly local_only: boolean
  readonly user?: string
}
export type DamagedRow = {
  readonly type: 'damaged'
  readonly project_uuid: string
  readonly seq: number
}
export type Row = EventRow | CommitRow | DamagedRow

export type Present = {
  readonly member: string
  readonly focus: { readonly mission: string; readonly wp?: string }
}

export type Subscribed = {
  readonly type: 'subscribed'
  readonly project_uuid: string
  readonly epoch: string
  readonly seq: number
  readonly lines_seq: number
  /** The first number that the hub still has. */
  readonly history_from: number
  readonly resumed: boolean
  readonly snapshot: {
    readonly recent: readonly Row[]
    readonly local_only: readonly CommitRow[]
  } | null
}

export type Frame =
  | Row
  | Subscribed
  | { readonly type: 'snapshot' }
  | { readonly type: 'forgotten'; readonly project_uuid: string; readonly through_seq: number }
  | { readonly type: 'ping'; readonly timestamp: string }
  | { readonly type: 'error'; readonly error_category: string }
  | {
      readonly type: 'LedgerLines'
      readonly project_uuid: string
      readonly mission: string
      readonly ledger: 'status' | 'decisions'
      readonly lines_seq: number
    }
  | {
      readonly type: 'CommitsPushed'
      readonly project_uuid: string
      readonly git_hashes: readonly string[]
    }
  | {
      readonly type: 'presence'
      readonly project_uuid: string
      readonly present: readonly Present[]
    }
