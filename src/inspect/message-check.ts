/** Reads messages that another process or a file tells of: what a reader needs is looked at, the rest is shown as it is. */
import { FEED_MESSAGE, type FeedMessage, type FeedType } from './protocol.ts'

type Kind = 'string' | 'number' | 'object' | 'array'
type Needed = Readonly<Record<string, Kind>>

const STAMP: Needed = { createdAt: 'string', mono: 'number', process: 'string', thread: 'string' }

/** A whole look at each would take longer than all else that is done with it. */
const NEEDED: Readonly<Record<FeedType, Needed>> = {
  'kittiwake.machine': {},
  '@xstate.actor': { sessionId: 'string', name: 'string', snapshot: 'object' },
  '@xstate.event': { sessionId: 'string', event: 'object' },
  '@xstate.microstep': {
    sessionId: 'string',
    event: 'object',
    transitions: 'array',
    snapshot: 'object',
  },
  '@xstate.action': { sessionId: 'string', action: 'object' },
  '@xstate.snapshot': { sessionId: 'string', event: 'object', snapshot: 'object' },
  'kittiwake.message': {
    sessionId: 'string',
    phase: 'string',
    name: 'string',
    from: 'string',
    to: 'string',
  },
  'kittiwake.fate': { eventId: 'string', stage: 'string' },
  'kittiwake.figures': { actors: 'array', threads: 'array', queues: 'object' },
  'kittiwake.sampled': { leftOut: 'number', byType: 'object' },
  'kittiwake.ended': { reason: 'string' },
}

/** `unknown`: of a type that a later version may have. Null: no message. */
export function checkMessage(value: unknown): FeedMessage | 'unknown' | null {
  if (!isRecord(value)) return null
  const { type, seq } = value
  if (typeof type !== 'string' || !Number.isSafeInteger(seq) || Number(seq) < 1) return null
  if (!isKnown(type)) return 'unknown'
  if (!hasAll(value, STAMP) || !hasAll(value, NEEDED[type])) return null
  // It is drawn, so that it must hold in every detail.
  return type === 'kittiwake.machine' ? checkMachine(value) : (value as unknown as FeedMessage)
}

/** One that is nested too deeply is none. */
function checkMachine(value: object): FeedMessage | null {
  try {
    return FEED_MESSAGE.safeParse(value).data ?? null
  } catch {
    return null
  }
}

function isKnown(type: string): type is FeedType {
  return Object.hasOwn(NEEDED, type)
}

function hasAll(value: Readonly<Record<string, unknown>>, needed: Needed): boolean {
  for (const key in needed) {
    const one = value[key]
    const kind = Array.isArray(one) ? 'array' : typeof one
    if (kind !== needed[key] || one === null) return false
  }
  return true
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
