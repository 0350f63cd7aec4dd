/** Who speaks with whom: lanes of actors and threads, and the messages between them as arrows. */
import type { Entry, MessageOf } from './entry.ts'
import type { History } from './history.ts'
import { actorName, threadName } from './summary.ts'
import { eventText, visible } from '../../../page/text.ts'

export type Lane = {
  readonly key: string
  readonly label: string
  readonly kind: 'outside' | 'actor' | 'thread'
}

export type Arrow = {
  readonly at: number
  readonly from: string
  readonly to: string
  readonly label: string
  readonly kind: 'event' | 'posted' | 'answered' | 'reported' | 'crashed'
  readonly latency: NonNullable<Entry<MessageOf<'kittiwake.message'>>['message']['latency']> | null
}

export const OUTSIDE: Lane = { key: '', label: 'outside', kind: 'outside' }

/** Null of messages that go nowhere. */
export function arrowOf(entry: Entry, history: History): Arrow | null {
  const { message, at } = entry
  if (message.type === '@xstate.event') {
    return {
      at,
      from: actorLane(history, message.sourceId).key,
      to: actorLane(history, message.sessionId).key,
      label: eventText(message.event.type),
      kind: 'event',
      latency: null,
    }
  }
  if (message.type !== 'kittiwake.message') return null
  const actor = actorLane(history, message.sessionId).key
  const isPost = message.phase === 'posted'
  return {
    at,
    from: isPost ? actor : message.from,
    to: isPost ? message.to : actor,
    label: visible(message.name),
    kind: message.phase,
    latency: message.latency ?? null,
  }
}

/** The lanes that these messages need: outside, then actors by their birth, each thread beside its worker. */
export function lanesOf(positions: readonly number[], history: History): readonly Lane[] {
  const laneByKey = new Map<string, Lane>()
  const workerByThread = new Map<string, string>()
  for (const position of positions) {
    const { message } = history.at(position) ?? {}
    if (message?.type === '@xstate.event') {
      for (const id of [message.sourceId, message.sessionId]) {
        const lane = actorLane(history, id)
        laneByKey.set(lane.key, lane)
      }
    } else if (message?.type === 'kittiwake.message') {
      const thread = message.phase === 'posted' ? message.to : message.from
      const worker = actorLane(history, message.sessionId)
      laneByKey.set(worker.key, worker)
      laneByKey.set(thread, {
        key: thread,
        label: `${visible(threadName(thread))} thread`,
        kind: 'thread',
      })
      workerByThread.set(thread, worker.key)
    }
  }
  const order = (lane: Lane) =>
    lane.kind === 'outside' ? ' ' : `${workerByThread.get(lane.key) ?? lane.key} ${lane.kind}`
  return [...laneByKey.values()].sort((one, other) => compare(order(one), order(other)))
}

/** The actor that only stands for a thread shares its parent's lane; those of one kind for many missions share one. */
export function actorLane(history: History, sessionId: string | null): Lane {
  if (sessionId === null) return OUTSIDE
  const message = history.actor(sessionId)?.first.message
  if (message?.kind === 'callback' && message.name === 'thread' && message.parentId !== null) {
    return {
      key: message.parentId,
      label: visible(actorName(history, message.parentId)),
      kind: 'actor',
    }
  }
  const name = message?.name ?? actorName(history, sessionId)
  const parts = name.split('.')
  if (parts.length < 3) return { key: sessionId, label: visible(name), kind: 'actor' }
  const shared = `${message?.process ?? ''}/main/zz ${parts[0]}`
  return { key: shared, label: visible(`${parts[0]}.*`), kind: 'actor' }
}

// `x:2` before `x:11`.
function compare(one: string, other: string): number {
  return one.localeCompare(other, 'en', { numeric: true })
}
