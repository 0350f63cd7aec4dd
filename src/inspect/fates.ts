/**
 * What became of events, read from what passes between machines and threads: their bodies don't pass the main thread
 * on the way out, so that "sent" is known, with its time, only once the batch has its answer.
 */
import type { GitAnswer, GitCommand } from '../workers/git/protocol.ts'
import type { SocketAnswer, SocketCommand } from '../workers/socket/protocol.ts'
import type { StoreAnswer, StoreCommand } from '../workers/store/protocol.ts'
import type { FeedMessage } from './protocol.ts'

export type Fate = Pick<
  Extract<FeedMessage, { readonly type: 'kittiwake.fate' }>,
  | 'eventId'
  | 'stage'
  | 'eventType'
  | 'lamport'
  | 'commit'
  | 'batch'
  | 'reason'
  | 'final'
  | 'happenedAt'
  | 'happenedMono'
>

export type Moment = { readonly createdAt: string; readonly mono: number }

export type ThreadAsk = StoreCommand | GitCommand | SocketCommand
export type ThreadAnswer = StoreAnswer | GitAnswer | SocketAnswer

/** Lines of a ledger without a commit, and commits without an acknowledgement, that are remembered. */
const REMEMBERED_MAX = 1_000

export class Fates {
  readonly #uncommitted = new Map<string, string[]>()
  readonly #idsByCommit = new Map<string, readonly string[]>()

  /** What an answer says of events. `posted` is when its command was handed to the thread. */
  of(command: ThreadAsk, answer: ThreadAnswer, posted: Moment): readonly Fate[] {
    switch (answer.type) {
      case 'store.appended':
        return command.type === 'store.append' ? stored(command.events, answer.receipts) : []
      case 'git.appended':
      case 'git.glossed':
        return this.#written(command)
      case 'git.committed':
        return command.type === 'git.commit' ? this.#committed(command, answer.commit) : []
      case 'socket.delivered':
        return this.#delivered(answer, posted)
      default:
        return []
    }
  }

  #written(command: ThreadAsk): readonly Fate[] {
    const ids = eventIdsOf(command)
    const ledger = ledgerOf(command)
    if (ledger !== null && 'mission' in command) {
      const key = `${ledger} ${command.mission}`
      const before = this.#uncommitted.get(key) ?? []
      remember(this.#uncommitted, key, [...before, ...ids].slice(-REMEMBERED_MAX))
    }
    return ids.map((eventId) => ({ eventId, stage: 'stored' }))
  }

  #committed(
    { ledger, mission }: Extract<GitCommand, { readonly type: 'git.commit' }>,
    commit: string,
  ): readonly Fate[] {
    const key = `${ledger} ${mission}`
    const ids = this.#uncommitted.get(key) ?? []
    this.#uncommitted.delete(key)
    if (ids.length > 0) remember(this.#idsByCommit, commit, ids)
    return ids.map((eventId) => ({ eventId, stage: 'committed', commit }))
  }

  #delivered(
    answer: Extract<SocketAnswer, { readonly type: 'socket.delivered' }>,
    posted: Moment,
  ): readonly Fate[] {
    const { sink, batch, accepted, rejected } = answer
    const happened = { happenedAt: posted.createdAt, happenedMono: posted.mono }
    const idsOf = (id: string): readonly string[] =>
      sink === 'events' ? [id] : (this.#idsByCommit.get(id) ?? [])
    return [
      ...[...accepted, ...rejected.map(({ id }) => id)]
        .flatMap(idsOf)
        .map((eventId) => ({ eventId, stage: 'sent', batch, ...happened }) as const),
      ...accepted
        .flatMap(idsOf)
        .map((eventId) => ({ eventId, stage: 'acknowledged', batch }) as const),
      ...rejected.flatMap(({ id, reason, isFinal }) =>
        idsOf(id).map(
          (eventId) => ({ eventId, stage: 'refused', batch, reason, final: isFinal }) as const,
        ),
      ),
    ]
  }
}

/** Ids of the events that a command is about. */
export function eventIdsOf(command: ThreadAsk): readonly string[] {
  switch (command.type) {
    case 'store.append':
      return command.events.flatMap((text) => idIn(text) ?? [])
    case 'git.request':
    case 'git.answer':
      return [command.record.event_id]
    case 'git.move':
      return command.record.events.map(({ event_id }) => event_id)
    case 'git.gloss':
      return command.entry.events.map(({ event_id }) => event_id)
    default:
      return []
  }
}

function stored(
  texts: readonly string[],
  receipts: Extract<StoreAnswer, { readonly type: 'store.appended' }>['receipts'],
): readonly Fate[] {
  return receipts.map(({ event_id, lamport_clock }, at) => {
    const eventType = /"event_type":"([^"\\]{1,256})"/.exec(texts[at] ?? '')?.[1]
    return {
      eventId: event_id,
      stage: 'stored',
      lamport: lamport_clock,
      ...(eventType === undefined ? {} : { eventType }),
    }
  })
}

// The envelope's keys are sorted, and none before the id holds text of others; see the store's own splice.
function idIn(text: string): string | undefined {
  return /"event_id":"([^"\\]{1,64})"/.exec(text)?.[1]
}

function ledgerOf({ type }: ThreadAsk): string | null {
  if (type === 'git.request' || type === 'git.answer') return 'decisions'
  return type === 'git.move' ? 'status' : null
}

function remember<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key)
  map.set(key, value)
  const [oldest] = map.keys()
  if (map.size > REMEMBERED_MAX && oldest !== undefined) map.delete(oldest)
}
