/** Where a hub's entries become durable, in one order: here alone, or in a log that all hubs of a team share. */
import type { Entry, Outcome } from './entries.ts'
import type { Sender } from './intake.ts'

/** The sender at each place brought the entry at that place. */
export type Batch = {
  readonly entries: readonly Entry[]
  readonly senders: readonly Sender[]
}

export type HubBackend = {
  /**
   * Makes entries durable, in their order and all that is asked of them, and shows others what is new before it answers.
   * The next batch comes after the answer. It rejects, or throws, where nothing of the batch is stored.
   */
  append(batch: Batch): readonly Outcome[] | Promise<readonly Outcome[]>
}
