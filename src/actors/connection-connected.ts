/**
 * The state `connected` of the connection machine: what the connection may carry, beside the watch on its pings.
 * Leaving it in any way puts both drains to sleep.
 */
import { connectionSetup } from './connection-setup.ts'

export const connected = connectionSetup.createStateConfig({
  type: 'parallel',
  exit: 'sleepDrains',
  on: {
    'socket.closed': [
      {
        guard: { type: 'isPresentRefusal', params: ({ event }) => event },
        target: '#connection.suspended',
        actions: { type: 'blame', params: ({ event }) => event },
      },
      {
        guard: { type: 'isPresent', params: ({ event }) => event },
        target: '#connection.backingOff',
        actions: { type: 'blame', params: ({ event }) => event },
      },
    ],
    'connection.resumed': { actions: 'check' },
    'connection.disable': { target: '#connection.closing', actions: 'unwant' },
    'connection.login': {
      target: '#connection.closing',
      actions: { type: 'blame', params: { reason: 'LOGIN_CHANGED' } },
    },
    'connection.lost': {
      target: '#connection.backingOff',
      actions: { type: 'blame', params: { reason: 'WORKER_LOST' } },
    },
  },
  states: {
    delivery: {
      initial: 'awaitingSnapshot',
      states: {
        awaitingSnapshot: {
          entry: { type: 'announce', params: { state: 'awaitingSnapshot' } },
          on: {
            'socket.snapshot': {
              guard: { type: 'isPresent', params: ({ event }) => event },
              target: 'flushingCommits',
            },
          },
          after: {
            snapshotDeadline: {
              target: '#connection.closing',
              actions: { type: 'blame', params: { reason: 'SNAPSHOT_TIMEOUT' } },
            },
          },
        },
        flushingCommits: {
          entry: ['wakeCommits', { type: 'announce', params: { state: 'flushingCommits' } }],
          on: {
            'drain.emptied': {
              guard: { type: 'isCommits', params: ({ event }) => event },
              target: 'live',
            },
            // A ledger that can't be used must not hold the events up; its commits follow on this link once it can.
            'drain.refused': {
              guard: { type: 'isCommits', params: ({ event }) => event },
              target: 'live',
            },
            'drain.stalled': {
              target: '#connection.closing',
              actions: { type: 'blame', params: { reason: 'DRAIN_STALLED' } },
            },
          },
          after: {
            flushDeadline: {
              target: '#connection.closing',
              actions: { type: 'blame', params: { reason: 'FLUSH_TIMEOUT' } },
            },
          },
        },
        live: {
          entry: ['praise', 'wakeEvents', { type: 'announce', params: { state: 'live' } }],
          on: {
            'drain.stalled': {
              target: '#connection.closing',
              actions: { type: 'blame', params: { reason: 'DRAIN_STALLED' } },
            },
          },
          after: { healthyPeriod: { actions: 'resetAttempts' } },
        },
      },
    },
    liveness: {
      initial: 'watched',
      states: {
        watched: {
          on: {
            'socket.pinged': {
              guard: { type: 'isPresent', params: ({ event }) => event },
              target: 'watched',
              reenter: true,
            },
          },
          after: {
            pingSilence: {
              target: '#connection.closing',
              actions: { type: 'blame', params: { reason: 'PING_SILENCE' } },
            },
          },
        },
      },
    },
  },
})
