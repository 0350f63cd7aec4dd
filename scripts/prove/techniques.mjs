// The ways to put the program through trouble, as data: each is given a generator and a time, and says what it met.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { SCENARIOS } from '../kill-scenarios.mjs'
import { KillSweep } from '../kill-sweep.mjs'
import { root, tool } from '../prepare.mjs'
import { STATE_BY_COMMAND } from './coverage.mjs'

/** Where half of a write decides, by scenario. */
const TORN = {
  'decision answer': '^write half of .*decisions\\.events',
  'wp move': '^write half of .*status\\.events',
  'glossary resolve': '^write half of .*events\\.jsonl',
}
/** A command makes at least so many changes of the disk in each of the threads that are killed. */
const STEPS_MAX = 40
/** With fewer files Node itself doesn't start, and with more there are enough. */
const FILES_MAX = [40, 75]
/** In KiB of addresses: with less Node itself doesn't start, and with more there is enough. */
const MEMORY_MAX = [750_000, 2_400_000]
/** Of each command that is recorded. */
const CUTS = 6
const RECORDED_MAX = 50
const CHAOS_MIN_MINUTES = 0.1
/** Where there is less time, two of the bugs are planted whose tests take little. */
const ALL_MUTATIONS_MS = 5 * 60_000
const QUICK = /workers\/store\/(?:append|delivery)|contracts\//
/** What a run of chaos calls its faults. */
const FAULT_BY_TROUBLE = {
  'kill background': ['F01', 'link'],
  'kill hub': ['F30', 'work'],
  'end hub': ['F30', 'work'],
  'cut link': ['F26', 'work'],
  'silent link': ['F26', 'work'],
  'slow link': ['F29', 'work'],
  'full disk': ['F08', 'work'],
  'full disk of the hub': ['F08', 'hub'],
  'clock back': ['F25', 'work'],
  'token revoked': ['F32', 'link'],
}

/**
 * By name: `share`, of the time there is; `run`, given `{ random, forMs, seed, seeds }`, answers `{ told, faults, hits }`, the hits as
 * `{ fault, state, count }`. Where it `isTested`, `npm test` runs it as well.
 */
export const TECHNIQUES = {
  simulation: { share: 0.15, run: simulation },
  parsers: { share: 0.1, run: parsers },
  kills: { share: 0.15, run: kills },
  'failing disk': { share: 0.05, run: failingDisk },
  'few files': { share: 0.05, run: fewFiles },
  'little memory': { share: 0.05, run: littleMemory },
  'system calls': { share: 0.1, run: systemCalls },
  'replayed power cut': { share: 0.1, run: powerCuts },
  chaos: { share: 0.2, run: chaos },
  'worker faults': tests(['test/journeys/threads.test.ts'], {
    F05: ['emit', 'answer', 'link'],
    F06: ['emit', 'answer', 'link'],
    F07: ['emit'],
  }),
  'network faults': tests(
    ['test/workers/socket/link-faults.test.ts', 'test/workers/socket/liveness.test.ts'],
    { F27: ['link'], F31: ['link'], F32: ['link'], F36: ['link'] },
  ),
  'hub faults': tests(['test/hub/robustness.test.ts'], {
    F29: ['hub'],
    F33: ['hub'],
    F34: ['hub'],
  }),
  'disk faults': tests(
    ['test/workers/git/commit-disk-error.test.ts', 'test/workers/store/outbox-race.test.ts'],
    { F09: ['commit', 'emit'], F18: ['emit'] },
  ),
  races: tests(['test/workers/git/commit-race.test.ts'], { F19: ['commit'], F22: ['commit'] }),
  histories: tests(
    ['test/workers/git/native-histories.test.ts', 'test/workers/git/native-edges.test.ts'],
    { F23: ['link'], F42: ['link'] },
  ),
  'foreign locks': tests(['test/journeys/foreign-lock.test.ts'], { F15: ['emit'] }),
  'two at once': tests(['test/project/identity.test.ts'], { F16: ['init'] }),
  'no rights': tests(['test/journeys/bad-input.test.ts'], { F10: ['work'] }),
  'broken files': tests(
    [
      'test/workers/git/append-log.test.ts',
      'test/workers/git/sync-state.test.ts',
      'test/workers/store/open-outbox.test.ts',
      'test/workers/store/migrate.test.ts',
    ],
    { F04: ['read'], F13: ['read'], F14: ['read'], F41: ['read'] },
  ),
  offline: tests(['test/journeys/offline.test.ts'], { F39: ['emit'] }),
  'lost verdicts': tests(['test/journeys/lost-acks.test.ts'], { F28: ['link', 'work'] }),
  'main threads': tests(['test/journeys/main-thread.test.ts'], {
    F38: ['emit', 'answer', 'link', 'hub'],
    F40: ['hub'],
  }),
  interrupts: tests(['test/journeys/interrupt.test.ts'], { F37: ['work', 'emit'] }),
  storms: tests(['test/hub/storm.test.ts'], { F35: ['hub'] }),
  'other states': tests(['test/workers/git/commit-deferral.test.ts'], { F21: ['commit'] }),
  mutations: { share: 0.2, run: mutations },
}

/** What is not run, and why. */
export const NOT_RUN = {
  'power cut of a real disk':
    'needs root, a loop device and ext4; what is replayed takes its place',
  'packet loss': 'not built: the proxy cuts, stalls and slows whole streams',
}

async function simulation({ seed, seeds = Infinity, forMs }) {
  const { simulateAll } = await import('./simulation/simulate.mjs')
  const until = seeds === Infinity ? performance.now() + forMs : Infinity
  const isOver = (count) => count >= seeds || performance.now() > until
  const { seeds: count, faults, met } = await simulateAll(seed, isOver)
  const hits = [...met].map(([one, count]) => {
    const [fault, state] = one.split(' ')
    return { fault, state, count }
  })
  return { told: `${count} seeds from ${seed}`, faults, hits }
}

async function parsers({ random, forMs }) {
  const { fuzzParsers, PARSERS } = await import('./parsers.mjs')
  const { inputs, hits, faults } = fuzzParsers({ random, forMs })
  const found = Object.entries(hits).map(([fault, count]) => ({ fault, state: 'read', count }))
  return {
    told: `${inputs} inputs for ${Object.keys(PARSERS).length} parsers`,
    faults,
    hits: found,
  }
}

async function kills({ random, forMs }) {
  const { sweep, hits } = await swept(forMs, () => {
    const kill = nextKill(random)
    return { kill, fault: kill.on === undefined ? 'F01' : 'F02' }
  })
  return { told: `${sweep.kills} kills`, faults: sweep.faults, hits }
}

async function failingDisk({ random, forMs }) {
  const { sweep, hits } = await swept(forMs, () => {
    const error = random.pick(['EIO', 'ENOSPC'])
    const fault = error === 'EIO' ? 'F09' : 'F08'
    return { kill: { ...stepOf(random), error }, fault }
  })
  return { told: `${sweep.failures} changes that fail`, faults: sweep.faults, hits }
}

async function fewFiles({ random, forMs }) {
  if (process.platform === 'win32') return { told: 'not run: needs ulimit', faults: [], hits: [] }
  const { sweep, hits } = await swept(forMs, () => {
    const scenario = random.pick(Object.keys(SCENARIOS))
    return { kill: { scenario, at: 0, filesMax: random.between(...FILES_MAX) }, fault: 'F11' }
  })
  const met = hits.map((hit) => ({ ...hit, state: 'work' }))
  return { told: `${sweep.failures} commands without files`, faults: sweep.faults, hits: met }
}

async function littleMemory({ random, forMs }) {
  if (process.platform !== 'linux') return { told: 'not run: needs Linux', faults: [], hits: [] }
  const { sweep, hits } = await swept(forMs, () => {
    const scenario = random.pick(Object.keys(SCENARIOS))
    return { kill: { scenario, at: 0, memoryMax: random.between(...MEMORY_MAX) }, fault: 'F40' }
  })
  const met = hits.map((hit) => ({ ...hit, state: 'work' }))
  return { told: `${sweep.kills} commands without memory`, faults: sweep.faults, hits: met }
}

async function systemCalls({ random, forMs }) {
  const { sweepByChance, SyscallSweep } = await import('./syscall-sweep.mjs')
  const obstacle = SyscallSweep.obstacle()
  if (obstacle !== null) return { told: `not run: ${obstacle}`, faults: [], hits: [] }
  const until = performance.now() + forMs
  const sweep = await SyscallSweep.open()
  try {
    const isOver = (done) => done > 0 && performance.now() > until
    const hits = await sweepByChance(sweep, random, isOver)
    const { kills, failures, faults } = sweep
    return { told: `${kills} kills, ${failures} calls that fail`, faults, hits }
  } finally {
    sweep.close()
  }
}

async function powerCuts({ random, forMs }) {
  const { cutByChance, PowerCut, RECORDABLE } = await import('./power-cut.mjs')
  const obstacle = PowerCut.obstacle()
  if (obstacle !== null) return { told: `not run: ${obstacle}`, faults: [], hits: [] }
  const until = performance.now() + forMs
  const power = await PowerCut.open()
  try {
    const names = Array.from({ length: RECORDED_MAX }, () => random.pick(RECORDABLE))
    const isOver = () => performance.now() > until && power.cuts > 0
    const runs = await cutByChance(power, random, { names, cuts: CUTS, isOver })
    const hits = runs
      .filter(({ scenario }) => scenario in STATE_BY_COMMAND)
      .map(({ scenario, count }) => ({ fault: 'F03', state: STATE_BY_COMMAND[scenario], count }))
    return { told: `${power.cuts} cuts of ${runs.length} commands`, faults: power.faults, hits }
  } finally {
    power.close()
  }
}

/** One command after the other that meets what `next` says, as long as there is time and nothing is wrong. */
async function swept(forMs, next) {
  const until = performance.now() + forMs
  const sweep = await KillSweep.open(1)
  const hits = []
  try {
    do {
      const { kill, fault } = next()
      const before = sweep.kills + sweep.failures
      await sweep.run([kill])
      const count = sweep.kills + sweep.failures - before
      hits.push({ fault, state: STATE_BY_COMMAND[kill.scenario], count })
    } while (performance.now() < until && sweep.faults.length === 0)
    return { sweep, hits }
  } finally {
    sweep.close()
  }
}

function nextKill(random) {
  const step = stepOf(random)
  const on = TORN[step.scenario]
  return on !== undefined && random.next() < 0.3 ? { ...step, at: 1, on } : step
}

function stepOf(random) {
  return { scenario: random.pick(Object.keys(SCENARIOS)), at: random.between(1, STEPS_MAX) }
}

async function chaos({ random, forMs }) {
  const minutes = Math.max(CHAOS_MIN_MINUTES, forMs / 60_000)
  const seed = random.between(0, 2 ** 31 - 1)
  const args = ['scripts/chaos.mjs', '--seed', String(seed), '--minutes', minutes.toFixed(2)]
  const { status, said } = await node(args)
  const met = /met: (.*)/.exec(said)?.[1].split(', ') ?? []
  const hits = met.flatMap((one) => {
    const [, name, count] = /^(.*) (\d+)$/.exec(one)
    const [fault, state] = FAULT_BY_TROUBLE[name] ?? []
    return fault === undefined ? [] : [{ fault, state, count: Number(count) }]
  })
  const commands = Number(/(\d+) commands/.exec(said)?.[1] ?? 0)
  // Two lines of people are at work in the same projects.
  hits.push({ fault: 'F18', state: 'work', count: commands })
  const told = `seed ${seed}, ${commands} commands, ${met.length} kinds of trouble`
  return { told, faults: status === 0 ? [] : [said], hits }
}

async function mutations({ random, forMs }) {
  const { findable, findAll, MUTATIONS } = await import('./mutations.mjs')
  const all = findable(Object.keys(MUTATIONS))
  const quick = all.filter((name) => MUTATIONS[name].by.every((file) => QUICK.test(file)))
  const two = [quick.splice(random.between(0, quick.length - 1), 1)[0], random.pick(quick)]
  const found = await findAll(forMs < ALL_MUTATIONS_MS ? two : all)
  const lines = found.map(({ name, isCaught, seconds }) => {
    return `${name} ${isCaught ? 'caught' : 'MISSED'} in ${seconds} s`
  })
  const faults = found.filter(({ isCaught }) => !isCaught).map(({ name }) => `not caught: ${name}`)
  return { told: lines.join('; '), faults, hits: [] }
}

/** Files of tests, under the seed of the run; each that passes has met its faults. */
function tests(files, faults) {
  const run = async ({ random }) => {
    const seed = String(random.between(0, 2 ** 31 - 1))
    const env = { KITTIWAKE_FUZZ_SEED: seed, ROWS_SEED: seed }
    const { status, said } = await node([tool('vitest'), 'run', '--reporter', 'dot', ...files], env)
    const hits = Object.entries(faults).flatMap(([fault, states]) =>
      states.map((state) => ({ fault, state, count: Number(status === 0) })),
    )
    return { told: `seed ${seed}, ${files.join(' ')}`, faults: status === 0 ? [] : [said], hits }
  }
  return { share: 0, isTested: true, run }
}

async function node(args, env = {}) {
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...process.env, KITTIWAKE_BUILT: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [out, err, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ])
  return { status, said: `${out}${err}` }
}
