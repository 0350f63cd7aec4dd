/**
 * What an inspector is told, as shapes: a superset of the Stately inspection messages, one JSON document a line. How
 * they follow each other is told in docs/inspect-protocol.md.
 */
import { z } from 'zod'
import type { Json } from '../contracts/json/json.ts'

/** Of everything below. A reader passes over types and keys that it does not know. */
export const INSPECT_PROTOCOL = 1

const name = z.string().max(512)
const sessionId = name.describe('<process>/<thread>/<session id of XState>')
const hash = z.string().regex(/^[0-9a-f]{16}$/)
const count = z.int().min(0)
const ms = z.number()

/** What the shapes of client-protocol.ts are made of, too. */
export const PARTS = { name, sessionId, hash, count, ms } as const

/** Where and when: on every message of a feed. */
const stamp = {
  seq: z.int().min(1).describe('Counts the messages of one session; a jump is told by `sampled`'),
  createdAt: z
    .string()
    .regex(/^\d{1,16}$/)
    .describe('Wall time, Unix milliseconds'),
  mono: ms.describe('Monotonic time in ms; comparable between the threads of one machine'),
  process: name.describe('<pid>.<4 hex digits of this start>'),
  thread: name.describe('main, store, git or socket'),
}

const json: z.ZodType<Json> = z.json()
const shown = z.record(z.string(), json)
const shownEvent = z.looseObject({ type: name })
const shownSnapshot = z.looseObject({
  status: z.enum(['active', 'done', 'error', 'stopped']),
  /** Of machines: a state's key, or an object of them. */
  value: json.optional(),
  /** What the machine's whitelist shows of its context. */
  context: shown.optional(),
  /** Session ids of the children by their names. */
  children: z.record(z.string(), sessionId).optional(),
  tags: z.array(name).optional(),
})

const transition = z.object({
  id: name.describe('<id of the source>#<place among its transitions>'),
  /** Empty for transitions that are always tried. */
  event: name,
  kind: z.enum(['event', 'after', 'always', 'done', 'error']),
  /** Of `after`: its name, or milliseconds. */
  delay: z.union([name, ms]).optional(),
  guard: name.optional(),
  /** Ids of states; empty where the machine stays. */
  targets: z.array(name),
  actions: z.array(name),
  reenter: z.boolean(),
})

export type MachineTransition = z.infer<typeof transition>

/** One state of a machine. `states` are in the order in which they are written. */
export type MachineNode = {
  readonly id: string
  readonly key: string
  readonly type: 'atomic' | 'compound' | 'parallel' | 'final' | 'history'
  readonly history?: 'shallow' | 'deep' | undefined
  /** Ids; of a history state where it leads without a history. */
  readonly initial: readonly string[]
  readonly entry: readonly string[]
  readonly exit: readonly string[]
  readonly invoke: readonly { readonly id: string; readonly src: string }[]
  readonly tags: readonly string[]
  readonly transitions: readonly MachineTransition[]
  readonly states: readonly MachineNode[]
}

const machineNode: z.ZodType<MachineNode> = z.lazy(() =>
  z.object({
    id: name,
    key: name,
    type: z.enum(['atomic', 'compound', 'parallel', 'final', 'history']),
    history: z.enum(['shallow', 'deep']).optional(),
    initial: z.array(name),
    entry: z.array(name),
    exit: z.array(name),
    invoke: z.array(z.object({ id: name, src: name })),
    tags: z.array(name),
    transitions: z.array(transition),
    states: z.array(machineNode),
  }),
)

/** A machine as it is written, told once: `hash` is made of `root`. */
const machine = z.object({
  type: z.literal('kittiwake.machine'),
  ...stamp,
  hash,
  name,
  root: machineNode,
})

const actor = z.object({
  type: z.literal('@xstate.actor'),
  ...stamp,
  sessionId,
  rootId: sessionId,
  parentId: sessionId.nullable(),
  name,
  kind: z.enum(['machine', 'callback']),
  /** Of a machine: the hash of its definition, which was told before. */
  machine: hash.nullable(),
  snapshot: shownSnapshot,
})

const ids = z.array(name).max(64).optional().describe('Of the events that this is about')

const event = z.object({
  type: z.literal('@xstate.event'),
  ...stamp,
  sessionId,
  rootId: sessionId,
  /** Null where it came from no actor. */
  sourceId: sessionId.nullable(),
  event: shownEvent,
  eventIds: ids,
})

const microstep = z.object({
  type: z.literal('@xstate.microstep'),
  ...stamp,
  sessionId,
  rootId: sessionId,
  event: z.object({ type: name }),
  transitions: z.array(
    z.object({ id: name, source: name, targets: z.array(name), eventType: name }),
  ),
  snapshot: shownSnapshot,
})

const action = z.object({
  type: z.literal('@xstate.action'),
  ...stamp,
  sessionId,
  rootId: sessionId,
  action: z.object({ type: name, params: json.optional() }),
})

const snapshot = z.object({
  type: z.literal('@xstate.snapshot'),
  ...stamp,
  sessionId,
  rootId: sessionId,
  event: z.object({ type: name }),
  snapshot: shownSnapshot,
})

/** A command that went to a thread, and what came back. */
const message = z.object({
  type: z.literal('kittiwake.message'),
  ...stamp,
  phase: z.enum(['posted', 'answered', 'reported', 'crashed']),
  from: name.describe('<process>/<thread>'),
  to: name.describe('<process>/<thread>'),
  /** The actor that stands for the thread. */
  sessionId,
  name,
  /** Pairs an answer with what was posted; absent of what nobody asked for. */
  id: count.optional(),
  /** Of an answer: in the thread's port, in its hands, and on the way back. */
  latency: z
    .object({ queuedMs: ms, handledMs: ms, returnedMs: ms, totalMs: ms })
    .partial()
    .required({ totalMs: true })
    .optional(),
  eventIds: ids,
})

/** What became of an event. */
const fate = z.object({
  type: z.literal('kittiwake.fate'),
  ...stamp,
  eventId: name,
  stage: z.enum(['stored', 'committed', 'sent', 'acknowledged', 'refused']),
  eventType: name.optional(),
  lamport: count.optional(),
  /** Of `committed`. */
  commit: name.optional(),
  /** Of `sent` and later: the claim that it was in. */
  batch: count.optional(),
  /** Of `refused`: the hub's, and whether it is final. */
  reason: name.optional(),
  final: z.boolean().optional(),
  /** When it happened, where it became known only later, as of `sent`: as `createdAt` and `mono`. */
  happenedAt: stamp.createdAt.optional(),
  happenedMono: ms.optional(),
})

/** How full and how old everything is: once a second. */
const figures = z.object({
  type: z.literal('kittiwake.figures'),
  ...stamp,
  actors: z.array(z.object({ sessionId, mailbox: count, restarts: count, ageMs: ms })),
  threads: z.array(
    z.object({
      thread: name,
      state: name,
      /** Commands without an answer; those of them that the thread has not taken yet. */
      unanswered: count,
      queued: count,
      restarts: count,
      /** Since it was started; 0 where it isn't up. */
      ageMs: ms,
      /** Since it was started. */
      answered: count,
    }),
  ),
  /** Depth by name: `store.undelivered`, `emit.unsettled`, … */
  queues: z.record(z.string(), count),
  residentMb: ms,
  heapMb: ms,
  loopDelayMs: ms,
  /** In the second before. */
  events: count,
  leftOut: count,
})

/** Messages that were made and are not here; whatever is left out is counted here. */
const sampled = z.object({
  type: z.literal('kittiwake.sampled'),
  ...stamp,
  /** `rate`: more than the budget; `slow_reader`: this reader, or the disk of a recording. */
  reason: z.enum(['rate', 'slow_reader']),
  leftOut: z.int().min(1),
  /** Empty where that is not known. */
  byType: z.record(z.string(), count),
  fromMono: ms,
  toMono: ms,
})

/** Nothing more comes from that process. */
const ended = z.object({ type: z.literal('kittiwake.ended'), ...stamp, reason: name })

export const FEED_MESSAGE = z.discriminatedUnion('type', [
  machine,
  actor,
  event,
  microstep,
  action,
  snapshot,
  message,
  fate,
  figures,
  sampled,
  ended,
])
export type FeedMessage = z.infer<typeof FEED_MESSAGE>
export type FeedType = FeedMessage['type']
export type ShownSnapshot = z.infer<typeof shownSnapshot>
export type ShownEvent = z.infer<typeof shownEvent>

/** First line of a trace file. */
export const TRACE_HEADER = z.object({
  type: z.literal('kittiwake.trace'),
  protocol: z.int().min(1),
  session: name,
  /** Of Kittiwake, and of Node.js. */
  version: name,
  node: name,
  createdAt: stamp.createdAt,
  reason: z.enum(['record', 'escalation']),
  /** Of an escalation: the worker, and the code of its failure. */
  failure: z.object({ worker: name, code: name }).optional(),
})
export type TraceHeader = z.infer<typeof TRACE_HEADER>
