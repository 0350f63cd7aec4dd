/**
 * Events that were refused for good, for whoever runs the hub: which, whose and why, and nothing of what they said. Kept beside
 * the intake, as far as that goes: no sender waits for it, and what can't be kept is left out.
 */
import type { HubBackend } from './backend.ts'
import type { PartResult } from './event-batch.ts'
import { DEAD_LETTERS_AT_ONCE_MAX } from './limits.ts'
import type { HubLog } from './log.ts'
import type { Session } from './access/tickets.ts'
import type { DeadLetter } from './entries.ts'

/** Of whom an event came. */
export type Bearer = Pick<Session, 'team' | 'login'>

export class DeadLetters {
  readonly #backend: Pick<HubBackend, 'bury'>
  readonly #log: HubLog
  #waiting: DeadLetter[] = []

  constructor(backend: Pick<HubBackend, 'bury'>, log: HubLog) {
    this.#backend = backend
    this.#log = log
  }

  add(
    { team, login }: Bearer,
    event: Pick<DeadLetter, 'event_id' | 'project_uuid' | 'category'>,
  ): void {
    if (this.#waiting.length >= DEAD_LETTERS_AT_ONCE_MAX) return
    if (this.#waiting.length === 0) setImmediate(() => this.#bury())
    const { event_id, project_uuid, category } = event
    const about = { event_id, project_uuid, category }
    this.#waiting.push({ team, ...about, token_id: login, refused_at: Date.now() })
  }

  /** Those of events that came together. */
  addAll(bearer: Bearer, results: readonly PartResult[]): void {
    for (const result of results) {
      if (result.status !== 'rejected' || result.retryable) continue
      const { event_id, project_uuid, error_category: category } = result
      this.add(bearer, { event_id, project_uuid, category })
    }
  }

  #bury(): void {
    const letters = this.#waiting
    this.#waiting = []
    try {
      this.#backend.bury(letters)
    } catch {
      this.#log('dead_letters_lost', { count: letters.length })
    }
  }
}
