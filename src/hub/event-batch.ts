/** Events that came together, in an array frame or an HTTP batch: which can be stored, and what became of each. */
import type { Rejection } from '../contracts/wire/frames.ts'
import type { BatchedReading } from '../contracts/wire/read-frames.ts'
import { bodyOf, objectsIn } from './body.ts'
import type { Listed } from './body.ts'
import { rejectionOf } from './links/replies.ts'
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

  private constructor(
    team: string,
    readings: readonly BatchedReading[],
    listed: readonly Listed[],
  ) {
    this.#parts = readings.map((reading, index) => partOf(team, reading, listed[index]))
    this.entries = this.#parts.flatMap(({ entry }) => entry ?? [])
  }

  /**
   * @param text what came, valid JSON whose `events` the readings are of
   * @returns null where it has two such lists
   */
  static of(team: string, readings: readonly BatchedReading[], text: string): EventBatch | null {
    const listed = objectsIn(text, 'events')
    return listed === null ? null : new EventBatch(team, readings, listed)
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

function partOf(
  team: string,
  { event_id, reading }: BatchedReading,
  listed: Listed | undefined,
): Part {
  if (reading.kind === 'invalid') {
    const { category, project_uuid = null } = reading
    return { event_id, entry: null, category, project_uuid }
  }
  const body = listed === undefined ? null : bodyOf(listed, reading.frame)
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
