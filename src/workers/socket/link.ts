/**
 * The link: one WebSocket connection to a hub at a time, or batches by HTTP where none can be opened. Commands answer, never reject, each within a deadline; facts
 * carry the number of the connection that they are about. It reads the login when it is used and keeps no token
 * longer than the attempt it is for.
 */
import type { LoginReading, OpenLogin } from '../../project/login/login.ts'
import { authenticate } from './authenticate.ts'
import type { Ticket } from './authenticate.ts'
import { BacklogWay } from './backlog-way.ts'
import { BatchLink } from './batch-link.ts'
import { Connection } from './connection.ts'
import type { FocusSource, FrameCounts } from './connection.ts'
import { openSocket } from './handshake.ts'
import { LINK_LIMITS, setTimer } from './limits.ts'
import type { LinkLimits, SetTimer } from './limits.ts'
import type { OutgoingItem } from './outgoing.ts'
import type { Sink, SocketAnswer, SocketFact } from './protocol.ts'
import { answerOfRefusal, factOfHalt, refuse, refuseNetwork } from './refusal.ts'
import { delivered, undelivered } from './sender.ts'
import type { Delivered } from './sender.ts'

export type LinkOptions = {
  /** Asked at each authentication, so that a new login counts at once. */
  readonly login: () => LoginReading<OpenLogin>
  /** Consent, asked for every frame by its own project; false where it is absent or unreadable. */
  readonly granted: (projectUuid: string) => boolean
  readonly emit: (fact: SocketFact) => void
  /** What the user of the project works on, told while a connection is open. */
  readonly focus?: FocusSource | null
  readonly limits?: Partial<LinkLimits>
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number
  readonly setTimer?: SetTimer
}

export class Link {
  readonly #options: LinkOptions
  readonly #limits: LinkLimits
  readonly #setTimer: SetTimer
  readonly #now: () => number
  readonly #counts: FrameCounts = { stray: 0, malformed: 0, other: 0, floodedPings: 0 }
  #ticket: { readonly ticket: Ticket; readonly expiresAt: number } | null = null
  #attempt: AbortController | null = null
  #connection: Connection | null = null
  /** Batches by HTTP beside the present connection. */
  #backlog: BacklogWay | null = null
  /** Batches by HTTP instead of a connection. */
  #batches: { readonly number: number; readonly link: BatchLink } | null = null
  #connections = 0

  constructor(options: LinkOptions) {
    this.#options = options
    this.#limits = { ...LINK_LIMITS, ...options.limits }
    this.#setTimer = options.setTimer ?? setTimer
    this.#now = options.now ?? (() => performance.now())
  }

  /** What came over all connections and was not acted upon. */
  get counts(): Readonly<FrameCounts> {
    return this.#counts
  }

  /** There is a connection that can carry something. */
  get isOpen(): boolean {
    return this.#batches !== null || this.#connection?.isOver === false
  }

  /** Exchanges the login for a ticket that the next `open` uses up. */
  async authenticate(): Promise<SocketAnswer> {
    const attempt = this.#begin()
    const { authenticateMs } = this.#limits
    const answer = await authenticate(this.#options.login(), authenticateMs, attempt.signal)
    if ('refusal' in answer) return answerOfRefusal(answer.refusal)
    // Closed while the answer was under way: its ticket must not open anything.
    if (attempt.signal.aborted) return answerOfRefusal(refuseNetwork('aborted'))
    const { ticket } = answer
    this.#ticket = { ticket, expiresAt: this.#now() + ticket.lifeMs }
    return { type: 'socket.authenticated' }
  }

  /** Connects with the ticket. A connection that is still there is closed first. */
  async open(): Promise<SocketAnswer> {
    const attempt = this.#begin()
    const held = this.#ticket
    this.#ticket = null
    if (held === null || this.#now() >= held.expiresAt) {
      const message = 'a fresh socket token is needed before the link can open'
      return answerOfRefusal(refuse('LINK_TICKET', message, 'transient'))
    }
    await this.#connection?.close()
    const opened = await openSocket(held.ticket, this.#limits, this.#setTimer, attempt.signal)
    if ('refusal' in opened) return answerOfRefusal(opened.refusal)
    if (attempt.signal.aborted) {
      opened.webSocket.terminate()
      return answerOfRefusal(refuseNetwork('aborted'))
    }
    this.#connections += 1
    const number = this.#connections
    const over = new AbortController()
    this.#connection = new Connection({
      ...opened,
      number,
      target: held.ticket.target,
      login: held.ticket.login,
      granted: this.#options.granted,
      focus: this.#options.focus ?? null,
      emit: (fact) => {
        // What waits for HTTP answers would else hold every later answer of this worker up.
        if (fact.type === 'socket.closed') over.abort()
        this.#options.emit(fact)
      },
      limits: this.#limits,
      setTimer: this.#setTimer,
      now: this.#now,
      counts: this.#counts,
    })
    const target = held.ticket.target
    this.#backlog = new BacklogWay({ ...this.#httpOptions(over.signal), target }, this.#connection)
    return { type: 'socket.opened', connection: number }
  }

  /** Finds out whether the hub takes batches by HTTP; then `deliver` goes that way until the next attempt. */
  async probe(): Promise<SocketAnswer> {
    const attempt = this.#begin()
    const reached = await BatchLink.reach(this.#httpOptions(attempt.signal))
    if ('refusal' in reached) return answerOfRefusal(reached.refusal)
    if (attempt.signal.aborted) return answerOfRefusal(refuseNetwork('aborted'))
    this.#connections += 1
    const connection = this.#connections
    this.#batches = { number: connection, link: reached }
    const { login, epoch } = reached.target
    // What is of the ledger has no way but the WebSocket.
    this.#options.emit({ type: 'socket.snapshot', connection, login, epoch, takes: [] })
    return { type: 'socket.probed', connection }
  }

  /** The batch under way is the last one that goes by HTTP. */
  finish(): SocketAnswer {
    this.#batches?.link.finish()
    return { type: 'socket.finished' }
  }

  /** Lets a connection that may be dead prove within a short time that it isn't. */
  check(): SocketAnswer {
    this.#connection?.check()
    return { type: 'socket.checking' }
  }

  /**
   * Sends the items in order on the present connection and answers once each has the hub's verdict, or the hub has
   * said nothing for the whole ack wait, or the connection is over. Without a greeted connection nothing is sent.
   */
  async deliver(sink: Sink, batch: number, items: readonly OutgoingItem[]): Promise<Delivered> {
    if (this.#batches !== null) return this.#deliverBatches(this.#batches, sink, batch, items)
    const connection = this.#connection
    if (connection === null) return undelivered(sink, batch, items.length)
    const isBacklog = sink === 'events' && items.length > this.#limits.backlogEvents
    if (!isBacklog || this.#backlog === null) return connection.deliver(sink, batch, items)
    return this.#backlog.deliver(batch, items)
  }

  // Commits have no way but the WebSocket.
  async #deliverBatches(
    batches: { readonly number: number; readonly link: BatchLink },
    sink: Sink,
    batch: number,
    items: readonly OutgoingItem[],
  ): Promise<Delivered> {
    if (sink === 'commits') return undelivered(sink, batch, items.length)
    const passed = await batches.link.deliver(items, null)
    if (passed.refusal !== null) {
      this.#options.emit(factOfHalt(batches.number, passed.refusal))
    }
    const oversized = passed.oversized.map((id) => ({
      id,
      reason: 'event_too_large',
      isFinal: true,
    }))
    return delivered(batch, items, passed.accepted, [...passed.rejected, ...oversized])
  }

  /** Ends the attempt or the connection, and with it every batch that waits. Answers within the close deadline. */
  async close(): Promise<SocketAnswer> {
    this.#attempt?.abort()
    this.#ticket = null
    this.#batches = null
    await this.#connection?.close()
    return { type: 'socket.closing' }
  }

  #httpOptions(signal: AbortSignal) {
    const { granted, login } = this.#options
    return { login, granted, limits: this.#limits, signal }
  }

  #begin(): AbortController {
    this.#attempt?.abort()
    this.#batches = null
    this.#attempt = new AbortController()
    return this.#attempt
  }
}
