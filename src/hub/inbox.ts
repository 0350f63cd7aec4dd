/** Makes arrivals of what one connection sends. Every answer goes through the intake, so that all keep their order. */
import { readClientFrame } from '../contracts/frames.ts'
import type { ClientReading, InvalidFrame } from '../contracts/frames.ts'
import { COMMIT_TRANSPORT_KEYS, EVENT_TRANSPORT_KEYS, withoutMembers } from './body.ts'
import type { DeadLetter } from './dead-letters.ts'
import { EventBatch } from './event-batch.ts'
import type { PartResult } from './event-batch.ts'
import type { AwarenessFrame } from './awareness.ts'
import type { Arrival, Sender } from './intake.ts'
import { linesEntry } from './lines-table.ts'
import type { Metrics } from './metrics.ts'
import {
  refusal,
  rejectionOf,
  replyToCommit,
  replyToEvent,
  replyToLines,
  replyToPushed,
} from './replies.ts'
import type { Replier } from './replier.ts'
import type { Entry } from './entries.ts'

type Reading<Kind extends ClientReading['kind']> = Extract<ClientReading, { kind: Kind }>

export type InboxOptions = {
  readonly sender: Sender
  /** Whom the connection speaks for. */
  readonly user: string
  readonly replier: Replier
  readonly metrics: Metrics
  /** An event was refused for good. */
  readonly bury: (letter: Pick<DeadLetter, 'event_id' | 'project_uuid' | 'category'>) => void
  readonly buryAll: (results: readonly PartResult[]) => void
  readonly deliver: (arrival: Arrival) => void
  readonly answerAwareness: (frame: AwarenessFrame) => readonly string[]
  readonly receivePong: (timestamp: string) => void
  readonly countBadFrame: () => void
}

export class Inbox {
  readonly #options: InboxOptions
  /** Array frames that were taken on this connection. */
  #batches = 0

  constructor(options: InboxOptions) {
    this.#options = options
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
        return this.#options.receivePong(reading.frame.timestamp)
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
    const { team } = this.#options.sender
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
      const { metrics, bury, replier } = this.#options
      metrics.count(outcome)
      if (outcome?.verdict === 'conflict') {
        bury({ event_id, project_uuid, category: rejectionOf('conflict').category })
      }
      replier.reply(replyToEvent(event_id, outcome))
    })
  }

  #events({ batch, events }: Reading<'events'>, text: string): void {
    // What follows a frame that was not taken must not be acknowledged with it.
    if (batch !== this.#batches + 1) return this.#refuse({ category: 'batch_out_of_order', batch })
    const { sender, replier, metrics, buryAll, countBadFrame } = this.#options
    const parts = EventBatch.of(sender.team, events, text)
    if (parts === null) return this.#refuse({ category: 'invalid_batch', batch })
    this.#batches = batch
    if (parts.entries.length < parts.size) countBadFrame()
    metrics.batchEvents.observe(parts.size)
    this.#deliver(parts.entries, (outcomes) => {
      const results = parts.results(outcomes)
      metrics.countAll(results)
      buryAll(results)
      replier.acknowledge(batch, results)
    })
  }

  #commit({ frame }: Reading<'commit'>, text: string): void {
    const { project_uuid, git_hash } = frame
    const body = withoutMembers(text, COMMIT_TRANSPORT_KEYS)
    if (body === null) return this.#refuse({ category: 'invalid_frame', git_hash })
    const { sender, user } = this.#options
    const entry: Entry = { kind: 'commit', team: sender.team, project_uuid, git_hash, user, body }
    this.#deliver([entry], ([outcome]) => {
      this.#options.metrics.count(outcome)
      this.#options.replier.reply(replyToCommit(frame, outcome))
    })
  }

  #lines({ frame }: Reading<'lines'>): void {
    const { sender, metrics, replier } = this.#options
    this.#deliver([linesEntry(sender.team, frame)], ([outcome]) => {
      metrics.count(outcome)
      replier.reply(replyToLines(frame, outcome))
    })
  }

  #pushed({ frame }: Reading<'pushed'>): void {
    const { sender, metrics, replier } = this.#options
    const { project_uuid, git_hashes } = frame
    const entry = { kind: 'pushed', team: sender.team, project_uuid, hashes: git_hashes } as const
    this.#deliver([entry], ([outcome]) => {
      metrics.count(outcome)
      replier.reply(replyToPushed(frame, outcome))
    })
  }

  #awareness(frame: AwarenessFrame): void {
    const { replier, answerAwareness } = this.#options
    this.#deliver([], () => {
      for (const answer of answerAwareness(frame)) replier.reply(answer)
    })
  }

  #refuse(fields: Partial<Omit<InvalidFrame, 'category'>> & { readonly category: string }): void {
    const { replier, metrics, bury, countBadFrame } = this.#options
    const { project_uuid = null, ...told } = fields
    const { category, event_id } = told
    countBadFrame()
    metrics.rejected.add(category)
    if (typeof event_id === 'string') bury({ event_id, project_uuid, category })
    this.#deliver([], () => replier.reply(refusal(told)))
  }

  #deliver(entries: readonly Entry[], settle: Arrival['settle']): void {
    this.#options.deliver({ sender: this.#options.sender, entries, settle })
  }
}
