/**
 * The gate of everything that leaves this store. A batch can be made by a claim only, which holds consent in its query, and a
 * sender takes nothing else: so no new sender can pass consent by.
 */
import type { ClaimedEvent, DirectBatch } from './protocol.ts'

export class ClaimedBatch {
  static readonly NOTHING = new ClaimedBatch([])
  readonly rows: readonly ClaimedEvent[]

  private constructor(rows: readonly ClaimedEvent[]) {
    this.rows = rows
  }

  /** For `Delivery.claim`, and nobody else. */
  static of(rows: readonly { readonly event_id: string; readonly body: string }[]): ClaimedBatch {
    return new ClaimedBatch(rows.map(({ event_id, body }) => ({ event_id, body }) as ClaimedEvent))
  }

  /** As it goes to the socket thread, under the number of its claim. */
  numbered(batch: number): DirectBatch {
    return { batch, rows: this.rows }
  }
}
