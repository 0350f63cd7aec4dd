/**
 * One mission's ledger and its commits: dirty ► committing ► committed, or deferred with a reason.
 *
 * A deferral that may pass by itself is tried again while the runtime lives; one that needs the user waits for the
 * next writing command. An answer that lands while a commit is on its way is committed by the next round.
 */
import { type AnyActorRef, assign, emit, sendTo, setup } from 'xstate'
import type { Deferral, DeferralReason, LedgerName } from '../workers/git/protocol.ts'
import type { ErrorOnWire } from '../errors.ts'

export type CommitEvent =
  | { readonly type: 'commit.needed' }
  | { readonly type: 'git.committed'; readonly commit: string; readonly frames: number }
  | { readonly type: 'git.deferred'; readonly deferral: Deferral }
  | { readonly type: 'git.refused'; readonly error: ErrorOnWire }

export type CommitSettled =
  | { readonly type: 'commit.settled'; readonly commit: string; readonly deferral: null }
  | { readonly type: 'commit.settled'; readonly commit: null; readonly deferral: Deferral }

export type CommitInput = {
  readonly mission: string
  readonly ledger: LedgerName
  /** The git worker. */
  readonly git: AnyActorRef
}

/** How long a reason that may pass is given before the next try. */
export const COMMIT_RETRY_MS = 5_000

const TRANSIENT: ReadonlySet<DeferralReason> = new Set([
  'index_locked',
  'ref_locked',
  'ledger_locked',
  'head_moved',
  'io_error',
])

export const commitMachine = setup({
  types: {
    context: {} as CommitInput & { again: boolean },
    input: {} as CommitInput,
    events: {} as CommitEvent,
    emitted: {} as CommitSettled,
  },
  guards: {
    isTransient: (_, params: { deferral: Deferral }) => TRANSIENT.has(params.deferral.reason),
    hasMore: ({ context }) => context.again,
  },
  delays: { retryDelay: COMMIT_RETRY_MS },
  actions: {
    commit: sendTo(
      ({ context }) => context.git,
      ({ context, self }) => ({
        type: 'worker.ask' as const,
        command: {
          type: 'git.commit' as const,
          mission: context.mission,
          ledger: context.ledger,
        },
        replyTo: self,
      }),
    ),
    noteMore: assign({ again: true }),
    forgetMore: assign({ again: false }),
    tellCommitted: emit((_, params: { commit: string }) => ({
      type: 'commit.settled' as const,
      commit: params.commit,
      deferral: null,
    })),
    tellDeferred: emit((_, params: { deferral: Deferral }) => ({
      type: 'commit.settled' as const,
      commit: null,
      deferral: params.deferral,
    })),
    tellRefused: emit(({ context }, params: { error: ErrorOnWire }) => ({
      type: 'commit.settled' as const,
      commit: null,
      deferral: {
        mission: context.mission,
        ledger: context.ledger,
        // Found by the next writing command, as where the whole process was ended.
        reason: 'not_committed_yet' as const,
        message: params.error.message,
      },
    })),
  },
}).createMachine({
  id: 'commit',
  context: ({ input }) => ({ ...input, again: false }),
  initial: 'clean',
  states: {
    clean: { on: { 'commit.needed': { target: 'committing' } } },
    committing: {
      entry: ['forgetMore', 'commit'],
      on: {
        'commit.needed': { actions: 'noteMore' },
        'git.committed': [
          {
            guard: 'hasMore',
            target: 'committing',
            reenter: true,
            actions: { type: 'tellCommitted', params: ({ event }) => event },
          },
          {
            target: 'committed',
            actions: { type: 'tellCommitted', params: ({ event }) => event },
          },
        ],
        'git.deferred': [
          {
            guard: { type: 'isTransient', params: ({ event }) => event },
            target: 'retrying',
            actions: { type: 'tellDeferred', params: ({ event }) => event },
          },
          { target: 'deferred', actions: { type: 'tellDeferred', params: ({ event }) => event } },
        ],
        'git.refused': {
          target: 'retrying',
          actions: { type: 'tellRefused', params: ({ event }) => event },
        },
      },
    },
    committed: { on: { 'commit.needed': { target: 'committing' } } },
    retrying: {
      on: { 'commit.needed': { target: 'committing' } },
      after: { retryDelay: { target: 'committing' } },
    },
    deferred: { on: { 'commit.needed': { target: 'committing' } } },
  },
})
