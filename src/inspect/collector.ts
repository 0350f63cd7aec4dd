/**
 * Turns what XState tells of a running system into the messages of the protocol. Nothing is made while nobody looks: a
 * collector lives as long as it is attached.
 */
import type { AnyActorRef, EventObject, InspectionEvent } from 'xstate'
import type { System } from '../actors/system.ts'
import { WORKER_NAMES } from '../actors/supervisor.machine.ts'
import type { WorkerEvent, WorkerName } from '../actors/worker.machine.ts'
import type { Json } from '../contracts/json/json.ts'
import type { Sanitizer } from '../events/sanitize.ts'
import { monotonicMs } from '../project/monotonic.ts'
import type { ThreadCommand } from '../workers/thread-protocol.ts'
import { ActorBook, isMachineSnapshot, keyOf, statusOf } from './actor-book.ts'
import { Fates, type ThreadAsk } from './fates.ts'
import { stampNow, type Unnumbered } from './feed-message.ts'
import { Figures } from './figures.ts'
import { Sampler, WINDOW_MS } from './sampler.ts'
import { ThreadTalk, type ThreadAnswered } from './thread-talk.ts'
import { taken } from './transitions.ts'

export type CollectorOptions = {
  readonly system: System
  readonly sanitizer: Sanitizer
  /** Of several in one process; their threads are told apart by it. */
  readonly number: number
  readonly tell: (message: Unnumbered) => void
}

/** An event that waits in a mailbox, or is being taken. */
type Waiting = { readonly event: EventObject; readonly isTold: boolean }

export class Collector {
  readonly #options: CollectorOptions
  readonly #book: ActorBook
  readonly #sampler = new Sampler()
  readonly #figures: Figures
  readonly #talks: Readonly<Record<WorkerName, ThreadTalk>>
  readonly #waiting = new Map<AnyActorRef, Waiting[]>()
  /** Whose last snapshot was left out, and after which event. */
  readonly #stale = new Map<AnyActorRef, string>()
  readonly #stopInspecting: () => void
  #flush: NodeJS.Timeout | null = null

  constructor(options: CollectorOptions) {
    const { system, sanitizer, number, tell } = options
    this.#options = options
    const fates = new Fates()
    const talk = (name: string): ThreadTalk =>
      new ThreadTalk(number === 1 ? name : `${name}.${number}`, fates, (message) =>
        this.#one(message),
      )
    this.#talks = { store: talk('store'), git: talk('git'), socket: talk('socket') }
    this.#book = new ActorBook(system.supervisor, sanitizer, tell)
    this.#figures = new Figures({
      system,
      talks: this.#talks,
      actors: () => this.#book.actors,
      waiting: (actor) => this.#waiting.get(actor)?.length ?? 0,
      leftOut: () => this.#sampler.takeSum(),
      tell,
    })
    this.#meet(system.supervisor)
    for (const name of WORKER_NAMES) {
      const { mailbox } = system.workers[name].getSnapshot().context
      const commands = mailbox.map(({ command }) => command as ThreadAsk)
      this.#talks[name].assume(commands, system.threadCounts(name).taken())
    }
    this.#stopInspecting = system.inspect((event) => this.#take(event))
  }

  stop(): void {
    this.#stopInspecting()
    this.#figures.stop()
    if (this.#flush !== null) clearTimeout(this.#flush)
    this.#flushNow()
  }

  /** The actor of a key that was told; null where there is none any more. */
  find(key: string): AnyActorRef | null {
    for (const [actor, known] of this.#book.actors) if (known.key === key) return actor
    return null
  }

  /** Tells of an actor that was there before, and of all beneath it. */
  #meet(actor: AnyActorRef): void {
    this.#book.know(actor)
    const snapshot: unknown = actor.getSnapshot()
    if (!isMachineSnapshot(snapshot)) return
    for (const child of Object.values(snapshot.children as Record<string, AnyActorRef | undefined>))
      if (child !== undefined) this.#meet(child)
  }

  #take(event: InspectionEvent): void {
    const actor = event.actorRef as AnyActorRef
    switch (event.type) {
      case '@xstate.event':
        return this.#takeEvent(actor, event.event, event.sourceRef as AnyActorRef | undefined)
      case '@xstate.microstep':
        return this.#takeMicrostep(actor, event)
      case '@xstate.action':
        return this.#takeAction(actor, event.action)
      case '@xstate.snapshot':
        return this.#takeSnapshot(actor, event.event, event.snapshot)
      default:
    }
  }

  #takeEvent(actor: AnyActorRef, event: EventObject, source: AnyActorRef | undefined): void {
    this.#figures.count()
    const isOver = statusOf(actor.getSnapshot()) !== 'active'
    const key = isOver ? keyOf(actor) : this.#book.know(actor).key
    const isTold = this.#sampler.takes(actor, monotonicMs())
    // What is over takes nothing, and of actors of another system (the desks' clerks) nothing more is heard.
    if (!isOver && actor.system === this.#options.system.supervisor.system) {
      const waiting = this.#waiting.get(actor)
      if (waiting === undefined) this.#waiting.set(actor, [{ event, isTold }])
      else waiting.push({ event, isTold })
    }
    if (isTold) {
      this.#say({
        type: '@xstate.event',
        ...stampNow(),
        sessionId: key,
        rootId: this.#book.rootKey,
        sourceId: source === undefined ? null : this.#book.know(source).key,
        event: this.#book.shower.event(event),
      })
    } else this.#leave('@xstate.event')
    this.#hear(actor, key, event as WorkerEvent | ThreadCommand)
  }

  #takeMicrostep(
    actor: AnyActorRef,
    event: Extract<InspectionEvent, { readonly type: '@xstate.microstep' }>,
  ): void {
    if (!this.#isTold(actor)) return this.#leave('@xstate.microstep')
    const { key, definition } = this.#book.know(actor)
    this.#say({
      type: '@xstate.microstep',
      ...stampNow(),
      sessionId: key,
      rootId: this.#book.rootKey,
      event: { type: this.#book.shower.text(event.event.type) },
      transitions: definition === null ? [] : taken(definition, event._transitions),
      snapshot: shortSnapshot(event.snapshot),
    })
  }

  #takeAction(
    actor: AnyActorRef,
    action: { readonly type: string; readonly params: unknown },
  ): void {
    if (!this.#isTold(actor)) return this.#leave('@xstate.action')
    const params = this.#paramsOf(actor, action)
    this.#say({
      type: '@xstate.action',
      ...stampNow(),
      sessionId: this.#book.know(actor).key,
      rootId: this.#book.rootKey,
      action: {
        type: this.#book.shower.text(action.type),
        ...(params === undefined ? {} : { params }),
      },
    })
  }

  /** Mostly they are the event itself, or one that is told on its own. */
  #paramsOf(
    actor: AnyActorRef,
    { type, params }: { readonly type: string; readonly params: unknown },
  ): Json | undefined {
    if (params === this.#waiting.get(actor)?.[0]?.event) return undefined
    const isBuiltIn = type.startsWith('xstate.')
    return this.#book.shower.value(isBuiltIn ? headOf(params) : params)
  }

  #takeSnapshot(actor: AnyActorRef, event: EventObject, snapshot: unknown): void {
    const isTold = this.#isTold(actor)
    this.#waiting.get(actor)?.shift()
    const isOver = statusOf(snapshot) !== 'active'
    // Nothing ever changes in what isn't a machine, but its end.
    const isSilent = this.#book.know(actor).definition === null && !isOver
    if (isTold || isOver) {
      this.#stale.delete(actor)
      if (!isSilent) this.#tellSnapshot(actor, this.#book.shower.text(event.type), snapshot)
    } else {
      if (!isSilent) this.#stale.set(actor, this.#book.shower.text(event.type))
      this.#leave('@xstate.snapshot')
    }
    if (!isOver) return
    this.#waiting.delete(actor)
    this.#book.forget(actor)
  }

  #tellSnapshot(actor: AnyActorRef, event: string, snapshot: unknown): void {
    this.#say({
      type: '@xstate.snapshot',
      ...stampNow(),
      sessionId: this.#book.know(actor).key,
      rootId: this.#book.rootKey,
      event: { type: event },
      snapshot: this.#book.show(actor, snapshot),
    })
  }

  /** What passes between a worker and its thread passes its actors. */
  #hear(actor: AnyActorRef, key: string, event: WorkerEvent | ThreadCommand): void {
    const worker = actor.id === 'thread' ? actor._parent : actor
    const talk = worker === undefined ? undefined : this.#talkOf(worker)
    if (talk === undefined) return
    switch (event.type) {
      case 'thread.post':
        return talk.post(event.command as ThreadAsk, key)
      case 'thread.answered': {
        const answered = event as ThreadAnswered
        this.#figures.note(answered.answer)
        return talk.answer(answered, key)
      }
      case 'thread.reported':
        return talk.report((event.fact as EventObject).type, key)
      case 'thread.crashed':
        return talk.crash(event.code, key)
      default:
    }
  }

  #talkOf(worker: AnyActorRef): ThreadTalk | undefined {
    const { workers } = this.#options.system
    const name = WORKER_NAMES.find((one) => workers[one] === worker)
    return name === undefined ? undefined : this.#talks[name]
  }

  #isTold(actor: AnyActorRef): boolean {
    return this.#waiting.get(actor)?.[0]?.isTold ?? true
  }

  /** A message that belongs to no macrostep. */
  #one(message: Unnumbered): void {
    if (this.#sampler.takesOne(monotonicMs())) this.#say(message)
    else this.#leave(message.type)
  }

  #say(message: Unnumbered): void {
    this.#sampler.told()
    this.#options.tell(message)
  }

  #leave(type: Unnumbered['type']): void {
    this.#sampler.leave(type, monotonicMs())
    this.#flush ??= setTimeout(() => this.#flushNow(), WINDOW_MS).unref()
  }

  #flushNow(): void {
    this.#flush = null
    for (const [actor, event] of this.#stale) this.#tellSnapshot(actor, event, actor.getSnapshot())
    this.#stale.clear()
    const leftOut = this.#sampler.takeLeftOut(monotonicMs())
    if (leftOut === null) return
    const { count, ...rest } = leftOut
    this.#options.tell({
      type: 'kittiwake.sampled',
      ...stampNow(),
      reason: 'rate',
      leftOut: count,
      ...rest,
    })
  }
}

/** Of what XState does itself: to whom or what, and which event. */
function headOf(params: unknown): unknown {
  if (typeof params !== 'object' || params === null) return params
  const { to, id, delay, event, actorRef } = params as Readonly<Record<string, unknown>>
  const type = typeof event === 'object' && event !== null && 'type' in event ? event.type : event
  return { to, id, delay, actorRef, event: type }
}

function shortSnapshot(snapshot: unknown) {
  const status = statusOf(snapshot)
  return isMachineSnapshot(snapshot) ? { status, value: snapshot.value } : { status }
}
