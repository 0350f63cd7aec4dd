/** The way of an event on this side of the port: check ► sanitize ► stamp ► judge ► append ► receipt, in call order. */
import { assertContract } from './events/assert-contract.ts'
import type { Draft, Event, Receipt, SerializedEvent } from './contracts/event.ts'
import { InputError, type KittiwakeError, RuntimeError, StoreError } from './errors.ts'
import { routeOf } from './actors/route.machine.ts'
import { parseDraft } from './events/draft.ts'
import { isoMicroseconds, serializeEvent, stamp } from './events/stamp.ts'
import type { Identity } from './project/types.ts'
import { noIdentity } from './project/identity.ts'
import type { Parts } from './parts.ts'
import { createSurroundings } from './surroundings.ts'

export type Emitter = {
  emit(draft: Draft): Promise<Receipt>
  /** The event that a ledger line is going to stand for, stamped before the line is written. */
  prepare(draft: Draft, id: string, at: string): Promise<SerializedEvent>
  /** Records what `prepare` made, once its line is durable; the same event again is recorded once. */
  record(event: SerializedEvent): Promise<Receipt>
}

type Taken = {
  readonly draft: Draft
  readonly id: string
  readonly at: string
  readonly resolve: (receipt: Receipt) => void
  readonly reject: (error: unknown) => void
}

type Stamped<Waiting = Taken> = {
  readonly taken: Waiting
  readonly event: Event
  readonly text: SerializedEvent
}

/** Events that may be without a receipt; more are refused. */
export const UNSETTLED_MAX = 65_536
/**
 * Events of one append command; the store worker commits whatever commands wait together. Small, so that one command is made
 * while the one before is stored.
 */
const BATCH_MAX = 128
/** Batches without an answer; what comes meanwhile shares the next ones, and their fsync. */
const BATCHES_MAX = 8
/** Characters of one append command, beyond its first event. */
const BATCH_LENGTH_MAX = 8 * 1024 * 1024
/** One serialized event, in characters. */
const EVENT_LENGTH_MAX = 1024 * 1024
/** The outbox is announced as nearly full from this share on. */
const NEARLY_FULL = 0.8

export function createEmitter(
  parts: Parts & { readonly identity: Identity | null; readonly onEmitted: () => void },
): Emitter {
  const { system, sanitizer, listeners } = parts
  const surroundings = createSurroundings(parts)
  let waiting: Taken[] = []
  let underWay = 0
  let tail: Promise<void> = Promise.resolve()
  let warned = false
  let unsettled = 0

  /** A draft that the sanitizer has changed may be none any more; one that it has not changed is the one that was read. */
  function cleanDraft(input: Draft): Draft {
    const { value, redactions } = sanitizer.sanitize(parseDraft(input))
    return redactions.length === 0 ? (value as Draft) : parseDraft(value)
  }

  const emit = (input: Draft): Promise<Receipt> =>
    new Promise((resolve, reject) => {
      // Here and not later: nothing unsanitized may wait in a queue that others can look into (L4).
      const draft = cleanDraft(input)
      if (unsettled >= UNSETTLED_MAX) throw tooMany()
      const id = parts.newId()
      const at = isoMicroseconds(parts.clock.now())
      unsettled++
      waiting.push({
        draft,
        id,
        at,
        resolve: (receipt) => {
          unsettled--
          resolve(receipt)
        },
        reject: (error) => {
          unsettled--
          reject(error)
        },
      })
      // At the end of the turn, so that whatever a caller hands in meanwhile shares one command and one fsync.
      if (waiting.length === 1) setImmediate(flush)
      else if (waiting.length >= BATCH_MAX) flush()
    })

  function flush(): void {
    while (waiting.length > 0 && underWay < BATCHES_MAX) {
      const batch = waiting.splice(0, BATCH_MAX)
      underWay++
      // Handed over one after the other, so that the clock follows the order of the calls.
      tail = tail.then(() => append(batch)).then(({ answered }) => void answered.finally(settled))
    }
  }

  function settled(): void {
    underWay--
    flush()
  }

  /** Resolves once the store has the batch in its mailbox, and knows its number in the order. */
  async function append(
    batch: readonly Taken[],
    again = false,
  ): Promise<{ readonly answered: Promise<unknown> }> {
    try {
      const around = await surroundings.now()
      if (around.identity === null && !warned) {
        warned = true
        const { code, message, hint } = noIdentity(await surroundings.faults())
        listeners.tell('warning', { code, message: `${message}: events wait here. ${hint}` })
      }
      const stamped: Stamped[] = []
      for (const taken of batch) {
        try {
          const { mission } = taken.draft
          // Not asked where none is named: a turn for each event costs as much as its stamp.
          const place =
            mission === undefined ? around : await surroundings.inMission(around, mission)
          const event = stamp(taken.draft, taken.id, taken.at, place)
          assertContract(event)
          stamped.push({ taken, event, text: bounded(serializeEvent(event)) })
        } catch (error) {
          taken.reject(error)
        }
      }
      const parts = inParts(stamped)
      if (around.identity !== null) {
        return { answered: Promise.all(parts.map((part) => storeOrReject(part))) }
      }
      for (const part of parts) await storeBeforeInit(part, again)
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
    return { answered: Promise.resolve() }
  }

  async function storeOrReject(stamped: readonly Stamped[]): Promise<void> {
    try {
      await store(stamped, true)
    } catch (error) {
      for (const { taken } of stamped) taken.reject(error)
    }
  }

  /** Waited for: where `init` came between the look at the identity and the write, the events belong to the project now. */
  async function storeBeforeInit(stamped: readonly Stamped[], again: boolean): Promise<void> {
    try {
      await store(stamped, false)
    } catch (error) {
      const batch = stamped.map(({ taken }) => taken)
      if (!again && isForeign(error)) await (await append(batch, true)).answered
      else for (const { reject } of batch) reject(error)
    }
  }

  async function store(
    stamped: readonly Stamped<Pick<Taken, 'resolve' | 'reject'>>[],
    hasIdentity: boolean,
  ): Promise<void> {
    const events = stamped.map(({ text }) => text)
    const answer = await system.store
      .ask({ type: 'store.append', events }, 'store.appended')
      .catch((error: KittiwakeError) => {
        if (stamped.length === 1 || !concernsOneEvent(error)) throw error
        return null
      })
    if (answer === null) {
      // One event spoils its batch: each is asked alone, and only the culprit is refused. What was handed over meanwhile
      // keeps the earlier numbers.
      for (const one of stamped) {
        await store([one], hasIdentity).catch((error: unknown) => one.taken.reject(error))
      }
      return
    }
    const route = routeOf(hasIdentity, answer.live)
    if (answer.undelivered >= answer.capacity * NEARLY_FULL) {
      const percent = Math.floor((answer.undelivered / answer.capacity) * 100)
      listeners.tell('warning', {
        code: 'OUTBOX_NEARLY_FULL',
        message: `the outbox is ${percent} % full; run \`kittiwake sync status\``,
      })
    }
    for (const [index, { taken, event }] of stamped.entries()) {
      const receipt: Receipt = {
        event_id: event.event_id,
        event_type: event.event_type,
        lamport_clock: answer.receipts[index]?.lamport_clock ?? 0,
        project_uuid: event.project_uuid,
        route,
        durable: true,
      }
      listeners.tell('emitted', receipt)
      taken.resolve(receipt)
    }
    parts.onEmitted()
  }

  const prepare: Emitter['prepare'] = async (input, id, at) => {
    const draft = cleanDraft(input)
    const around = await surroundings.now()
    const { mission } = draft
    const place = mission === undefined ? around : await surroundings.inMission(around, mission)
    const event = stamp(draft, id, at, place)
    assertContract(event)
    return bounded(serializeEvent(event))
  }

  const record: Emitter['record'] = (text) =>
    new Promise((resolve, reject) => {
      const event = JSON.parse(text) as Event
      const one = { taken: { resolve, reject }, event, text }
      tail = tail.then(() => void store([one], true).catch(reject))
    })

  return { emit, prepare, record }
}

/** In order, each part small enough for one message to a thread. */
function inParts(stamped: readonly Stamped[]): readonly (readonly Stamped[])[] {
  const parts: Stamped[][] = []
  let length = Infinity
  for (const one of stamped) {
    length += one.text.length
    if (length > BATCH_LENGTH_MAX) {
      parts.push([])
      length = one.text.length
    }
    parts.at(-1)?.push(one)
  }
  return parts
}

/** What a worker's death, a full outbox or a busy disk means, it means for the whole batch. */
function concernsOneEvent(error: KittiwakeError): boolean {
  return !error.retryable() && !(error instanceof RuntimeError) && !isForeign(error)
}

function isForeign(error: unknown): boolean {
  return error instanceof StoreError && error.code === 'EVENT_FOREIGN_PROJECT'
}

function tooMany(): RuntimeError {
  return new RuntimeError('BUSY', `at most ${UNSETTLED_MAX} events may wait for their receipts`, {
    hint: 'Await earlier calls before making more.',
    retryable: true,
  })
}

function bounded(text: SerializedEvent): SerializedEvent {
  if (text.length <= EVENT_LENGTH_MAX) return text
  throw new InputError('EVENT_TOO_LARGE', `an event takes at most ${EVENT_LENGTH_MAX} characters`, {
    hint: 'Store large output in a file and put its path and hash into the payload.',
  })
}
