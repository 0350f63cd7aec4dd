/** What the machines may rely on in a store: the contract of the thread's resource, and of what stands for it in the simulation. */
import Database from 'better-sqlite3'
import { BroadcastChannel } from 'node:worker_threads'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { NO_IDENTITY } from '#dist/project/identity-literals.js'
import { readLogin, writeLogin } from '#dist/project/login/login.js'
import type { StoreAnswer, StoreCommand, StoreFact } from '#dist/workers/store/protocol.js'
import { openStoreService } from '#dist/workers/store/store-service.js'
import { SimClock } from '../../../scripts/prove/simulation/sim-clock.mjs'
import { openSimStore, SimOutbox } from '../../../scripts/prove/simulation/sim-store.mjs'
import { idOf, NODE, PROJECT, temporaryFolder, textOf } from '../../support/store-fixtures.ts'

type Opened = {
  ask(command: StoreCommand): StoreAnswer
  close(): void
  readonly facts: readonly StoreFact[]
}
type World = {
  /** One more process. */
  open(): Promise<Opened>
  readonly login: string
  readonly batches: { batch: number; rows: readonly { event_id: string; body: string }[] }[]
  /** Each write meanwhile meets a disk that fails. */
  failing(work: () => void): void
  /** Lets what is on its way arrive. */
  until(done: () => void): Promise<void>
}

async function realWorld(): Promise<World> {
  const state = temporaryFolder()
  writeLogin(state, { hub: 'http://127.0.0.1:9', token: 'a-token-of-length', team_slug: 'acme' })
  const reading = readLogin(state)
  const batches: World['batches'] = []
  const name = `store-contract-${state}`
  const channel = new BroadcastChannel(name)
  onTestFinished(() => channel.close())
  channel.addEventListener('message', (message: unknown) => {
    batches.push((message as { data: World['batches'][number] }).data)
  })
  const root = join(state, 'repository')
  const input = {
    state,
    repository: { root, worktree: root, gitDir: root, commonDir: root },
    identity: { uuid: PROJECT, slug: 'project', build_id: 'build' } as never,
    nodeId: NODE,
    literals: NO_IDENTITY,
    channel: name,
    capacity: null,
  }
  const pulse = { beat: () => undefined, rest: () => true }
  return {
    login: reading.state === 'present' ? reading.login.id : '',
    batches,
    failing: failingDisk,
    until: (done) => vi.waitFor(done),
    open: async () => {
      const facts: StoreFact[] = []
      const service = await openStoreService(input, (fact) => facts.push(fact), pulse)
      return opened(service as never, facts)
    },
  }
}

async function simulatedWorld(): Promise<World> {
  const outbox = new SimOutbox()
  const clock = new SimClock()
  const batches: World['batches'] = []
  const say = (batch: never): void => void batches.push(batch)
  return {
    login: 'a login',
    batches,
    failing: (work) => {
      outbox.isBroken = true
      work()
      outbox.isBroken = false
    },
    until: async (done) => {
      while (await clock.step(clock.now() + 1_000));
      done()
    },
    open: async () => {
      const facts: StoreFact[] = []
      const report = (fact: StoreFact): void => void facts.push(fact)
      const service = openSimStore({ outbox, say, report, clock })
      // What one process writes, the others see.
      const ask = (command: StoreCommand): StoreAnswer => {
        const [answer] = service.handle([command])
        if (command.type === 'store.append' || command.type === 'store.consent') {
          outbox.touched(service)
        }
        return answer as StoreAnswer
      }
      return { ...opened(service, facts), ask }
    },
  }
}

function opened(
  service: {
    handle(commands: readonly StoreCommand[]): readonly StoreAnswer[]
    close(): void
  },
  facts: StoreFact[],
): Opened {
  let isOpen = true
  const close = (): void => {
    if (isOpen) service.close()
    isOpen = false
  }
  onTestFinished(close)
  const ask = (command: StoreCommand): StoreAnswer => {
    const [answer] = service.handle([command])
    if (answer === undefined) throw new Error('there is no answer')
    return answer
  }
  return { ask, close, facts }
}

/** As SQLite says it where the disk gives an error. */
function failingDisk(work: () => void): void {
  const database = new Database(':memory:')
  const statement = Object.getPrototypeOf(database.prepare('SELECT 1')) as Database.Statement
  database.close()
  const failing = vi.spyOn(statement, 'run').mockImplementation(() => {
    throw new Database.SqliteError('disk I/O error', 'SQLITE_IOERR_WRITE')
  })
  try {
    work()
  } finally {
    failing.mockRestore()
  }
}

const WORLDS: [string, () => Promise<World>][] = [
  ['the store', realWorld],
  ['the simulated store', simulatedWorld],
]

describe.each(WORLDS)('%s', (_, make) => {
  const append = (...numbers: number[]): StoreCommand => ({
    type: 'store.append',
    events: numbers.map((number) => textOf(number)),
  })
  const consent = (grant: boolean): StoreCommand => ({
    type: 'store.consent',
    grant,
    fromNow: false,
  })
  const settle = (...accepted: number[]): StoreCommand => ({
    type: 'store.settle',
    accepted: accepted.map(idOf),
    rejected: [],
  })
  const target = ({ login }: World, epoch = 'first'): StoreCommand => {
    return { type: 'store.target', login, epoch }
  }
  let batch = 0
  const claim = (max = 100): StoreCommand => ({ type: 'store.claim', batch: (batch += 1), max })

  /** With consent, the lease, and a hub that has greeted. */
  async function linked() {
    const world = await make()
    const one = await world.open()
    one.ask(consent(true))
    const leased = { type: 'store.leased', held: true, granted: true }
    expect(one.ask({ type: 'store.lease' })).toEqual(leased)
    one.ask(target(world))
    const claimed = async (max?: number): Promise<string[]> => {
      const before = world.batches.length
      const answer = one.ask(claim(max))
      if (answer.type !== 'store.claimed') throw new Error(JSON.stringify(answer))
      if (answer.count === 0) return []
      await world.until(() => expect(world.batches.length).toBe(before + 1))
      const posted = world.batches.at(-1)
      expect(posted).toMatchObject({ batch: answer.batch })
      expect(posted?.rows).toHaveLength(answer.count)
      return posted?.rows.map(({ event_id }) => event_id) ?? []
    }
    return { world, one, claimed }
  }

  it('ticks the clock in the order of the events, and knows an event again', async () => {
    const one = await (await make()).open()
    const first = one.ask(append(1, 2))
    expect(first).toMatchObject({
      type: 'store.appended',
      receipts: [
        { event_id: idOf(1), lamport_clock: 1 },
        { event_id: idOf(2), lamport_clock: 2 },
      ],
      live: false,
      undelivered: 2,
    })
    expect(one.ask(append(2, 3))).toMatchObject({
      receipts: [{ lamport_clock: 2 }, { lamport_clock: 3 }],
      undelivered: 3,
    })
  })

  it('lets nobody claim without the lease, nor before a hub has greeted', async () => {
    const one = await (await make()).open()
    one.ask(consent(true))
    const refused = (code: string) => ({
      type: 'store.refused',
      error: { code, retryable: true },
    })
    expect(one.ask(claim())).toMatchObject(refused('LEASE_NOT_HELD'))
    one.ask({ type: 'store.lease' })
    expect(one.ask(claim())).toMatchObject(refused('NO_TARGET'))
  })

  it('gives the lease to one, and to the next when that one ends', async () => {
    const { world, one } = await linked()
    const other = await world.open()
    expect(one.ask({ type: 'store.lease' })).toMatchObject({ held: true })
    expect(other.ask({ type: 'store.lease' })).toMatchObject({ held: false })
    one.close()
    expect(other.ask({ type: 'store.lease' })).toMatchObject({ held: true })
  })

  it('claims the oldest first, and what has no verdict again', async () => {
    const { one, claimed } = await linked()
    one.ask(append(1, 2, 3))
    expect(await claimed(2)).toEqual([1, 2].map(idOf))
    expect(one.ask(settle(1, 3))).toMatchObject({ type: 'store.settled', undelivered: 2 })
    expect(await claimed()).toEqual([2, 3].map(idOf))
    one.ask(settle(2, 3))
    expect(await claimed()).toEqual([])
  })

  it('offers no event again that was refused for good', async () => {
    const { one, claimed } = await linked()
    one.ask(append(1, 2))
    await claimed()
    const rejected = [{ event_id: idOf(1), reason: 'schema_violation', isFinal: true }]
    one.ask({ type: 'store.settle', accepted: [], rejected })
    expect(await claimed()).toEqual([idOf(2)])
    expect(one.ask({ type: 'store.count' })).toMatchObject({ counts: { quarantined: 1 } })
  })

  it('offers everything again to a hub that has another epoch', async () => {
    const { world, one, claimed } = await linked()
    one.ask(append(1))
    await claimed()
    one.ask(settle(1))
    expect(await claimed()).toEqual([])
    one.ask(target(world, 'second'))
    expect(await claimed()).toEqual([idOf(1)])
  })

  it('holds what consent does not cover, for good', async () => {
    const { one, claimed } = await linked()
    one.ask(append(1))
    expect(await claimed()).toEqual([idOf(1)])
    one.ask(consent(false))
    one.ask(append(2))
    expect(await claimed()).toEqual([])
    one.ask(consent(true))
    one.ask(append(3))
    expect(await claimed()).toEqual([idOf(3)])
  })

  it('takes no verdict for an event of an earlier consent', async () => {
    const { one, claimed } = await linked()
    one.ask(append(1))
    await claimed()
    one.ask(consent(false))
    one.ask(consent(true))
    one.ask(settle(1))
    expect(one.ask({ type: 'store.count' })).toMatchObject({ counts: { delivered: 0, held: 1 } })
  })

  it('lets be answered, and nothing more go out, while consent is sealed', async () => {
    const { one, claimed } = await linked()
    one.ask(append(1, 2, 3))
    await claimed(2)
    one.ask({ type: 'store.freeze' })
    one.ask(settle(1))
    expect(await claimed()).toEqual([])
    expect(one.ask({ type: 'store.count' })).toMatchObject({ counts: { delivered: 1, held: 2 } })
  })

  it('says in each receipt whether a link is live', async () => {
    const { one } = await linked()
    const news = { connection: 'live', reason: null, next_try_at: null } as const
    one.ask({ type: 'store.publishLink', state: 'live', ...news })
    expect(one.ask(append(1))).toMatchObject({ live: true })
    one.ask({ type: 'store.release' })
    expect(one.ask(append(2))).toMatchObject({ live: false })
  })

  it('tells the holder what another process changes', async () => {
    const { world, one, claimed } = await linked()
    const other = await world.open()
    other.ask(append(1))
    const told = (granted: boolean) => ({ type: 'store.changed', granted })
    await world.until(() => expect(one.facts.at(-1)).toEqual(told(true)))
    expect(await claimed()).toEqual([idOf(1)])
    other.ask(consent(false))
    await world.until(() => expect(one.facts.at(-1)).toEqual(told(false)))
    expect(other.facts).toEqual([])
  })

  it('gives the lease up with a store that failed, and says so to its holder', async () => {
    const { world, one, claimed } = await linked()
    world.failing(() => {
      expect(one.ask(append(1))).toMatchObject({
        type: 'store.refused',
        error: { code: 'OUTBOX_IO', retryable: true },
      })
    })
    expect(one.facts).toEqual([{ type: 'store.leaseLost' }])
    expect(one.ask(append(1))).toMatchObject({ receipts: [{ lamport_clock: 1 }] })
    expect(one.ask(claim())).toMatchObject({ error: { code: 'LEASE_NOT_HELD' } })
    expect(one.ask({ type: 'store.lease' })).toMatchObject({ held: true })
    one.ask(target(world))
    expect(await claimed()).toEqual([idOf(1)])
  })

  it('that holds no lease has none to lose', async () => {
    const world = await make()
    const one = await world.open()
    world.failing(() => void one.ask(append(1)))
    expect(one.facts).toEqual([])
  })
})
