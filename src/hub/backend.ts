/** Where a hub's entries become durable, in one order: here alone, or in a log that all hubs of a team share. */
import type { Change } from './changes.ts'
import type { DeadLetter, Entry, Outcome, Sender } from './entries.ts'
import type { Others } from './links/presence.ts'

/** The sender at each place brought the entry at that place. */
export type Batch = {
  readonly entries: readonly Entry[]
  readonly senders: readonly Sender[]
}

/** `behind`: what this hub has is not what the others have, and is shown to nobody. `away`: it is, up to some moment. */
export type HubState = 'ready' | 'away' | 'behind'

export type HubBackend = {
  readonly state: HubState
  /** What hubs that share a log have together; null where this one is alone. */
  readonly shared: Shared | null
  /**
   * Makes entries durable, in their order and all that is asked of them, and shows others what is new before it answers.
   * The next batch comes after the answer. It rejects, or throws, where nothing of the batch is stored.
   */
  append(batch: Batch): readonly Outcome[] | Promise<readonly Outcome[]>
  /** Keeps dead letters as far as that goes; nobody waits for it. */
  bury(letters: readonly DeadLetter[]): void
  close(): Promise<void>
}

export type Shared = {
  /** Resolves when this hub knows, and the others will. */
  record(change: Change): Promise<void>
  /** Tells the others what commands changed in this hub's folder. */
  tell(): Promise<void>
  /** Resolves when this hub knows all that others had told. @throws LinkError HUB_AWAY */
  catchUp(): Promise<void>
  readonly passes: Passes
  readonly others: Others
}

/** Secrets that are good once, by their hashes: what one hub gave out, another takes. */
export type Passes = {
  /** @throws LinkError HUB_AWAY */
  put(key: string, value: string): Promise<void>
  /** Its value, for one caller at most. @throws LinkError HUB_AWAY */
  take(key: string): Promise<string | null>
}
