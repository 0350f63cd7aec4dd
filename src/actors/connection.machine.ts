/**
 * Keeps one link to the hub up while it is wanted, and lets the drains work only on a connection that has greeted us.
 *
 * Each wait has a deadline, also where the socket worker has its own: a worker that never answers must not hold us.
 * Facts carry the number of their connection; what an older one says changes nothing. A refusal is not retried in
 * haste: `suspended` waits for a new login or for the slow retry.
 */
import { batching } from './connection-batching.ts'
import { connected } from './connection-connected.ts'
import { blameRefusal, connectionSetup, initialContext } from './connection-setup.ts'

export const connectionMachine = connectionSetup.createMachine({
  id: 'connection',
  context: ({ input }) => initialContext(input),
  initial: 'offline',
  states: {
    offline: {
      entry: { type: 'announce', params: { state: 'offline' } },
      on: { 'connection.enable': { target: 'reaching', actions: ['want', 'resetAttempts'] } },
    },
    reaching: {
      initial: 'authenticating',
      on: {
        'socket.refused': [
          {
            guard: { type: 'isTransient', params: ({ event }) => event },
            target: 'backingOff',
            actions: { type: 'blame', params: ({ event }) => blameRefusal(event) },
          },
          {
            target: 'suspended',
            actions: [
              { type: 'blame', params: ({ event }) => blameRefusal(event) },
              { type: 'tellRefused', params: ({ event }) => event },
            ],
          },
        ],
        'connection.disable': { target: 'closing', actions: 'unwant' },
        'connection.login': {
          target: 'closing',
          actions: { type: 'blame', params: { reason: 'LOGIN_CHANGED' } },
        },
        'connection.lost': {
          target: 'backingOff',
          actions: { type: 'blame', params: { reason: 'WORKER_LOST' } },
        },
      },
      states: {
        authenticating: {
          entry: ['authenticate', { type: 'announce', params: { state: 'authenticating' } }],
          on: { 'socket.authenticated': 'connecting' },
          after: {
            authenticateDeadline: {
              target: '#connection.closing',
              actions: { type: 'blame', params: { reason: 'AUTHENTICATE_TIMEOUT' } },
            },
          },
        },
        connecting: {
          entry: ['open', { type: 'announce', params: { state: 'connecting' } }],
          on: {
            'socket.opened': {
              target: '#connection.connected',
              actions: { type: 'keepConnection', params: ({ event }) => event },
            },
            'socket.refused': {
              guard: { type: 'isUpgradeFault', params: ({ event }) => event },
              target: 'probing',
              actions: { type: 'blame', params: ({ event }) => blameRefusal(event) },
            },
          },
          after: {
            openDeadline: {
              target: '#connection.closing',
              actions: { type: 'blame', params: { reason: 'OPEN_TIMEOUT' } },
            },
          },
        },
        // The hub gave a ticket and no connection: perhaps it takes events by HTTP.
        probing: {
          entry: ['probe', { type: 'announce', params: { state: 'probing' } }],
          on: {
            'socket.probed': {
              target: '#connection.batching',
              actions: { type: 'keepConnection', params: ({ event }) => event },
            },
            'socket.refused': [
              {
                guard: { type: 'isPlainRefusal', params: ({ event }) => event },
                target: '#connection.suspended',
                actions: [
                  { type: 'blame', params: ({ event }) => blameRefusal(event) },
                  { type: 'tellRefused', params: ({ event }) => event },
                ],
              },
              // What kept the connection from opening stays blamed.
              { guard: 'isPassing', target: '#connection.backingOff' },
              { target: '#connection.suspended' },
            ],
          },
          after: {
            probeDeadline: {
              target: '#connection.closing',
              actions: { type: 'blame', params: { reason: 'PROBE_TIMEOUT' } },
            },
          },
        },
      },
    },
    batching,
    connected,
    closing: {
      entry: ['close', { type: 'announce', params: { state: 'closing' } }],
      on: {
        'connection.enable': { actions: 'want' },
        'connection.disable': { actions: 'unwant' },
        'socket.closing': [{ guard: 'isWanted', target: 'backingOff' }, { target: 'offline' }],
        'connection.lost': [{ guard: 'isWanted', target: 'backingOff' }, { target: 'offline' }],
      },
      after: {
        closeDeadline: [{ guard: 'isWanted', target: 'backingOff' }, { target: 'offline' }],
      },
    },
    backingOff: {
      entry: ['planRetry', { type: 'announce', params: { state: 'backingOff' } }],
      exit: 'forgetPlan',
      on: {
        'connection.disable': { target: 'offline', actions: 'unwant' },
        // Not where the hub asked for the wait.
        'connection.resumed': { guard: 'isOwnWait', target: 'reaching' },
        'connection.login': { target: 'reaching', actions: ['want', 'resetAttempts'] },
      },
      after: { backoff: 'reaching' },
    },
    suspended: {
      entry: ['planSlowRetry', { type: 'announce', params: { state: 'suspended' } }],
      exit: 'forgetPlan',
      on: {
        'connection.disable': { target: 'offline', actions: 'unwant' },
        'connection.login': { target: 'reaching', actions: ['want', 'resetAttempts'] },
      },
      after: { slowRetry: 'reaching' },
    },
  },
})
