/** Events that came together, in an array frame or an HTTP batch: which can be stored, and what became of each. */
import type { BatchedReading, Rejection } from '../contracts/frames.ts'
import { EVENT_TRANSPORT_KEYS, withoutMembers } from './body.ts'
import { rejectionOf } from './replies.ts'
import type { EventEntry, Outcome } from './entries.ts'

type Part =
  | { readonly event_id: string; readonly entry: EventEntry }
  | {
      readonly event_id: string
      readonly entry: null
      readonly category: string
      readonly project_uuid: string | null
    }

/** What became of one event. */
export type PartResult =
  | { readonly event_id: string; readonly status: 'accepted' | 'duplicate' }
  | (Rejection & { readonly status: 'rejected'; readonly project_uuid: string | null })

export class EventBatch {
  readonly entries: readonly EventEntry[]
  readonly #parts: readonly Part[]

  /** @param texts the events as they came, one for each reading */
  constructor(team: string, readings: readonly BatchedReading[], texts: readonly string[]) {
    this.#parts = readings.map((reading, index) => partOf(team, reading, texts[index] ?? ''))
    this.entries = this.#parts.flatMap(({ entry }) => entry ?? [])
  }

  get size(): number {
    return this.#parts.length
  }

  get lastEventId(): string {
    return this.#parts.at(-1)?.event_id ?? ''
  }

  /** What became of each event, in order, given what the store made of the entries. */
  results(outcomes: readonly Outcome[]): readonly PartResult[] {
    let index = 0
    return this.#parts.map((part) => {
      const { event_id } = part
      if (part.entry === null) return rejected(part, part.category, false)
      const verdict = outcomes[index++]?.verdict ?? 'unstored'
      if (verdict === 'accepted' || verdict === 'duplicate') return { event_id, status: verdict }
      const { category, retryable } = rejectionOf(verdict)
      const { project_uuid } = part.entry
      return rejected({ event_id, project_uuid }, category, retryable)
    })
  }
}

function partOf(team: string, { event_id, reading }: BatchedReading, text: string): Part {
  if (reading.kind === 'invalid') {
    const { category, project_uuid = null } = reading
    return { event_id, entry: null, category, project_uuid }
  }
  const body = withoutMembers(text, EVENT_TRANSPORT_KEYS)
  const { project_uuid, node_id, lamport_clock } = reading.frame
  if (body === null) return { event_id, entry: null, category: 'invalid_event', project_uuid }
  return {
    event_id,
    entry: { kind: 'event', team, event_id, project_uuid, node_id, lamport_clock, body },
  }
}

function rejected(
  { event_id, project_uuid }: { readonly event_id: string; readonly project_uuid: string | null },
  error_category: string,
  retryable: boolean,
): PartResult {
  return { event_id, project_uuid, status: 'rejected', error_category, retryable }
}
