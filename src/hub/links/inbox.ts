/** Makes arrivals of what one connection sends. Every answer goes through the intake, so that all keep their order. */
import { readClientFrame } from '../../contracts/wire/read-frames.ts'
import type { ClientReading, InvalidFrame } from '../../contracts/wire/read-frames.ts'
import { COMMIT_TRANSPORT_KEYS, EVENT_TRANSPORT_KEYS, withoutMembers } from '../body.ts'
import type { DeadLetters } from '../dead-letters.ts'
import { EventBatch } from '../event-batch.ts'
import type { AwarenessFrame } from './awareness.ts'
import type { Arrival, Intake } from '../intake.ts'
import type { Entry, Sender } from '../entries.ts'
import { linesEntry } from '../data/lines-table.ts'
import type { Metrics } from '../metrics.ts'
import {
  refusal,
  rejectionOf,
  replyToCommit,
  replyToEvent,
  replyToLines,
  replyToPushed,
} from './replies.ts'
import type { Replier } from './replier.ts'
import type { Session } from '../access/tickets.ts'

type Reading<Kind extends ClientReading['kind']> = Extract<ClientReading, { kind: Kind }>

/** The connection whose frames these are. */
export type Correspondent = Sender & {
  readonly session: Session
  readonly replier: Replier
  answerAwareness(frame: AwarenessFrame): readonly string[]
  receivePong(timestamp: string): void
  countBadFrame(): void
}

export type InboxParts = {
  readonly intake: Pick<Intake, 'add'>
  readonly metrics: Metrics
  readonly deadLetters: Pick<DeadLetters, 'add' | 'addAll'>
}

export class Inbox {
  readonly #peer: Correspondent
  readonly #parts: InboxParts
  /** Array frames that were taken on this connection. */
  #batches = 0

  constructor(peer: Correspondent, parts: InboxParts) {
    this.#peer = peer
    this.#parts = parts
  }

  receive(text: string): void {
    const reading = readClientFrame(text)
    switch (reading.kind) {
      case 'event':
        return this.#event(reading, text)
      case 'events':
        return this.#events(reading, text)
      case 'commit':
        return this.#commit(reading, text)
      case 'lines':
        return this.#lines(reading)
      case 'pushed':
        return this.#pushed(reading)
      case 'pong':
        return this.#peer.receivePong(reading.frame.timestamp)
      case 'invalid':
        return this.#refuse(reading)
      default:
        return this.#awareness(reading.frame)
    }
  }

  #event({ frame }: Reading<'event'>, text: string): void {
    const { event_id, project_uuid, node_id, lamport_clock } = frame
    const body = withoutMembers(text, EVENT_TRANSPORT_KEYS)
    if (body === null) {
      return this.#refuse({ category: 'invalid_event', event_id, project_uuid })
    }
    const { team, session, replier } = this.#peer
    const entry: Entry = {
      kind: 'event',
      team,
      event_id,
      project_uuid,
      node_id,
      lamport_clock,
      body,
    }
    this.#deliver([entry], ([outcome]) => {
      const { metrics, deadLetters } = this.#parts
      metrics.count(outcome)
      if (outcome?.verdict === 'conflict') {
        const { category } = rejectionOf('conflict')
        deadLetters.add(session, { event_id, project_uuid, category })
      }
      replier.reply(replyToEvent(event_id, outcome))
    })
  }

  #events({ batch, events }: Reading<'events'>, text: string): void {
    // What follows a frame that was not taken must not be acknowledged with it.
    if (batch !== this.#batches + 1) return this.#refuse({ category: 'batch_out_of_order', batch })
    const { team, session, replier } = this.#peer
    const { metrics, deadLetters } = this.#parts
    const parts = EventBatch.of(team, events, text)
    if (parts === null) return this.#refuse({ category: 'invalid_batch', batch })
    this.#batches = batch
    if (parts.entries.length < parts.size) this.#peer.countBadFrame()
    metrics.batchEvents.observe(parts.size)
    this.#deliver(parts.entries, (outcomes) => {
      const results = parts.results(outcomes)
      metrics.countAll(results)
      deadLetters.addAll(session, results)
      replier.acknowledge(batch, results)
    })
  }

  #commit({ frame }: Reading<'commit'>, text: string): void {
    const { project_uuid, git_hash } = frame
    const body = withoutMembers(text, COMMIT_TRANSPORT_KEYS)
    if (body === null) return this.#refuse({ category: 'invalid_frame', git_hash })
    const { session, replier } = this.#peer
    const { team, user } = session
    const entry: Entry = { kind: 'commit', team, project_uuid, git_hash, user, body }
    this.#deliver([entry], ([outcome]) => {
      this.#parts.metrics.count(outcome)
      replier.reply(replyToCommit(frame, outcome))
    })
  }

  #lines({ frame }: Reading<'lines'>): void {
    const { team, replier } = this.#peer
    this.#deliver([linesEntry(team, frame)], ([outcome]) => {
      this.#parts.metrics.count(outcome)
      replier.reply(replyToLines(frame, outcome))
    })
  }

  #pushed({ frame }: Reading<'pushed'>): void {
    const { team, replier } = this.#peer
    const { project_uuid, git_hashes } = frame
    const entry = { kind: 'pushed', team, project_uuid, hashes: git_hashes } as const
    this.#deliver([entry], ([outcome]) => {
      this.#parts.metrics.count(outcome)
      replier.reply(replyToPushed(frame, outcome))
    })
  }

  #awareness(frame: AwarenessFrame): void {
    const peer = this.#peer
    this.#deliver([], () => {
      for (const answer of peer.answerAwareness(frame)) peer.replier.reply(answer)
    })
  }

  #refuse(fields: Partial<Omit<InvalidFrame, 'category'>> & { readonly category: string }): void {
    const { session, replier } = this.#peer
    const { project_uuid = null, ...told } = fields
    const { category, event_id } = told
    this.#peer.countBadFrame()
    this.#parts.metrics.rejected.add(category)
    if (typeof event_id === 'string') {
      this.#parts.deadLetters.add(session, { event_id, project_uuid, category })
    }
    this.#deliver([], () => replier.reply(refusal(told)))
  }

  #deliver(entries: readonly Entry[], settle: Arrival['settle']): void {
    this.#parts.intake.add({ sender: this.#peer, entries, settle })
  }
}
