/** The actors of a link: the connection, its two drains with their sources, and what passes on between them. */
import { type ActorRefFrom, fromCallback } from 'xstate'
import type { ErrorOnWire } from '../errors.ts'
import type { ConnectionEvent } from './connection.ts'
import { connectionMachine } from './connection.machine.ts'
import { drainMachine } from './drain.machine.ts'
import { ledgerSource, outboxSource } from './source.ts'
import type { WorkerRef } from './supervisor.machine.ts'
import type { System, SystemClock } from './system.ts'
import type { WorkerName } from './worker.machine.ts'

export type LinkParts = {
  readonly workers: Readonly<Record<WorkerName, WorkerRef>>
  readonly random: () => number
  readonly clock: SystemClock
  readonly spawn: System['spawn']
  /** The ledger can't be used now: its commits wait, events don't. */
  readonly ledgerRefused: (error: ErrorOnWire) => void
}

export type LinkActors = {
  readonly connection: ActorRefFrom<typeof connectionMachine>
  readonly events: ActorRefFrom<typeof drainMachine>
  readonly commits: ActorRefFrom<typeof drainMachine>
  readonly commitSource: ActorRefFrom<typeof ledgerSource>
}

export function spawnLink({ workers, random, clock, spawn, ledgerRefused }: LinkParts): LinkActors {
  const eventSource = spawn(outboxSource, 'source.events', {
    worker: workers.store,
    drain: () => events,
  })
  const commitSource = spawn(ledgerSource, 'source.commits', {
    worker: workers.git,
    drain: () => commits,
  })
  // The connection and its drains know each other; these two pass on what comes before all of them exist.
  const owner = spawn(relay, 'link.owner', {
    pass: (message) => {
      const event = message as ConnectionEvent
      if (event.type === 'drain.refused' && event.sink === 'commits') ledgerRefused(event.error)
      connection.send(event)
    },
  })
  const socket = spawn(relay, 'link.socket', {
    pass: (command) => workers.socket.send({ type: 'worker.ask', command, replyTo: connection }),
  })
  const common = { outlet: workers.socket, owner, random }
  const events: LinkActors['events'] = spawn(drainMachine, 'drain.events', {
    ...common,
    sink: 'events',
    source: eventSource,
  })
  const commits: LinkActors['commits'] = spawn(drainMachine, 'drain.commits', {
    ...common,
    sink: 'commits',
    source: commitSource,
  })
  const connection: LinkActors['connection'] = spawn(connectionMachine, 'connection', {
    socket,
    commits,
    events,
    random,
    now: () => clock.now(),
  })
  return { connection, events, commits, commitSource }
}

type Message = { readonly type: string }

/** Passes on to whoever is there when the message comes. */
const relay = fromCallback<Message, { readonly pass: (message: Message) => void }>(
  ({ input, receive }) => receive(input.pass),
)
