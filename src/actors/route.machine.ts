/**
 * Where an event may go, cell by cell of the data model's diagram: created ► has identity? ► is connected?
 *
 * Nothing leaves this machine without passing `identified`: what is `queueOnly` waits in a store that has no drain.
 */
import { initialTransition, setup, transition } from 'xstate'
import type { Route } from '../contracts/event.ts'

export type RouteEvent =
  /** The event was made; is there a project identity with a version 4 uuid? */
  | { readonly type: 'event.created'; readonly hasIdentity: boolean }
  /** The event is durable; was some link live in the same transaction? */
  | { readonly type: 'event.stored'; readonly isConnected: boolean }

export const routeMachine = setup({
  types: { events: {} as RouteEvent },
  guards: {
    hasIdentity: (_, params: { hasIdentity: boolean }) => params.hasIdentity,
    isConnected: (_, params: { isConnected: boolean }) => params.isConnected,
  },
}).createMachine({
  id: 'route',
  initial: 'created',
  states: {
    created: {
      on: {
        'event.created': [
          {
            guard: { type: 'hasIdentity', params: ({ event }) => event },
            target: 'identified',
          },
          { target: 'queueOnly' },
        ],
      },
    },
    identified: {
      on: {
        'event.stored': [
          { guard: { type: 'isConnected', params: ({ event }) => event }, target: 'live' },
          { target: 'queued' },
        ],
      },
    },
    // The event is kept with a warning; it can't leave before `init`.
    queueOnly: {},
    queued: { type: 'final' },
    // Sent with queue backup: it is stored, and a drain is awake.
    live: { type: 'final' },
  },
})

const routes = new Map<string, Route>()

/** The route of an event, by the machine, which is asked once for each of the ways. */
export function routeOf(hasIdentity: boolean, isConnected: boolean): Route {
  const way = `${hasIdentity} ${isConnected}`
  const route = routes.get(way) ?? walk(hasIdentity, isConnected)
  routes.set(way, route)
  return route
}

function walk(hasIdentity: boolean, isConnected: boolean): Route {
  const [start] = initialTransition(routeMachine)
  const [created] = transition(routeMachine, start, { type: 'event.created', hasIdentity })
  const [stored] = transition(routeMachine, created, { type: 'event.stored', isConnected })
  return stored.value === 'live' ? 'live' : stored.value === 'queued' ? 'queued' : 'queue_only'
}
