/** What the machines may rely on in a link: the contract of the thread's resource, and of what stands for it in the simulation. */
import { BroadcastChannel } from 'node:worker_threads'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { writeLogin } from '#dist/project/login/login.js'
import { outboxPath } from '#dist/project/state-directory.js'
import type { SocketAnswer, SocketCommand, SocketFact } from '#dist/workers/socket/protocol.js'
import { openSocketService } from '#dist/workers/socket/socket-service.js'
import { Random } from '../../../scripts/chaos/random.mjs'
import { settle, SimClock } from '../../../scripts/prove/simulation/sim-clock.mjs'
import { SimHub } from '../../../scripts/prove/simulation/sim-hub.mjs'
import { openSimSocket } from '../../../scripts/prove/simulation/sim-socket.mjs'
import { SimOutbox } from '../../../scripts/prove/simulation/sim-store.mjs'
import { openOutbox, PROJECT, temporaryFolder } from '../../support/store-fixtures.ts'
import { commitItem, ScriptedHub, TOKEN } from './scripted-hub.ts'

type Row = { readonly event_id: string; readonly body: string }
type World = {
  ask(command: SocketCommand): Promise<SocketAnswer>
  readonly facts: readonly SocketFact[]
  /** As the store does. */
  post(batch: number, rows: readonly Row[]): void
  consent(grant: boolean): void
  /** Ids in the order of their arrival. */
  arrived(): readonly string[]
  leave(): Promise<void>
  revoke(): void
  cut(): void
  until(done: () => void): Promise<void>
}

/** What ends so is refused for good. */
const POISON = 'X'

async function realWorld(): Promise<World> {
  let isRevoked = false
  const hub = await ScriptedHub.start({
    token: (_, response) => {
      response.writeHead(isRevoked ? 401 : 200, { 'content-type': 'application/json' })
      response.end(isRevoked ? '{}' : JSON.stringify(hub.ticket))
    },
    frame: ({ type, event_id, git_hash }, peer) => {
      const ack = { type: 'ack', event_id, status: 'accepted' }
      const no = { error_category: 'schema_violation', retryable: false }
      const isPoison = String(event_id).endsWith(POISON)
      const verdict = isPoison ? { ...ack, ...no, type: 'error', status: 'rejected' } : ack
      const of = type === 'LocalCommit' ? { type: 'LocalCommitAck', git_hash } : verdict
      peer.send(JSON.stringify(of))
    },
  })
  const state = temporaryFolder()
  writeLogin(state, { hub: hub.url, token: TOKEN, team_slug: 'harbour' })
  const outbox = openOutbox({ path: outboxPath(state, PROJECT) })
  const name = `socket-contract-${state}`
  const channel = new BroadcastChannel(name)
  const facts: SocketFact[] = []
  const input = { state, projectUuid: PROJECT, channel: name }
  const service = await openSocketService(input, (fact) => facts.push(fact))
  onTestFinished(async () => {
    await service.close()
    channel.close()
    await hub.stop()
  })
  return {
    ask: (command) => service.handle([command])[0] as Promise<SocketAnswer>,
    facts,
    post: (batch, rows) => channel.postMessage({ batch, rows }),
    consent: (grant) => void (grant ? outbox.grantConsent(false) : outbox.refuseConsent()),
    arrived: () => hub.frames.map(({ event_id, git_hash }) => String(event_id ?? git_hash)),
    leave: () => hub.stop(),
    revoke: () => (isRevoked = true),
    cut: () => hub.sockets.forEach((socket) => socket.destroy()),
    until: (done) => vi.waitFor(done, { timeout: 10_000 }),
  }
}

async function simulatedWorld(): Promise<World> {
  const clock = new SimClock()
  const outbox = new SimOutbox()
  const hub = new SimHub({ clock, random: new Random(1) })
  const facts: SocketFact[] = []
  let hear: (batch: unknown) => void = () => undefined
  let connections = 0
  const service = openSimSocket({
    hub,
    outbox,
    channel: {
      hear: (listener: (batch: unknown) => void) => {
        hear = listener
        return () => undefined
      },
    },
    count: () => (connections += 1),
    report: (fact: SocketFact) => void facts.push(fact),
    random: new Random(2),
    clock: clock.life(),
  })
  return {
    ask: async (command) => {
      const [answer] = service.handle([command])
      let isDone = false
      const done = Promise.resolve(answer).finally(() => (isDone = true))
      await settle()
      while (!isDone && (await clock.step(Infinity)));
      return done as Promise<SocketAnswer>
    },
    facts,
    post: (batch, rows) => hear({ batch, rows }),
    consent: (grant) => void (grant ? outbox.grant(false) : outbox.refuse()),
    arrived: () => hub.arrivals,
    leave: async () => hub.stop(),
    revoke: () => (hub.isRevoked = true),
    cut: () => hub.cutAll(),
    until: async (done) => {
      while (await clock.step(clock.now() + 1_000));
      done()
    },
  }
}

const WORLDS: [string, () => Promise<World>][] = [
  ['the socket', realWorld],
  ['the simulated socket', simulatedWorld],
]

describe.each(WORLDS)('%s', (_, make) => {
  const eventOf = (event_id: string): Row => ({
    event_id,
    body: JSON.stringify({ event_id, project_uuid: PROJECT, lamport_clock: 1 }),
  })
  const deliver = (world: World, batch: number, ...ids: string[]): Promise<SocketAnswer> => {
    if (ids.length > 0) world.post(batch, ids.map(eventOf))
    return world.ask({ type: 'socket.deliver', sink: 'events', batch, frames: [] })
  }
  const delivered = (batch: number, accepted: readonly string[], unanswered = 0) => ({
    type: 'socket.delivered',
    sink: 'events',
    batch,
    accepted,
    rejected: [],
    unanswered,
  })

  /** With consent, on a connection that has greeted; answers its number. */
  async function connect(world: World): Promise<number> {
    world.consent(true)
    expect(await world.ask({ type: 'socket.authenticate' })).toEqual({
      type: 'socket.authenticated',
    })
    const opened = await world.ask({ type: 'socket.open' })
    if (opened.type !== 'socket.opened') throw new Error(JSON.stringify(opened))
    const { connection } = opened
    const greeting = { type: 'socket.snapshot', connection, takes: [] }
    await world.until(() => expect(world.facts).toContainEqual(expect.objectContaining(greeting)))
    return connection
  }

  it('numbers its connections and tells when the hub has greeted', async () => {
    const world = await make()
    const first = await connect(world)
    expect(await world.ask({ type: 'socket.close' })).toEqual({ type: 'socket.closing' })
    expect(await connect(world)).toBeGreaterThan(first)
  })

  it('delivers a batch in order, and says of each event what the hub said', async () => {
    const world = await make()
    await connect(world)
    const ids = ['a', 'b', `c${POISON}`, 'd']
    expect(await deliver(world, 1, ...ids)).toEqual({
      ...delivered(1, ['a', 'b', 'd']),
      rejected: [{ id: `c${POISON}`, reason: 'schema_violation', isFinal: true }],
      credit: expect.any(Number),
    })
    expect(world.arrived()).toEqual(ids)
  })

  it('takes what was posted under its number only', async () => {
    const world = await make()
    await connect(world)
    world.post(7, [eventOf('a')])
    expect(await deliver(world, 8)).toMatchObject(delivered(8, []))
    expect(world.arrived()).toEqual([])
  })

  it('delivers commits as they come with the command', async () => {
    const world = await make()
    await connect(world)
    const { id, frame: text } = commitItem(1, PROJECT)
    const frame = JSON.parse(text) as object
    const command = { type: 'socket.deliver', sink: 'commits', batch: 1, frames: [frame] }
    expect(await world.ask(command as never)).toMatchObject({ accepted: [id], unanswered: 0 })
    expect(world.arrived()).toEqual([id])
  })

  it('lets nothing out that consent does not cover, until it is opened under the next one', async () => {
    const world = await make()
    await connect(world)
    world.consent(false)
    expect(await deliver(world, 1, 'a')).toMatchObject(delivered(1, [], 1))
    world.consent(true)
    expect(await deliver(world, 2, 'b')).toMatchObject(delivered(2, [], 1))
    await connect(world)
    expect(await deliver(world, 3, 'c')).toMatchObject(delivered(3, ['c']))
    expect(world.arrived()).toEqual(['c'])
  })

  it('tells of a connection that is cut, and delivers nothing without one', async () => {
    const world = await make()
    const connection = await connect(world)
    world.cut()
    const closed = { type: 'socket.closed', connection, class: 'transient' }
    await world.until(() => expect(world.facts.at(-1)).toMatchObject(closed))
    expect(await deliver(world, 1, 'a')).toMatchObject(delivered(1, []))
  })

  it('is refused for now by a hub that is away, and until there is another login by one that knows it not', async () => {
    const world = await make()
    world.revoke()
    expect(await world.ask({ type: 'socket.authenticate' })).toMatchObject({
      type: 'socket.refused',
      class: 'unauthenticated',
      error: { code: 'NOT_AUTHENTICATED' },
    })
    await world.leave()
    expect(await world.ask({ type: 'socket.authenticate' })).toMatchObject({
      type: 'socket.refused',
      class: 'transient',
      error: { code: 'HUB_UNREACHABLE' },
    })
  })
})
