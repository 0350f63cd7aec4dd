/** The named guards, delays and actions of the connection machine. */
import { assign, emit, enqueueActions, sendTo, setup } from 'xstate'
import type { ErrorOnWire } from '../errors.ts'
import type { CloseClass, Sink } from '../workers/socket/protocol.ts'
import { backoffMs } from './backoff.ts'
import {
  ATTEMPTS_MAX,
  BACKOFF,
  BATCHING_MIN_MS,
  CONNECTION_DELAYS,
  REFUSALS_MAX,
  RETRY_AFTER_MAX_MS,
  SUSPENDED_RETRY_MAX_MS,
  SUSPENDED_RETRY_MS,
} from './connection.ts'
import type { ConnectionChanged, ConnectionContext, ConnectionEvent } from './connection.ts'
import type { ConnectionInput, ConnectionRefused, ConnectionState } from './connection.ts'

type Blame = {
  readonly reason: string
  readonly class?: CloseClass
  readonly retryAfterMs?: number | undefined
}

type RefusedParams = { readonly error: ErrorOnWire; readonly class: CloseClass }

export const connectionSetup = setup({
  types: {
    context: {} as ConnectionContext,
    input: {} as ConnectionInput,
    events: {} as ConnectionEvent,
    emitted: {} as ConnectionChanged | ConnectionRefused,
  },
  guards: {
    isWanted: ({ context }) => context.isWanted,
    isCommits: (_, params: { sink: Sink }) => params.sink === 'commits',
    isTransient: (_, params: { class: CloseClass }) => params.class === 'transient',
    isPresent: ({ context }, params: { connection: number }) =>
      params.connection === context.connection,
    // A proxy that lets no upgrade through says anything, and rarely what it means.
    isUpgradeFault: (_, params: RefusedParams) =>
      params.class === 'transient' || params.error.code === 'HUB_PROTOCOL',
    // Beside a WebSocket that can't be opened, only these say more than that.
    isPlainRefusal: (_, params: RefusedParams) =>
      params.class === 'unauthenticated' || params.error.code === 'PROTOCOL_MISMATCH',
    isPassing: ({ context }) => context.isPassing,
    isOwnWait: ({ context }) => context.retryAfterMs === 0,
    isPresentPassing: ({ context }, params: { connection: number; class: CloseClass }) =>
      params.connection === context.connection && params.class === 'transient',
    isPresentRefusal: ({ context }, params: { connection: number; class: CloseClass }) =>
      params.connection === context.connection && params.class === 'refused',
  },
  delays: {
    ...CONNECTION_DELAYS,
    backoff: ({ context }) => context.delayMs,
    slowRetry: ({ context }) => context.delayMs,
  },
  actions: {
    authenticate: sendTo(({ context }) => context.socket, { type: 'socket.authenticate' }),
    open: sendTo(({ context }) => context.socket, { type: 'socket.open' }),
    close: sendTo(({ context }) => context.socket, { type: 'socket.close' }),
    probe: sendTo(({ context }) => context.socket, { type: 'socket.probe' }),
    finish: sendTo(({ context }) => context.socket, { type: 'socket.finish' }),
    check: sendTo(({ context }) => context.socket, { type: 'socket.check' }),
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
      isPassing: (params.class ?? 'transient') === 'transient',
      retryAfterMs: params.retryAfterMs ?? 0,
    })),
    praise: assign({ reason: null, refusals: 0 }),
    resetAttempts: assign({ attempts: 0, refusals: 0 }),
    planRetry: assign(({ context }) => planRetry(context, 0)),
    planNextTry: assign(({ context }) => planRetry(context, BATCHING_MIN_MS)),
    planSlowRetry: assign(({ context }) => planSlowRetry(context)),
    forgetPlan: assign({ nextTryAt: null, delayMs: 0, retryAfterMs: 0 }),
    tellRefused: emit((_, params: { error: ErrorOnWire }): ConnectionRefused => ({
      type: 'connection.refused',
      error: params.error,
    })),
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
    isPassing: true,
    refusals: 0,
    retryAfterMs: 0,
    delayMs: 0,
    nextTryAt: null,
  }
}

/** Why the link or the hub said no, and for how long it asks us to stay away. */
export function blameRefusal(event: {
  readonly error: { readonly code: string }
  readonly class: CloseClass
  readonly retryAfterMs?: number
}): Blame {
  return { reason: event.error.code, class: event.class, retryAfterMs: event.retryAfterMs }
}

// A hub that asks for a longer wait gets it, within reason.
function planRetry(context: ConnectionContext, leastMs: number): Partial<ConnectionContext> {
  const askedMs = Math.min(Math.max(context.retryAfterMs, leastMs), RETRY_AFTER_MAX_MS)
  const delayMs = Math.max(backoffMs(context.attempts, context.random, BACKOFF), askedMs)
  const attempts = Math.min(context.attempts + 1, ATTEMPTS_MAX)
  return { delayMs, attempts, nextTryAt: context.now() + delayMs }
}

function planSlowRetry(context: ConnectionContext): Partial<ConnectionContext> {
  const delayMs = Math.min(SUSPENDED_RETRY_MS * 2 ** context.refusals, SUSPENDED_RETRY_MAX_MS)
  const refusals = Math.min(context.refusals + 1, REFUSALS_MAX)
  return { delayMs, refusals, nextTryAt: context.now() + delayMs }
}
