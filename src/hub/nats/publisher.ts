/**
 * Publishes messages until each came back by the stream, over however many connections: what one server may not have kept
 * is handed to the next under the same id, which JetStream takes once.
 */
import { randomUUID } from 'node:crypto'
import { LinkError, systemCode } from '../../errors.ts'
import type { Outcome, Sender } from '../entries.ts'
import { NATS_TIMEOUT_MS } from '../limits.ts'
import type { HubLog } from '../log.ts'
import { apiCodeOf, STREAM, WRONG_LAST_SEQUENCE } from './connect.ts'
import type { Nats } from './connect.ts'
import type { Follower } from './follower.ts'
import { isOrdered } from '../data/messages.ts'
import { hasRoom } from './room.ts'
import { asNatsError } from './with-nats.ts'

/** A connection on which the copy has all that the stream had. */
export type Session = {
  readonly nats: Nats
  readonly follower: Follower
  readonly ending: AbortController
}
type Message = { readonly id: string; readonly subject: string; readonly body: Buffer }
/** A message that was handed to the server, until it comes back by the stream. */
type Pending = {
  readonly senders: readonly Sender[] | null
  outcomes: readonly Outcome[] | null
  /** It came back, or there is another connection to ask. */
  wake: () => void
}

export class Publisher {
  readonly #ready: () => Promise<Session>
  readonly #log: HubLog
  readonly #pendingById = new Map<string, Pending>()

  /** @param ready rejects when there will be no session any more */
  constructor(ready: () => Promise<Session>, log: HubLog) {
    this.#ready = ready
    this.#log = log
  }

  /** What the stream made of the message: it is there, and this hub has it. Nothing where the server has no room for one like it. */
  async publish(
    subject: string,
    body: Buffer,
    senders: readonly Sender[] | null,
  ): Promise<readonly Outcome[]> {
    const pending: Pending = { senders, outcomes: null, wake: () => {} }
    // Where the copy passed a message by a base, its outcome is asked for under another id.
    for (;;) {
      const id = randomUUID()
      this.#pendingById.set(id, pending)
      try {
        let isPassed = false
        while (pending.outcomes === null && !isPassed) {
          const session = await this.#ready()
          // What was there already came back before the connection was ready.
          isPassed = await this.#send(session, { id, subject, body }, pending)
        }
        if (pending.outcomes !== null) return pending.outcomes
      } finally {
        this.#pendingById.delete(id)
      }
    }
  }

  /** Who brought the entries of a message; null where another hub did. */
  sendersOf(id: string): readonly Sender[] | null {
    return this.#pendingById.get(id)?.senders ?? null
  }

  /** A message came by the stream, and was applied. */
  settle(id: string, outcomes: readonly Outcome[]): void {
    const pending = this.#pendingById.get(id)
    if (pending === undefined) return
    pending.outcomes = outcomes
    pending.wake()
  }

  /** The connection is gone. */
  release(): void {
    for (const pending of this.#pendingById.values()) pending.wake()
  }

  /** Whether the copy is behind the place of the message, which did not come back. */
  async #send(
    { nats, follower, ending }: Session,
    message: Message,
    own: Pending,
  ): Promise<boolean> {
    if (own.outcomes !== null) return false
    const { id, subject, body } = message
    // It would fail at each connection, and end that for all others.
    if (!hasRoom(nats, body)) {
      this.#log('message_too_large', { bytes: body.length })
      own.outcomes = []
      return false
    }
    try {
      const expect = isOrdered(subject)
        ? {
            lastSubjectSequence:
              follower.lastOf(subject) ?? (await lastOf(nats, follower, subject)),
          }
        : {}
      const options = { msgID: id, expect, timeout: NATS_TIMEOUT_MS }
      const { duplicate, seq } = await nats.jetstream.publish(subject, body, options)
      if (duplicate && follower.isAt(seq) && own.outcomes === null) return true
    } catch (error) {
      if (apiCodeOf(error) === WRONG_LAST_SEQUENCE) {
        follower.learn(subject, null)
        return false
      }
      this.#log('publish_failed', { code: codeOf(error) })
      ending.abort()
    }
    await new Promise<void>((resolve) => {
      own.wake = resolve
      if (own.outcomes !== null || ending.signal.aborted) resolve()
    })
    return false
  }
}

/** The place of the last message of a subject, once this hub has applied it: nothing is put behind what it has not seen. */
async function lastOf({ manager }: Nats, follower: Follower, subject: string): Promise<number> {
  const last = await manager.streams.getMessage(STREAM, { last_by_subj: subject })
  const seq = last?.seq ?? 0
  await follower.reach(seq)
  follower.learn(subject, seq)
  return seq
}

/** For the log. */
export function codeOf(error: unknown): string {
  const said = apiCodeOf(error) === null ? asNatsError(error) : error
  if (said instanceof LinkError) return said.code
  return systemCode(error) ?? String(apiCodeOf(error) ?? 'unknown')
}
