/** What the store holds, as it is asked for and as it is answered. */

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

/** Up to `forgotten` what happened is no longer kept. */
export type Project = Readonly<Record<'project_id' | 'head' | 'forgotten', number>>

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
