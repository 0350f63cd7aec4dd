/**
 * Keeps the house standing: three workers, each restarted alone; what escalates is known with its reason, and
 * stopping lets every thread finish what it holds, within one deadline.
 */
import {
  type ActorRefFrom,
  type AnyActorLogic,
  assign,
  emit,
  enqueueActions,
  sendTo,
  setup,
  spawnChild,
} from 'xstate'
import {
  type WorkerFailure,
  type WorkerInput,
  type WorkerName,
  workerMachine,
} from './worker.machine.ts'

export const WORKER_NAMES = ['store', 'git', 'socket'] as const satisfies readonly WorkerName[]

/** Whatever happens, the threads are told to end after this; the runtime's own stop comes before it. */
export const STOP_DEADLINE_MS = 1_400

export type SupervisorInput = {
  readonly random: () => number
  readonly now: () => number
}

export type SupervisorEvent =
  | { readonly type: 'supervisor.stop' }
  /** One more actor of the house: it lives until the house is stopped. */
  | {
      readonly type: 'supervisor.spawn'
      readonly logic: AnyActorLogic
      readonly id: string
      readonly input: unknown
    }
  | {
      readonly type: 'supervisor.escalate'
      readonly name: WorkerName
      readonly failure: WorkerFailure
    }
  | { readonly type: 'supervisor.workerStopped'; readonly name: WorkerName }

export type SupervisorEmitted =
  | {
      readonly type: 'supervisor.escalated'
      readonly name: WorkerName
      readonly failure: WorkerFailure
    }
  | { readonly type: 'supervisor.stopped' }

type Guest = { readonly logic: AnyActorLogic; readonly id: string; readonly input: unknown }

export type WorkerRef = ActorRefFrom<typeof workerMachine>

export const supervisorMachine = setup({
  types: {
    context: {} as {
      workers: Readonly<Record<WorkerName, WorkerRef>>
      failures: Partial<Readonly<Record<WorkerName, WorkerFailure>>>
      stopped: readonly WorkerName[]
    },
    input: {} as SupervisorInput,
    events: {} as SupervisorEvent,
    emitted: {} as SupervisorEmitted,
  },
  // The real ones are provided with their threads.
  actors: { store: workerMachine, git: workerMachine, socket: workerMachine },
  guards: {
    isLast: ({ context }, params: { name: WorkerName }) =>
      new Set([...context.stopped, params.name]).size === WORKER_NAMES.length,
  },
  delays: { stopDeadline: STOP_DEADLINE_MS },
  actions: {
    spawnGuest: enqueueActions(({ enqueue }, params: Guest) => {
      const { logic, id, input } = params
      enqueue(spawnChild(logic, { id, systemId: id, input } as never))
    }),
    stopAll: enqueueActions(({ context, enqueue }) => {
      for (const name of WORKER_NAMES) {
        enqueue(sendTo(context.workers[name], { type: 'worker.stop' }))
      }
    }),
    noteStopped: assign({
      stopped: ({ context }, params: { name: WorkerName }) => [
        ...new Set([...context.stopped, params.name]),
      ],
    }),
    noteFailure: assign({
      failures: ({ context }, params: { name: WorkerName; failure: WorkerFailure }) => ({
        ...context.failures,
        [params.name]: params.failure,
      }),
    }),
    tellEscalation: emit((_, params: { name: WorkerName; failure: WorkerFailure }) => ({
      type: 'supervisor.escalated' as const,
      name: params.name,
      failure: params.failure,
    })),
    tellStopped: emit({ type: 'supervisor.stopped' as const }),
  },
}).createMachine({
  id: 'supervisor',
  context: ({ input, spawn }) => ({
    workers: {
      store: spawn('store', { id: 'store', systemId: 'store', input: inputOf('store', input) }),
      git: spawn('git', { id: 'git', systemId: 'git', input: inputOf('git', input) }),
      socket: spawn('socket', {
        id: 'socket',
        systemId: 'socket',
        input: inputOf('socket', input),
      }),
    },
    failures: {},
    stopped: [],
  }),
  initial: 'running',
  states: {
    running: {
      on: {
        'supervisor.spawn': { actions: { type: 'spawnGuest', params: ({ event }) => event } },
        'supervisor.stop': { target: 'stopping' },
        'supervisor.escalate': {
          target: 'degraded',
          actions: [
            { type: 'noteFailure', params: ({ event }) => event },
            { type: 'tellEscalation', params: ({ event }) => event },
          ],
        },
      },
    },
    // The rest goes on: without git the outbox still takes events, without the socket they wait.
    degraded: {
      on: {
        'supervisor.spawn': { actions: { type: 'spawnGuest', params: ({ event }) => event } },
        'supervisor.stop': { target: 'stopping' },
        'supervisor.escalate': {
          actions: [
            { type: 'noteFailure', params: ({ event }) => event },
            { type: 'tellEscalation', params: ({ event }) => event },
          ],
        },
      },
    },
    stopping: {
      entry: 'stopAll',
      on: {
        'supervisor.escalate': {
          actions: { type: 'noteFailure', params: ({ event }) => event },
        },
        'supervisor.workerStopped': [
          {
            guard: { type: 'isLast', params: ({ event }) => event },
            target: 'stopped',
            actions: { type: 'noteStopped', params: ({ event }) => event },
          },
          { actions: { type: 'noteStopped', params: ({ event }) => event } },
        ],
      },
      after: { stopDeadline: { target: 'stopped' } },
    },
    stopped: { entry: 'tellStopped', type: 'final' },
  },
})

function inputOf(name: WorkerName, { random, now }: SupervisorInput): WorkerInput {
  return { name, random, now }
}
