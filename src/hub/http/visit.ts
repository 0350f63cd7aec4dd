/** One request, and what its answer is made of. */
import type { IncomingMessage } from 'node:http'
import type { Folds } from '../folds.ts'
import type { Logins } from '../access/login.ts'
import type { HubState } from '../backend.ts'
import type { Session, TicketOffice } from '../access/tickets.ts'
import type { Sessions } from '../access/sessions.ts'
import type { DeadLetters } from '../dead-letters.ts'
import type { HubStore } from '../data/store.ts'
import type { Intake } from '../intake.ts'
import type { Metrics } from '../metrics.ts'
import type { Batches } from './batches.ts'
import type { Pages } from './pages.ts'

/** What the routes work on. */
export type Desk = {
  readonly store: HubStore
  readonly tickets: TicketOffice
  readonly folds: Folds
  readonly sessions: Sessions
  readonly logins: Logins
  readonly intake: Pick<Intake, 'add'>
  readonly batches: Batches
  readonly metrics: Metrics
  readonly deadLetters: DeadLetters
  readonly pages: Pick<Pages, 'show'>
  /** What a proxy makes of the hub for others, or null. */
  readonly publicUrl: URL | null
  /** The page of figures. */
  readonly figures: () => string
  readonly state: () => HubState
}

export type Visit = {
  readonly desk: Desk
  readonly request: IncomingMessage
  readonly session: Session
  readonly query: URLSearchParams
}
