/** The simulation of the actors: a slice of its seeds, some known and some by chance, and what it promises of itself. */
import { randomInt } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { SimClock } from '../../scripts/prove/simulation/sim-clock.mjs'
import { Truth } from '../../scripts/prove/simulation/sim-truth.mjs'
import { simulate, simulateAll } from '../../scripts/prove/simulation/simulate.mjs'

const FIRST = 1
/** Every bug that is planted in the actors is found by these. */
const KNOWN_SEEDS = 900
const CHANCE_SEEDS = 100
/** Of a machine that does much else. */
const TIMEOUT_MS = 300_000
const CHANCE = Number(process.env['SIMULATION_SEED'] ?? randomInt(2 ** 31))

describe('the simulation of the actors', () => {
  it(
    `finds nothing wrong under known seeds, nor under SIMULATION_SEED=${CHANCE}`,
    async () => {
      for (const [first, lives] of [
        [FIRST, KNOWN_SEEDS],
        [CHANCE, CHANCE_SEEDS],
      ] as const) {
        const { seeds, faults, met } = await simulateAll(first, (count: number) => count >= lives)
        expect(faults.join('\n')).toBe('')
        expect(seeds).toBe(lives)
        expect(met.size).toBeGreaterThan(20)
      }
    },
    TIMEOUT_MS,
  )

  it.each([
    ['a hub ends while nothing passes', 900_112_468],
    ['a hub ends while nothing passes, and comes back', 900_117_569],
    ['git answers what was asked for the hub before', 900_118_800],
  ])('finds nothing wrong where %s', async (_, seed) => {
    expect((await simulate(seed)).faults).toEqual([])
  })

  it('makes one trace of a seed, step by step, and another one of another (I36)', async () => {
    const [one, same, other] = [
      await simulate(FIRST, { isTold: true }),
      await simulate(FIRST, { isTold: true }),
      await simulate(FIRST + 1, { isTold: true }),
    ]
    expect(one.told.length).toBeGreaterThan(500)
    expect(same).toEqual(one)
    expect(other.trace).not.toBe(one.trace)
  })
})

describe('the truth of a link', () => {
  const clock = { now: () => 0 }
  const hub = { hasProxy: false, isUp: true, isSlow: false, refusesCommits: true }
  const repository = { isBroken: false }
  const outbox = { grantEpoch: 1 as number | null, holder: null }
  const up = (state: string, connection: object) => ({
    control: { state, isWanted: true },
    failed: new Set<string>(),
    connection,
    isChecked: false,
    open: new Map([[1, { what: 'an ask', since: 0 }]]),
  })
  const open = { isOpen: true, isSilent: false, owes: false }

  it.each([
    ['over a closed connection', up('live', { ...open, isOpen: false }), outbox],
    ['over a silent connection', up('live', { ...open, isSilent: true }), outbox],
    ['over a connection that owes', up('live', { ...open, isSilent: true, owes: true }), outbox],
    ['without consent', up('batching', open), { ...outbox, grantEpoch: null }],
    ['because of commits that nobody takes', up('flushingCommits', open), outbox],
    ['without its workers', { ...up('live', open), failed: new Set(['store']) }, outbox],
  ])('is missed where it is up %s for long (I22)', (lie, process, outbox) => {
    const truth = new Truth()
    const world = { process, outbox, hub, repository, clock }
    truth.look(world, 1_000)
    expect(truth.faults).toEqual([])
    for (const at of [80_000, 90_000]) truth.look(world, at)
    expect(truth.faults).toEqual([expect.stringContaining(lie)])
  })

  it('is not missed by one whose end nobody can hear of, until it is silent for long', () => {
    const truth = new Truth()
    const process = up('live', { ...open, isSilent: true })
    const world = { process, outbox, hub, repository, clock }
    truth.look(world, 0)
    process.connection = { ...open, isSilent: true, isOpen: false }
    for (const at of [20_000, 50_000]) truth.look(world, at)
    expect(truth.faults).toEqual([])
    truth.look(world, 70_000)
    expect(truth.faults).toEqual([expect.stringContaining('over a silent connection')])
  })

  it('is kept by a link that is up in every way', () => {
    const truth = new Truth()
    const world = { process: up('live', open), outbox, hub, repository, clock }
    for (const at of [0, 80_000]) truth.look(world, at)
    expect(truth.faults).toEqual([])
  })

  it('has asks without a pause, tries without one, and asks without an answer against it', () => {
    const truth = new Truth()
    for (let ask = 0; ask < 100; ask += 1) truth.asked('store', ask)
    expect(truth.faults).toEqual([expect.stringContaining('I32: store')])
    truth.rest()
    for (let trial = 0; trial < 50; trial += 1) truth.tried('authenticating')
    truth.rested({ process: up('live', open), clock: { now: () => 100_000 } })
    expect(truth.faults.slice(1)).toEqual([
      expect.stringContaining('I21'),
      expect.stringContaining('an ask has no end'),
    ])
  })
})

describe('the clock of the simulation', () => {
  it('does what is due in the order of time and of asking, and nothing that was taken back', async () => {
    const clock = new SimClock()
    const done: number[] = []
    const life = clock.life()
    for (const [name, ms] of [
      [3, 20],
      [1, 10],
      [2, 10],
    ] as const) {
      clock.setTimeout(() => done.push(name), ms)
    }
    clock.clearTimeout(clock.setTimeout(() => done.push(9), 5))
    life.setTimeout(() => done.push(8), 15)
    life.end()
    const startedAt = clock.now()
    while (await clock.step(startedAt + 30));
    expect([done, clock.now() - startedAt]).toEqual([[1, 2, 3], 30])
  })
})
