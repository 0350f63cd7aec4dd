/** The words of the connection machine: what it hears, what it says, what it remembers, and its numbers. */
import type { AnyActorRef } from 'xstate'
import type { ErrorOnWire } from '../errors.ts'
import type { Sink, SocketAnswer, SocketFact } from '../workers/socket/protocol.ts'

export type ConnectionState =
  | 'offline'
  | 'authenticating'
  | 'connecting'
  | 'probing'
  | 'batching'
  | 'awaitingSnapshot'
  | 'flushingCommits'
  | 'live'
  | 'closing'
  | 'backingOff'
  | 'suspended'

export type ConnectionEvent =
  /** Identity, consent and login are there. Idempotent; it never cuts a back-off short. */
  | { readonly type: 'connection.enable' }
  /** `reason` says why the link is not wanted; DISABLED where nothing is said. */
  | { readonly type: 'connection.disable'; readonly reason?: string }
  /** There is a new login: it counts from now on. */
  | { readonly type: 'connection.login' }
  /** The socket worker's thread is gone, and with it every answer that was due. */
  | { readonly type: 'connection.lost' }
  /** The machine has slept, or its network is another one: what is up may be dead, what waits may try. */
  | { readonly type: 'connection.resumed' }
  | { readonly type: 'drain.emptied'; readonly sink: Sink }
  /** The drain waits for verdicts that don't come. */
  | { readonly type: 'drain.stalled'; readonly sink: Sink }
  /** The drain's source can't be used now; it is asked again. */
  | { readonly type: 'drain.refused'; readonly sink: Sink; readonly error: ErrorOnWire }
  | SocketAnswer
  /** Of a hub's names nothing is known here: what a machine hears can be inspected. */
  | { readonly type: 'socket.snapshot'; readonly connection: number }
  | Exclude<SocketFact, { readonly type: 'socket.snapshot' }>

/** Said at each change of state. */
export type ConnectionChanged = {
  readonly type: 'connection.changed'
  readonly state: ConnectionState
  /** Why it is not live: a code of the link's or the hub's; null where all is well. */
  readonly reason: string | null
  /** Milliseconds of the injected clock, in `batching`, `backingOff` and `suspended`. */
  readonly nextTryAt?: number
}

/** Said where the hub, or our own login, refuses the link and somebody must see to it. */
export type ConnectionRefused = {
  readonly type: 'connection.refused'
  readonly error: ErrorOnWire
}

export type ConnectionInput = {
  /** Takes every command of the socket worker but `socket.deliver`. */
  readonly socket: AnyActorRef
  /** The drains; each takes `drain.wake` and `drain.sleep`. */
  readonly commits: AnyActorRef
  readonly events: AnyActorRef
  /** In [0, 1). */
  readonly random: () => number
  /** Milliseconds; only shown, never waited on. */
  readonly now: () => number
}

export type ConnectionContext = ConnectionInput & {
  readonly isWanted: boolean
  /** Failed tries since the last healthy period, at most `ATTEMPTS_MAX`. */
  readonly attempts: number
  /** The present or last connection; 0 before the first. */
  readonly connection: number
  readonly reason: string | null
  /** Of what is blamed: would the next try fare better by itself? */
  readonly isPassing: boolean
  /** Refusals one after the other, at most `REFUSALS_MAX`. */
  readonly refusals: number
  /** What the hub asked us to wait at least. */
  readonly retryAfterMs: number
  readonly delayMs: number
  readonly nextTryAt: number | null
}

export const ATTEMPTS_MAX = 16
export const BACKOFF = { baseMs: 500, capMs: 30_000 } as const
/** However long a hub asks us to stay away. */
export const RETRY_AFTER_MAX_MS = 15 * 60_000
/** A refused login is tried again now and then, ever more seldom: the hub may have changed its mind. */
export const SUSPENDED_RETRY_MS = 5 * 60_000
export const SUSPENDED_RETRY_MAX_MS = 60 * 60_000
export const REFUSALS_MAX = 4
/** Events go by HTTP meanwhile: each try of the WebSocket makes them wait. */
export const BATCHING_MIN_MS = 5_000

/** The worker's own deadlines come first and say more; ours are for a worker that doesn't answer. */
const ANSWER_MARGIN_MS = 500

export const CONNECTION_DELAYS = {
  authenticateDeadline: 10_000 + ANSWER_MARGIN_MS,
  openDeadline: 5_000 + ANSWER_MARGIN_MS,
  /** Two requests. */
  probeDeadline: 20_000 + ANSWER_MARGIN_MS,
  /** One batch by HTTP. */
  finishDeadline: 60_000 + ANSWER_MARGIN_MS,
  snapshotDeadline: 5_000,
  closeDeadline: 2_000 + ANSWER_MARGIN_MS,
  /** What was acknowledged stays so: the next connection goes on where this one stopped. */
  flushDeadline: 60_000,
  /** Two pings of a hub that pings every 20 s may be missed. */
  pingSilence: 45_000,
  /** Live for so long, the next failure counts as the first. */
  healthyPeriod: 60_000,
} as const
