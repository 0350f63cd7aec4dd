import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { SimulatedClock } from 'xstate'
import * as kittiwake from 'kittiwake'
import type { Draft, Receipt, Runtime, RuntimeOptions } from 'kittiwake'
import { locateRepository } from '#dist/project/git/locate.js'
import { repositoryKeyOf, unidentifiedOutboxPath } from '#dist/project/state-directory.js'
import { writeLogin } from '#dist/project/login/login.js'
import { readAll, startHub } from './hub/support.ts'
import { filesOf } from './support/files-of.ts'
import { openModules } from './support/open-modules.ts'
import { reaches, RuntimeWorld } from './support/runtime-world.ts'
import { type Script, ScriptedHub } from './workers/socket/scripted-hub.ts'

function note(text: string | number, more: Partial<Draft> = {}): Draft {
  return { event_type: 'NoteTaken', aggregate_id: 'WP01', payload: { note: text }, ...more }
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}

/** The code that a promise was refused with, or null where it wasn't. */
function codeOf(promise: Promise<unknown>): Promise<string | null> {
  return promise.then(
    () => null,
    (error: unknown) => (error as { code: string }).code,
  )
}

/** Stands still until it is moved, and remembers what it was asked to wait for. */
class RecordingClock extends SimulatedClock {
  readonly delays: number[] = []
  #heard: () => void = () => undefined

  override setTimeout(fn: () => void, timeout: number): number {
    this.delays.push(timeout)
    this.#heard()
    return super.setTimeout(fn, timeout)
  }

  /** Resolves at the next wait that it is asked for. */
  async next(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#heard = resolve
    })
  }
}

/** The JavaScript files that this process, its threads included, has open. */
describe('the package', () => {
  it('exports what the manual promises and nothing else', () => {
    expect(Object.keys(kittiwake).sort()).toEqual([
      'CUTOVER_ARTIFACT',
      'Causality',
      'Clock',
      'ErrorLog',
      'GateError',
      'GitError',
      'InputError',
      'KittiwakeError',
      'LinkError',
      'ProjectError',
      'RuntimeError',
      'SanitizeError',
      'StoreError',
      'TimestampSubstitutionError',
      'assertCutover',
      'assertOccurrencePreserved',
      'classifyEnvelope',
      'classifyLaneName',
      'commit',
      'compareEvents',
      'createRuntime',
      'findConcurrent',
      'isConcurrent',
      'isPreCutover',
      'memoryClockStorage',
      'mergeCounter',
      'mergeSet',
      'mergeState',
      'reduceEvents',
      'sanitizeEvent',
      'topologicalOrder',
      'validateEvent',
    ])
  })

  it('refuses what is no repository with a typed error that says what to do', async () => {
    const world = new RuntimeWorld()
    const refused = await kittiwake
      .createRuntime({ root: world.home })
      .catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(kittiwake.ProjectError)
    const { code, hint } = refused as kittiwake.ProjectError
    expect([code, hint?.length !== 0]).toEqual(['NOT_A_REPOSITORY', true])
    expect((refused as kittiwake.ProjectError).retryable()).toBe(false)
  })
})

describe('emit', () => {
  it('answers with the receipt of an event that is stored (L2)', async () => {
    const world = new RuntimeWorld()
    const uuid = await world.init()
    const runtime = await world.open()
    const receipt = await runtime.emit(note('first'))
    expect(receipt).toMatchObject({
      event_type: 'NoteTaken',
      lamport_clock: 1,
      project_uuid: uuid,
      route: 'queued',
      durable: true,
    })
    expect(world.events(uuid)).toEqual([
      { event_id: receipt.event_id, lamport: 1, state: 'held', note: 'first' },
    ])
  })

  it('refuses the bad events of a batch alone; the rest keeps its order and its clock', async () => {
    const world = new RuntimeWorld()
    const uuid = await world.init()
    const runtime = await world.open()
    const drafts: readonly (readonly [Draft, string | null])[] = [
      [note(0), null],
      [note('x', { event_type: 'not a type' }), 'DRAFT_INVALID'],
      [note(1), null],
      [note('x', { event_type: 'DecisionInputRequested' }), 'EVENT_LEDGER_ONLY'],
      [note('x', { event_type: 'GlossarySenseUpdated' }), 'EVENT_LOCAL_ONLY'],
      [note(2), null],
      [note('x', { mission: 'nowhere' }), 'MISSION_NOT_FOUND'],
      [note('x'.repeat(1024 * 1024)), 'SANITIZE_TOO_LARGE'],
      [note(3), null],
      [note('x', { payload: { a: 1n } as never }), 'SANITIZE_TYPE'],
      [note(4), null],
    ]
    const outcomes = await Promise.allSettled(drafts.map(([draft]) => runtime.emit(draft)))
    const codes = outcomes.map((outcome) =>
      outcome.status === 'fulfilled' ? null : (outcome.reason as { code: string }).code,
    )
    expect(codes).toEqual(drafts.map(([, code]) => code))
    expect(world.events(uuid).map(({ lamport, note: text }) => [lamport, text])).toEqual(
      range(5).map((index) => [index + 1, index]),
    )
  })

  it('keeps what is recorded before `init`, warns once, and hands it over in order', async () => {
    const world = new RuntimeWorld()
    const runtime = await world.open()
    const warnings: string[] = []
    runtime.on('warning', ({ code }) => warnings.push(code))
    const before = [await runtime.emit(note(0)), await runtime.emit(note(1))]
    expect(before.map(({ route, project_uuid }) => [route, project_uuid])).toEqual([
      ['queue_only', null],
      ['queue_only', null],
    ])
    expect(warnings).toEqual(['NO_IDENTITY'])
    const { commonDir } = await locateRepository(world.root)
    expect(existsSync(unidentifiedOutboxPath(world.state, repositoryKeyOf(commonDir)))).toBe(true)
    expect((await runtime.status()).unidentified).toBe(2)
    const uuid = await world.init()
    const after = await runtime.emit(note(2))
    expect(after.route).toBe('queued')
    expect(world.events(uuid).map(({ event_id, note: text }) => [event_id, text])).toEqual(
      [...before, after].map(({ event_id }, index) => [event_id, index]),
    )
    expect(await runtime.adopt()).toBe(2)
  })

  it('stores every event once while `init` runs beside it', async () => {
    const world = new RuntimeWorld()
    const runtime = await world.open()
    const emitting = range(60).map((index) => runtime.emit(note(index)))
    const [uuid] = await Promise.all([world.init(), ...emitting])
    const receipts = await Promise.all(emitting)
    await runtime.emit(note(60))
    const rows = world.events(uuid)
    expect(rows.map(({ note: text }) => text)).toEqual(range(61))
    expect(rows.slice(0, 60).map(({ event_id }) => event_id)).toEqual(
      receipts.map(({ event_id }) => event_id),
    )
  })

  it('says that the outbox is nearly full, and refuses when it is', async () => {
    const world = new RuntimeWorld()
    await world.init()
    const runtime = await world.open({ capacity: 10 })
    const warnings: string[] = []
    runtime.on('warning', ({ code }) => warnings.push(code))
    for (const index of range(7)) await runtime.emit(note(index))
    expect(warnings).toEqual([])
    for (const index of range(3)) await runtime.emit(note(index))
    expect(new Set(warnings)).toEqual(new Set(['OUTBOX_NEARLY_FULL']))
    const refused = await runtime.emit(note('x')).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'OUTBOX_FULL' })
    expect((refused as kittiwake.StoreError).retryable()).toBe(true)
  })
})

describe('consent', () => {
  it('comes from no file and no variable: neither grants it, whatever it says', async () => {
    const world = await RuntimeWorld.withProject()
    const names = ['KITTIWAKE_SYNC', 'SPEC_KITTY_ENABLE_SAAS_SYNC', 'KITTIWAKE_CONSENT']
    for (const name of names) process.env[name] = '1'
    onTestFinished(() => names.forEach((name) => delete process.env[name]))
    const config = readFileSync(join(world.root, '.kittify/config.yaml'), 'utf8')
    const runtime = await world.open()
    for (const said of ['enabled: true', 'enabled: "true"', 'consent: granted', '[']) {
      world.repository.write('.kittify/config.yaml', `${config}sync:\n  ${said}\n`)
      expect((await runtime.status()).consent, said).toBe('absent')
    }
    world.repository.write('.kittify/config.yaml', `${config}sync:\n  enabled: true\n`)
    expect(await codeOf(runtime.sync.start())).toBe('NO_CONSENT')
  })
})

describe('what can not be delivered', () => {
  it('is refused with a type where there is no identity', async () => {
    const early = await new RuntimeWorld().open()
    await early.emit({ event_type: 'NoteTaken' })
    expect(await codeOf(early.sync.now())).toBe('NO_IDENTITY')
  })

  // Whoever runs the tests can't make folders there.
  it.runIf(process.platform === 'linux')('is refused where the state can not be kept', async () => {
    const world = await RuntimeWorld.withProject()
    const nowhere = await world.open({ stateDirectory: '/sys/kittiwake' })
    const calls = [
      nowhere.emit({ event_type: 'NoteTaken' }),
      nowhere.sync.now(),
      nowhere.sync.optIn(),
      nowhere.sync.start(),
    ]
    const codes = await Promise.all(calls.map(codeOf))
    expect(codes).toEqual(calls.map(() => 'STATE_UNREACHABLE'))
  })
})

describe('what can not be', () => {
  it('is refused with a type: options that there are not, and names that nobody tells', async () => {
    const world = await RuntimeWorld.withProject()
    const open = (options: object | null) => kittiwake.createRuntime(options as RuntimeOptions)
    const bad = [null, { stateDir: '/tmp/x' }, { root: 5 }, { capacity: 0 }, { link: 'maybe' }]
    const codes = await Promise.all(bad.map((options) => codeOf(open(options))))
    expect(codes).toEqual(bad.map(() => 'OPTIONS_INVALID'))
    const runtime = await world.open()
    const listen = async (name: string, listener: unknown) =>
      runtime.on(name as 'link', listener as () => void)
    expect(await codeOf(listen('linked', () => undefined))).toBe('LISTENER_INVALID')
    expect(await codeOf(listen('link', null))).toBe('LISTENER_INVALID')
  })
})

describe('two runtimes on one repository', () => {
  it('share the clock and the ledger', async () => {
    const world = new RuntimeWorld()
    const uuid = await world.init()
    const mission = await world.createMission('harbour')
    const runtimes = [await world.open(), await world.open()] as const
    const receipts = await Promise.all(
      range(40).map((index) => runtimes[index % 2 === 0 ? 0 : 1].emit(note(index))),
    )
    const clocks = receipts.map(({ lamport_clock }) => lamport_clock).sort((a, b) => a - b)
    expect(clocks).toEqual(range(40).map((index) => index + 1))
    expect(world.events(uuid)).toHaveLength(40)
    const answers = await Promise.all(
      range(6).map(async (index) => {
        const { decisions } = runtimes[index % 2 === 0 ? 0 : 1]
        const { decision_id } = await decisions.request({ mission, question: `Q${index}` })
        return decisions.answer({ mission, decision_id, answer: `A${index}` })
      }),
    )
    expect(answers.map(({ committed }) => committed)).toEqual(range(6).map(() => true))
    const branch = `kitty/mission-${mission}`
    const log = world.repository.git(
      'show',
      `${branch}:kitty-specs/${mission}/decisions.events.jsonl`,
    )
    expect(log.trim().split('\n')).toHaveLength(12)
    expect(world.repository.git('rev-list', '--merges', branch)).toBe('')
    expect(world.repository.fsck()).toBe('')
  })

  it('hold one link between them, and the second takes over with the next event', async () => {
    const world = new RuntimeWorld()
    const uuid = await world.init()
    const hub = await startHub()
    world.login(hub)
    await world.optIn()
    const [first, second] = [await world.open(), await world.open({ link: 'auto' })]
    const firstIsLive = reaches(first, 'live')
    await first.sync.start()
    await firstIsLive
    expect(await codeOf(second.sync.start())).toBe('LINK_HELD')
    expect((await second.emit(note(0))).route).toBe('live')
    expect(second.system.workerStates.socket).toBe('idle')
    await first.stop()
    const secondIsLive = reaches(second, 'live')
    await second.emit(note(1))
    await secondIsLive
    expect(await second.sync.now()).toMatchObject({ pending: 0, reason: null })
    const stored = await readAll(hub.hub, hub.token, uuid)
    expect(stored.map(({ event }) => event.payload)).toEqual([{ note: 0 }, { note: 1 }])
  })
})

describe('what a call is given', () => {
  it('is read as it was at the call, whatever the caller makes of it meanwhile', async () => {
    const world = await RuntimeWorld.withProject()
    const mission = await world.createMission('harbour')
    const { decisions, workPackages, glossary, focus } = await world.open()
    const asked = { mission, question: 'Q', options: ['a'] }
    const made = { mission, wp_id: 'WP01' }
    const seen = { mission, term: 'wren' }
    const declared = { mission, wp: 'WP01' }
    const calls = [
      decisions.request(asked),
      workPackages.create(made),
      glossary.observe(seen),
      focus.declare(declared),
    ] as const
    asked.options.push('')
    made.wp_id = declared.wp = seen.term = ''
    const [{ decision_id }, created, observed, present] = await Promise.all(calls)
    expect(decision_id).not.toBe('')
    expect([created.wp_id, observed.term, present.wp]).toEqual(['WP01', 'wren', 'WP01'])
  })

  it('stays with the runtime that it was opened with', async () => {
    const world = await RuntimeWorld.withProject()
    const options = { root: world.root, stateDirectory: world.state, link: 'manual' as const }
    const opening = kittiwake.createRuntime(options)
    options.root = world.home
    await using runtime = await opening
    expect((await runtime.emit(note(1))).route).toBe('queued')
  })
})

describe('a decision that can not be taken', () => {
  it('is refused with the fields that are wrong, and nothing of what it holds is told (L4)', async () => {
    const world = await RuntimeWorld.withProject()
    const mission = await world.createMission('harbour')
    const runtime = await world.open()
    const { decisions } = runtime
    const thrower = {
      mission,
      get question(): string {
        throw new Error('wren')
      },
    }
    const calls = [
      [decisions.request(thrower), 'it can not be read'],
      [decisions.request({ mission, question: '' }), 'check question'],
      [decisions.request({ mission, question: 'Q', wren: 1 } as never), 'check unknown key'],
      [decisions.answer({ mission, decision_id: 'x' } as never), 'check answer'],
    ] as const
    for (const [call, message] of calls) {
      const error: unknown = await call.catch((thrown: unknown) => thrown)
      const told = `this can't be asked of a decision: ${message}`
      expect(error).toMatchObject({ code: 'DECISION_INVALID', message: told })
      expect(JSON.stringify(error)).not.toContain('wren')
    }
  })
})

describe('stop', () => {
  it('can be called twice, and by `await using`', async () => {
    const world = new RuntimeWorld()
    await world.init()
    let leaked: Runtime
    {
      await using runtime = await world.open()
      await runtime.emit(note(0))
      leaked = runtime
    }
    expect(leaked.system.workerStates.store).toBe('stopped')
    await Promise.all([leaked.stop(), leaked.stop()])
  })

  it('refuses every call after it, and still shows the status', async () => {
    const world = new RuntimeWorld()
    const uuid = await world.init()
    const mission = await world.createMission('harbour')
    const runtime = await world.open()
    await runtime.emit(note(0))
    await runtime.stop()
    const calls = [
      runtime.emit(note(1)),
      runtime.decisions.request({ mission, question: 'Q' }),
      runtime.decisions.answer({ mission, decision_id: 'x', answer: 'A' }),
      runtime.heal(),
      runtime.sync.optIn(),
      runtime.sync.optOut(),
      runtime.sync.now(),
      runtime.sync.start(),
      runtime.sync.stop(),
      runtime.adopt(),
      runtime.system.store.ask({ type: 'store.count' }, 'store.counted'),
    ]
    const codes = await Promise.all(calls.map(codeOf))
    expect(codes).toEqual(calls.map(() => 'RUNTIME_STOPPED'))
    const status = await runtime.status()
    expect([status.events.held, status.workers.store]).toEqual([1, 'stopped'])
    expect(world.events(uuid)).toHaveLength(1)
  })

  it('settles what is under way: each event is stored or refused', async () => {
    const world = new RuntimeWorld()
    const uuid = await world.init()
    const mission = await world.createMission('harbour')
    const runtime = await world.open()
    const { decision_id } = await runtime.decisions.request({ mission, question: 'Q' })
    const answering = runtime.decisions.answer({ mission, decision_id, answer: 'A' })
    const emitting = Promise.allSettled(range(600).map((index) => runtime.emit(note(index))))
    await runtime.stop()
    const outcomes = await emitting
    const receipts = outcomes.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    // There is time for all of them; none may be lost, whether it was refused or not.
    expect(receipts).toHaveLength(600)
    expect(world.events(uuid).map(({ event_id }) => event_id)).toEqual(
      receipts.map(({ event_id }: Receipt) => event_id),
    )
    expect(await answering).toMatchObject({ committed: true })
  })

  it('comes with the signal, also with one that is aborted while the runtime opens', async () => {
    const world = new RuntimeWorld()
    await world.init()
    const options = { root: world.root, stateDirectory: world.state } as const
    const early = AbortSignal.abort()
    expect(await codeOf(kittiwake.createRuntime({ ...options, signal: early }))).toBe('ABORTED')
    const meanwhile = new AbortController()
    const opening = kittiwake.createRuntime({ ...options, signal: meanwhile.signal })
    meanwhile.abort()
    expect(await codeOf(opening)).toBe('ABORTED')
    const late = new AbortController()
    const runtime = await world.open({ signal: late.signal })
    await runtime.emit(note(0))
    late.abort()
    expect(await codeOf(runtime.emit(note(1)))).toBe('RUNTIME_STOPPED')
    await runtime.stop()
    expect(runtime.system.workerStates.store).toBe('stopped')
  })

  it.runIf(process.platform === 'linux')(
    'leaves no module open in a thread that it meets while it loads (I25)',
    async () => {
      const world = new RuntimeWorld()
      await world.init()
      // An earlier test of this process may have terminated a thread.
      const before = new Set(openModules())
      const opened = () => openModules().filter((module) => !before.has(module))
      let met = 0
      for (const _ of range(20)) {
        const runtime = await world.open()
        const { system } = runtime
        const refused = codeOf(system.store.ask({ type: 'store.count' }, 'store.counted'))
        // Without a rest: it reads few files, and each for a moment.
        while (system.workerStates.store === 'starting' && opened().length === 0) {
          await new Promise((resolve) => setImmediate(resolve))
        }
        met += opened().length
        await runtime.stop()
        expect(await refused).toBeOneOf(['RUNTIME_STOPPED', null])
      }
      expect(met).toBeGreaterThan(0)
      expect(opened()).toEqual([])
    },
  )

  const mute: Record<string, Script> = {
    'accepts and never answers': { token: () => undefined },
    'never upgrades': { upgrade: () => undefined },
    'never greets': { greet: () => undefined },
    'never acknowledges and never closes': {
      frame: (_, peer) => {
        // The close handshake needs the peer to read.
        peer.pause()
      },
    },
  }
  it.each(Object.entries(mute))('takes at most 3 s with a hub that %s', async (_, script) => {
    const world = new RuntimeWorld()
    await world.init()
    const hub = await ScriptedHub.start(script)
    onTestFinished(() => hub.stop())
    writeLogin(world.state, { hub: hub.url, token: 'kw_test_token_0123456789', team_slug: 'acme' })
    const runtime = await world.open()
    await runtime.sync.optIn()
    await runtime.emit(note(0))
    const state = { token: 'authenticating', upgrade: 'connecting', greet: 'awaitingSnapshot' }
    const [key = ''] = Object.keys(script)
    const reached = reaches(runtime, state[key as keyof typeof state] ?? 'live')
    await runtime.sync.start()
    await reached
    const from = performance.now()
    await runtime.stop()
    expect(performance.now() - from).toBeLessThan(3_000)
    expect(Object.values(runtime.system.workerStates)).not.toContain('ready')
  })

  it('refuses a call that waits for what never comes', async () => {
    const world = new RuntimeWorld()
    await world.init()
    world.login({ hub: { url: 'http://127.0.0.1:9' }, token: 'kwk_0123456789' })
    await world.optIn()
    const holder = await world.open()
    await holder.sync.start()
    await holder.emit(note(0))
    const clock = new RecordingClock()
    const runtime = await world.open({ clock })
    const waits = clock.next()
    const waiting = codeOf(runtime.sync.now())
    await waits
    await runtime.stop()
    expect(await waiting).toBe('RUNTIME_STOPPED')
  })
})

describe('the clock', () => {
  it('stamps the events, and decides when a thread is started again', async () => {
    const world = new RuntimeWorld()
    await world.init()
    const clock = new RecordingClock()
    clock.set(Date.parse('2031-05-06T07:08:09.010Z'))
    const runtime = await world.open({ clock, random: () => 0.999 })
    const { event_id } = await runtime.emit(note(0))
    const listed = await world.run(['queue', 'list', '--json'])
    const { events } = JSON.parse(listed.stdout) as {
      events: { event: { event_id: string; timestamp: string } }[]
    }
    expect(events.map(({ event }) => [event.event_id, event.timestamp])).toEqual([
      [event_id, '2031-05-06T07:08:09.010000+00:00'],
    ])
    runtime.system.workers.store.send({ type: 'thread.crashed', code: 'TEST', message: 'test' })
    expect(runtime.system.workerStates.store).toBe('restarting')
    const emitting = runtime.emit(note(1))
    // Full jitter over twice 50 ms.
    expect(clock.delays).toEqual([99])
    clock.increment(98)
    expect(runtime.system.workerStates.store).toBe('restarting')
    clock.increment(1)
    expect((await emitting).lamport_clock).toBe(2)
  })

  it('decides when the link is tried again', async () => {
    const world = new RuntimeWorld()
    await world.init()
    let tries = 0
    const server = createServer((socket) => {
      tries += 1
      socket.destroy()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    world.login({ hub: { url: `http://127.0.0.1:${port}` }, token: 'kwk_0123456789' })
    const clock = new RecordingClock()
    const runtime = await world.open({ clock, random: () => 0.999 })
    await runtime.sync.optIn()
    const backingOff = reaches(runtime, 'backingOff')
    await runtime.sync.start()
    await backingOff
    expect(tries).toBe(1)
    expect(clock.delays.at(-1)).toBe(499)
    const again = reaches(runtime, 'backingOff')
    clock.increment(499)
    await again
    expect(tries).toBe(2)
  })
})

describe('the link of a long-lived runtime', () => {
  it('starts with the first event, once', async () => {
    const world = new RuntimeWorld()
    const uuid = await world.init()
    const hub = await startHub()
    world.login(hub)
    await world.optIn()
    const runtime = await world.open({ link: 'auto' })
    const states: string[] = []
    runtime.on('link', ({ state }) => states.push(state))
    expect((await runtime.status()).link.state).toBe('offline')
    expect(runtime.system.workerStates.store).toBe('idle')
    const live = reaches(runtime, 'live')
    await Promise.all(range(20).map((index) => runtime.emit(note(index))))
    await live
    expect((await runtime.emit(note(20))).route).toBe('live')
    // A link that is up stays up when someone asks for delivery.
    expect(await runtime.sync.now()).toMatchObject({ pending: 0, reason: null })
    expect(runtime.sync.link.state).toBe('live')
    expect(states.filter((state) => state === 'connecting')).toHaveLength(1)
    expect(await readAll(hub.hub, hub.token, uuid)).toHaveLength(21)
  })

  it('does not start where `sync.auto_start` is false', async () => {
    const world = new RuntimeWorld()
    await world.init()
    const config = join('.kittify', 'config.yaml')
    world.repository.write(config, `${world.repository.read(config)}sync:\n  auto_start: false\n`)
    world.login(await startHub())
    await world.optIn()
    const runtime = await world.open({ link: 'auto' })
    const states: string[] = []
    runtime.on('link', ({ state }) => states.push(state))
    // Each would start it, and a start takes no longer than a few of them.
    for (const index of range(10)) await runtime.emit(note(index))
    expect(states).toEqual([])
  })

  it('comes with the consent and the login that the next event finds', async () => {
    const world = new RuntimeWorld()
    await world.init()
    const hub = await startHub()
    const runtime = await world.open({ link: 'auto' })
    await runtime.emit(note(0))
    await runtime.sync.optIn()
    await runtime.emit(note(1))
    world.login(hub)
    expect(runtime.system.workerStates.socket).toBe('idle')
    let live = reaches(runtime, 'live')
    await runtime.emit(note(2))
    await live
    await runtime.sync.optOut()
    expect(runtime.sync.link.state).toBe('offline')
    await runtime.emit(note(3))
    await runtime.sync.optIn()
    live = reaches(runtime, 'live')
    await runtime.emit(note(4))
    await live
  })

  it('comes back with consent that is given here after another process had withdrawn it', async () => {
    const world = new RuntimeWorld()
    await world.init()
    world.login(await startHub())
    await world.optIn()
    const runtime = await world.open()
    let live = reaches(runtime, 'live')
    await runtime.sync.start()
    await live
    const offline = reaches(runtime, 'offline')
    const other = await world.open()
    await other.sync.optOut()
    await offline
    live = reaches(runtime, 'live')
    await runtime.sync.optIn()
    await live
  })

  it('is tried with a new login as soon as there is one', async () => {
    const world = new RuntimeWorld()
    await world.init()
    const hub = await startHub()
    world.login({ ...hub, token: `kwk_${'0'.repeat(43)}` })
    await world.optIn()
    const runtime = await world.open({ link: 'auto' })
    const suspended = reaches(runtime, 'suspended')
    await runtime.emit(note(0))
    await suspended
    const live = reaches(runtime, 'live')
    world.login(hub)
    await runtime.emit(note(1))
    await live
  })

  it('stays down once it was stopped by hand it is started by hand', async () => {
    const world = new RuntimeWorld()
    await world.init()
    world.login(await startHub())
    await world.optIn()
    const runtime = await world.open({ link: 'auto' })
    const states: string[] = []
    let live = reaches(runtime, 'live')
    await runtime.emit(note(0))
    await live
    await runtime.sync.stop()
    runtime.on('link', ({ state }) => states.push(state))
    for (const index of range(10)) await runtime.emit(note(index))
    expect(states).toEqual([])
    live = reaches(runtime, 'live')
    await runtime.sync.start()
    await live
  })
})

describe('a listener', () => {
  it('that throws or rejects is reported, and the rest goes on', async () => {
    const world = new RuntimeWorld()
    await world.init()
    const runtime = await world.open()
    const told: string[] = []
    runtime.on('error', ({ code, message }) => told.push(`${code}: ${message}`))
    runtime.on('emitted', () => {
      throw new Error('a bug of the listener')
    })
    runtime.on('emitted', async () => Promise.reject(new Error('another one')))
    runtime.on('emitted', ({ lamport_clock }) => told.push(`emitted ${lamport_clock}`))
    runtime.inspect(() => {
      throw new Error('a bug of the inspector')
    })
    expect((await runtime.emit(note(0))).lamport_clock).toBe(1)
    await new Promise((resolve) => setImmediate(resolve))
    expect(told).toContain('emitted 1')
    expect(
      told.filter((line) => line === 'LISTENER_THREW: a listener of emitted threw'),
    ).toHaveLength(2)
    expect(told).toContain('OBSERVER_THREW: an inspector threw')
    expect((await runtime.emit(note(1))).lamport_clock).toBe(2)
  })
})

describe('status', () => {
  it('starts no thread, mints nothing and writes nothing (L14)', async () => {
    const world = new RuntimeWorld()
    const before = filesOf(world.root, world.home)
    const runtime = await world.open({ link: 'auto' })
    const status = await runtime.status()
    expect(status.workers).toEqual({ store: 'idle', git: 'idle', socket: 'idle' })
    await runtime.stop()
    expect(filesOf(world.root, world.home)).toEqual(before)
    expect(existsSync(world.state)).toBe(false)
  })

  it('leaves a project with events as it is, and shows what waits and why', async () => {
    const world = new RuntimeWorld()
    const uuid = await world.init()
    const writer = await world.open()
    await writer.emit(note(0))
    await writer.stop()
    const before = filesOf(world.root, world.home)
    const runtime = await world.open()
    const status = await runtime.status()
    expect(status).toMatchObject({
      project: { uuid },
      consent: 'absent',
      events: { held: 1, pending: 0 },
      link_live: false,
      login: null,
      link: { state: 'offline', reason: null },
      failures: {},
    })
    expect(filesOf(world.root, world.home)).toEqual(before)
  })
})
