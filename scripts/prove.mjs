#!/usr/bin/env node
// `npm run prove`: every technique there is within a time, what each met, which faults in the middle of what, and the holes.
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { Random } from './chaos/random.mjs'
import { prepare, root } from './prepare.mjs'
import { told } from './prove/coverage.mjs'

const SLICE_MINUTES = 1
/** A technique that fails says much. */
const SHOWN_MAX = 4_000

if (process.env.KITTIWAKE_BUILT !== '1') prepare()
const { NOT_RUN, TECHNIQUES } = await import('./prove/techniques.mjs')
const { values } = parseArgs({
  options: {
    /** How long the techniques that can go on for ever share; what has an end of its own comes on top of a long run. */
    minutes: { type: 'string' },
    /** Default: another one each time. */
    seed: { type: 'string' },
    /** So many lives are simulated, from the seed on; default: as many as there is time for. */
    seeds: { type: 'string' },
    /** These alone, by commas. */
    only: { type: 'string' },
  },
})
const seed = Number(values.seed ?? randomInt(2 ** 31))
const minutes = Number(values.minutes ?? SLICE_MINUTES)
const seeds = values.seeds === undefined ? undefined : Number(values.seeds)
const isSlice = values.minutes === undefined
const names = values.only?.split(',') ?? namesOf(isSlice)
const isKnown = names.every((name) => name in TECHNIQUES)
const isCounted = seeds === undefined || (Number.isSafeInteger(seeds) && seeds > 0)
if (!isKnown || !Number.isSafeInteger(seed) || seed < 0 || !(minutes > 0) || !isCounted) {
  const known = Object.keys(TECHNIQUES).join(',')
  console.error(`usage: prove.mjs [--minutes N] [--seed N] [--seeds N] [--only ${known}]`)
  process.exit(2)
}

const counted = seeds === undefined ? [] : ['--seeds', seeds]
const given = [
  '--seed',
  seed,
  '--minutes',
  minutes,
  ...counted,
  '--only',
  `"${names.join(',')}"`,
].join(' ')
const again = `npm run prove -- ${given}`
console.log(`prove: ${again}`)
process.chdir(root)
const random = new Random(seed)
const hits = []
let isWrong = false
for (const name of names) {
  const { share, run } = TECHNIQUES[name]
  const startedAt = performance.now()
  const found = await run({ random: random.fork(), forMs: share * minutes * 60_000, seed, seeds })
  const seconds = Math.round((performance.now() - startedAt) / 1_000)
  console.log(`prove: ${name}: ${found.told}; ${found.faults.length} faults, ${seconds} s`)
  for (const fault of found.faults) console.error(`prove: ${name}: ${fault.slice(-SHOWN_MAX)}`)
  hits.push(...found.hits)
  isWrong ||= found.faults.length > 0
}
for (const name of Object.keys(TECHNIQUES).filter((one) => !names.includes(one))) {
  const where = TECHNIQUES[name].isTested === true ? '; npm test and a long run have it' : ''
  console.log(`prove: not run: ${name}, left out of this run${where}`)
}
for (const [name, reason] of Object.entries(NOT_RUN)) {
  console.log(`prove: not run: ${name}, ${reason}`)
}
for (const line of told(hits)) console.log(`prove: ${line}`)
if (isWrong) {
  console.error(`prove: again by ${again}`)
  process.exit(1)
}

/** A slice leaves out what `npm test` runs beside it. */
function namesOf(isShort) {
  const all = Object.entries(TECHNIQUES)
  return all.filter(([, { isTested }]) => !(isShort && isTested === true)).map(([name]) => name)
}
