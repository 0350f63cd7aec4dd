/** How full and how old everything is, once a second. */
import type { AnyActorRef } from 'xstate'
import type { System } from '../actors/system.ts'
import { WORKER_NAMES } from '../actors/supervisor.machine.ts'
import type { WorkerName } from '../actors/worker.machine.ts'
import type { KnownActor } from './actor-book.ts'
import type { ThreadAnswer } from './fates.ts'
import { stampNow, type Unnumbered } from './feed-message.ts'
import type { FeedMessage } from './protocol.ts'
import type { ThreadTalk } from './thread-talk.ts'

type FiguresMessage = Extract<FeedMessage, { readonly type: 'kittiwake.figures' }>

export type FiguresOptions = {
  readonly system: System
  readonly talks: Readonly<Record<WorkerName, ThreadTalk>>
  readonly actors: () => ReadonlyMap<AnyActorRef, KnownActor>
  /** Events in the mailbox of an actor. */
  readonly waiting: (actor: AnyActorRef) => number
  /** Messages that were left out since it was last asked. */
  readonly leftOut: () => number
  readonly tell: (message: Unnumbered) => void
}

const EVERY_MS = 1_000
const MIB = 1024 * 1024

export class Figures {
  readonly #options: FiguresOptions
  readonly #timer: NodeJS.Timeout
  #queues: Record<string, number> = {}
  #events = 0
  #dueAt: number

  constructor(options: FiguresOptions) {
    this.#options = options
    this.#dueAt = stampNow().mono + EVERY_MS
    this.#timer = setInterval(() => this.#tell(), EVERY_MS).unref()
  }

  /** An event came into some mailbox. */
  count(): void {
    this.#events += 1
  }

  /** Answers that say how full the outbox is. */
  note(answer: ThreadAnswer): void {
    if (answer.type === 'store.appended' || answer.type === 'store.settled') {
      this.#queues['store.undelivered'] = answer.undelivered
    }
    if (answer.type === 'git.confirmed') this.#queues['git.unconfirmed'] = answer.pending
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #tell(): void {
    const stamp = stampNow()
    const loopDelayMs = Math.max(0, Math.round(stamp.mono - this.#dueAt))
    this.#dueAt = stamp.mono + EVERY_MS
    const { rss, heapUsed } = process.memoryUsage()
    this.#options.tell({
      type: 'kittiwake.figures',
      ...stamp,
      actors: this.#actors(stamp.mono),
      threads: WORKER_NAMES.map((name) => this.#thread(name, stamp.mono)),
      queues: { ...this.#queues },
      residentMb: Math.round(rss / MIB),
      heapMb: Math.round(heapUsed / MIB),
      loopDelayMs,
      events: this.#events,
      leftOut: this.#options.leftOut(),
    })
    this.#events = 0
  }

  #actors(now: number): FiguresMessage['actors'] {
    const { system, actors, waiting } = this.#options
    return [...actors()].map(([actor, { key, since }]) => {
      const name = WORKER_NAMES.find((one) => system.workers[one] === actor)
      return {
        sessionId: key,
        // A worker's commands wait in its context: what XState holds is taken at once.
        mailbox: name === undefined ? waiting(actor) : mailboxOf(system, name),
        restarts: name === undefined ? 0 : restartsOf(system, name),
        ageMs: Math.max(0, Math.round(now - since)),
      }
    })
  }

  #thread(name: WorkerName, now: number): FiguresMessage['threads'][number] {
    const { system, talks } = this.#options
    const talk = talks[name]
    const isUp = system.workers[name].getSnapshot().matches('running')
    const { taken, startedAt } = system.threadCounts(name)
    return {
      thread: talk.thread,
      state: system.workerStates[name],
      unanswered: mailboxOf(system, name),
      queued: isUp ? Math.max(0, talk.posted - taken()) : 0,
      restarts: restartsOf(system, name),
      ageMs: isUp ? Math.max(0, Math.round(now - startedAt)) : 0,
      answered: talk.answered,
    }
  }
}

function restartsOf(system: System, name: WorkerName): number {
  return Math.max(0, system.threadCounts(name).starts - 1)
}

function mailboxOf(system: System, name: WorkerName): number {
  return system.workers[name].getSnapshot().context.mailbox.length
}
