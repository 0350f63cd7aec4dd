/** Puts the parts of a hub together. */
import { Announcer } from './announcer.ts'
import { Awareness } from './links/awareness.ts'
import type { HubBackend } from './backend.ts'
import { Batches } from './http/batches.ts'
import { DeadLetters } from './dead-letters.ts'
import { FanOut } from './links/fan-out.ts'
import { figuresOf } from './figures.ts'
import { Folds } from './folds.ts'
import { Intake } from './intake.ts'
import type { HubLog } from './log.ts'
import { Logins } from './access/login.ts'
import { Metrics } from './metrics.ts'
import { NatsBackend } from './nats/nats-backend.ts'
import type { NatsOptions } from './nats/connect.ts'
import { Pages } from './http/pages.ts'
import type { PeerParts } from './links/peer.ts'
import type { Peers } from './links/peers.ts'
import type { Desk } from './http/visit.ts'
import { Sessions } from './access/sessions.ts'
import { SqliteBackend } from './sqlite-backend.ts'
import type { HubStore } from './data/store.ts'
import { SharedTickets, Tickets } from './access/tickets.ts'

export type AssembleOptions = {
  readonly dataDir: string
  readonly store: HubStore
  /** Null for a hub that is alone. */
  readonly nats: NatsOptions | null
  /** How long events and commits are kept; null for ever. */
  readonly keepMs: number | null
  readonly peers: Peers
  readonly publicUrl: URL | null
  readonly log: HubLog
}

export type HubParts = {
  readonly backend: HubBackend
  /** Resolves when the hub may listen. */
  readonly start: () => Promise<void>
  readonly intake: Intake
  /** What the connections share. */
  readonly peerParts: PeerParts
  /** What the routes work on. */
  readonly desk: Desk
}

export function assemble(options: AssembleOptions): HubParts {
  const { dataDir, store, nats, keepMs, peers, publicUrl, log } = options
  const metrics = new Metrics()
  const fanOut = new FanOut((team) => peers.ofTeam(team), log)
  const announcer = new Announcer(fanOut)
  const folds = new Folds(store)
  const restart = (): void => {
    folds.forget()
    peers.restartAll()
  }
  const common = { store, dataDir, keepMs, announcer, metrics, log }
  const backend =
    nats === null ? new SqliteBackend(common) : new NatsBackend({ ...common, nats, restart })
  const intake = new Intake({ backend, metrics, log })
  const awareness = new Awareness(store, fanOut.tell.bind(fanOut), backend.shared?.others ?? null)
  const tickets = backend.shared === null ? new Tickets() : new SharedTickets(backend.shared.passes)
  const sessions = new Sessions(store, dataDir, backend.shared)
  const logins = new Logins(store, tickets, sessions, backend.shared)
  const batches = new Batches()
  const deadLetters = new DeadLetters(backend, log)
  return {
    backend,
    start: async () => backend.start(),
    intake,
    peerParts: { store, intake, fanOut, awareness, metrics, deadLetters },
    desk: {
      store,
      folds,
      tickets,
      sessions,
      logins,
      intake,
      batches,
      metrics,
      deadLetters,
      publicUrl,
      pages: new Pages(publicUrl),
      figures: () => figuresOf({ metrics, batches, intake, peers: [...peers] }),
      state: () => backend.state,
    },
  }
}
