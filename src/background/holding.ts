/** One root with its project: what there is to send, and its runtime with the link while that is wanted. */
import { statSync } from 'node:fs'
import type { LinkReport } from '../actors/listeners.ts'
import { KittiwakeError } from '../errors.ts'
import { readFocus } from '../project/focus.ts'
import { refuseBlocked } from '../project/upgrade/gate.ts'
import { readIdentity } from '../project/identity.ts'
import { locateRepository } from '../project/git/locate.ts'
import { focusPath, outboxPath } from '../project/state-directory.ts'
import type { Repository } from '../project/types.ts'
import { createRuntime, type Runtime } from '../runtime.ts'
import { type ProjectView, viewProject } from '../view.ts'
import { unqueuedPath } from '../workers/git/ledgers/unqueued.ts'
import { type BackgroundLog, shortened } from './log.ts'
import type { HoldingStatus } from './protocol.ts'
import type { Entry } from './registry.ts'

export type HoldingOptions = {
  readonly state: string
  readonly entry: Entry
  readonly log: BackgroundLog
  /** Something came that the others should be looked at for. */
  readonly changed: () => void
  /** Returns what is to be called once the runtime is stopped. */
  readonly opened: (project: string, runtime: Runtime) => () => void
  /** Whether this process holds the link of the project, for this clone of it or another one. */
  readonly isHeldHere: (project: string) => boolean
}

type Phase = 'resting' | 'opening' | 'open' | 'closing'
const OFFLINE: LinkReport = { state: 'offline', reason: null, nextTryAt: null }
/** An open project is looked at this often; a resting one when its files change, and now and then. */
const LOOK_OPEN_MS = 1_000
const LOOK_RESTING_MS = 10 * 60_000
/** Another process holds the link, or the project can't be opened. */
const RETRY_MS = 15_000

export class Holding {
  readonly entry: Entry
  readonly #options: HoldingOptions
  #phase: Phase = 'resting'
  #turn: Promise<void> = Promise.resolve()
  #runtime: Runtime | null = null
  #closed: () => void = () => undefined
  #link = OFFLINE
  #waiting = 0
  /** Its user has declared to work on something, which is told while the link is open. */
  #hasFocus = false
  #obstacle: string | null = null
  #seen = ''
  #lookAt = 0
  #retryAt = 0
  #openedAt = 0
  #usedAt = 0
  #isGone = false
  /** Where notes lie of events that a crash kept from the outbox; known once the root was looked at. */
  #notes: string | null = null
  #tried = ''

  constructor(options: HoldingOptions) {
    this.#options = options
    this.entry = options.entry
  }

  /** The root is gone, or another project's by now. */
  get isGone(): boolean {
    return this.#isGone
  }

  /** It has a runtime, or is about to get or to lose one. */
  get isOpen(): boolean {
    return this.#phase !== 'resting'
  }

  /** Its threads are being started. */
  get isOpening(): boolean {
    return this.#phase === 'opening'
  }

  /** There is something that could be sent. */
  get hasWork(): boolean {
    return this.#waiting > 0 && this.#obstacle === null
  }

  /** There is something to hold the link for, though perhaps nothing to send. */
  get isWanted(): boolean {
    return this.hasWork || (this.#hasFocus && this.#obstacle === null)
  }

  wantsToOpen(now: number): boolean {
    return this.#phase === 'resting' && this.isWanted && now >= this.#retryAt
  }

  /** Without use for so long, or nothing may be sent any more. */
  wantsToClose(now: number, idleMs: number): boolean {
    if (this.#phase !== 'open') return false
    return this.#isBarred || (!this.isWanted && now - this.#usedAt >= idleMs)
  }

  /** Where others wait for their turn: it has nothing to send, or has had its time. */
  mayYield(now: number, turnMs: number): boolean {
    if (this.#phase !== 'open') return false
    return this.#waiting === 0 || now - this.#openedAt >= turnMs
  }

  get openedAt(): number {
    return this.#openedAt
  }

  status(): HoldingStatus {
    const at = this.#link.nextTryAt
    return {
      project: this.entry.uuid,
      state: this.isOpen ? this.#link.state : this.hasWork ? 'waiting' : 'resting',
      reason: this.#link.reason ?? this.#obstacle,
      next_try_at: at === null ? null : new Date(at).toISOString(),
      waiting: this.#waiting,
    }
  }

  /** Something was recorded. An open one's threads see that by themselves, however often it is said. */
  nudge(now: number): void {
    if (this.#phase === 'open') this.#usedAt = now
    else this.#lookAt = 0
  }

  /** Somebody tries now, where this one would wait; what they leave is taken up again later. */
  yieldLink(): void {
    const isAway = this.#link.state === 'backingOff' || this.#link.state === 'suspended'
    if (this.#phase === 'open' && isAway) this.#give(RETRY_MS)
  }

  isDue(now: number): boolean {
    return now >= this.#lookAt || (this.#phase === 'resting' && this.#stamp() !== this.#seen)
  }

  /** Reads what there is to send; nothing is written. */
  async look(now: number): Promise<void> {
    // Before the look, so that what comes meanwhile is seen as a change.
    this.#seen = this.#stamp()
    this.#lookAt = now + (this.isOpen ? LOOK_OPEN_MS : LOOK_RESTING_MS)
    const repository = await this.#locate()
    if (repository === null) return
    try {
      const view = await viewProject(repository, this.#options.state)
      this.#obstacle = this.#obstacleIn(view)
      // The clones of a project have one outbox: whichever is open sends its events.
      const isShared = !this.isOpen && this.#options.isHeldHere(this.entry.uuid)
      const events = isShared ? 0 : view.events.pending + view.events.inflight
      this.#waiting = events + view.commits.pending.length
      this.#notes = unqueuedPath(repository.commonDir)
      if (this.#hasFreshNotes()) this.#waiting += 1
      this.#hasFocus = readFocus(this.#options.state, this.entry.uuid, Date.now()) !== null
      if (this.isWanted) this.#usedAt = now
      if (this.#obstacle === 'held_elsewhere') this.#lookAt = now + RETRY_MS
    } catch (error) {
      this.#obstacle = codeOf(error)
    }
  }

  open(now: number): void {
    if (this.#phase !== 'resting') return
    this.#phase = 'opening'
    this.#tried = this.#notesVersion()
    this.#openedAt = now
    this.#usedAt = now
    this.#lookAt = now + LOOK_OPEN_MS
    this.#turn = this.#open(now)
  }

  /** Resolves once its threads are gone, which takes 3 s at most; never rejects. */
  close(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#close())
    return this.#turn
  }

  get #isBarred(): boolean {
    return this.#isGone || (this.#obstacle !== null && this.#obstacle !== 'held_elsewhere')
  }

  async #locate(): Promise<Repository | null> {
    try {
      const repository = await locateRepository(this.entry.root)
      const reading = await readIdentity(repository)
      if (reading.state === 'unusable') {
        this.#obstacle = 'identity_unusable'
        return null
      }
      const uuid = reading.state === 'present' ? reading.identity.uuid : null
      this.#isGone = uuid !== this.entry.uuid || repository.root !== this.entry.root
      // Else it would be opened in vain, again and again.
      await refuseBlocked(repository)
      return this.#isGone ? null : repository
    } catch (error) {
      // One that can't be read now may be there again later.
      this.#isGone = codeOf(error) === 'NOT_A_REPOSITORY'
      this.#obstacle = codeOf(error)
      return null
    }
  }

  #obstacleIn(view: ProjectView): string | null {
    if (view.consent !== 'granted') return 'no_consent'
    if (view.login === null) return 'not_authenticated'
    const isElsewhere = view.link_live && !this.#options.isHeldHere(this.entry.uuid)
    return isElsewhere ? 'held_elsewhere' : null
  }

  async #open(now: number): Promise<void> {
    const { state, log } = this.#options
    const project = shortened(this.entry.uuid)
    try {
      const runtime = await createRuntime({
        root: this.entry.root,
        stateDirectory: state,
        link: 'manual',
      })
      this.#runtime = runtime
      this.#closed = this.#options.opened(this.entry.uuid, runtime)
      runtime.on('link', (link) => this.#note(link))
      runtime.on('workerFailed', ({ name, failure }) => {
        log.write('WORKER_FAILED', { project, worker: name, reason: failure.code })
        if (name !== 'git') this.#give(RETRY_MS)
      })
      await runtime.sync.start()
      this.#phase = 'open'
    } catch (error) {
      log.write('NOT_OPENED', { project, reason: codeOf(error) })
      this.#link = { ...OFFLINE, reason: codeOf(error) }
      this.#retryAt = now + RETRY_MS
      await this.#close(this.#link)
    }
    this.#options.changed()
  }

  async #close(after: LinkReport = OFFLINE): Promise<void> {
    const runtime = this.#runtime
    this.#runtime = null
    this.#phase = 'closing'
    await runtime?.stop()
    this.#closed()
    this.#phase = 'resting'
    this.#link = after
    // Closing writes to the outbox itself.
    this.#seen = this.#stamp()
    this.#lookAt = 0
    this.#options.changed()
  }

  #give(waitMs: number): void {
    this.#retryAt = performance.now() + waitMs
    void this.close()
  }

  #note(link: LinkReport): void {
    const before = this.#link
    this.#link = link
    const isSame = before.state === link.state && before.reason === link.reason
    // The steps of each try would fill the log while a hub is away.
    if (isSame || !['live', 'suspended', 'backingOff', 'offline'].includes(link.state)) return
    const { log } = this.#options
    log.write('LINK', {
      project: shortened(this.entry.uuid),
      state: link.state,
      reason: link.reason,
    })
  }

  /** Another value than before says that something may have been recorded. */
  #stamp(): string {
    const { state, entry } = this.#options
    const path = outboxPath(state, entry.uuid)
    const paths = [path, `${path}-wal`, focusPath(state, entry.uuid)]
    return [...paths.map(versionOf), this.#notesVersion()].join()
  }

  /** An open project takes them up by itself; those that it has left are another's, or waited for by a command. */
  #hasFreshNotes(): boolean {
    const version = this.#notesVersion()
    return this.#phase === 'resting' && version !== '' && version !== this.#tried
  }

  #notesVersion(): string {
    return this.#notes === null ? '' : versionOf(this.#notes)
  }
}

function versionOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat === undefined || stat.size === 0 ? '' : `${stat.mtimeMs}:${stat.size}`
}

function codeOf(error: unknown): string {
  return error instanceof KittiwakeError ? error.code : 'INTERNAL'
}
