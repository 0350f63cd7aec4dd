/** What a runtime is made of, as its doors take it. */
import type { Listeners } from './actors/listeners.ts'
import type { System, SystemClock } from './actors/system.ts'
import type { Sanitizer } from './events/sanitize.ts'
import type { Repository } from './project/types.ts'

export type Parts = {
  readonly repository: Repository
  readonly state: string
  /** Minted where there is none yet; so it is asked only to write. @throws StoreError STATE_NODE_UNREADABLE, STATE_UNREACHABLE */
  readonly nodeId: () => string
  readonly system: System
  readonly sanitizer: Sanitizer
  readonly listeners: Listeners
  readonly clock: SystemClock
  /** A fresh ULID, increasing within the runtime. */
  readonly newId: () => string
}
