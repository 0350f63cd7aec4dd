/**
 * Holds the project's link: the sender lease, the connection and the two drains, started and stopped as one.
 *
 * The threads under it may die at any time. The socket's loses the connection, which is opened anew with back-off;
 * the store's loses the lease, which is asked for again until it is there, unless the link was stopped meanwhile.
 * One file, because who holds the lease and what the connection is told must not be read apart.
 */
import type { LedgerFeature } from '../contracts/wire/ledger-frame.ts'
import type { ErrorOnWire } from '../errors.ts'
import type { GitAnswer, GitCommand } from '../workers/git/protocol.ts'
import type { SocketFact } from '../workers/socket/protocol.ts'
import type { Greeted, StoreAnswer, StoreCommand } from '../workers/store/protocol.ts'
import { within } from '../project/within.ts'
import type { ConnectionChanged, ConnectionState } from './connection.ts'
import type { Desk } from './desk.ts'
import { type LinkActors, type LinkParts, spawnLink } from './link-actors.ts'
import { Lookout } from './lookout.ts'
import { WakeWatch } from './wake-watch.ts'
import type { WorkerName } from './worker.machine.ts'

export type LinkControlOptions = LinkParts & {
  readonly store: Desk<StoreCommand, StoreAnswer>
  readonly git: Desk<GitCommand, GitAnswer>
  readonly changed: (change: ConnectionChanged) => void
  /** The link is refused, and somebody must see to it; told once for each code until the link is live again. */
  readonly refused: (error: ErrorOnWire) => void
  /** What notices that the machine has slept; default: a look at its clock and its addresses. */
  readonly watchWake?: (woke: () => void) => Pick<WakeWatch, 'start' | 'stop'>
}

/** How often a lost lease is asked for. */
export const LEASE_RETRY_MS = 1_000
/** Real time: how long the link may take to close before the lease is given back anyway. */
const STOP_WAIT_MS = 2_500

export class LinkControl {
  readonly #options: LinkControlOptions
  readonly #actors: LinkActors
  readonly #wakeWatch: Pick<WakeWatch, 'start' | 'stop'>
  readonly #lookout = new Lookout()
  readonly #told = new Set<string>()
  #at: Omit<ConnectionChanged, 'type'> = { state: 'offline', reason: null }
  /** The hub that has greeted the present connection. */
  #target: Greeted | null = null
  #takes: readonly LedgerFeature[] = []
  #isWanted = false
  #held = false
  /** How often the lease was lost, or the thread that may have had it. */
  #losses = 0
  #turn: Promise<unknown> = Promise.resolve()

  constructor(options: LinkControlOptions) {
    this.#options = options
    const woke = (): void => this.#actors.connection.send({ type: 'connection.resumed' })
    this.#wakeWatch = options.watchWake?.(woke) ?? new WakeWatch({ woke })
    this.#actors = spawnLink(options)
    const { connection, events, commits } = this.#actors
    connection.on('connection.changed', (change) => this.#note(change))
    connection.on('connection.refused', ({ error }) => this.#tell(error))
    for (const drain of [events, commits]) drain.subscribe(() => this.#lookout.wake())
  }

  get state(): ConnectionState {
    return this.#at.state
  }

  /** Why the link is where it is: the code of the last failure, or null. */
  get reason(): string | null {
    return this.#at.reason
  }

  /** Milliseconds of the clock: when the link is tried again; null where it isn't waited. */
  get nextTryAt(): number | null {
    return this.#at.nextTryAt ?? null
  }

  /** Started and not stopped since; the lease may be on its way. */
  get isWanted(): boolean {
    return this.#isWanted
  }

  /** On the present link the events were empty when last asked, and the commits too or refused by the ledger. */
  get isDrained(): boolean {
    return (
      this.#at.state === 'live' &&
      this.#actors.events.getSnapshot().matches('idle') &&
      (this.#actors.commits.getSnapshot().matches('idle') || this.isLedgerRefusing)
    )
  }

  /** All that can go without a WebSocket has gone. */
  get isEmptiedByBatches(): boolean {
    return this.#at.state === 'batching' && this.#actors.events.getSnapshot().matches('idle')
  }

  /** The ledger could not be used when last asked. */
  get isLedgerRefusing(): boolean {
    const commits = this.#actors.commits.getSnapshot()
    return (
      commits.matches('waiting') || (commits.matches('claiming') && commits.context.attempts > 0)
    )
  }

  /** Takes the lease and opens the link; idempotent. False where another process holds it. */
  start(): Promise<boolean> {
    return this.#inTurn(async () => {
      if (this.#isWanted) {
        // Consent that was given here after another process had withdrawn it is told by nobody else.
        if (this.#held) this.#actors.connection.send({ type: 'connection.enable' })
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
    return this.#lookout.until(done, { clock: this.#options.clock, timeoutMs, signal })
  }

  /** New events or frames are there. */
  nudge(): void {
    this.#actors.events.send({ type: 'drain.appended' })
    this.#actors.commits.send({ type: 'drain.appended' })
  }

  /** A new login is there: what was refused may be tried again. */
  relogin(): void {
    this.#actors.connection.send({ type: 'connection.login' })
  }

  /** Someone waits: a link that stays away for now tries at once. */
  hurry(): void {
    if (this.#at.state === 'backingOff' || this.#at.state === 'suspended') this.relogin()
    this.nudge()
  }

  /** Consent was withdrawn, or is there again. The lease stays: by it the store tells when that changes. */
  heed(granted: boolean): void {
    if (!this.#held || !this.#isWanted) return
    if (granted) this.#actors.connection.send({ type: 'connection.enable' })
    else this.#actors.connection.send({ type: 'connection.disable', reason: 'NO_CONSENT' })
  }

  /** The socket said something that nobody asked for. */
  takeFact(fact: SocketFact): void {
    if (fact.type === 'socket.closed') this.#target = null
    if (fact.type !== 'socket.snapshot') return this.#actors.connection.send(fact)
    const { type, connection, login, epoch, takes } = fact
    this.#target = { login, epoch }
    this.#takes = takes
    // Both answer in order: before the first claim that the greeting leads to.
    this.#aim()
    this.#aimCommits()
    this.#actors.commitSource.send({ type: 'source.begin' })
    this.#actors.connection.send({ type, connection })
  }

  /** A thread died: the socket's with its connection, the store's with its lease, the git's with its watch. */
  takeRestart(name: WorkerName): void {
    if (name === 'socket') this.#actors.connection.send({ type: 'connection.lost' })
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
      if (!this.#held && this.#at.state === 'offline') return
      this.#actors.connection.send({ type: 'connection.disable', reason })
      // A close would not be answered any more.
      if (reason === 'WORKER_FAILED') this.#actors.connection.send({ type: 'connection.lost' })
      const isOffline = (): boolean => this.#at.state === 'offline'
      await within(this.#lookout.reached(isOffline), STOP_WAIT_MS)
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
    else this.#actors.connection.send({ type: 'connection.disable' })
  }

  #retake(): void {
    void this.#inTurn(async () => {
      if (!this.#isWanted || this.#held) return
      if (await this.#takeLease().catch(() => false)) return
      // Whoever stopped it meanwhile says why.
      if (!this.#isWanted) return
      // Another process was quicker: it delivers, and this one waits for its turn.
      this.#actors.connection.send({ type: 'connection.disable' })
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
    const look = (): void => this.#actors.commits.send({ type: 'drain.appended' })
    void watching.then(look, () => undefined)
  }

  #note(change: ConnectionChanged): void {
    this.#at = change
    if (change.state === 'live') this.#told.clear()
    if (change.state === 'offline') this.#wakeWatch.stop()
    else this.#wakeWatch.start()
    this.#options.changed(change)
    if (this.#held) void this.#publish().catch(() => undefined)
    this.#lookout.wake()
  }

  #tell(error: ErrorOnWire): void {
    if (this.#told.has(error.code)) return
    this.#told.add(error.code)
    this.#options.refused(error)
  }

  async #publish(): Promise<void> {
    const news = {
      state: this.#at.state === 'live' ? 'live' : 'down',
      connection: this.#at.state,
      reason: this.#at.reason,
      next_try_at: this.nextTryAt,
    } as const
    await this.#options.store.ask({ type: 'store.publishLink', ...news }, 'store.linkPublished')
  }

  /** Starts and stops don't overlap: each finds the link as the one before it left it. */
  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#turn.then(work, work)
    this.#turn = turn.catch(() => undefined)
    return turn
  }
}
