/**
 * What a hub has and its client doesn't know of, and the other way round, by both ways and on both backends (F28): a verdict
 * is lost behind what it is about, the hub dies on either side of it, or it comes back without what it had acknowledged.
 */
import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { NatsProcess } from '../../scripts/nats-process.mjs'
import { findNatsServer } from '../../scripts/nats-server.mjs'
import { BACKENDS } from '../hub/both-backends.ts'
import { emitNote } from '../support/drafts.ts'
import { rowsInTurn } from '../support/rows.ts'
import { TestHub, TestMachine } from '../support/test-machine.ts'
import { type Passing, VerdictProxy } from '../support/verdict-proxy.ts'

const WAYS = ['socket', 'HTTP'] as const
const EVENTS = 5
/** One way and trouble each time, on each backend. */
const ROWS_EVERY = 8
const TIMEOUT_MS = 120_000

type Recorded = { readonly events: ReadonlySet<unknown>; readonly commit: string }

class LossyWorld {
  readonly machine = new TestMachine()
  readonly hub = new TestHub(this.machine)
  readonly proxy: VerdictProxy
  readonly #nats: NatsProcess | null
  root = ''
  uuid = ''

  private constructor(proxy: VerdictProxy, nats: NatsProcess | null) {
    this.proxy = proxy
    this.#nats = nats
  }

  static async make(backend: string, way: string): Promise<LossyWorld> {
    const world = new LossyWorld(await VerdictProxy.open(), await serverOf(backend))
    onTestFinished(() => world.#close())
    world.proxy.takesSockets = way === 'socket'
    const [project] = await Promise.all([world.machine.project('seabird'), world.startHub()])
    Object.assign(world, project)
    await world.hub.login(world.root)
    return world
  }

  async startHub(): Promise<void> {
    const { hub, proxy } = this
    const shared = this.#nats === null ? [] : ['--backend', 'nats', '--nats', this.#nats.url]
    await hub.start(hub.port, '--public-url', proxy.url, ...shared)
    proxy.hubPort = hub.port
    hub.url = proxy.url
  }

  /** What makes the hub's data durable, as it is now, to be put back over what comes later. */
  async keepDisk(): Promise<() => Promise<void>> {
    const copy = join(this.machine.folder, 'copy')
    const disk = this.#nats?.folder ?? this.hub.dataDir
    // The mark beside the database is there to tell that it was put back.
    const filter = (path: string): boolean => !path.endsWith('hub.mark')
    const whileDown = async (work: () => void): Promise<void> => {
      await this.hub.kill()
      await this.#nats?.kill()
      work()
      await this.#nats?.start()
      await this.startHub()
    }
    await whileDown(() => cpSync(disk, copy, { recursive: true, filter }))
    return () =>
      whileDown(() => {
        for (const name of readdirSync(disk).filter(filter)) {
          rmSync(join(disk, name), { recursive: true })
        }
        cpSync(copy, disk, { recursive: true })
      })
  }

  /** Some events, and a decision that is committed. */
  async record(): Promise<Recorded> {
    const { machine, root } = this
    const events: string[] = []
    for (let n = 0; n < EVENTS; n += 1) {
      events.push(String((await machine.ok(root, emitNote(`${n}`)))['event_id']))
    }
    const { mission_slug } = await machine.ok(root, ['mission', 'create', 'harbour'])
    const mission = ['--mission', String(mission_slug)]
    const question = ['decision', 'request', ...mission, '--question', 'Which one?']
    const { decision_id } = await machine.ok(root, question)
    const answer = ['decision', 'answer', String(decision_id), ...mission, '--answer', 'This one']
    const { commit } = await machine.ok(root, answer)
    return { events: new Set(events), commit: String(commit) }
  }

  /** Delivers as far as that goes. */
  async deliver(): Promise<void> {
    await this.machine.run(this.root, ['sync', 'now', '--timeout', '2'])
  }

  /** The hub has each once, and nothing waits. */
  async expectDelivered({ events, commit }: Recorded): Promise<void> {
    const { machine, root, hub, uuid } = this
    // Commits go by a socket alone, which is missed where there is none.
    const { document } = await machine.run(root, ['sync', 'now', '--timeout', '10'])
    expect(document).toMatchObject({ ok: true, pending: 0 })
    const { takesSockets } = this.proxy
    this.proxy.takesSockets = true
    expect(await machine.ok(root, ['sync', 'now'])).toMatchObject({ delivered: 0, reason: null })
    this.proxy.takesSockets = takesSockets
    const held = (await hub.rows('event', uuid)).map(({ event }) => event['event_id'])
    const commits = (await hub.rows('commit', uuid)).map((row) => row.commit['git_hash'])
    expect(new Set(held)).toEqual(events)
    expect(held).toHaveLength(EVENTS)
    expect(commits).toEqual([commit])
    const { counts } = await machine.ok(root, ['queue', 'stats'])
    expect(counts).toMatchObject({ pending: 0, inflight: 0, quarantined: 0 })
  }

  async #close(): Promise<void> {
    await this.machine.close()
    await this.proxy[Symbol.asyncDispose]()
    await this.#nats?.end()
  }
}

async function serverOf(backend: string): Promise<NatsProcess | null> {
  if (backend !== 'nats') return null
  const machine = new TestMachine()
  onTestFinished(() => machine.close())
  const folder = join(machine.folder, 'nats')
  mkdirSync(folder)
  return NatsProcess.start({ program: findNatsServer() ?? '', folder })
}

/** What goes wrong, before all has to be delivered. */
const TROUBLES: Readonly<Record<string, (world: LossyWorld) => Promise<Recorded>>> = {
  'whose verdicts are lost': async (world) => {
    const recorded = await world.record()
    let lost = 0
    world.proxy.loses = (passing) => {
      lost += passing === 'verdict' ? 1 : 0
      return passing === 'verdict'
    }
    await world.deliver()
    expect(lost).toBeGreaterThan(0)
    world.proxy.loses = () => false
    return recorded
  },
  'that dies before it has got them': (world) => dyingAt(world, 'work'),
  'that dies once it has said so': (world) => dyingAt(world, 'verdict'),
  'that comes back without them': async (world) => {
    const putBack = await world.keepDisk()
    const recorded = await world.record()
    await world.expectDelivered(recorded)
    await putBack()
    return recorded
  },
}

/** Its verdict is still heard: then the hub must have what it is about. */
async function dyingAt(world: LossyWorld, passing: Passing): Promise<Recorded> {
  const recorded = await world.record()
  const deaths: Promise<void>[] = []
  world.proxy.loses = (what) => {
    if (what === passing) deaths.push(world.hub.kill())
    return what === 'work' && deaths.length > 0
  }
  await world.deliver()
  expect(deaths.length).toBeGreaterThan(0)
  await Promise.all(deaths)
  world.proxy.loses = () => false
  await world.startHub()
  return recorded
}

const ROWS = BACKENDS.flatMap((backend) =>
  WAYS.flatMap((way) =>
    Object.entries(TROUBLES).map(([trouble, meet]) => ({ backend, way, trouble, meet })),
  ),
)

it.each(rowsInTurn(ROWS, ROWS_EVERY))(
  'all is once at a hub on $backend, reached by $way, $trouble',
  async ({ backend, way, meet }) => {
    const world = await LossyWorld.make(backend, way)
    await world.expectDelivered(await meet(world))
  },
  TIMEOUT_MS,
)
