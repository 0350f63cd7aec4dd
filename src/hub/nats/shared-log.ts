/**
 * The log that the hubs of a team share: one stream, in whose order every hub applies what any of them published. An entry is
 * answered when the server has answered and this hub's own database holds what the stream made of it. While no server is there,
 * senders wait; each connection begins with a comparison, and what was not applied is published again.
 */
import { randomUUID } from 'node:crypto'
import { LinkError, RuntimeError } from '../../errors.ts'
import type { Announcer } from '../announcer.ts'
import type { Batch, HubState } from '../backend.ts'
import type { Change } from '../changes.ts'
import type { Outcome } from '../entries.ts'
import { CATCH_UP_MS, NATS_RETRY_MAX_MS, NATS_RETRY_MIN_MS, STOP_NATS_MS } from '../limits.ts'
import type { HubLog } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { Applied, ReadMessage } from '../data/shared-copy.ts'
import type { HubStore } from '../data/store.ts'
import { appendAll } from './append.ts'
import { openNats, STREAM } from './connect.ts'
import type { Nats, NatsOptions } from './connect.ts'
import { Follower } from './follower.ts'
import { encodeChange, subjectOfChange } from '../data/messages.ts'
import { codeOf, Publisher } from './publisher.ts'
import type { Session } from './publisher.ts'
import { within } from '../../project/within.ts'
import { reconcile } from './reconcile.ts'
import { asChange } from './retell.ts'
import { aborted, pause } from './waiting.ts'

export type SharedLogOptions = {
  readonly store: HubStore
  /** Of the store. */
  readonly dataDir: string
  readonly nats: NatsOptions
  readonly announcer: Announcer
  readonly metrics: Metrics
  readonly log: HubLog
  /** What peers were told of numbers no longer holds: they are to begin anew. */
  readonly restart: () => void
  /** A connection was made and looked at; it ends with the signal. */
  readonly connected?: (nats: Nats, signal: AbortSignal) => void
}

export class SharedLog {
  readonly #options: SharedLogOptions
  readonly #publisher: Publisher
  #session: Session | null = null
  /** Of the connection that is there, ready or not. */
  #ending: AbortController | null = null
  #whenReady: (() => void)[] = []
  #isClosed = false
  #running: Promise<void> = Promise.resolve()
  #hasNews = true
  #isWhole: boolean
  #catchingUp: Promise<void> | null = null
  readonly #closing = new AbortController()

  constructor(options: SharedLogOptions) {
    this.#options = options
    this.#publisher = new Publisher(() => this.#ready(), options.log)
    this.#isWhole = options.store.copy.isWhole
  }

  get state(): HubState {
    if (this.#session !== null) return 'ready'
    return this.#isWhole ? 'away' : 'behind'
  }

  /**
   * Connects, and goes on in the background where no server answers.
   *
   * @throws LinkError NATS_CLIENT_MISSING, NATS_REFUSED, NATS_NO_JETSTREAM, NATS_REPLICAS, NATS_FILE_UNREADABLE,
   *   NATS_FILE_TOO_OPEN, NATS_FILE_INVALID, HUB_STREAM_NEWER
   */
  async start(): Promise<void> {
    let first: unknown = null
    await new Promise<void>((resolve) => {
      this.#running = this.#run((error) => {
        first = error
        resolve()
      })
    })
    if (!(first instanceof LinkError) || first.retryable()) return
    await this.close()
    throw first
  }

  async append(batch: Batch): Promise<readonly Outcome[]> {
    const startedMs = performance.now()
    const { store, metrics } = this.#options
    const outcomes = await appendAll(batch, { store, publisher: this.#publisher })
    metrics.transactionSeconds.observe((performance.now() - startedMs) / 1_000)
    return outcomes
  }

  /** Resolves when all hubs will know, and this one does. */
  async record(change: Change): Promise<void> {
    await this.#publisher.publish(subjectOfChange(change), encodeChange(change), null)
  }

  /** Tells the others what commands changed in this hub's folder. */
  async tell(): Promise<void> {
    const { copy } = this.#options.store
    copy.scrubAgain()
    if (copy.hasChanged()) this.#hasNews = true
    if (this.#session === null || !this.#hasNews) return
    this.#hasNews = false
    for (const text of copy.changes.untold()) {
      await this.#publisher.publish('adm.change', asChange(text), null)
    }
  }

  /**
   * Resolves when this hub knows all that others had told when it was asked.
   *
   * @throws LinkError HUB_AWAY where that takes too long
   */
  catchUp(): Promise<void> {
    this.#catchingUp ??= this.#catchUp().finally(() => {
      this.#catchingUp = null
    })
    return this.#catchingUp
  }

  /** The connection, while there is one. @throws LinkError HUB_AWAY */
  get nats(): Nats {
    if (this.#session === null) throw away()
    return this.#session.nats
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#closing.abort()
    this.#ending?.abort()
    this.#wake()
    // A server that says nothing is not waited for: what is under way ends by itself, and finds the store closed.
    await within(this.#running, STOP_NATS_MS)
  }

  async #catchUp(): Promise<void> {
    const session = this.#session
    if (session === null) throw away()
    const { state } = await session.nats.manager.streams.info(STREAM).catch(() => {
      throw away()
    })
    const isThere = await within(session.follower.reach(state.last_seq), CATCH_UP_MS)
    if (!isThere || session.ending.signal.aborted) throw away()
  }

  async #run(settled: (error: unknown) => void): Promise<void> {
    let waitMs = NATS_RETRY_MIN_MS
    while (!this.#isClosed) {
      try {
        await this.#follow(() => {
          waitMs = NATS_RETRY_MIN_MS
          settled(null)
        })
      } catch (error) {
        if (!this.#isClosed) this.#options.log('nats_failed', { code: codeOf(error) })
        settled(error)
      }
      await pause(waitMs, this.#closing.signal)
      waitMs = Math.min(waitMs * 2, NATS_RETRY_MAX_MS)
    }
  }

  /** One connection, from its beginning to its end. */
  async #follow(ready: () => void): Promise<void> {
    const { store, dataDir, nats: options, log, connected } = this.#options
    const nats = await openNats(options)
    const ending = new AbortController()
    this.#ending = ending
    if (this.#isClosed) return nats.connection.close()
    const ended = aborted(ending.signal)
    void nats.connection.closed().then(() => ending.abort())
    let failure: unknown = null
    const follower = new Follower({
      copy: store.copy,
      log,
      applied: (messages, applied) => this.#applied(messages, applied),
      failed: (error) => {
        failure = error
        ending.abort()
      },
    })
    try {
      const found = await reconcile(nats, store, dataDir)
      if (found !== 'kept') log(`log_${found}`)
      if (found === 'rebuilt' || found === 'loaded') {
        this.#isWhole = store.copy.isWhole
        this.#options.restart()
      }
      await Promise.race([follower.start(nats), ended])
      if (store.epoch.id === '' && !ending.signal.aborted) await beginEpoch(nats, follower, ended)
      if (!ending.signal.aborted) {
        store.copy.complete()
        this.#isWhole = true
        this.#session = { nats, follower, ending }
        this.#hasNews = true
        connected?.(nats, ending.signal)
        this.#wake()
        log('nats_ready', { seq: store.copy.log.position.seq })
        await Promise.race([this.tell(), ended])
        ready()
      }
      await ended
      if (failure !== null) throw failure
    } finally {
      this.#session = null
      ending.abort()
      follower.stop()
      this.#publisher.release()
      await nats.connection.close()
    }
  }

  #applied(messages: readonly ReadMessage[], applied: Applied): void {
    const { announcer, restart } = this.#options
    for (const [index, { meaning, message_id }] of messages.entries()) {
      const outcomes = applied.outcomes[index] ?? []
      if (meaning !== null && 'entries' in meaning) {
        const senders = this.#publisher.sendersOf(message_id)
        announcer.announce({ ...meaning, outcomes, senders })
      }
      this.#publisher.settle(message_id, outcomes)
    }
    if (applied.isEpochNew || applied.isProjectGone) restart()
  }

  async #ready(): Promise<Session> {
    while (this.#session === null || this.#session.ending.signal.aborted) {
      if (this.#isClosed) throw new RuntimeError('STOPPING', 'the hub stops')
      await new Promise<void>((resolve) => this.#whenReady.push(resolve))
    }
    return this.#session
  }

  #wake(): void {
    const wake = this.#whenReady
    this.#whenReady = []
    for (const one of wake) one()
  }
}

// Several hubs may say so at once; the first one counts.
async function beginEpoch(nats: Nats, follower: Follower, ended: Promise<void>): Promise<void> {
  const change = { kind: 'epoch', before: null, id: randomUUID() } as const
  const ack = await nats.jetstream.publish(subjectOfChange(change), encodeChange(change), {
    msgID: change.id,
  })
  await Promise.race([follower.reach(ack.seq), ended])
}

/** Why what needs the others has to wait. */
export function away(): LinkError {
  return new LinkError('HUB_AWAY', 'the hub does not reach its NATS server', {
    hint: 'Try again in a few seconds; see whether nats-server runs.',
    retryable: true,
  })
}
