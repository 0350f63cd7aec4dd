/** A message as the page keeps it. What came is checked here, once: everything behind this door relies on it. */
import type { FeedMessage, FeedType } from '../../protocol.ts'

export type MessageOf<T extends FeedType> = Extract<FeedMessage, { readonly type: T }>

export type Entry<M extends FeedMessage = FeedMessage> = {
  /** Counts from 0; unlike `seq` without gaps. */
  readonly at: number
  readonly message: M
  /** As it came, for the search. */
  readonly line: string
}

type Check = (value: unknown) => boolean

const text: Check = (value) => typeof value === 'string'
const number: Check = (value) => typeof value === 'number'
const list: Check = (value) => Array.isArray(value)
const texts: Check = (value) => Array.isArray(value) && value.every(text)
const object: Check = isObject
const named: Check = (value) => isObject(value) && text(value['type'])
const snapshot: Check = (value) => isObject(value) && text(value['status'])
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value)
const orNone =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value)
const each =
  (keys: Readonly<Record<string, Check>>): Check =>
  (value) =>
    Array.isArray(value) && value.every((one) => holds(one, keys))

const transition = {
  id: text,
  event: text,
  kind: text,
  targets: texts,
  actions: texts,
  guard: orNone(text),
}
const state: Readonly<Record<string, Check>> = {
  id: text,
  key: text,
  type: text,
  initial: texts,
  entry: texts,
  exit: texts,
  tags: texts,
  invoke: each({ id: text, src: text }),
  transitions: each(transition),
  states: (value) => each(state)(value),
}
const STAMP = { seq: number, createdAt: text, mono: number, process: text, thread: text }
const KEYS: Readonly<Record<FeedType, Readonly<Record<string, Check>>>> = {
  'kittiwake.machine': { hash: text, name: text, root: (value) => holds(value, state) },
  '@xstate.actor': {
    sessionId: text,
    parentId: orNull(text),
    name: text,
    kind: text,
    machine: orNull(text),
    snapshot,
  },
  '@xstate.event': {
    sessionId: text,
    sourceId: orNull(text),
    event: named,
    eventIds: orNone(texts),
  },
  '@xstate.microstep': {
    sessionId: text,
    event: named,
    snapshot,
    transitions: each({ id: text, source: text, targets: texts, eventType: text }),
  },
  '@xstate.action': { sessionId: text, action: named },
  '@xstate.snapshot': { sessionId: text, event: named, snapshot },
  'kittiwake.message': {
    phase: text,
    from: text,
    to: text,
    sessionId: text,
    name: text,
    latency: orNone((value) => holds(value, { totalMs: number })),
    eventIds: orNone(texts),
  },
  'kittiwake.fate': { eventId: text, stage: text },
  'kittiwake.figures': {
    actors: each({ sessionId: text, mailbox: number, restarts: number, ageMs: number }),
    threads: each({
      thread: text,
      state: text,
      unanswered: number,
      queued: number,
      restarts: number,
      ageMs: number,
    }),
    queues: object,
    residentMb: number,
    loopDelayMs: number,
    events: number,
    leftOut: number,
  },
  'kittiwake.sampled': { reason: text, leftOut: number, byType: object },
  'kittiwake.ended': { reason: text },
}

/** Null of what this page does not know, or cannot rely on. */
export function readMessage(value: unknown): FeedMessage | null {
  if (!isObject(value)) return null
  const type = value['type']
  if (typeof type !== 'string' || !Object.hasOwn(KEYS, type)) return null
  return holds(value, STAMP) && holds(value, KEYS[type as FeedType]) ? (value as FeedMessage) : null
}

export function isEntry<T extends FeedType>(
  entry: Entry | undefined,
  type: T,
): entry is Entry<MessageOf<T>> {
  return entry?.message.type === type
}

/** Of the actor that the message is about; null where it is about none. */
export function actorOf({ message }: Entry): string | null {
  return 'sessionId' in message ? message.sessionId : null
}

// Asked of every message of a trace: no list of keys is made for it.
function holds(value: unknown, keys: Readonly<Record<string, Check>>): boolean {
  if (!isObject(value)) return false
  for (const key in keys) if (keys[key]?.(value[key]) !== true) return false
  return true
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !list(value)
}
