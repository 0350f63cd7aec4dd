/** What the socket worker is asked, and what it answers or reports. Tokens never cross the port: it reads them. */
import type { LedgerFeature, LedgerFrame } from '../../contracts/wire/ledger-frame.ts'
import type { ErrorOnWire } from '../../errors.ts'

/** What the thread is started with. */
export type SocketInput = {
  readonly state: string
  /** The project whose outbox holds the consent that is asked at the sink. */
  readonly projectUuid: string | null
  readonly channel: string
}

/** Which acknowledgements a batch waits for, and which source it came from. */
export type Sink = 'events' | 'commits'

/** What a closed connection means for the next attempt. */
export type CloseClass = 'transient' | 'unauthenticated' | 'refused'

/** The hub's own refusal of one item. */
export type Rejected = {
  readonly id: string
  readonly reason: string
  /** It will not be taken at another time either. */
  readonly isFinal: boolean
}

export type SocketCommand =
  /** Exchanges the login for a short-lived socket token. */
  | { readonly type: 'socket.authenticate' }
  /** Opens the link with what `authenticate` got. */
  | { readonly type: 'socket.open' }
  | { readonly type: 'socket.close' }
  /** Asks whether the hub takes events by HTTP, because no WebSocket can be opened. */
  | { readonly type: 'socket.probe' }
  /** No more requests by HTTP; answered once the one under way has its answer. */
  | { readonly type: 'socket.finish' }
  /** The hub may be gone without a word: it has a short time to say that it is there. */
  | { readonly type: 'socket.check' }
  /**
   * Sends one batch on the present connection and waits for its acknowledgements: `commits` travel with the
   * command, `events` came before it by the direct port under the same `batch` number.
   */
  | {
      readonly type: 'socket.deliver'
      readonly sink: Sink
      readonly batch: number
      readonly frames: readonly LedgerFrame[]
    }

export type SocketAnswer =
  | { readonly type: 'socket.authenticated' }
  | { readonly type: 'socket.opened'; readonly connection: number }
  | { readonly type: 'socket.closing' }
  | { readonly type: 'socket.probed'; readonly connection: number }
  | { readonly type: 'socket.finished' }
  | { readonly type: 'socket.checking' }
  | {
      readonly type: 'socket.delivered'
      readonly sink: Sink
      readonly batch: number
      /** Ids of frames with an exact acknowledgement on this connection. */
      readonly accepted: readonly string[]
      readonly rejected: readonly Rejected[]
      /** Sent or unsent, but without an answer: they stay undelivered. */
      readonly unanswered: number
      /** How many events the next claim of this sink may bring: few where the hub is slow. */
      readonly credit: number
    }
  | {
      readonly type: 'socket.refused'
      readonly error: ErrorOnWire
      readonly class: CloseClass
      /** As the hub asked for it, capped. */
      readonly retryAfterMs?: number
    }

export type SocketFact =
  /** The hub has greeted: the id of the login that led to it, and its epoch, or null where it names none. */
  | {
      readonly type: 'socket.snapshot'
      readonly connection: number
      readonly login: string
      readonly epoch: string | null
      /** Of the ledger beside commits, on this connection. */
      readonly takes: readonly LedgerFeature[]
    }
  | { readonly type: 'socket.pinged'; readonly connection: number }
  /** The hub takes nothing by HTTP now; said before the batch in question is answered. */
  | {
      readonly type: 'socket.halted'
      readonly connection: number
      readonly class: CloseClass
      readonly error: ErrorOnWire
      readonly retryAfterMs?: number
    }
  | {
      readonly type: 'socket.closed'
      readonly connection: number
      readonly class: CloseClass
      readonly code: number
      readonly reason: string
    }
