import { describe, expect, it } from 'vitest'
import { SimulatedClock, createActor, fromCallback, transition } from 'xstate'
import type { EventObject } from 'xstate'
import { getShortestPaths } from 'xstate/graph'
import { backoffMs } from '#dist/actors/backoff.js'
import {
  ATTEMPTS_MAX,
  BACKOFF,
  BATCHING_MIN_MS,
  CONNECTION_DELAYS,
  RETRY_AFTER_MAX_MS,
  SUSPENDED_RETRY_MAX_MS,
  SUSPENDED_RETRY_MS,
} from '#dist/actors/connection.js'
import type {
  ConnectionChanged,
  ConnectionEvent,
  ConnectionState,
} from '#dist/actors/connection.js'
import { connectionMachine } from '#dist/actors/connection.machine.js'
import { initialContext } from '#dist/actors/connection-setup.js'
import { afterEvent, checkTable } from '../support/machine-table.ts'
import { fc, property } from '../support/property.ts'

type Said = { readonly to: 'socket' | 'commits' | 'events'; readonly type: string }

/** The machine under a clock that the test winds, with ears in the place of the worker and the drains. */
function bench(random: () => number = () => 0.5) {
  const clock = new SimulatedClock()
  const said: Said[] = []
  const changes: ConnectionChanged[] = []
  const ear = (to: Said['to']) =>
    createActor(
      fromCallback<EventObject>(({ receive }) => {
        receive((event) => said.push({ to, type: event.type }))
      }),
    ).start()
  const input = {
    socket: ear('socket'),
    commits: ear('commits'),
    events: ear('events'),
    random,
    now: () => clock.now(),
  }
  const actor = createActor(connectionMachine, { input, clock })
  actor.on('connection.changed', (change) => changes.push(change))
  actor.start()
  const send = (...events: ConnectionEvent[]) => {
    for (const event of events) actor.send(event)
  }
  return { actor, changes, clock, input, said, send }
}

const refused = (
  closeClass: 'transient' | 'unauthenticated' | 'refused',
  retryAfterMs?: number,
  code = 'HUB_NO',
): ConnectionEvent => ({
  type: 'socket.refused',
  class: closeClass,
  error: { name: 'LinkError', code, message: 'no', hint: null, retryable: false },
  ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
})

const halted = (connection: number, closeClass: 'transient' | 'refused'): ConnectionEvent => ({
  type: 'socket.halted',
  connection,
  class: closeClass,
  error: { name: 'LinkError', code: 'HUB_HALT', message: 'no', hint: null, retryable: false },
})

const closed = (
  connection: number,
  closeClass: 'transient' | 'unauthenticated' | 'refused' = 'transient',
): ConnectionEvent => ({
  type: 'socket.closed',
  connection,
  class: closeClass,
  code: 1006,
  reason: 'LINK_LOST',
})

const enable: ConnectionEvent = { type: 'connection.enable' }
const disable: ConnectionEvent = { type: 'connection.disable' }
const authenticated: ConnectionEvent = { type: 'socket.authenticated' }
const opened = (connection: number): ConnectionEvent => ({ type: 'socket.opened', connection })
const snapshot = (connection: number): ConnectionEvent => ({ type: 'socket.snapshot', connection })
const pinged = (connection: number): ConnectionEvent => ({ type: 'socket.pinged', connection })
const closing: ConnectionEvent = { type: 'socket.closing' }
const emptied: ConnectionEvent = { type: 'drain.emptied', sink: 'commits' }
const unusable: ConnectionEvent = {
  type: 'drain.refused',
  sink: 'commits',
  error: { name: 'GitError', code: 'LOCK_UNUSABLE', message: 'no', hint: null, retryable: false },
}
const stalled: ConnectionEvent = { type: 'drain.stalled', sink: 'events' }
const toLive = (connection: number) => [
  authenticated,
  opened(connection),
  snapshot(connection),
  emptied,
]

/** Connection 2 is the present one; 1 is an older one. */
const EVENTS = {
  enable,
  disable,
  login: { type: 'connection.login' },
  lost: { type: 'connection.lost' },
  resumed: { type: 'connection.resumed' },
  authenticated,
  opened: opened(2),
  passing: refused('transient'),
  unauthenticated: refused('unauthenticated'),
  refused: refused('refused'),
  upgradeRefused: refused('refused', undefined, 'HUB_PROTOCOL'),
  otherProtocol: refused('refused', undefined, 'PROTOCOL_MISMATCH'),
  probed: { type: 'socket.probed', connection: 2 },
  halted: halted(2, 'transient'),
  haltedForGood: halted(2, 'refused'),
  oldHalted: halted(1, 'refused'),
  finished: { type: 'socket.finished' },
  closing,
  snapshot: snapshot(2),
  oldSnapshot: snapshot(1),
  pinged: pinged(2),
  closed: closed(2),
  closedForToken: closed(2, 'unauthenticated'),
  closedForGood: closed(2, 'refused'),
  oldClosed: closed(1, 'refused'),
  delivered: {
    type: 'socket.delivered',
    sink: 'commits',
    batch: 1,
    accepted: [],
    rejected: [],
    unanswered: 0,
    credit: 256,
  },
  commitsEmptied: emptied,
  eventsEmptied: { type: 'drain.emptied', sink: 'events' },
  commitsRefused: unusable,
  eventsRefused: { ...unusable, sink: 'events' },
  stalled,
  authenticateDeadline: afterEvent('authenticateDeadline', 'connection.reaching.authenticating'),
  openDeadline: afterEvent('openDeadline', 'connection.reaching.connecting'),
  probeDeadline: afterEvent('probeDeadline', 'connection.reaching.probing'),
  batchingBackoff: afterEvent('backoff', 'connection.batching.carrying'),
  finishDeadline: afterEvent('finishDeadline', 'connection.batching.finishing'),
  snapshotDeadline: afterEvent(
    'snapshotDeadline',
    'connection.connected.delivery.awaitingSnapshot',
  ),
  flushDeadline: afterEvent('flushDeadline', 'connection.connected.delivery.flushingCommits'),
  healthyPeriod: afterEvent('healthyPeriod', 'connection.connected.delivery.live'),
  pingSilence: afterEvent('pingSilence', 'connection.connected.liveness.watched'),
  closeDeadline: afterEvent('closeDeadline', 'connection.closing'),
  backoff: afterEvent('backoff', 'connection.backingOff'),
  slowRetry: afterEvent('slowRetry', 'connection.suspended'),
} as const

describe('the transition table of the connection machine', () => {
  const wanted = { ...initialContext(bench().input), isWanted: true, connection: 2 }
  const unwanted = { ...wanted, isWanted: false }
  const connected = (delivery: string) => ({ connected: { delivery, liveness: 'watched' } })
  const states = {
    offline: 'offline',
    authenticating: { reaching: 'authenticating' },
    connecting: { reaching: 'connecting' },
    probing: { reaching: 'probing' },
    probingRefused: { reaching: 'probing' },
    batching: { batching: 'carrying' },
    finishing: { batching: 'finishing' },
    awaitingSnapshot: connected('awaitingSnapshot'),
    flushingCommits: connected('flushingCommits'),
    live: connected('live'),
    closing: 'closing',
    closingForGood: 'closing',
    backingOff: 'backingOff',
    backingOffAsAsked: 'backingOff',
    suspended: 'suspended',
  }
  type State = keyof typeof states
  type Row = Readonly<Record<keyof typeof EVENTS, State | 'stay'>>
  const NOTHING: Row = {
    enable: 'stay',
    disable: 'stay',
    login: 'stay',
    lost: 'stay',
    resumed: 'stay',
    authenticated: 'stay',
    opened: 'stay',
    passing: 'stay',
    unauthenticated: 'stay',
    refused: 'stay',
    upgradeRefused: 'stay',
    otherProtocol: 'stay',
    probed: 'stay',
    halted: 'stay',
    haltedForGood: 'stay',
    oldHalted: 'stay',
    finished: 'stay',
    closing: 'stay',
    snapshot: 'stay',
    oldSnapshot: 'stay',
    pinged: 'stay',
    closed: 'stay',
    closedForToken: 'stay',
    closedForGood: 'stay',
    oldClosed: 'stay',
    delivered: 'stay',
    commitsEmptied: 'stay',
    eventsEmptied: 'stay',
    commitsRefused: 'stay',
    eventsRefused: 'stay',
    stalled: 'stay',
    authenticateDeadline: 'stay',
    openDeadline: 'stay',
    probeDeadline: 'stay',
    batchingBackoff: 'stay',
    finishDeadline: 'stay',
    snapshotDeadline: 'stay',
    flushDeadline: 'stay',
    healthyPeriod: 'stay',
    pingSilence: 'stay',
    closeDeadline: 'stay',
    backoff: 'stay',
    slowRetry: 'stay',
  }
  const REACHING: Row = {
    ...NOTHING,
    disable: 'closing',
    login: 'closing',
    lost: 'backingOff',
    passing: 'backingOff',
    unauthenticated: 'suspended',
    refused: 'suspended',
    upgradeRefused: 'suspended',
    otherProtocol: 'suspended',
  }
  const PROBING: Row = {
    ...REACHING,
    probed: 'batching',
    upgradeRefused: 'backingOff',
    refused: 'backingOff',
    probeDeadline: 'closing',
  }
  const BATCHING: Row = {
    ...NOTHING,
    disable: 'closing',
    login: 'closing',
    lost: 'backingOff',
    halted: 'backingOff',
    haltedForGood: 'suspended',
    stalled: 'backingOff',
  }
  const CONNECTED: Row = {
    ...NOTHING,
    disable: 'closing',
    login: 'closing',
    lost: 'backingOff',
    closed: 'backingOff',
    closedForToken: 'backingOff',
    closedForGood: 'suspended',
    pingSilence: 'closing',
  }
  const table = {
    offline: { ...NOTHING, enable: 'authenticating' },
    authenticating: { ...REACHING, authenticated: 'connecting', authenticateDeadline: 'closing' },
    connecting: {
      ...REACHING,
      opened: 'awaitingSnapshot',
      passing: 'probing',
      upgradeRefused: 'probing',
      openDeadline: 'closing',
    },
    probing: PROBING,
    probingRefused: {
      ...PROBING,
      passing: 'suspended',
      upgradeRefused: 'suspended',
      refused: 'suspended',
    },
    batching: { ...BATCHING, resumed: 'finishing', batchingBackoff: 'finishing' },
    finishing: { ...BATCHING, finished: 'authenticating', finishDeadline: 'closing' },
    awaitingSnapshot: {
      ...CONNECTED,
      snapshot: 'flushingCommits',
      snapshotDeadline: 'closing',
    },
    flushingCommits: {
      ...CONNECTED,
      commitsEmptied: 'live',
      commitsRefused: 'live',
      stalled: 'closing',
      flushDeadline: 'closing',
    },
    live: { ...CONNECTED, stalled: 'closing' },
    closing: { ...NOTHING, closing: 'backingOff', lost: 'backingOff', closeDeadline: 'backingOff' },
    closingForGood: { ...NOTHING, closing: 'offline', lost: 'offline', closeDeadline: 'offline' },
    backingOff: {
      ...NOTHING,
      disable: 'offline',
      login: 'authenticating',
      resumed: 'authenticating',
      backoff: 'authenticating',
    },
    backingOffAsAsked: {
      ...NOTHING,
      disable: 'offline',
      login: 'authenticating',
      backoff: 'authenticating',
    },
    suspended: {
      ...NOTHING,
      disable: 'offline',
      login: 'authenticating',
      slowRetry: 'authenticating',
    },
  } satisfies Record<State, Row>
  checkTable(connectionMachine, {
    context: wanted,
    contextByState: {
      offline: unwanted,
      closingForGood: unwanted,
      probingRefused: { ...wanted, isPassing: false },
      backingOffAsAsked: { ...wanted, retryAfterMs: 1_000 },
    },
    states,
    events: EVENTS,
    table,
  })
})

describe('the connection machine', () => {
  it('goes live step by step, commits before events, and says each step', () => {
    const { changes, said, send } = bench()
    send(enable, ...toLive(1))
    expect(said).toEqual([
      { to: 'socket', type: 'socket.authenticate' },
      { to: 'socket', type: 'socket.open' },
      { to: 'commits', type: 'drain.wake' },
      { to: 'events', type: 'drain.wake' },
    ])
    expect(changes.map((change) => [change.state, change.reason])).toEqual([
      ['offline', null],
      ['authenticating', null],
      ['connecting', null],
      ['awaitingSnapshot', null],
      ['flushingCommits', null],
      ['live', null],
    ])
  })

  it('goes live although the ledger refuses, and leaves the drain of the commits awake', () => {
    const { actor, said, send } = bench()
    send(enable, authenticated, opened(1), snapshot(1), unusable)
    expect(actor.getSnapshot().matches({ connected: { delivery: 'live' } })).toBe(true)
    expect(said.slice(-2)).toEqual([
      { to: 'commits', type: 'drain.wake' },
      { to: 'events', type: 'drain.wake' },
    ])
  })

  it('closes and puts both drains to sleep when it is disabled, and is offline then', () => {
    const { changes, said, send } = bench()
    send(enable, ...toLive(1))
    said.length = 0
    send(disable, closing)
    expect(said).toEqual([
      { to: 'commits', type: 'drain.sleep' },
      { to: 'events', type: 'drain.sleep' },
      { to: 'socket', type: 'socket.close' },
    ])
    expect(changes.slice(-2)).toMatchObject([
      { state: 'closing', reason: 'DISABLED' },
      { state: 'offline', reason: 'DISABLED' },
    ])
  })

  it('that is enabled again while it closes comes back', () => {
    const { actor, clock, send } = bench()
    send(enable, ...toLive(1), disable, enable, closing)
    expect(actor.getSnapshot().value).toBe('backingOff')
    clock.increment(BACKOFF.capMs)
    expect(actor.getSnapshot().value).toEqual({ reaching: 'authenticating' })
  })

  const deadlines: readonly (readonly [string, ConnectionEvent[], number, string])[] = [
    ['authenticating', [], CONNECTION_DELAYS.authenticateDeadline, 'AUTHENTICATE_TIMEOUT'],
    ['connecting', [authenticated], CONNECTION_DELAYS.openDeadline, 'OPEN_TIMEOUT'],
    [
      'awaitingSnapshot',
      [authenticated, opened(1)],
      CONNECTION_DELAYS.snapshotDeadline,
      'SNAPSHOT_TIMEOUT',
    ],
    ['live', toLive(1), CONNECTION_DELAYS.pingSilence, 'PING_SILENCE'],
  ]
  it.each(deadlines)(
    'does not stay in %s beyond its deadline, whatever the worker fails to say',
    (_state, events, ms, reason) => {
      const { actor, changes, clock, send } = bench()
      send(enable, ...events)
      clock.increment(ms - 1)
      expect(actor.getSnapshot().value).not.toBe('closing')
      clock.increment(1)
      expect(changes.at(-1)).toMatchObject({ state: 'closing', reason })
      clock.increment(CONNECTION_DELAYS.closeDeadline)
      expect(changes.at(-1)).toMatchObject({ state: 'backingOff', reason })
    },
  )

  it('does not stay in flushingCommits beyond its deadline, though the hub pings', () => {
    const { changes, clock, send } = bench()
    send(enable, authenticated, opened(1), snapshot(1))
    for (let ms = 0; ms < CONNECTION_DELAYS.flushDeadline; ms += 10_000) {
      send(pinged(1))
      clock.increment(10_000)
    }
    expect(changes.at(-1)).toMatchObject({ state: 'closing', reason: 'FLUSH_TIMEOUT' })
  })

  it('stays live as long as the hub pings, and notices when only an older connection does', () => {
    const { actor, changes, clock, send } = bench()
    send(enable, ...toLive(1))
    for (let round = 0; round < 20; round++) {
      clock.increment(CONNECTION_DELAYS.pingSilence - 1)
      send(pinged(1))
    }
    expect(actor.getSnapshot().matches({ connected: { delivery: 'live' } })).toBe(true)
    clock.increment(CONNECTION_DELAYS.pingSilence - 1)
    send(pinged(0))
    clock.increment(1)
    expect(changes.at(-1)).toMatchObject({ state: 'closing', reason: 'PING_SILENCE' })
  })

  it('waits at least as long as the hub asked, within reason', () => {
    const { actor, changes, clock, send } = bench()
    send(enable, refused('transient', 60_000))
    expect(changes.at(-1)).toMatchObject({ state: 'backingOff', nextTryAt: 60_000 })
    clock.increment(59_999)
    expect(actor.getSnapshot().value).toBe('backingOff')
    clock.increment(1)
    expect(actor.getSnapshot().value).toEqual({ reaching: 'authenticating' })
    send(refused('transient', Number.MAX_SAFE_INTEGER))
    expect(changes.at(-1)?.nextTryAt).toBe(60_000 + RETRY_AFTER_MAX_MS)
    clock.increment(RETRY_AFTER_MAX_MS)
    send(refused('transient'))
    expect(changes.at(-1)?.nextTryAt).toBeLessThan(clock.now() + BACKOFF.capMs)
  })

  it('doubles the window of its back-off with each failure and starts anew after a healthy period', () => {
    const { actor, changes, clock, send } = bench(() => 0.999_999)
    send(enable)
    const waits: number[] = []
    for (let round = 0; round < 9; round++) {
      send(refused('transient'))
      waits.push((changes.at(-1)?.nextTryAt ?? 0) - clock.now())
      clock.increment(BACKOFF.capMs)
    }
    expect(waits).toEqual([499, 999, 1999, 3999, 7999, 15_999, 29_999, 29_999, 29_999])
    send(...toLive(1))
    for (let ms = 0; ms < CONNECTION_DELAYS.healthyPeriod; ms += 20_000) {
      send(pinged(1))
      clock.increment(20_000)
    }
    expect(actor.getSnapshot().context.attempts).toBe(0)
    send(closed(1))
    expect((changes.at(-1)?.nextTryAt ?? 0) - clock.now()).toBe(499)
  })

  it('keeps its back-off when it lives too short, or is enabled again and again', () => {
    const { actor, changes, clock, send } = bench(() => 0.999_999)
    send(enable)
    for (let round = 0; round < 6; round++) {
      send(enable, ...toLive(round + 1), enable, closed(round + 1), enable)
      expect(actor.getSnapshot().value).toBe('backingOff')
      clock.increment(BACKOFF.capMs)
    }
    send(...toLive(9), stalled, enable, closing)
    expect((changes.at(-1)?.nextTryAt ?? 0) - clock.now()).toBe(29_999)
  })

  it('waits for a new login where the old one is refused, and tries slowly by itself', () => {
    const { actor, changes, clock, send } = bench()
    send(enable, refused('unauthenticated'))
    expect(changes.at(-1)).toEqual({
      type: 'connection.changed',
      state: 'suspended',
      reason: 'HUB_NO',
      nextTryAt: SUSPENDED_RETRY_MS,
    })
    send(enable)
    clock.increment(SUSPENDED_RETRY_MS - 1)
    expect(actor.getSnapshot().value).toBe('suspended')
    clock.increment(1)
    expect(actor.getSnapshot().value).toEqual({ reaching: 'authenticating' })
    send(refused('refused'), { type: 'connection.login' })
    expect(changes.at(-1)).toEqual({
      type: 'connection.changed',
      state: 'authenticating',
      reason: 'HUB_NO',
    })
  })

  it('starts anew on the numbers of a new worker after the old one is lost', () => {
    const { actor, clock, send } = bench()
    send(enable, ...toLive(7), { type: 'connection.lost' })
    clock.increment(BACKOFF.capMs)
    send(...toLive(1))
    expect(actor.getSnapshot().matches({ connected: { delivery: 'live' } })).toBe(true)
  })

  it('sends events by HTTP where no WebSocket can be opened, and tries it again by and by', () => {
    const { actor, changes, clock, said, send } = bench()
    send(enable, authenticated, refused('transient'), { type: 'socket.probed', connection: 1 })
    expect(changes.slice(-2)).toMatchObject([
      { state: 'probing', reason: 'HUB_NO' },
      { state: 'batching', reason: 'HUB_NO', nextTryAt: BATCHING_MIN_MS },
    ])
    expect(said.slice(-2)).toEqual([
      { to: 'socket', type: 'socket.probe' },
      { to: 'events', type: 'drain.wake' },
    ])
    clock.increment(BATCHING_MIN_MS)
    expect(said.slice(-3).map(({ type }) => type)).toEqual([
      'drain.sleep',
      'drain.sleep',
      'socket.finish',
    ])
    send({ type: 'socket.finished' })
    send(...toLive(2))
    expect(actor.getSnapshot().matches({ connected: { delivery: 'live' } })).toBe(true)
  })

  it('blames the WebSocket where the hub takes no batches either, and waits as long as before', () => {
    const { changes, send } = bench()
    send(enable, authenticated, refused('transient'), refused('refused', 0, 'HUB_ELSE'))
    expect(changes.at(-1)).toMatchObject({ state: 'backingOff', reason: 'HUB_NO' })
    const other = bench()
    const upgrade = refused('refused', 0, 'HUB_PROTOCOL')
    other.send(enable, authenticated, upgrade, refused('transient', 0, 'HUB_ELSE'))
    expect(other.changes.at(-1)).toMatchObject({ state: 'suspended', reason: 'HUB_PROTOCOL' })
  })

  it('tries at once when the machine wakes, but not where the hub asked for the wait', () => {
    const { actor, clock, said, send } = bench()
    const resumed: ConnectionEvent = { type: 'connection.resumed' }
    send(enable, refused('transient'), resumed)
    expect(actor.getSnapshot().value).toEqual({ reaching: 'authenticating' })
    send(refused('transient', 60_000), resumed)
    expect(actor.getSnapshot().value).toBe('backingOff')
    clock.increment(60_000)
    send(...toLive(1), resumed)
    expect(said.at(-1)).toEqual({ to: 'socket', type: 'socket.check' })
    send(closed(1, 'refused'), resumed)
    expect(actor.getSnapshot().value).toBe('suspended')
  })

  it('tries a refused login ever more seldom, says each refusal, and begins anew once it is live', () => {
    const { actor, changes, clock, send } = bench()
    const told: string[] = []
    actor.on('connection.refused', ({ error }) => told.push(error.code))
    send(enable)
    const waits: number[] = []
    for (let round = 0; round < 6; round++) {
      send(refused('unauthenticated'))
      waits.push((changes.at(-1)?.nextTryAt ?? 0) - clock.now())
      clock.increment(SUSPENDED_RETRY_MAX_MS)
    }
    expect(waits.map((ms) => ms / 60_000)).toEqual([5, 10, 20, 40, 60, 60])
    expect(told).toHaveLength(6)
    send(...toLive(1), closed(1, 'refused'))
    expect((changes.at(-1)?.nextTryAt ?? 0) - clock.now()).toBe(SUSPENDED_RETRY_MS)
  })

  it('has a finite graph, in which every state can be reached, and be left for offline', () => {
    const paths = getShortestPaths(connectionMachine, {
      input: bench().input,
      events: Object.values(EVENTS) as ConnectionEvent[],
      limit: 500_000,
      // How often something went wrong decides how long a wait is, and nothing else.
      serializeState: ({ value, context }) => {
        const { connection, isPassing, isWanted, retryAfterMs } = context
        return JSON.stringify([value, connection, isPassing, isWanted, retryAfterMs > 0])
      },
    })
    const seen = new Set(paths.map((path) => JSON.stringify(path.state.value)))
    expect(seen.size).toBe(12)
    for (const path of paths) {
      const [closed] = transition(connectionMachine, path.state, disable)
      expect(transition(connectionMachine, closed, closing)[0].value).toBe('offline')
    }
  })
})

const STEP = fc.oneof(
  fc.constantFrom<ConnectionEvent>(
    enable,
    disable,
    { type: 'connection.login' },
    { type: 'connection.lost' },
    authenticated,
    emptied,
    closing,
    stalled,
    { type: 'drain.emptied', sink: 'events' },
    unusable,
    refused('transient'),
    refused('unauthenticated'),
    refused('refused'),
    refused('transient', 100_000),
    { type: 'connection.resumed' },
    { type: 'socket.finished' },
  ),
  fc.nat(3).map((connection): ConnectionEvent => ({ type: 'socket.probed', connection })),
  fc.nat(3).map((connection) => halted(connection, 'transient')),
  fc.nat(3).map(opened),
  fc.nat(3).map(snapshot),
  fc.nat(3).map(pinged),
  fc
    .tuple(fc.nat(3), fc.constantFrom('transient', 'refused', 'unauthenticated'))
    .map(([connection, closeClass]) => closed(connection, closeClass as 'transient')),
  fc.constantFrom(100, 1000, 5000, 10_500, 45_000, 300_000).map((ms) => ({ type: 'wait', ms })),
)
const BEFORE_DELIVERY: ReadonlySet<ConnectionState> = new Set([
  'offline',
  'authenticating',
  'connecting',
  'probing',
  'awaitingSnapshot',
  'closing',
  'backingOff',
  'suspended',
] as const)

property([
  fc.array(fc.oneof(STEP, STEP, fc.constant({ type: 'advance' })), { maxLength: 80 }),
  fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
])('whatever happens in whatever order, it keeps its promises', (steps, random) => {
  const { actor, changes, clock, said, send } = bench(() => random)
  let present = 0
  let isGreeted = false
  let connections = 10
  for (const step of steps) {
    const before = actor.getSnapshot()
    const changesBefore = changes.length
    if (step.type === 'wait') clock.increment((step as { ms: number }).ms)
    else if (step.type === 'advance') {
      // The next good thing, so that the runs get deep.
      const { state } = changes.at(-1) ?? { state: 'offline' }
      if (state === 'connecting') connections += 1
      const good: Partial<Record<ConnectionState, ConnectionEvent>> = {
        offline: enable,
        authenticating: authenticated,
        connecting: opened(connections),
        probing: { type: 'socket.probed', connection: connections },
        awaitingSnapshot: snapshot(connections),
        flushingCommits: emptied,
        closing,
      }
      const event = good[state]
      if (event === undefined) clock.increment(BACKOFF.capMs)
      else apply(event)
    } else apply(step as ConnectionEvent)

    const { context, value } = actor.getSnapshot()
    expect(context.attempts).toBeLessThanOrEqual(ATTEMPTS_MAX)
    expect(context.delayMs).toBeGreaterThanOrEqual(0)
    const capMs = context.retryAfterMs > 0 ? RETRY_AFTER_MAX_MS : BACKOFF.capMs
    if (value === 'backingOff') expect(context.delayMs).toBeLessThanOrEqual(capMs)
    for (const change of changes.slice(changesBefore)) {
      if (change.state === 'awaitingSnapshot') isGreeted = false
      if (change.state === 'flushingCommits' || change.state === 'live')
        expect(isGreeted).toBe(true)
    }
    // What an older connection says changes nothing at all.
    if (
      'connection' in step &&
      step.type !== 'socket.opened' &&
      step.type !== 'socket.probed' &&
      step.connection !== before.context.connection
    ) {
      expect(value).toEqual(before.value)
      expect(changes).toHaveLength(changesBefore)
    }
  }

  function apply(event: ConnectionEvent): void {
    if (event.type === 'socket.opened' && changes.at(-1)?.state === 'connecting') {
      present = event.connection
      isGreeted = false
    }
    if (event.type === 'socket.snapshot' && event.connection === present) isGreeted = true
    send(event)
  }

  // A drain is awake only on a greeted connection: it was woken after the last sleep.
  const state = changes.at(-1)?.state ?? 'offline'
  const lastOf = (to: Said['to']) => said.findLast((one) => one.to === to)?.type ?? 'drain.sleep'
  if (BEFORE_DELIVERY.has(state)) {
    expect([lastOf('commits'), lastOf('events')]).toEqual(['drain.sleep', 'drain.sleep'])
  }
  if (state === 'live') expect(lastOf('events')).toBe('drain.wake')
  // They have no way but the WebSocket.
  if (state === 'batching') expect(lastOf('commits')).toBe('drain.sleep')
})

describe('the back-off', () => {
  property([
    fc.integer({ min: -5, max: 5000 }),
    fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    fc.integer({ min: 1, max: 10_000 }),
    fc.integer({ min: 1, max: 1_000_000 }),
  ])(
    'is a whole number in [0, cap] and below its doubling window',
    (attempt, random, baseMs, capMs) => {
      const ms = backoffMs(attempt, () => random, { baseMs, capMs })
      expect(Number.isInteger(ms)).toBe(true)
      expect(ms).toBeGreaterThanOrEqual(0)
      expect(ms).toBeLessThanOrEqual(capMs)
      expect(ms).toBeLessThan(baseMs * 2 ** Math.max(attempt, 0))
    },
  )

  it('uses the whole window, so that many clients spread', () => {
    expect(backoffMs(3, () => 0, BACKOFF)).toBe(0)
    expect(backoffMs(3, () => 0.5, BACKOFF)).toBe(2000)
    expect(backoffMs(60, () => 0.999_999_9, BACKOFF)).toBe(29_999)
  })
})
