/**
 * Keeps one worker thread alive: it starts when first asked, is restarted with backoff within a budget, and what
 * had no answer is asked again (every command is idempotent by id). A command that kills its thread each time uses
 * the budget up however long each death takes, because crashes without an answer between them never expire.
 *
 * Answers come in the order of the asks (L6), so the mailbox is a plain queue and its head is what is answered next.
 */
import { type AnyActorRef, assign, emit, enqueueActions, fromCallback, sendTo, setup } from 'xstate'
import { backoffMs } from './backoff.ts'
import type { ThreadCommand, ThreadEvent } from '../workers/thread-protocol.ts'

export type WorkerName = 'store' | 'git' | 'socket'

export type Ask = { readonly command: { readonly type: string }; readonly replyTo: AnyActorRef }

export type WorkerEvent =
  | ({ readonly type: 'worker.ask' } & Ask)
  | { readonly type: 'worker.stop' }
  | ThreadEvent

export type WorkerFailure = { readonly code: string; readonly message: string }

export type WorkerEmitted =
  | { readonly type: 'worker.reported'; readonly name: WorkerName; readonly fact: unknown }
  | {
      readonly type: 'worker.restarted'
      readonly name: WorkerName
      readonly failure: WorkerFailure
    }
  | { readonly type: 'worker.failed'; readonly name: WorkerName; readonly failure: WorkerFailure }

export type WorkerInput = {
  readonly name: WorkerName
  readonly random: () => number
  readonly now: () => number
}

/** More unanswered commands than this are refused. */
export const MAILBOX_MAX = 10_000
/** Restarts within the period, or without an answer in between, before the worker counts as failed. */
export const RESTARTS_MAX = 3
export const RESTART_PERIOD_MS = 5_000
const RESTART_DELAY = { baseMs: 50, capMs: 1_000 } as const
const STOP_DEADLINE_MS = 1_000

export const workerMachine = setup({
  types: {
    context: {} as {
      options: WorkerInput
      mailbox: readonly Ask[]
      /** When the thread died, Unix milliseconds: within the period, and since the last answer. */
      crashes: readonly number[]
      failure: WorkerFailure | null
    },
    input: {} as WorkerInput,
    events: {} as WorkerEvent,
    emitted: {} as WorkerEmitted,
  },
  // The real thread is provided with its entry and input; see `fromThread`.
  actors: { thread: fromCallback<ThreadCommand>(() => undefined) },
  guards: {
    isFull: ({ context }) => context.mailbox.length >= MAILBOX_MAX,
    withinBudget: ({ context }) => counted(context).length < RESTARTS_MAX,
  },
  delays: {
    restartDelay: ({ context }) =>
      backoffMs(context.crashes.length, context.options.random, RESTART_DELAY),
    stopDeadline: STOP_DEADLINE_MS,
  },
  actions: {
    enqueue: assign({
      mailbox: ({ context }, params: Ask) => [...context.mailbox, params],
    }),
    post: sendTo('thread', (_, params: Ask) => ({
      type: 'thread.post' as const,
      command: params.command,
    })),
    postAgain: enqueueActions(({ context, enqueue }) => {
      for (const ask of context.mailbox) {
        enqueue.sendTo('thread', { type: 'thread.post' as const, command: ask.command })
      }
    }),
    relay: enqueueActions(({ context, enqueue }, params: { answer: unknown }) => {
      const [head, ...mailbox] = context.mailbox
      enqueue.assign({ mailbox, crashes: recent(context) })
      if (head !== undefined) enqueue.sendTo(head.replyTo, params.answer)
    }),
    report: emit(({ context }, params: { fact: unknown }) => ({
      type: 'worker.reported' as const,
      name: context.options.name,
      fact: params.fact,
    })),
    countCrash: assign({
      crashes: ({ context }) => [...counted(context), context.options.now()],
      failure: (_, params: WorkerFailure) => params,
    }),
    tellRestart: emit(({ context }) => ({
      type: 'worker.restarted' as const,
      name: context.options.name,
      failure: context.failure ?? UNKNOWN_FAILURE,
    })),
    tellFailure: emit(({ context }) => ({
      type: 'worker.failed' as const,
      name: context.options.name,
      failure: context.failure ?? UNKNOWN_FAILURE,
    })),
    refuse: sendTo(
      (_, params: Refused) => params.ask.replyTo,
      ({ context }, params: Refused) => refusalOf(params.why, params.ask, context),
    ),
    // These were asked before: whether the thread had done them is not known.
    abandonAll: enqueueActions(({ context, enqueue }, params: { why: 'failed' | 'stopped' }) => {
      for (const ask of context.mailbox) {
        enqueue.sendTo(ask.replyTo, refusalOf(params.why, ask, context, UNKNOWN_OUTCOME))
      }
      enqueue.assign({ mailbox: [] })
    }),
    askStop: sendTo('thread', { type: 'thread.stop' }),
  },
}).createMachine({
  id: 'worker',
  context: ({ input }) => ({ options: input, mailbox: [], crashes: [], failure: null }),
  initial: 'idle',
  on: {
    'worker.ask': [
      { guard: 'isFull', actions: { type: 'refuse', params: ({ event }) => busy(event) } },
      { actions: { type: 'enqueue', params: ({ event }) => event } },
    ],
  },
  states: {
    idle: {
      on: {
        'worker.ask': {
          target: 'running',
          actions: { type: 'enqueue', params: ({ event }) => event },
        },
        'worker.stop': { target: 'stopped' },
      },
    },
    running: {
      invoke: { id: 'thread', src: 'thread' },
      initial: 'starting',
      on: {
        'thread.crashed': [
          {
            guard: 'withinBudget',
            target: 'restarting',
            actions: { type: 'countCrash', params: ({ event }) => event },
          },
          { target: 'failed', actions: { type: 'countCrash', params: ({ event }) => event } },
        ],
        'thread.reported': { actions: { type: 'report', params: ({ event }) => event } },
      },
      states: {
        starting: {
          on: {
            'thread.ready': { target: 'ready', actions: { type: 'postAgain' } },
            // Not ended in the middle of its loading: Node would never close the files of the modules that it reads.
            'worker.stop': { target: 'stopping' },
          },
        },
        ready: {
          on: {
            'worker.ask': [
              { guard: 'isFull', actions: { type: 'refuse', params: ({ event }) => busy(event) } },
              {
                actions: [
                  { type: 'enqueue', params: ({ event }) => event },
                  { type: 'post', params: ({ event }) => event },
                ],
              },
            ],
            'thread.answered': { actions: { type: 'relay', params: ({ event }) => event } },
            'worker.stop': { target: 'stopping' },
          },
        },
        stopping: {
          entry: 'askStop',
          // What is asked now is refused with the rest once the thread has answered what it holds: in order.
          on: {
            'thread.answered': { actions: { type: 'relay', params: ({ event }) => event } },
            'thread.stopped': { target: '#worker.stopped' },
            'thread.crashed': { target: '#worker.stopped' },
          },
          after: { stopDeadline: { target: '#worker.stopped' } },
        },
      },
    },
    restarting: {
      entry: 'tellRestart',
      on: { 'worker.stop': { target: 'stopped' } },
      after: { restartDelay: { target: 'running' } },
    },
    failed: {
      entry: ['tellFailure', { type: 'abandonAll', params: { why: 'failed' } }],
      on: {
        'worker.ask': {
          actions: { type: 'refuse', params: ({ event }) => ({ why: 'failed', ask: event }) },
        },
        'worker.stop': { target: 'stopped' },
      },
    },
    stopped: {
      entry: { type: 'abandonAll', params: { why: 'stopped' } },
      on: {
        'worker.ask': {
          actions: { type: 'refuse', params: ({ event }) => ({ why: 'stopped', ask: event }) },
        },
      },
    },
  },
})

const UNKNOWN_FAILURE: WorkerFailure = { code: 'UNKNOWN', message: 'the thread ended' }

type Context = {
  readonly crashes: readonly number[]
  readonly mailbox: readonly Ask[]
  readonly options: WorkerInput
  readonly failure: WorkerFailure | null
}

function recent({ crashes, options }: Pick<Context, 'crashes' | 'options'>): readonly number[] {
  const since = options.now() - RESTART_PERIOD_MS
  return crashes.filter((at) => at > since)
}

/** What the budget counts: while something waits for its answer, no crash since the last one is forgotten. */
function counted(context: Context): readonly number[] {
  return context.mailbox.length > 0 ? context.crashes : recent(context)
}

type Refused = { readonly why: 'failed' | 'stopped' | 'full'; readonly ask: Ask }

function busy(ask: Ask): Refused {
  return { why: 'full', ask }
}

/** What to do about a command whose answer never came. */
export const UNKNOWN_OUTCOME = 'Whether it was done is not known; look before you ask for it again.'

/** A refusal has the shape of the worker's own: `<noun>.refused` with a typed error. */
function refusalOf(why: Refused['why'], ask: Ask, { options, failure }: Context, hint?: string) {
  const { name } = options
  return {
    type: `${name}.refused` as const,
    command: ask.command.type,
    class: 'transient' as const,
    error: { ...errorOf(why, name, failure), ...(hint === undefined ? {} : { hint }) },
  }
}

function errorOf(why: Refused['why'], name: WorkerName, failure: WorkerFailure | null) {
  if (why === 'full') {
    const message = `the ${name} worker has as many commands waiting as it takes`
    const hint = 'Await earlier calls before making more.'
    return { name: 'RuntimeError', code: 'BUSY', message, hint, retryable: true }
  }
  if (why === 'stopped') {
    const message = `the ${name} worker is stopped`
    const hint = 'Create a new runtime.'
    return { name: 'RuntimeError', code: 'RUNTIME_STOPPED', message, hint, retryable: false }
  }
  const { code, message: reason } = failure ?? UNKNOWN_FAILURE
  return {
    name: 'RuntimeError',
    code: 'WORKER_FAILED',
    message: `the ${name} worker failed too often: ${code}, ${reason}`,
    hint: 'Run `kittiwake doctor`, then create a new runtime.',
    retryable: false,
  }
}
