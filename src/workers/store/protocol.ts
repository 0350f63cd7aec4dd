/** What the store worker is asked, and what it answers. A message on the port is an event of the machines. */
import type { SerializedEvent } from '../../contracts/event.ts'
import type { ErrorOnWire } from '../../errors.ts'
import type { IdentityLiterals } from '../../project/identity-literals.ts'
import type { Identity, Repository } from '../../project/types.ts'

/** What the thread is started with. */
export type StoreInput = {
  readonly state: string
  readonly repository: Repository
  /** As it is when the thread starts; `store.identify` tells of a later one. */
  readonly identity: Identity | null
  readonly nodeId: string
  readonly literals: IdentityLiterals
  /** Name of the channel by which claimed batches reach the socket worker. */
  readonly channel: string
  readonly capacity: number | null
}

/**
 * As the hub that is delivered to sees it. `held`: no consent. `quarantined`: refused for good, with a reason, until someone
 * decides. `superseded`: a newer one says the same of the same thing.
 */
export type EventState =
  | 'pending'
  | 'inflight'
  | 'delivered'
  | 'quarantined'
  | 'held'
  | 'superseded'

/** The hub that the link has reached, and the state that it was in: it changes when the hub may have lost something. */
export type Target = {
  readonly origin: string
  readonly team: string
  /** Null where the hub names none. */
  readonly epoch: string | null
}

/** The same, as it is passed on: the login names the hub to whoever can read it, and to no inspector. */
export type Greeted = {
  /** Its id. */
  readonly login: string
  readonly epoch: string | null
}

/** The hub's no to one event; one that isn't final counts as an attempt, and the event is offered again. */
export type Rejection = {
  readonly event_id: string
  readonly reason: string
  readonly isFinal: boolean
}

declare const CLAIMED: unique symbol

/** An event that a claim has let through. Nothing but `claimed-batch.ts` makes one. */
export type ClaimedEvent = {
  readonly event_id: string
  readonly body: string
  readonly [CLAIMED]: true
}

export type ConsentState = 'granted' | 'refused' | 'absent'

/** What the process that owns the link says of it; stale once the heartbeat is older than `LINK_STALE_MS`. */
export type LinkRow = {
  readonly state: 'live' | 'down'
  /** Unix milliseconds. */
  readonly heartbeat_at: number
  /** The state of the connection, why it is not live, and when it is tried again. */
  readonly connection: string | null
  readonly reason: string | null
  readonly next_try_at: number | null
}

/** What its owner says of the link. */
export type LinkNews = Omit<LinkRow, 'heartbeat_at'>

export const LINK_STALE_MS = 3_000

export type AppendedEvent = { readonly event_id: string; readonly lamport_clock: number }

export type StoreCounts = Readonly<Record<EventState, number>>

export type StoreCommand =
  /** Group-committed with whatever else waits. Idempotent by event id. */
  | { readonly type: 'store.append'; readonly events: readonly SerializedEvent[] }
  /** `init` came while the worker runs: from now on the project's own outbox, with what waited adopted. */
  | { readonly type: 'store.identify'; readonly identity: Identity }
  /** Takes the sender lease; only its holder may claim. */
  | { readonly type: 'store.lease' }
  | { readonly type: 'store.release' }
  /** The hub has greeted the link: claims and settles are for it from now on. */
  | ({ readonly type: 'store.target' } & Greeted)
  /** The oldest undelivered, consented events; the rows go to the socket worker by the direct port. */
  | { readonly type: 'store.claim'; readonly batch: number; readonly max: number }
  | {
      readonly type: 'store.settle'
      readonly accepted: readonly string[]
      readonly rejected: readonly Rejection[]
    }
  | ({ readonly type: 'store.publishLink' } & LinkNews)
  /** Nothing goes out any more; what is under way may still be acknowledged until consent is refused. */
  | { readonly type: 'store.freeze' }
  | { readonly type: 'store.consent'; readonly grant: boolean; readonly fromNow: boolean }
  | { readonly type: 'store.count' }

export type StoreAnswer =
  | {
      readonly type: 'store.appended'
      readonly receipts: readonly AppendedEvent[]
      /** Read in the append's own transaction: is some process's link live? */
      readonly live: boolean
      readonly undelivered: number
      readonly capacity: number
    }
  /** `adopted`: events recorded before `init` that this thread took over. */
  | { readonly type: 'store.identified'; readonly adopted: number }
  /** `granted`: what waits may leave, which another process may have changed while nobody here watched. */
  | { readonly type: 'store.leased'; readonly held: boolean; readonly granted: boolean }
  | { readonly type: 'store.released' }
  | { readonly type: 'store.targeted' }
  | { readonly type: 'store.frozen' }
  | { readonly type: 'store.claimed'; readonly batch: number; readonly count: number }
  | { readonly type: 'store.settled'; readonly undelivered: number }
  | { readonly type: 'store.linkPublished' }
  | {
      readonly type: 'store.consented'
      readonly state: ConsentState
      /** How many recorded events the grant covers; how many stay held. */
      readonly covered: number
      readonly held: number
    }
  | { readonly type: 'store.counted'; readonly counts: StoreCounts }
  | { readonly type: 'store.refused'; readonly error: ErrorOnWire }

/** Something happened that nobody asked for. */
export type StoreFact =
  | { readonly type: 'store.warned'; readonly code: string; readonly message: string }
  /** The store had to be given up, and with it the lease. */
  | { readonly type: 'store.leaseLost' }
  /** Another process appended, or changed consent, which is now as `granted` says. */
  | { readonly type: 'store.changed'; readonly granted: boolean }

/** A claimed batch on its way from the store thread to the socket thread; the main thread never sees it. */
export type DirectBatch = {
  readonly batch: number
  readonly rows: readonly ClaimedEvent[]
}
