/** The named guards, delays and actions of the connection machine. */
import { assign, emit, enqueueActions, sendTo, setup } from 'xstate'
import type { CloseClass, Sink } from '../workers/socket/protocol.ts'
import { backoffMs } from './backoff.ts'
import { ATTEMPTS_MAX, BACKOFF, CONNECTION_DELAYS, RETRY_AFTER_MAX_MS } from './connection.ts'
import type { ConnectionChanged, ConnectionContext, ConnectionEvent } from './connection.ts'
import type { ConnectionInput, ConnectionState } from './connection.ts'

type Blame = { readonly reason: string; readonly retryAfterMs?: number | undefined }

export const connectionSetup = setup({
  types: {
    context: {} as ConnectionContext,
    input: {} as ConnectionInput,
    events: {} as ConnectionEvent,
    emitted: {} as ConnectionChanged,
  },
  guards: {
    isWanted: ({ context }) => context.isWanted,
    isCommits: (_, params: { sink: Sink }) => params.sink === 'commits',
    isTransient: (_, params: { class: CloseClass }) => params.class === 'transient',
    isPresent: ({ context }, params: { connection: number }) =>
      params.connection === context.connection,
    isPresentRefusal: ({ context }, params: { connection: number; class: CloseClass }) =>
      params.connection === context.connection && params.class === 'refused',
  },
  delays: { ...CONNECTION_DELAYS, backoff: ({ context }) => context.delayMs },
  actions: {
    authenticate: sendTo(({ context }) => context.socket, { type: 'socket.authenticate' }),
    open: sendTo(({ context }) => context.socket, { type: 'socket.open' }),
    close: sendTo(({ context }) => context.socket, { type: 'socket.close' }),
    wakeCommits: sendTo(({ context }) => context.commits, { type: 'drain.wake' }),
    wakeEvents: sendTo(({ context }) => context.events, { type: 'drain.wake' }),
    sleepDrains: enqueueActions(({ context, enqueue }) => {
      enqueue.sendTo(context.commits, { type: 'drain.sleep' })
      enqueue.sendTo(context.events, { type: 'drain.sleep' })
    }),
    want: assign({
      isWanted: true,
      reason: ({ context }) => (context.isWanted ? context.reason : null),
    }),
    unwant: assign({
      isWanted: false,
      reason: ({ event }) =>
        (event.type === 'connection.disable' ? event.reason : undefined) ?? 'DISABLED',
    }),
    keepConnection: assign({
      connection: (_, params: { connection: number }) => params.connection,
    }),
    blame: assign((_, params: Blame) => ({
      reason: params.reason,
      retryAfterMs: params.retryAfterMs ?? 0,
    })),
    praise: assign({ reason: null }),
    resetAttempts: assign({ attempts: 0 }),
    planRetry: assign(({ context }) => planRetry(context)),
    planSlowRetry: assign({
      nextTryAt: ({ context }) => context.now() + CONNECTION_DELAYS.slowRetry,
    }),
    forgetPlan: assign({ nextTryAt: null, delayMs: 0, retryAfterMs: 0 }),
    announce: emit(({ context }, params: { state: ConnectionState }): ConnectionChanged => ({
      type: 'connection.changed',
      state: params.state,
      reason: context.reason,
      ...(context.nextTryAt === null ? {} : { nextTryAt: context.nextTryAt }),
    })),
  },
})

/** What the machine remembers before anything has happened. */
export function initialContext(input: ConnectionInput): ConnectionContext {
  return {
    ...input,
    isWanted: false,
    attempts: 0,
    connection: 0,
    reason: null,
    retryAfterMs: 0,
    delayMs: 0,
    nextTryAt: null,
  }
}

/** Why the link or the hub said no, and for how long it asks us to stay away. */
export function blameRefusal(event: {
  readonly error: { readonly code: string }
  readonly retryAfterMs?: number
}): Blame {
  return { reason: event.error.code, retryAfterMs: event.retryAfterMs }
}

// A hub that asks for a longer wait gets it, within reason.
function planRetry(context: ConnectionContext): Partial<ConnectionContext> {
  const askedMs = Math.min(Math.max(context.retryAfterMs, 0), RETRY_AFTER_MAX_MS)
  const delayMs = Math.max(backoffMs(context.attempts, context.random, BACKOFF), askedMs)
  const attempts = Math.min(context.attempts + 1, ATTEMPTS_MAX)
  return { delayMs, attempts, nextTryAt: context.now() + delayMs }
}
