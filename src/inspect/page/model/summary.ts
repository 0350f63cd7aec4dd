/** A message in one line. */
import type { Entry, MessageOf } from './entry.ts'
import { groupOf, type Group } from './filter.ts'
import type { History } from './history.ts'
import { count, counted, duration, eventText, shortId, visible } from '../../../page/text.ts'
import { stateText } from '../../../page/state-text.ts'

export type Summary = {
  readonly group: Group | 'other'
  /** What kind of message it is, in a word. */
  readonly word: string
  /** The actor, or the thread. */
  readonly who: string
  readonly text: string
  readonly isAlarm: boolean
}

export function summarize(entry: Entry, history: History): Summary {
  const { word, who, text, isAlarm = false } = describe(entry, history)
  return { group: groupOf(entry) ?? 'other', word, who: visible(who), text: visible(text), isAlarm }
}

/** The name of an actor, or what is known of one that was never told. */
export function actorName(history: History, sessionId: string | null): string {
  if (sessionId === null) return 'outside'
  return (
    history.actor(sessionId)?.first.message.name ?? sessionId.slice(sessionId.lastIndexOf('/') + 1)
  )
}

export function threadName(key: string): string {
  return key.slice(key.indexOf('/') + 1)
}

type Told = Pick<Summary, 'word' | 'who' | 'text'> & { readonly isAlarm?: boolean }

function describe({ message }: Entry, history: History): Told {
  const who = 'sessionId' in message ? actorName(history, message.sessionId) : message.thread
  switch (message.type) {
    case '@xstate.microstep':
      return { word: 'step', who, text: stepText(message) }
    case '@xstate.event':
      return {
        word: 'event',
        who,
        text: `${eventText(message.event.type)}  ◂ ${actorName(history, message.sourceId)}`,
      }
    case '@xstate.action':
      return { word: 'action', who, text: message.action.type }
    case '@xstate.snapshot':
      return { word: 'snapshot', who, text: snapshotText(message) }
    case '@xstate.actor':
      return {
        word: 'actor',
        who,
        text: `is there: ${stateText(message.snapshot.value) || message.kind}`,
      }
    case 'kittiwake.message':
      return threadTold(message)
    case 'kittiwake.fate':
      return {
        ...fateTold(message),
        who: message.eventType ?? history.fates.get(message.eventId)?.eventType ?? 'event',
      }
    case 'kittiwake.machine':
      return { word: 'machine', who: message.name, text: `definition ${message.hash}` }
    case 'kittiwake.figures':
      return {
        word: 'figures',
        who: message.process,
        text: `${counted(message.events, 'event')} in the second before, ${message.residentMb} MB`,
      }
    case 'kittiwake.sampled':
      return {
        word: 'left out',
        who: message.process,
        text: `${counted(message.leftOut, 'message')} left out (${REASONS[message.reason] ?? message.reason})`,
        isAlarm: true,
      }
    case 'kittiwake.ended':
      return {
        word: 'end',
        who: message.process,
        text: `nothing more comes from this process: ${message.reason}`,
      }
  }
}

export const REASONS: Readonly<Record<string, string>> = {
  rate: 'more came than can be shown',
  slow_reader: 'this page was too slow',
  overwritten: 'older than what is kept',
}

function stepText({ transitions, event, snapshot }: MessageOf<'@xstate.microstep'>): string {
  const moves = transitions.filter(({ targets }) => targets.length > 0)
  if (moves.length === 0) return `${eventText(event.type)}  ↻ ${stateText(snapshot.value)}`
  const text = moves.map(
    ({ source, targets }) => `${lastPart(source)} → ${targets.map(lastPart).join(', ')}`,
  )
  return `${text.join('; ')}  (${eventText(event.type)})`
}

function snapshotText({ snapshot }: MessageOf<'@xstate.snapshot'>): string {
  const state = stateText(snapshot.value)
  return snapshot.status === 'active' ? state || 'active' : `${snapshot.status} ${state}`
}

function threadTold({ phase, name, from, to, id, latency }: MessageOf<'kittiwake.message'>): Told {
  const way = `${threadName(from)} → ${threadName(to)}`
  const number = id === undefined ? '' : ` #${count(id)}`
  if (phase === 'crashed')
    return { word: 'crash', who: threadName(from), text: name, isAlarm: true }
  const took = latency === undefined ? '' : `  ${duration(latency.totalMs)}`
  return { word: phase, who: way, text: `${name}${number}${took}` }
}

function fateTold({
  stage,
  eventId,
  reason,
  commit,
  batch,
}: MessageOf<'kittiwake.fate'>): Omit<Told, 'who'> {
  const detail =
    reason ??
    (commit === undefined ? null : commit.slice(0, 10)) ??
    (batch === undefined ? '' : `batch ${batch}`)
  return { word: stage, text: `${shortId(eventId)}  ${detail}`, isAlarm: stage === 'refused' }
}

/** `connection.connected.live` → `live`. */
export function lastPart(id: string): string {
  return id.slice(id.lastIndexOf('.') + 1)
}
