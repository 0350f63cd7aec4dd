/**
 * The state `batching` of the connection machine: the hub answers HTTP, but no WebSocket can be opened. Events go by HTTP
 * until it is time to try the WebSocket again; commits wait for it.
 */
import { blameRefusal, connectionSetup } from './connection-setup.ts'

export const batching = connectionSetup.createStateConfig({
  initial: 'carrying',
  exit: ['sleepDrains', 'forgetPlan'],
  on: {
    'socket.halted': [
      {
        guard: { type: 'isPresentPassing', params: ({ event }) => event },
        target: '#connection.backingOff',
        actions: { type: 'blame', params: ({ event }) => blameRefusal(event) },
      },
      {
        guard: { type: 'isPresent', params: ({ event }) => event },
        target: '#connection.suspended',
        actions: [
          { type: 'blame', params: ({ event }) => blameRefusal(event) },
          { type: 'tellRefused', params: ({ event }) => event },
        ],
      },
    ],
    'drain.stalled': {
      target: '#connection.backingOff',
      actions: { type: 'blame', params: { reason: 'DRAIN_STALLED' } },
    },
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
    carrying: {
      entry: ['planNextTry', 'wakeEvents', { type: 'announce', params: { state: 'batching' } }],
      on: { 'connection.resumed': 'finishing' },
      after: { backoff: 'finishing' },
    },
    // The request under way ends first: cut off, what it carried would be sent again.
    finishing: {
      entry: ['sleepDrains', 'finish'],
      on: { 'socket.finished': '#connection.reaching' },
      after: {
        finishDeadline: {
          target: '#connection.closing',
          actions: { type: 'blame', params: { reason: 'FINISH_TIMEOUT' } },
        },
      },
    },
  },
})
