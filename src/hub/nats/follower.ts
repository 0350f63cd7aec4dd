/** Applies the messages of the stream to this hub's copy, in their order, many to a transaction. */
import type { ConsumerMessages, DeliverPolicy, JsMsg } from '@nats-io/jetstream'
import { LinkError } from '../../errors.ts'
import { COMMIT_BYTES_MAX, COMMIT_ROWS_MAX } from '../limits.ts'
import type { HubLog } from '../log.ts'
import type { Applied, ReadMessage, SharedCopy } from '../data/shared-copy.ts'
import { headOf } from './base.ts'
import { STREAM } from './connect.ts'
import type { Nats } from './connect.ts'
import { isOrdered, readMessage } from '../data/messages.ts'

export type FollowerOptions = {
  readonly copy: SharedCopy
  readonly log: HubLog
  /** In the turn in which they were stored. */
  readonly applied: (messages: readonly ReadMessage[], applied: Applied) => void
  readonly failed: (error: unknown) => void
  readonly silenceLookMs?: number
}

/** Messages that the server sends ahead. */
const AHEAD = 256
/** Subjects whose last place is remembered. */
const PLACES_MAX = 20_000
const HEARTBEAT_MS = 1_000
/** How often it is asked whether the stream has what did not come. */
const SILENCE_LOOK_MS = 2_000
const EXPIRES_MS = 5_000

export class Follower {
  readonly #options: FollowerOptions
  readonly #placeBySubject = new Map<string, number>()
  #queue: ReadMessage[] = []
  /** The place of the last message that came. */
  #taken = 0
  /** Behind the last message nothing is left up to here. */
  #emptyThrough = 0
  #nats: Nats | null = null
  #messages: ConsumerMessages | null = null
  #looking: NodeJS.Timeout | undefined
  /** The first place, since there was a look at the base, behind which some places were empty. */
  #gapAfter: number | null = null
  #isScheduled = false
  #isStopped = false
  #wake: (() => void)[] = []

  constructor(options: FollowerOptions) {
    this.#options = options
  }

  /** Begins behind the copy's place. Resolves when the copy has all that the stream has now. */
  async start(nats: Nats): Promise<void> {
    this.#nats = nats
    const { jetstream, manager } = nats
    const { seq } = this.#options.copy.log.position
    this.#taken = seq
    const { state } = await manager.streams.info(STREAM)
    const consumer = await jetstream.consumers.get(STREAM, {
      opt_start_seq: seq + 1,
      ...FROM_PLACE,
    })
    const { num_pending } = await consumer.info()
    this.#messages = await consumer.consume({
      max_messages: AHEAD,
      expires: EXPIRES_MS,
      idle_heartbeat: HEARTBEAT_MS,
      callback: (message) => this.#take(message),
    })
    void this.#messages.closed().then((error) => {
      if (!this.#isStopped) this.#options.failed(error ?? ended())
    })
    this.#lookForSilence(nats, seq)
    if (num_pending > 0) await this.reach(state.last_seq)
  }

  // A server of a cluster may keep a consumer for empty that it made while a message was under way, and say nothing ever.
  #lookForSilence(nats: Nats, known: number): void {
    const { silenceLookMs = SILENCE_LOOK_MS } = this.#options
    const taken = this.#taken
    this.#looking = setTimeout(() => {
      void (async (): Promise<void> => {
        // Behind `known`, which was there one look ago, nothing came since.
        const isSilent = this.#taken === taken && taken < known
        if (isSilent && (await isStored(nats, known))) return this.#fail(silent())
        if (isSilent) this.#nothingUpTo(known)
        const { state } = await nats.manager.streams.info(STREAM)
        if (!this.#isStopped) this.#lookForSilence(nats, state.last_seq)
      })().catch((error: unknown) => this.#fail(error))
    }, silenceLookMs)
  }

  // What stood at the end was deleted.
  #nothingUpTo(seq: number): void {
    this.#emptyThrough = seq
    this.#wakeAll()
  }

  /** Resolves when the copy is there. */
  async reach(seq: number): Promise<void> {
    while (!this.isAt(seq) && !this.#isStopped) await this.moved()
  }

  /** Whether the copy has all up to a place that the stream still has. */
  isAt(seq: number): boolean {
    return Math.max(this.#options.copy.log.position.seq, this.#emptyThrough) >= seq
  }

  /** Resolves when something was applied, or nothing will be any more. */
  moved(): Promise<void> {
    if (this.#isStopped) return Promise.resolve()
    return new Promise((resolve) => this.#wake.push(resolve))
  }

  /** The place of the last message of a subject, where that is known. */
  lastOf(subject: string): number | null {
    return this.#placeBySubject.get(subject) ?? null
  }

  /** @param seq null where what was known is wrong */
  learn(subject: string, seq: number | null): void {
    if (seq === null) return void this.#placeBySubject.delete(subject)
    if (this.#placeBySubject.size >= PLACES_MAX) this.#placeBySubject.clear()
    this.#placeBySubject.set(subject, seq)
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#looking)
    this.#queue = []
    this.#messages?.stop()
    this.#wakeAll()
  }

  #take(message: JsMsg): void {
    if (this.#isStopped) return
    const message_id = message.headers?.get('Nats-Msg-Id') ?? ''
    const { seq: stream_seq, subject } = message
    if (stream_seq <= this.#taken) return this.#again(stream_seq, message_id)
    if (stream_seq > this.#taken + 1) this.#gapAfter ??= this.#taken
    this.#taken = stream_seq
    const meaning = readMessage(Buffer.from(message.data))
    if (meaning === 'newer') return this.#fail(newer())
    if (meaning === null) this.#options.log('message_unreadable', { seq: stream_seq })
    const body = Buffer.from(message.data)
    this.#queue.push({ stream_seq, message_id, subject, body, meaning })
    this.#schedule()
  }

  // A consumer that was made anew, since its server is gone, may say again what it had said. Nothing must go back by that.
  #again(seq: number, id: string): void {
    const waiting = this.#queue.find(({ stream_seq }) => stream_seq === seq)
    const known = (waiting ?? this.#options.copy.log.at(seq))?.message_id ?? id
    if (known !== id) this.#fail(new Error('the log has another message in its place'))
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      void this.#lookAtGap().then(() => {
        this.#isScheduled = false
        this.#apply()
        if (this.#queue.length > 0) this.#schedule()
      })
    })
  }

  // Places are empty where a project was deleted, which comes behind them, or where a base stands for what they held.
  async #lookAtGap(): Promise<void> {
    while (this.#gapAfter !== null && this.#nats !== null && !this.#isStopped) {
      const after = this.#gapAfter
      this.#gapAfter = null
      try {
        const head = await headOf(this.#nats)
        if (head !== null && head.place.seq > after) this.#fail(behindBase())
      } catch (error) {
        this.#fail(error)
      }
    }
  }

  #apply(): void {
    const batch = this.#cut()
    if (this.#isStopped || batch.length === 0) return
    try {
      const applied = this.#options.copy.apply(batch)
      for (const { subject, stream_seq } of batch) {
        if (isOrdered(subject)) this.learn(subject, stream_seq)
      }
      this.#options.applied(batch, applied)
    } catch (error) {
      return this.#fail(error)
    }
    this.#wakeAll()
  }

  // A change is the last of a batch, since it may take away what stands before it and not what comes behind.
  #cut(): readonly ReadMessage[] {
    let [count, rows, bytes] = [0, 0, 0]
    for (const { meaning, body } of this.#queue) {
      const isChange = meaning !== null && 'change' in meaning
      count += 1
      rows += meaning !== null && 'entries' in meaning ? meaning.entries.length : 1
      bytes += body.length
      if (isChange || rows >= COMMIT_ROWS_MAX || bytes >= COMMIT_BYTES_MAX) break
    }
    return this.#queue.splice(0, count)
  }

  #fail(error: unknown): void {
    this.stop()
    this.#options.failed(error)
  }

  #wakeAll(): void {
    const wake = this.#wake
    this.#wake = []
    for (const one of wake) one()
  }
}

async function isStored({ manager }: Nats, seq: number): Promise<boolean> {
  return (await manager.streams.getMessage(STREAM, { seq })) !== null
}

function ended(): LinkError {
  return new LinkError('NATS_UNREACHABLE', 'the NATS server does not answer any more', {
    hint: 'Check whether nats-server runs.',
    retryable: true,
  })
}

function silent(): LinkError {
  return new LinkError('NATS_SILENT', 'the NATS server does not send what it has', {
    hint: 'The hub connects anew and goes on.',
    retryable: true,
  })
}

function behindBase(): LinkError {
  return new LinkError('HUB_BEHIND_BASE', 'the log begins behind this place', {
    hint: 'The hub takes the base of the log and goes on.',
    retryable: true,
  })
}

const FROM_PLACE = { deliver_policy: 'by_start_sequence' as DeliverPolicy }

function newer(): LinkError {
  return new LinkError('HUB_STREAM_NEWER', 'a newer version of kittiwake writes the stream', {
    hint: 'Update this hub; nothing of the stream was passed over.',
  })
}
