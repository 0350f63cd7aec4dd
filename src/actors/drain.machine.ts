/**
 * Empties one source into the link: claim a batch, deliver it, settle what was acknowledged, again until a claim
 * comes back empty.
 *
 * An append that lands while a batch is on its way needs no flag: the source answers in order, so the append is
 * either inside the next claim or announced after it. Every answer carries its batch number; one of an earlier
 * waking changes nothing but is still settled, because an acknowledgement is true whenever it comes.
 */
import { type AnyActorRef, assign, sendTo, setup } from 'xstate'
import type { LedgerFrame } from '../contracts/wire/ledger-frame.ts'
import type { ErrorOnWire } from '../errors.ts'
import type { Rejected, Sink } from '../workers/socket/protocol.ts'
import { backoffMs } from './backoff.ts'

/** What the first claim may bring; then the link says how much it can carry. */
export const CLAIM_START = 256

export type Delivery = {
  readonly accepted: readonly string[]
  readonly rejected: readonly Rejected[]
  readonly unanswered: number
  readonly credit: number
}

export type DrainEvent =
  | { readonly type: 'drain.wake' }
  | { readonly type: 'drain.sleep' }
  /** The source may hold more than before. */
  | { readonly type: 'drain.appended' }
  | {
      readonly type: 'source.claimed'
      readonly batch: number
      readonly count: number
      readonly frames: readonly LedgerFrame[]
    }
  | ({ readonly type: 'socket.delivered'; readonly sink: Sink; readonly batch: number } & Delivery)
  /** `isEmptied`: nothing is left that the link waits for, though there may be more to deliver. */
  | { readonly type: 'source.settled'; readonly isEmptied: boolean }
  /** The source or the link could not do it now. */
  | { readonly type: 'source.refused'; readonly error: ErrorOnWire }
  | { readonly type: 'socket.refused' }

export type DrainInput = {
  readonly sink: Sink
  /** Takes `source.claim {batch, max}` and `source.settle {accepted, rejected}`. */
  readonly source: AnyActorRef
  /** The socket worker. */
  readonly outlet: AnyActorRef
  /** Told `drain.emptied {sink}`, `drain.stalled {sink}` and `drain.refused {sink, error}`. */
  readonly owner: AnyActorRef
  readonly random: () => number
}

type DrainContext = DrainInput & {
  readonly batch: number
  readonly attempts: number
  readonly credit: number
  /** The last batch left less to deliver than before. */
  readonly hasAdvanced: boolean
}

type Frames = { readonly frames: readonly LedgerFrame[] }
type Refusal = { readonly error: ErrorOnWire }

export const drainMachine = setup({
  types: {
    context: {} as DrainContext,
    input: {} as DrainInput,
    events: {} as DrainEvent,
  },
  guards: {
    isPresent: ({ context }, params: { batch: number }) => params.batch === context.batch,
    isPresentAndEmpty: ({ context }, params: { batch: number; count: number }) =>
      params.batch === context.batch && params.count === 0,
    isFirstFailure: ({ context }) => context.attempts === 0,
    hasAdvanced: ({ context }) => context.hasAdvanced,
    hasEmptied: ({ context }, params: { isEmptied: boolean }) =>
      context.hasAdvanced && params.isEmptied,
    hasVerdicts: (_, params: Delivery) => verdictsOf(params) > 0,
    isPresentWithVerdicts: ({ context }, params: Delivery & { batch: number }) =>
      params.batch === context.batch && verdictsOf(params) > 0,
  },
  delays: {
    retryDelay: ({ context }) =>
      backoffMs(context.attempts, context.random, { baseMs: 250, capMs: 10_000 }),
  },
  actions: {
    claim: sendTo(
      ({ context }) => context.source,
      ({ context }) => ({
        type: 'source.claim' as const,
        batch: context.batch,
        max: context.credit,
      }),
    ),
    nextBatch: assign({ batch: ({ context }) => context.batch + 1 }),
    deliver: sendTo(
      ({ context }) => context.outlet,
      ({ context, self }, params: Frames) => ({
        type: 'worker.ask' as const,
        command: {
          type: 'socket.deliver' as const,
          sink: context.sink,
          batch: context.batch,
          frames: params.frames,
        },
        replyTo: self,
      }),
    ),
    settle: sendTo(
      ({ context }) => context.source,
      (_, params: Delivery) => ({
        type: 'source.settle' as const,
        accepted: params.accepted,
        rejected: params.rejected,
      }),
    ),
    tellEmptied: sendTo(
      ({ context }) => context.owner,
      ({ context }) => ({ type: 'drain.emptied' as const, sink: context.sink }),
    ),
    tellStalled: sendTo(
      ({ context }) => context.owner,
      ({ context }) => ({ type: 'drain.stalled' as const, sink: context.sink }),
    ),
    tellRefused: sendTo(
      ({ context }) => context.owner,
      ({ context }, params: Refusal) => ({
        type: 'drain.refused' as const,
        sink: context.sink,
        error: params.error,
      }),
    ),
    learn: assign((_, params: Delivery) => ({
      credit: params.credit,
      hasAdvanced: params.accepted.length > 0 || params.rejected.some(({ isFinal }) => isFinal),
    })),
    countAttempt: assign({ attempts: ({ context }) => Math.min(context.attempts + 1, 8) }),
    resetAttempts: assign({ attempts: 0 }),
  },
}).createMachine({
  id: 'drain',
  context: ({ input }) => ({
    ...input,
    batch: 0,
    attempts: 0,
    credit: CLAIM_START,
    hasAdvanced: false,
  }),
  initial: 'asleep',
  on: { 'drain.sleep': { target: '.asleep' } },
  states: {
    asleep: {
      entry: 'resetAttempts',
      on: {
        'drain.wake': { target: 'claiming' },
        'drain.sleep': {},
        'socket.delivered': {
          guard: { type: 'hasVerdicts', params: ({ event }) => event },
          actions: { type: 'settle', params: ({ event }) => event },
        },
      },
    },
    idle: { on: { 'drain.appended': { target: 'claiming' } } },
    claiming: {
      entry: ['nextBatch', 'claim'],
      on: {
        'source.claimed': [
          {
            guard: { type: 'isPresentAndEmpty', params: ({ event }) => event },
            target: 'idle',
            actions: ['resetAttempts', 'tellEmptied'],
          },
          {
            guard: { type: 'isPresent', params: ({ event }) => event },
            target: 'delivering',
            actions: { type: 'deliver', params: ({ event }) => event },
          },
        ],
        'source.refused': [
          {
            guard: 'isFirstFailure',
            target: 'waiting',
            actions: { type: 'tellRefused', params: ({ event }) => event },
          },
          { target: 'waiting' },
        ],
      },
    },
    delivering: {
      on: {
        'socket.delivered': [
          {
            guard: { type: 'isPresentWithVerdicts', params: ({ event }) => event },
            target: 'settling',
            actions: [
              { type: 'learn', params: ({ event }) => event },
              { type: 'settle', params: ({ event }) => event },
            ],
          },
          {
            guard: { type: 'isPresent', params: ({ event }) => event },
            target: 'waiting',
            actions: [{ type: 'learn', params: ({ event }) => event }, 'tellStalled'],
          },
        ],
        'socket.refused': { target: 'waiting', actions: 'tellStalled' },
      },
    },
    settling: {
      on: {
        'source.settled': [
          {
            guard: { type: 'hasEmptied', params: ({ event }) => event },
            target: 'claiming',
            actions: ['resetAttempts', 'tellEmptied'],
          },
          { guard: 'hasAdvanced', target: 'claiming', actions: 'resetAttempts' },
          // Refused for now: to ask again at once would only use up its attempts.
          { target: 'waiting' },
        ],
        'source.refused': [
          {
            guard: 'isFirstFailure',
            target: 'waiting',
            actions: { type: 'tellRefused', params: ({ event }) => event },
          },
          { target: 'waiting' },
        ],
      },
    },
    // A source that refuses is asked until it answers; the owner is told at the first refusal of a row. Verdicts that
    // don't come are the link's trouble: its owner closes it, and with it puts this machine to sleep.
    waiting: {
      entry: 'countAttempt',
      after: { retryDelay: { target: 'claiming' } },
    },
  },
})

function verdictsOf(delivery: Delivery): number {
  return delivery.accepted.length + delivery.rejected.length
}
