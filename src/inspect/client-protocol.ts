/** What a client of the feed and its server say to each other: hello and welcome, then asks and answers, by their ids. */
import { z } from 'zod'
import { PARTS, TRACE_HEADER } from './protocol.ts'

const { name, sessionId, hash, count, ms } = PARTS

/** First message of a client. With `session` and `after` it goes on behind the last message that it has. */
export const HELLO = z.object({
  type: z.literal('kittiwake.hello'),
  protocol: z.int().min(1),
  session: name.optional(),
  after: count.optional(),
})
export type Hello = z.infer<typeof HELLO>

/** First message of the server, which answers `hello`. */
export const WELCOME = z.object({
  type: z.literal('kittiwake.welcome'),
  protocol: z.int().min(1),
  session: name,
  version: name,
  source: z.enum(['live', 'trace']),
  /** Of a trace: its header. */
  trace: TRACE_HEADER.optional(),
  /** Nothing is told twice: what follows comes behind `after`. */
  resumed: z.boolean(),
  /** How many older messages come first: the machines and actors as they were at `firstSeq`. */
  keyframe: count,
  /** What the buffer holds now; `lastSeq` is 0 where it holds nothing. */
  firstSeq: count,
  lastSeq: count,
  allowSend: z.boolean(),
})
export type Welcome = z.infer<typeof WELCOME>

const askId = z.int().min(1)
/** What a client may ask for; each is answered once, by its `id`. */
export const ASK = z.discriminatedUnion('ask', [
  /** Where the states and arrows of a machine go. */
  z.object({ type: z.literal('kittiwake.ask'), id: askId, ask: z.literal('drawing'), hash }),
  /** What is known of an event now, by the outbox. */
  z.object({ type: z.literal('kittiwake.ask'), id: askId, ask: z.literal('fate'), eventId: name }),
  /** Only where `allowSend`. */
  z.object({
    type: z.literal('kittiwake.ask'),
    id: askId,
    ask: z.literal('send'),
    sessionId,
    event: z.looseObject({ type: name.min(1) }),
  }),
])
export type Ask = z.infer<typeof ASK>

const box = { x: ms, y: ms, width: ms, height: ms }
const point = z.object({ x: ms, y: ms })
/** Pixels from the upper left corner of the whole drawing. */
export const DRAWING = z.object({
  hash,
  width: ms,
  height: ms,
  /** Outer states before those within them; `header` is the height that the name takes, what is invoked stands below it. */
  states: z.array(
    z.object({
      id: name,
      ...box,
      header: ms,
      invokes: z.array(z.object({ id: name, text: z.string(), ...box })),
    }),
  ),
  /** One for each pair of states: transitions between the same two share it. */
  edges: z.array(
    z.object({
      transitions: z.array(name),
      source: name,
      target: name,
      points: z.array(point),
      /** A line for each transition, and where they go. */
      label: z.object({ lines: z.array(z.string()), ...box }).optional(),
    }),
  ),
  /** From a dot to the initial state of `state`. */
  initials: z.array(z.object({ state: name, target: name, points: z.array(point) })),
})
export type Drawing = z.infer<typeof DRAWING>

/** What the outbox says of an event at the hub that is delivered to. */
export const EVENT_FATE = z.object({
  eventId: name,
  /** `absent`: this outbox does not know it. */
  state: name,
  eventType: name.optional(),
  lamport: count.optional(),
  recordedAt: name.optional(),
  attempts: count.optional(),
  reason: name.optional(),
  /** Why nothing is sent now, as `sync status` says it; null where it is. */
  obstacle: name.nullable(),
  hint: z.string().optional(),
})
export type EventFate = z.infer<typeof EVENT_FATE>

export const ANSWER = z.union([
  z.object({
    type: z.literal('kittiwake.answer'),
    id: askId,
    ok: z.literal(true),
    drawing: DRAWING.optional(),
    fate: EVENT_FATE.optional(),
  }),
  z.object({
    type: z.literal('kittiwake.answer'),
    id: askId,
    ok: z.literal(false),
    error: z.object({ code: name, message: z.string(), hint: z.string().optional() }),
  }),
])
export type InspectAnswer = z.infer<typeof ANSWER>
