// Simulated lives of a project, one by each seed: what was wrong in them, and what they met.
import { judge } from '../invariants.mjs'
import { World } from './sim-world.mjs'

/** What was simulated of late, printed with a seed that fails. */
const SHOWN_LINES = 40
/** One seed of so many is run twice, which must be one and the same. */
const TWICE = 50

/**
 * Seeds one after the other from the first, until `isOver` or one fails.
 *
 * @returns `{ seeds, faults, met }`: how many were run, what was wrong, and how often what was met, by fault and state
 */
export async function simulateAll(first, isOver) {
  const met = new Map()
  let seeds = 0
  for (; !isOver(seeds); seeds += 1) {
    const seed = first + seeds
    const run = await simulate(seed)
    for (const [one, count] of run.met) met.set(one, count + (met.get(one) ?? 0))
    const traces = [run.trace]
    if (seeds % TWICE === 0) traces.push((await simulate(seed)).trace)
    const faults = [...run.faults, ...judge({ traces }).faults]
    if (faults.length > 0) return { seeds: seeds + 1, faults: await toldOf(seed, faults), met }
  }
  return { seeds, faults: [], met }
}

async function toldOf(seed, faults) {
  const { told } = await simulate(seed, { isTold: true })
  const again = `npm run prove -- --only simulation --seed ${seed} --seeds 1`
  const lines = told.slice(-SHOWN_LINES).join('\n')
  return [...faults.map((fault) => `seed ${seed}: ${fault}`), `${lines}\nagain by ${again}`]
}

/**
 * @returns `faults`, each with its number before it, empty is good; `trace`, a number that stands for all that happened;
 *   `met`, how often by fault and state; `told`, the last lines of the trace where `isTold`
 */
export async function simulate(seed, { isTold = false } = {}) {
  const world = new World(seed, isTold)
  await world.live()
  const { trace, met } = world
  return { faults: world.faults(), trace: trace.hash, met, told: trace.lines }
}
