/**
 * Each worker thread is killed in the middle of its work: by an exception, an exit, a stuck loop, lack of memory. The
 * calls still answer, and what was answered is there once.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { RESTARTS_MAX } from '#dist/actors/worker.machine.js'
import { judge } from '../../scripts/prove/invariants.mjs'
import { filesOf } from '../support/files-of.ts'
import { rowsInTurn } from '../support/rows.ts'
import { type Fault, RuntimeWorld } from '../support/runtime-world.ts'
import { readAll, startHub } from '../hub/support.ts'

type Line = Record<string, unknown>

/** How late the loop of the main thread was in each of the runs below. */
const delays: number[] = []

/** Short, so that a stuck thread is noticed soon; long enough for a busy machine. */
const STUCK_AFTER_MS = 700
/** How the runtime calls the death, by its cause. */
const CODE_BY_HOW = {
  throw: 'UNCAUGHT',
  exit: 'EXITED',
  loop: 'STUCK',
  memory: 'ERR_WORKER_OUT_OF_MEMORY',
} as const
const HOWS = ['throw', 'loop', 'memory'] as const

function bounds({ how }: Fault): { stuckAfterMs?: number } {
  return how === 'loop' ? { stuckAfterMs: STUCK_AFTER_MS } : {}
}

/** The thread died once, as it was meant to, was restarted, and the runtime ended in time and by itself. */
function expectOneDeath(world: RuntimeWorld, fault: Fault, code: number, lines: Line[]): void {
  expect(world.strikes()).toBe(1)
  expect(lines.filter(({ on }) => on !== undefined)).toEqual([
    { on: 'workerRestarted', worker: fault.worker, code: CODE_BY_HOW[fault.how] },
  ])
  expect(lines.filter(({ error }) => error !== undefined)).toEqual([])
  expect(lines.find((line) => 'failures' in line)?.['failures']).toEqual({})
  expect(lines.at(-1)?.['stoppedInMs']).toBeLessThan(3_000)
  expect(code).toBe(0)
  delays.push(Number(lines.find((line) => 'lateMs' in line)?.['lateMs']))
}

/** Every receipt is of a row of its own, and the clock rose in the order of the calls (L10). */
function expectRows(world: RuntimeWorld, uuid: string, receipts: Line[], count: number): void {
  const rows = world.events(uuid)
  expect(receipts.map(({ event_id }) => event_id)).toEqual(rows.map(({ event_id }) => event_id))
  expect(receipts.map(({ lamport_clock }) => lamport_clock)).toEqual(
    rows.map(({ lamport }) => lamport),
  )
  expect(rows.map(({ note }) => note)).toEqual(Array.from({ length: count }, (_, note) => note))
}

function receiptsOf(lines: Line[]): Line[] {
  return lines.filter(({ durable }) => durable === true)
}

describe('a store thread that dies', () => {
  const deaths: Fault[] = [
    ...HOWS.map((how): Fault => ({ worker: 'store', point: 'insert', nth: 7, how })),
    { worker: 'store', point: 'insert', nth: 7, how: 'exit' },
    { worker: 'store', point: 'answer:store.appended', how: 'exit' },
    { worker: 'store', point: 'answer:store.appended', nth: 2, how: 'throw' },
  ]
  it.each(rowsInTurn(deaths, 3))('loses and doubles no event: $how at $point', async (fault) => {
    const world = new RuntimeWorld()
    const uuid = await world.init()
    // A round more than the fault waits for: a thread that dies after the last answer is nobody's loss.
    const input = { count: 20, rounds: 3, ...bounds(fault) }
    const { ran, lines } = await world.call('emit', input, { fault })
    expectOneDeath(world, fault, ran.code, lines)
    expectRows(world, uuid, receiptsOf(lines), 60)
  })

  const deathsOnline: Fault[] = [
    { worker: 'store', point: 'answer:store.claimed', how: 'exit' },
    { worker: 'store', point: 'answer:store.settled', how: 'loop' },
  ]
  it.each(rowsInTurn(deathsOnline, 2))(
    'gets its lease back and delivers on: $how at $point',
    async (fault) => {
      const world = new RuntimeWorld()
      const uuid = await world.init()
      const hub = await startHub()
      world.login(hub)
      await world.optIn()
      const { ran, lines } = await world.call('hold', bounds(fault), { fault })
      expectOneDeath(world, fault, ran.code, lines)
      expectRows(world, uuid, receiptsOf(lines), 40)
      await expectDelivered(world, hub, uuid)
    },
  )
})

describe('a git thread that dies', () => {
  const deaths: Fault[] = [
    ...HOWS.map((how): Fault => ({ worker: 'git', point: 'fsync', nth: 8, how, heapMb: 256 })),
    { worker: 'git', point: 'answer:git.appended', nth: 2, how: 'exit' },
  ]
  it.each(rowsInTurn(deaths, 2))('loses and doubles no decision: $how at $point', async (fault) => {
    const world = new RuntimeWorld()
    await world.init()
    const mission = await world.createMission('harbour')
    const { ran, lines } = await world.call('decide', { mission, ...bounds(fault) }, { fault })
    expectOneDeath(world, fault, ran.code, lines)
    const answers = lines.filter(({ committed }) => committed === true)
    const branch = `kitty/mission-${mission}`
    const commits = world.repository
      .git('rev-list', '--reverse', `main..${branch}`)
      .trim()
      .split('\n')
    expect(commits).toEqual(answers.map(({ commit }) => commit))
    expect(pendingFrames(world)).toEqual(commits)
    const log = await world.runHere(['decision', 'log', '--mission', mission, '--json'])
    const { decisions } = JSON.parse(log.stdout) as { decisions: Line[] }
    expect(decisions.map(({ question, answer, commit }) => [question, answer, commit])).toEqual(
      commits.map((commit, index) => [`Question ${index}?`, `Answer ${index}`, commit]),
    )
    expect(world.repository.fsck()).toBe('')
    expect(world.repository.git('status', '--porcelain', '--untracked-files=no')).toBe('')
  })
})

describe('a socket thread that dies', () => {
  const deaths: Fault[] = [
    ...HOWS.map((how): Fault => ({ worker: 'socket', point: 'frame:"event_id"', how })),
    { worker: 'socket', point: 'answer:socket.opened', how: 'exit' },
  ]
  it.each(rowsInTurn(deaths, 2))(
    'opens the link again and delivers on: $how at $point',
    async (fault) => {
      const world = new RuntimeWorld()
      const uuid = await world.init()
      const hub = await startHub()
      world.login(hub)
      await world.optIn()
      const { ran, lines } = await world.call('hold', bounds(fault), { fault })
      expectOneDeath(world, fault, ran.code, lines)
      expectRows(world, uuid, receiptsOf(lines), 40)
      await expectDelivered(world, hub, uuid)
    },
  )
})

describe('a thread that dies whenever it starts', () => {
  const deadly = { point: 'start', how: 'throw', times: 99 } as const

  it('refuses events with the reason and without a spin where it is the store (L2)', async () => {
    const world = new RuntimeWorld()
    await world.init()
    const fault: Fault = { ...deadly, worker: 'store' }
    const { ran, lines } = await world.call('emit', { count: 2, rounds: 2 }, { fault })
    expect(world.strikes()).toBe(RESTARTS_MAX + 1)
    expect(lines.filter(({ error }) => error !== undefined)).toHaveLength(4)
    expect(new Set(lines.flatMap(({ error }) => error ?? []))).toEqual(new Set(['WORKER_FAILED']))
    expect(lines).toContainEqual({ on: 'workerFailed', worker: 'store', code: 'UNCAUGHT' })
    expect(lines.find((line) => 'failures' in line)).toMatchObject({
      workers: { store: 'failed' },
      failures: { store: { code: 'UNCAUGHT' } },
    })
    expect(lines.at(-1)?.['stoppedInMs']).toBeLessThan(3_000)
    expect(ran.code).toBe(0)
  })

  it('leaves the outbox at work where it is git', async () => {
    const world = new RuntimeWorld()
    const uuid = await world.init()
    const mission = await world.createMission('harbour')
    const fault: Fault = { ...deadly, worker: 'git' }
    const { lines } = await world.call('both', { mission }, { fault })
    expect(world.strikes()).toBe(RESTARTS_MAX + 1)
    expect(lines).toContainEqual(expect.objectContaining({ index: 0, error: 'WORKER_FAILED' }))
    expectRows(world, uuid, receiptsOf(lines), 1)
  })

  it('leaves the link at work where it is git, and says that no commit can be known', async () => {
    const world = new RuntimeWorld()
    const uuid = await world.init()
    const hub = await startHub()
    world.login(hub)
    await world.optIn()
    await world.call('emit', { count: 3, rounds: 1 })
    const fault: Fault = { ...deadly, worker: 'git' }
    const ran = await world.run(['sync', 'now', '--json'], { fault })
    expect(world.strikes()).toBe(RESTARTS_MAX + 1)
    expect(ran.code).toBe(8)
    expect(JSON.parse(ran.stdout)).toMatchObject({
      delivered: 3,
      pending: 0,
      reason: 'ledger_unavailable',
    })
    await expectDelivered(world, hub, uuid)
  })

  it('leaves what is queued in the queue where it is the socket', async () => {
    const world = new RuntimeWorld()
    const uuid = await world.init()
    world.login({ hub: { url: 'http://127.0.0.1:9' }, token: 'kwk_0123456789' })
    await world.optIn()
    const fault: Fault = { ...deadly, worker: 'socket' }
    const { lines } = await world.call('deliver', { count: 3 }, { fault })
    expect(lines.filter(({ on }) => on === 'workerRestarted')).toHaveLength(RESTARTS_MAX)
    expect(world.strikes()).toBe(RESTARTS_MAX + 1)
    expect(lines).toContainEqual(expect.objectContaining({ sync: true, error: 'WORKER_FAILED' }))
    expect(world.events(uuid).map(({ state }) => state)).toEqual(['pending', 'pending', 'pending'])
  })

  it.each(rowsInTurn(['answer:socket.opened', 'answer:store.claimed'], 2))(
    'ends a held link and says why, and the next process delivers: %s',
    async (point) => {
      const world = new RuntimeWorld()
      const uuid = await world.init()
      const hub = await startHub()
      world.login(hub)
      await world.optIn()
      await world.call('emit', { count: 3, rounds: 1 })
      const worker = point.startsWith('answer:socket') ? 'socket' : 'store'
      const fault: Fault = { ...deadly, worker, point }
      const ran = await world.run(['sync', 'run', '--json'], { fault })
      expect(ran.code).toBe(1)
      const said = ran.stdout.trimEnd().split('\n')
      const [last, before] = [said.at(-1), said.at(-2)].map(
        (line) => JSON.parse(line ?? '') as Line,
      )
      expect(last).toMatchObject({ ok: false, error: { code: 'WORKER_FAILED' } })
      expect(before).toMatchObject({ state: 'offline', reason: 'WORKER_FAILED' })
      expect((await world.run(['sync', 'now', '--json'])).code).toBe(0)
      await expectDelivered(world, hub, uuid)
    },
  )

  it('gives up on an event that makes its thread stick each time, and says what is not known', async () => {
    const world = new RuntimeWorld()
    await world.init()
    const fault: Fault = { worker: 'store', point: 'insert', how: 'loop', times: 99 }
    const input = { count: 1, rounds: 1, stuckAfterMs: 250 }
    const { lines } = await world.call('emit', input, { fault })
    expect(world.strikes()).toBe(RESTARTS_MAX + 1)
    const refused = lines.find(({ error }) => error !== undefined)
    expect(refused).toMatchObject({ error: 'WORKER_FAILED', retryable: false })
    expect(refused?.['hint']).toContain('not known')
  })
})

describe('a stop', () => {
  it.each([
    ['the clock of the machine', false],
    ['a clock that stands still', true],
  ])('waits for no thread that is stuck, and says what is not known (L2): %s', async (_, still) => {
    const world = new RuntimeWorld()
    await world.init()
    const fault: Fault = { worker: 'store', point: 'insert', how: 'loop' }
    const { ran, lines } = await world.call('leave', { still }, { fault })
    expect(world.strikes()).toBe(1)
    expect(lines.find((line) => 'stoppedInMs' in line)?.['stoppedInMs']).toBeLessThan(3_000)
    const refused = lines.find((line) => 'error' in line)
    expect(refused).toMatchObject({ note: 0, error: 'RUNTIME_STOPPED' })
    expect(refused?.['hint']).toContain('not known')
    // It ended by itself.
    expect(ran.code).toBe(0)
  })
})

describe('a command', () => {
  it('answers although its store thread dies', async () => {
    const world = new RuntimeWorld()
    const uuid = await world.init()
    const fault: Fault = { worker: 'store', point: 'answer:store.appended', how: 'exit' }
    const ran = await world.run(['emit', 'NoteTaken', '--aggregate', 'WP01', '--json'], {
      fault,
    })
    expect(world.strikes()).toBe(1)
    expect(ran.code).toBe(0)
    const receipt = JSON.parse(ran.stdout) as Line
    expect(receipt).toMatchObject({ ok: true, route: 'queued', durable: true })
    expect(world.events(uuid).map(({ event_id }) => event_id)).toEqual([receipt['event_id']])
  })

  it('says in one document why it can not, where its store thread dies each time (L15)', async () => {
    const world = new RuntimeWorld()
    await world.init()
    const fault: Fault = { worker: 'store', point: 'start', how: 'exit', times: 99 }
    const ran = await world.run(['emit', 'NoteTaken', '--json'], { fault })
    expect(ran.code).toBe(1)
    expect(JSON.parse(ran.stdout)).toMatchObject({ ok: false, error: { code: 'WORKER_FAILED' } })
  })

  it('delivers although its socket thread dies between commits', async () => {
    const world = new RuntimeWorld()
    await world.init()
    const mission = await world.createMission('harbour')
    const hub = await startHub()
    world.login(hub)
    await world.call('decide', { mission, count: 3 })
    await world.optIn()
    const fault: Fault = { worker: 'socket', point: 'frame:"git_hash"', nth: 2, how: 'exit' }
    const ran = await world.run(['sync', 'now', '--json'], { fault })
    expect(world.strikes()).toBe(1)
    expect(ran.code).toBe(0)
    expect(JSON.parse(ran.stdout)).toMatchObject({ commits_acked: 3, pending: 0, reason: null })
    expect(pendingFrames(world)).toEqual([])
  })

  it('that only reads starts no thread that writes, and writes nothing (L14)', async () => {
    const world = new RuntimeWorld()
    await world.init()
    const mission = await world.createMission('harbour')
    world.login({ hub: { url: 'http://127.0.0.1:9' }, token: 'kwk_0123456789' })
    await world.call('both', { mission })
    const before = filesOf(world.root, world.state)
    const reading = [
      ['sync', 'status'],
      ['queue', 'list'],
      ['queue', 'stats'],
      ['mission', 'list'],
      ['decision', 'log', '--mission', 'harbour'],
      ['auth', 'status'],
      ['doctor'],
    ]
    for (const args of reading) {
      const fault: Fault = { worker: '', point: 'start', how: 'exit' }
      const { code, stdout } = await world.run([...args, '--json'], { fault })
      expect([args, code, (JSON.parse(stdout) as Line)['ok']]).toEqual([args, 0, true])
      expect([args, world.strikes()]).toEqual([args, 0])
      expect(filesOf(world.root, world.state)).toEqual(before)
    }
  })
})

/** Every event of the outbox is at the hub once, in the order of its clock (L3). */
async function expectDelivered(
  world: RuntimeWorld,
  hub: Awaited<ReturnType<typeof startHub>>,
  uuid: string,
): Promise<void> {
  const rows = world.events(uuid)
  expect(new Set(rows.map(({ state }) => state))).toEqual(new Set(['delivered']))
  const atHub = await readAll(hub.hub, hub.token, uuid)
  expect(atHub.map(({ event }) => event.event_id)).toEqual(rows.map(({ event_id }) => event_id))
}

function pendingFrames(world: RuntimeWorld): string[] {
  const text = readFileSync(join(world.root, '.kittify', 'sync-state.json'), 'utf8')
  const { pending_local_commits } = JSON.parse(text) as {
    pending_local_commits: { git_hash: string }[]
  }
  return pending_local_commits.map(({ git_hash }) => git_hash)
}

describe('the loop of the main thread', () => {
  it('turned on through all of these deaths (I33)', ({ skip }) => {
    if (delays.length === 0) skip('no thread has died in this run')
    expect(judge({ delays })).toEqual({ judged: ['I33'], faults: [] })
  })
})
