/**
 * Holds the project's link: the sender lease, the connection and the two drains, started and stopped as one.
 *
 * The threads under it may die at any time. The socket's loses the connection, which is opened anew with back-off;
 * the store's loses the lease, which is asked for again until it is there, unless the link was stopped meanwhile.
 * One file, because who holds the lease and what the connection is told must not be read apart.
 */
import { type ActorRefFrom, fromCallback } from 'xstate'
import type { LedgerFeature } from '../contracts/ledger-frame.ts'
import type { ErrorOnWire } from '../errors.ts'
import type { GitAnswer, GitCommand } from '../workers/git/protocol.ts'
import type { SocketFact } from '../workers/socket/protocol.ts'
import type { Greeted, StoreAnswer, StoreCommand } from '../workers/store/protocol.ts'
import { within } from './within.ts'
import type { ConnectionChanged, ConnectionEvent, ConnectionState } from './connection.ts'
import { connectionMachine } from './connection.machine.ts'
import type { Desk } from './desk.ts'
import { drainMachine } from './drain.machine.ts'
import { ledgerSource, outboxSource } from './source.ts'
import type { System, SystemClock } from './system.ts'
import { WakeWatch } from './wake-watch.ts'
import type { WorkerRef } from './supervisor.machine.ts'
import type { WorkerName } from './worker.machine.ts'

export type LinkControlOptions = {
  readonly workers: Readonly<Record<WorkerName, WorkerRef>>
  readonly store: Desk<StoreCommand, StoreAnswer>
  readonly git: Desk<GitCommand, GitAnswer>
  readonly random: () => number
  readonly clock: SystemClock
  readonly spawn: System['spawn']
  readonly changed: (change: ConnectionChanged) => void
  /** The link is refused, and somebody must see to it; told once for each code until the link is live again. */
  readonly refused: (error: ErrorOnWire) => void
  /** The ledger can't be used now: its commits wait, events don't. */
  readonly ledgerRefused: (error: ErrorOnWire) => void
  /** What notices that the machine has slept; default: a look at its clock and its addresses. */
  readonly watchWake?: (woke: () => void) => Pick<WakeWatch, 'start' | 'stop'>
}

/** How often a lost lease is asked for. */
export const LEASE_RETRY_MS = 1_000
/** Real time: how long the link may take to close before the lease is given back anyway. */
const STOP_WAIT_MS = 2_500

export class LinkControl {
  readonly #options: LinkControlOptions
  readonly #connection: ActorRefFrom<typeof connectionMachine>
  readonly #events: ActorRefFrom<typeof drainMachine>
  readonly #commits: ActorRefFrom<typeof drainMachine>
  readonly #commitSource: ActorRefFrom<typeof ledgerSource>
  readonly #wakeWatch: Pick<WakeWatch, 'start' | 'stop'>
  readonly #told = new Set<string>()
  #state: ConnectionState = 'offline'
  #nextTryAt: number | null = null
  #reason: string | null = null
  /** The hub that has greeted the present connection. */
  #target: Greeted | null = null
  #takes: readonly LedgerFeature[] = []
  #isWanted = false
  #held = false
  /** How often the lease was lost, or the thread that may have had it. */
  #losses = 0
  #waiting: (() => void)[] = []
  #turn: Promise<unknown> = Promise.resolve()

  constructor(options: LinkControlOptions) {
    this.#options = options
    const { workers, random, clock, spawn } = options
    const woke = (): void => this.#connection.send({ type: 'connection.resumed' })
    this.#wakeWatch = options.watchWake?.(woke) ?? new WakeWatch({ woke })
    const eventSource = spawn(outboxSource, 'source.events', {
      worker: workers.store,
      drain: () => this.#events,
    })
    this.#commitSource = spawn(ledgerSource, 'source.commits', {
      worker: workers.git,
      drain: () => this.#commits,
    })
    // The connection and its drains know each other; these two pass on what comes before all of them exist.
    const owner = spawn(relay, 'link.owner', {
      pass: (message) => {
        const event = message as ConnectionEvent
        if (event.type === 'drain.refused' && event.sink === 'commits') {
          options.ledgerRefused(event.error)
        }
        this.#connection.send(event)
      },
    })
    const socket = spawn(relay, 'link.socket', {
      pass: (command) =>
        workers.socket.send({ type: 'worker.ask', command, replyTo: this.#connection }),
    })
    const common = { outlet: workers.socket, owner, random }
    this.#events = spawn(drainMachine, 'drain.events', {
      ...common,
      sink: 'events',
      source: eventSource,
    })
    this.#commits = spawn(drainMachine, 'drain.commits', {
      ...common,
      sink: 'commits',
      source: this.#commitSource,
    })
    this.#connection = spawn(connectionMachine, 'connection', {
      socket,
      commits: this.#commits,
      events: this.#events,
      random,
      now: () => clock.now(),
    })
    this.#connection.on('connection.changed', (change) => this.#note(change))
    this.#connection.on('connection.refused', ({ error }) => this.#tell(error))
    for (const drain of [this.#events, this.#commits]) drain.subscribe(() => this.#wake())
  }

  get state(): ConnectionState {
    return this.#state
  }

  /** Why the link is where it is: the code of the last failure, or null. */
  get reason(): string | null {
    return this.#reason
  }

  /** Milliseconds of the clock: when the link is tried again; null where it isn't waited. */
  get nextTryAt(): number | null {
    return this.#nextTryAt
  }

  /** Started and not stopped since; the lease may be on its way. */
  get isWanted(): boolean {
    return this.#isWanted
  }

  /** On the present link the events were empty when last asked, and the commits too or refused by the ledger. */
  get isDrained(): boolean {
    return (
      this.#state === 'live' &&
      this.#events.getSnapshot().matches('idle') &&
      (this.#commits.getSnapshot().matches('idle') || this.isLedgerRefusing)
    )
  }

  /** All that can go without a WebSocket has gone. */
  get isEmptiedByBatches(): boolean {
    return this.#state === 'batching' && this.#events.getSnapshot().matches('idle')
  }

  /** The ledger could not be used when last asked. */
  get isLedgerRefusing(): boolean {
    const commits = this.#commits.getSnapshot()
    return (
      commits.matches('waiting') || (commits.matches('claiming') && commits.context.attempts > 0)
    )
  }

  /** Takes the lease and opens the link; idempotent. False where another process holds it. */
  start(): Promise<boolean> {
    return this.#inTurn(async () => {
      if (this.#isWanted) {
        // Consent that was given here after another process had withdrawn it is told by nobody else.
        if (this.#held) this.#connection.send({ type: 'connection.enable' })
        return true
      }
      // From now on, so that a lease that is lost before all of this is said is asked for again.
      this.#isWanted = true
      let isTaken = false
      try {
        isTaken = await this.#takeLease()
        return isTaken
      } finally {
        if (!isTaken) this.#isWanted = false
      }
    })
  }

  /** Closes the link and frees the lease. */
  stop(): Promise<void> {
    return this.#end('DISABLED')
  }

  /** Resolves true once `done`, false after `timeoutMs` of the clock or on the signal. */
  until(done: () => boolean, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    const { clock } = this.#options
    return new Promise((resolve) => {
      let over = false
      const settle = (reached: boolean): void => {
        over = true
        clock.clearTimeout(timer)
        signal?.removeEventListener('abort', abort)
        resolve(reached)
      }
      const abort = (): void => settle(false)
      const timer = clock.setTimeout(abort, timeoutMs)
      signal?.addEventListener('abort', abort, { once: true })
      if (signal?.aborted === true) abort()
      this.#look(() => {
        if (!over && done()) settle(true)
        return over
      })
    })
  }

  /** New events or frames are there. */
  nudge(): void {
    this.#events.send({ type: 'drain.appended' })
    this.#commits.send({ type: 'drain.appended' })
  }

  /** A new login is there: what was refused may be tried again. */
  relogin(): void {
    this.#connection.send({ type: 'connection.login' })
  }

  /** Someone waits: a link that stays away for now tries at once. */
  hurry(): void {
    if (this.#state === 'backingOff' || this.#state === 'suspended') this.relogin()
    this.nudge()
  }

  /** Consent was withdrawn, or is there again. The lease stays: by it the store tells when that changes. */
  heed(granted: boolean): void {
    if (!this.#held || !this.#isWanted) return
    if (granted) this.#connection.send({ type: 'connection.enable' })
    else this.#connection.send({ type: 'connection.disable', reason: 'NO_CONSENT' })
  }

  /** The socket said something that nobody asked for. */
  takeFact(fact: SocketFact): void {
    if (fact.type === 'socket.closed') this.#target = null
    if (fact.type !== 'socket.snapshot') return this.#connection.send(fact)
    const { type, connection, login, epoch, takes } = fact
    this.#target = { login, epoch }
    this.#takes = takes
    // Both answer in order: before the first claim that the greeting leads to.
    this.#aim()
    this.#aimCommits()
    this.#commitSource.send({ type: 'source.begin' })
    this.#connection.send({ type, connection })
  }

  /** A thread died: the socket's with its connection, the store's with its lease, the git's with its watch. */
  takeRestart(name: WorkerName): void {
    if (name === 'socket') this.#connection.send({ type: 'connection.lost' })
    if (name === 'git' && this.#held) {
      this.#watchFrames()
      this.#aimCommits()
    }
    if (name === 'store') this.#lose()
  }

  /** A worker is gone for good. The link needs the store and the socket; without git, events are still delivered. */
  takeFailure(name: WorkerName): void {
    if (name !== 'git') void this.#end('WORKER_FAILED').catch(() => undefined)
  }

  #end(reason: 'DISABLED' | 'WORKER_FAILED'): Promise<void> {
    this.#isWanted = false
    return this.#inTurn(async () => {
      this.#isWanted = false
      if (!this.#held && this.#state === 'offline') return
      this.#connection.send({ type: 'connection.disable', reason })
      // A close would not be answered any more.
      if (reason === 'WORKER_FAILED') this.#connection.send({ type: 'connection.lost' })
      const offline = new Promise<void>((resolve) => this.#look(() => this.#isOffline(resolve)))
      await within(offline, STOP_WAIT_MS)
      if (!this.#held) return
      this.#held = false
      await this.#options.store.ask({ type: 'store.release' }, 'store.released')
    })
  }

  #lose(): void {
    this.#losses += 1
    if (!this.#held) return
    this.#held = false
    if (this.#isWanted) this.#retake()
    else this.#connection.send({ type: 'connection.disable' })
  }

  #retake(): void {
    void this.#inTurn(async () => {
      if (!this.#isWanted || this.#held) return
      if (await this.#takeLease().catch(() => false)) return
      // Whoever stopped it meanwhile says why.
      if (!this.#isWanted) return
      // Another process was quicker: it delivers, and this one waits for its turn.
      this.#connection.send({ type: 'connection.disable' })
      this.#options.clock.setTimeout(() => this.#retake(), LEASE_RETRY_MS)
    })
  }

  async #takeLease(): Promise<boolean> {
    let lease: { readonly held: boolean; readonly granted: boolean }
    let losses: number
    do {
      losses = this.#losses
      lease = await this.#options.store.ask({ type: 'store.lease' }, 'store.leased')
      // A loss is told at once, an answer a turn later: what was lost may be what this answer gives.
    } while (lease.held && losses !== this.#losses)
    this.#held = lease.held
    if (!lease.held) return false
    // A store thread that came back under a connection that is up doesn't know whom it claims for.
    this.#aim()
    // Nobody here heard of an opt-out while the lease was not here.
    this.heed(lease.granted)
    this.#watchFrames()
    // Said again, because a store thread that came back doesn't know it.
    await this.#publish().catch(() => undefined)
    this.nudge()
    return true
  }

  #aim(): void {
    if (this.#target === null) return
    const { store } = this.#options
    void store
      .ask({ type: 'store.target', ...this.#target }, 'store.targeted')
      .catch(() => undefined)
  }

  #aimCommits(): void {
    if (this.#target === null) return
    const { git } = this.#options
    const target = { ...this.#target, takes: this.#takes }
    void git.ask({ type: 'git.target', ...target }, 'git.targeted').catch(() => undefined)
  }

  // Other processes' frames come at the next link where this fails.
  #watchFrames(): void {
    const watching = this.#options.git.ask({ type: 'git.watch' }, 'git.watching')
    // What was committed before the watch stood, also by a thread that came back, is told by nobody else.
    const look = (): void => this.#commits.send({ type: 'drain.appended' })
    void watching.then(look, () => undefined)
  }

  #note(change: ConnectionChanged): void {
    this.#state = change.state
    this.#reason = change.reason
    this.#nextTryAt = change.nextTryAt ?? null
    if (change.state === 'live') this.#told.clear()
    if (change.state === 'offline') this.#wakeWatch.stop()
    else this.#wakeWatch.start()
    this.#options.changed(change)
    if (this.#held) void this.#publish().catch(() => undefined)
    this.#wake()
  }

  #tell(error: ErrorOnWire): void {
    if (this.#told.has(error.code)) return
    this.#told.add(error.code)
    this.#options.refused(error)
  }

  async #publish(): Promise<void> {
    const news = {
      state: this.#state === 'live' ? 'live' : 'down',
      connection: this.#state,
      reason: this.#reason,
      next_try_at: this.#nextTryAt,
    } as const
    await this.#options.store.ask({ type: 'store.publishLink', ...news }, 'store.linkPublished')
  }

  #isOffline(then: () => void): boolean {
    if (this.#state === 'offline') then()
    return this.#state === 'offline'
  }

  /** Calls `look` now and at each change until it answers true. */
  #look(look: () => boolean): void {
    if (!look()) this.#waiting.push(() => this.#look(look))
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const look of waiting) look()
  }

  /** Starts and stops don't overlap: each finds the link as the one before it left it. */
  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#turn.then(work, work)
    this.#turn = turn.catch(() => undefined)
    return turn
  }
}

type Message = { readonly type: string }

/** Passes on to whoever is there when the message comes. */
const relay = fromCallback<Message, { readonly pass: (message: Message) => void }>(
  ({ input, receive }) => receive(input.pass),
)
