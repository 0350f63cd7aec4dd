/** The simulation of the actors: a slice of its seeds, some known and some by chance, and what it promises of itself. */
import { randomInt } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { SimClock } from '../../scripts/prove/simulation/sim-clock.mjs'
import { simulate, simulateAll } from '../../scripts/prove/simulation/simulate.mjs'

const FIRST = 1
const SEEDS = 20
const CHANCE = Number(process.env['SIMULATION_SEED'] ?? randomInt(2 ** 31))

describe('the simulation of the actors', () => {
  it(`finds nothing wrong under known seeds, nor under SIMULATION_SEED=${CHANCE}`, async () => {
    for (const first of [FIRST, CHANCE]) {
      const { seeds, faults, met } = await simulateAll(first, (count: number) => count >= SEEDS)
      expect(faults.join('\n')).toBe('')
      expect(seeds).toBe(SEEDS)
      expect(met.size).toBeGreaterThan(10)
    }
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
