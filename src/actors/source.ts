/** What a drain claims from and settles with: the outbox behind the store worker, the frames behind the git worker. */
import { type ActorRef, type AnyActorRef, fromCallback, type Snapshot } from 'xstate'
import { idOfFrame } from '../contracts/wire/ledger-frame.ts'
import type { GitAnswer, GitCommand } from '../workers/git/protocol.ts'
import type { Rejected } from '../workers/socket/protocol.ts'
import type { StoreAnswer } from '../workers/store/protocol.ts'
import type { DrainEvent } from './drain.machine.ts'

export type SourceCommand =
  /** Another link: what was refused on the one before is offered again. Of the commits only. */
  | { readonly type: 'source.begin' }
  | { readonly type: 'source.claim'; readonly batch: number; readonly max: number }
  | {
      readonly type: 'source.settle'
      readonly accepted: readonly string[]
      readonly rejected: readonly Rejected[]
    }

export type SourceInput = {
  readonly worker: AnyActorRef
  readonly drain: () => ActorRef<Snapshot<unknown>, DrainEvent>
}

/** Events of the outbox. The rows themselves go to the socket worker by the direct channel. */
export const outboxSource = fromCallback<SourceCommand | StoreAnswer, SourceInput>(
  ({ input, receive, self }) => {
    const ask = (command: { type: string }): void =>
      input.worker.send({ type: 'worker.ask', command, replyTo: self })
    receive((event) => {
      const drain = input.drain()
      switch (event.type) {
        case 'source.claim':
          return ask({ type: 'store.claim', batch: event.batch, max: event.max } as {
            type: string
          })
        case 'source.settle':
          return ask({
            type: 'store.settle',
            accepted: event.accepted,
            rejected: event.rejected.map(({ id, ...rest }) => ({ event_id: id, ...rest })),
          } as { type: string })
        case 'store.claimed':
          return drain.send({
            type: 'source.claimed',
            batch: event.batch,
            count: event.count,
            frames: [],
          })
        case 'store.settled':
          return drain.send({ type: 'source.settled', isEmptied: false })
        case 'store.refused':
          return drain.send({ type: 'source.refused', error: event.error })
        default:
      }
    })
  },
)

/** LocalCommit frames that the hub has not confirmed, and what is to be told of those that it has. A refused one stays pending and is named in the status. */
export const ledgerSource = fromCallback<SourceCommand | GitAnswer, SourceInput>(
  ({ input, receive, self }) => {
    const ask = (command: { type: string }): void =>
      input.worker.send({ type: 'worker.ask', command, replyTo: self })
    // What git was asked and has not answered, in its order: an answer may be that to a claim of the link before, from when
    // git knew of another hub. Null is no claim.
    const claims: ({ readonly batch: number; readonly max: number } | null)[] = []
    // A frame that the hub refuses must not block the ones behind it; it is offered again on the next link.
    const refused = new Set<string>()
    receive((event) => {
      const drain = input.drain()
      switch (event.type) {
        case 'source.begin':
          return refused.clear()
        case 'source.claim':
          claims.push(event)
          return ask(askForFrames(refused))
        case 'source.settle':
          for (const { id } of event.rejected) refused.add(id)
          claims.push(null)
          return ask({ type: 'git.confirm', hashes: event.accepted } as { type: string })
        case 'git.framed': {
          const claim = claims.shift()
          if (claim === undefined || claim === null) return
          const { batch, max } = claim
          const frames = event.frames
            .filter((frame) => !refused.has(idOfFrame(frame)))
            .slice(0, max)
          return drain.send({ type: 'source.claimed', batch, count: frames.length, frames })
        }
        case 'git.confirmed':
          claims.shift()
          return drain.send({ type: 'source.settled', isEmptied: event.pending === 0 })
        case 'git.refused':
          claims.shift()
          return drain.send({ type: 'source.refused', error: event.error })
        default:
      }
    })
  },
)

function askForFrames(refused: ReadonlySet<string>): GitCommand {
  return refused.size === 0 ? { type: 'git.frames' } : { type: 'git.frames', except: [...refused] }
}
