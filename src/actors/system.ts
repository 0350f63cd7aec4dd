/** The running house of one repository: the supervisor with its workers, a desk for each, and one inspection point. */
import { randomUUID } from 'node:crypto'
import {
  type ActorRefFrom,
  type AnyActorLogic,
  createActor,
  type InputFrom,
  type InspectionEvent,
} from 'xstate'
import { RuntimeError } from '../errors.ts'
import type { IdentityLiterals } from '../project/identity-literals.ts'
import { monotonicMs } from '../project/monotonic.ts'
import type { Identity, Repository } from '../project/types.ts'
import type { GitAnswer, GitCommand, GitInput } from '../workers/git/protocol.ts'
import type { SocketAnswer, SocketCommand, SocketInput } from '../workers/socket/protocol.ts'
import type { StoreAnswer, StoreCommand, StoreInput } from '../workers/store/protocol.ts'
import { createDesk, type Desk } from './desk.ts'
import { callSafely, checkObserver, OBSERVER_THREW, type Listeners } from './listeners.ts'
import {
  STOP_DEADLINE_MS,
  supervisorMachine,
  WORKER_NAMES,
  type WorkerRef,
} from './supervisor.machine.ts'
import { within } from '../project/within.ts'
import { buildOf } from './spawn.ts'
import { fromThread, type StartedThread, STUCK_AFTER_MS } from './thread.ts'
import { type WorkerFailure, workerMachine, type WorkerName } from './worker.machine.ts'

/** Wall time and timers; XState's clock shape with `now`. */
export type SystemClock = {
  now(): number
  setTimeout(fn: () => void, timeout: number): unknown
  clearTimeout(id: unknown): void
}

export type SystemOptions = {
  readonly repository: Repository
  readonly state: string
  /** Asked when a thread starts, because the first answer may have to be minted. */
  readonly nodeId: () => string
  readonly literals: IdentityLiterals
  readonly identity: Identity | null
  readonly random: () => number
  readonly clock: SystemClock
  readonly capacity: number | null
  readonly stuckAfterMs: number | null
  readonly listeners: Listeners
  /** A supervisor whose workers have something else in place of their threads; default: the real ones. */
  readonly house?: typeof supervisorMachine
}

export type System = {
  readonly supervisor: ActorRefFrom<typeof supervisorMachine>
  readonly workers: Readonly<Record<WorkerName, WorkerRef>>
  readonly store: Desk<StoreCommand, StoreAnswer>
  readonly git: Desk<GitCommand, GitAnswer>
  readonly socket: Desk<SocketCommand, SocketAnswer>
  readonly random: () => number
  readonly clock: SystemClock
  readonly identity: Identity | null
  /** `init` came while the runtime lives. */
  identify(identity: Identity): void
  /** `idle` until first needed. */
  readonly workerStates: Readonly<Record<WorkerName, string>>
  readonly failures: Partial<Readonly<Record<WorkerName, WorkerFailure>>>
  threadCounts(name: WorkerName): ThreadCounts
  /** One more actor, which lives until the system is stopped. */
  spawn<Logic extends AnyActorLogic>(
    logic: Logic,
    id: string,
    input: InputFrom<Logic>,
  ): ActorRefFrom<Logic>
  /** Facts that nobody asked for, and threads that came back. */
  observe(observer: SystemObserver): void
  inspect(observer: (event: InspectionEvent) => void): () => void
  stop(): Promise<void>
}

export type ThreadCounts = {
  /** How many commands the present thread has taken. */
  readonly taken: () => number
  /** How many threads there were, the present one among them. */
  readonly starts: number
  /** Monotonic milliseconds; of the present one. */
  readonly startedAt: number
}

export type SystemObserver = {
  fact(name: WorkerName, fact: { readonly type: string }): void
  /** Its thread died, and what it knew with it; another one is on its way. */
  restarted(name: WorkerName): void
  /** It is beyond its budget, for good. */
  failed(name: WorkerName): void
}

const NOT_STARTED: ThreadCounts = { taken: () => 0, starts: 0, startedAt: 0 }
/** Real time, because an injected clock may stand still. A little more than the supervisor's own deadline. */
const STOP_WITHIN_MS = STOP_DEADLINE_MS + 100
/** How long the end of the threads is waited for after that. */
const GONE_WITHIN_MS = 200

export function startSystem(options: SystemOptions): System {
  const observers = new Set<SystemObserver>()
  const { clock, listeners } = options
  let { identity } = options
  const threads = new Set<Promise<void>>()
  const counts: Record<WorkerName, ThreadCounts> = {
    store: NOT_STARTED,
    git: NOT_STARTED,
    socket: NOT_STARTED,
  }
  const started = (name: WorkerName, { gone, taken }: StartedThread): void => {
    threads.add(gone)
    counts[name] = { taken, starts: counts[name].starts + 1, startedAt: monotonicMs() }
    void gone.then(() => threads.delete(gone))
  }
  const machine =
    options.house ??
    supervisorMachine.provide({ actors: provideThreads(options, () => identity, started) })
  const supervisor = createActor(machine, {
    input: { random: options.random, now: () => clock.now() },
    clock,
  })
  const { workers } = supervisor.getSnapshot().context
  for (const name of WORKER_NAMES) watch(name, workers[name])
  supervisor.start()

  function watch(name: WorkerName, worker: WorkerRef): void {
    worker.on('worker.reported', ({ fact }) => {
      const told = fact as { type: string; code: string; message: string }
      if (told.type === `${name}.warned`) {
        listeners.tell('warning', { code: told.code, message: told.message })
        return
      }
      for (const observer of observers) observer.fact(name, told)
    })
    worker.on('worker.restarted', ({ failure }) => {
      listeners.tell('workerRestarted', { name, failure })
      for (const observer of observers) observer.restarted(name)
    })
    worker.on('worker.failed', ({ failure }) => {
      supervisor.send({ type: 'supervisor.escalate', name, failure })
      listeners.tell('workerFailed', { name, failure })
      for (const observer of observers) observer.failed(name)
    })
    worker.subscribe((snapshot) => {
      if (snapshot.matches('stopped')) supervisor.send({ type: 'supervisor.workerStopped', name })
    })
  }

  const store = createDesk<StoreCommand, StoreAnswer>(workers.store)
  const git = createDesk<GitCommand, GitAnswer>(workers.git)
  const socket = createDesk<SocketCommand, SocketAnswer>(workers.socket)

  return {
    supervisor,
    workers,
    store,
    git,
    socket,
    random: options.random,
    clock: options.clock,
    get identity() {
      return identity
    },
    identify: (found) => {
      identity = found
    },
    get workerStates() {
      return {
        store: stateOf(workers.store),
        git: stateOf(workers.git),
        socket: stateOf(workers.socket),
      }
    },
    get failures() {
      return supervisor.getSnapshot().context.failures
    },
    threadCounts: (name) => counts[name],
    spawn: (logic, id, input) => {
      supervisor.send({ type: 'supervisor.spawn', logic, id, input })
      const spawned = supervisor.system.get(id)
      if (spawned === undefined) throw new RuntimeError('RUNTIME_STOPPED', 'the runtime is stopped')
      return spawned
    },
    observe: (observer) => void observers.add(observer),
    inspect: (observer) => {
      checkObserver(observer)
      // An observer that throws would else break the machine in the middle of its step.
      const subscription = supervisor.system.inspect((event) =>
        callSafely(observer, event, () => listeners.tell('error', OBSERVER_THREW)),
      )
      return () => subscription.unsubscribe()
    },
    stop: async () => {
      if (supervisor.getSnapshot().status === 'active') {
        const stopped = new Promise<void>((resolve) => {
          supervisor.subscribe({ complete: resolve })
        })
        supervisor.send({ type: 'supervisor.stop' })
        await within(stopped, STOP_WITHIN_MS)
        supervisor.stop()
      }
      for (const desk of [store, git, socket]) desk.close()
      await within(Promise.all(threads), GONE_WITHIN_MS)
    },
  }
}

function provideThreads(
  options: SystemOptions,
  identity: () => Identity | null,
  started: (name: WorkerName, thread: StartedThread) => void,
): Readonly<Record<WorkerName, typeof workerMachine>> {
  const { repository, state, nodeId, literals, capacity } = options
  const channel = `kittiwake.${randomUUID()}`
  const stuckAfterMs = options.stuckAfterMs ?? STUCK_AFTER_MS
  const provide = (name: WorkerName, input: () => unknown): typeof workerMachine => {
    const thread = fromThread({
      ...buildOf(name),
      input,
      stuckAfterMs,
      started: (one) => started(name, one),
    })
    return workerMachine.provide({ actors: { thread } })
  }
  return {
    store: provide('store', (): StoreInput => ({
      state,
      repository,
      identity: identity(),
      nodeId: nodeId(),
      literals,
      channel,
      capacity,
    })),
    git: provide('git', (): GitInput => ({ repository, literals, state })),
    socket: provide('socket', (): SocketInput => ({
      state,
      projectUuid: identity()?.uuid ?? null,
      channel,
    })),
  }
}

function stateOf(worker: WorkerRef): string {
  const { value } = worker.getSnapshot()
  return typeof value === 'string' ? value : (Object.values(value)[0] ?? 'running')
}
