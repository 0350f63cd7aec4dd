import { describe, expect, it } from 'vitest'
import { routeMachine, routeOf } from '#dist/actors/route.machine.js'
import { checkTable } from '../support/machine-table.ts'

checkTable(routeMachine, {
  context: undefined,
  states: {
    created: 'created',
    identified: 'identified',
    queueOnly: 'queueOnly',
    queued: 'queued',
    live: 'live',
  },
  events: {
    createdWithIdentity: { type: 'event.created', hasIdentity: true } as never,
    createdWithout: { type: 'event.created', hasIdentity: false } as never,
    storedConnected: { type: 'event.stored', isConnected: true } as never,
    storedOffline: { type: 'event.stored', isConnected: false } as never,
  },
  table: {
    created: {
      createdWithIdentity: 'identified',
      createdWithout: 'queueOnly',
      storedConnected: 'stay',
      storedOffline: 'stay',
    },
    identified: {
      createdWithIdentity: 'stay',
      createdWithout: 'stay',
      storedConnected: 'live',
      storedOffline: 'queued',
    },
    queueOnly: {
      createdWithIdentity: 'stay',
      createdWithout: 'stay',
      storedConnected: 'stay',
      storedOffline: 'stay',
    },
    queued: {
      createdWithIdentity: 'stay',
      createdWithout: 'stay',
      storedConnected: 'stay',
      storedOffline: 'stay',
    },
    live: {
      createdWithIdentity: 'stay',
      createdWithout: 'stay',
      storedConnected: 'stay',
      storedOffline: 'stay',
    },
  },
})

describe('the routing diagram, cell by cell', () => {
  it.each([
    [false, false, 'queue_only'],
    [false, true, 'queue_only'],
    [true, false, 'queued'],
    [true, true, 'live'],
  ] as const)('identity %s and connected %s is %s', (hasIdentity, isConnected, route) => {
    expect(routeOf(hasIdentity, isConnected)).toBe(route)
  })
})
