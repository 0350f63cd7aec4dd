#!/usr/bin/env node
// Something happens to one call of the system after the other that changes the disk, of every writing command and of all that
// it starts; the next command must heal. strace can inject errors, but counts for each thread and knows no half of a write.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { placeOf, WRITING } from '../kill-scenarios.mjs'
import { KillSweep } from '../kill-sweep.mjs'
import { STATE_BY_COMMAND } from './coverage.mjs'

const SOURCE = fileURLToPath(new URL('syscall-shim.c', import.meta.url))
const COUNTER_BYTES = 8
/** What becomes of a call, and which fault of the model that is. */
export const WAYS = { kill: 'F01', torn: 'F02', EIO: 'F09', ENOSPC: 'F08' }
/** The shim, compiled for this machine in a folder of its own, and the world in which it is preloaded. */
export class SyscallSweep {
  #folder = mkdtempSync(join(tmpdir(), 'kittiwake-calls-'))
  #counts = new Map()
  #sweep

  /** Null where it can be compiled here, else the reason why not. */
  static obstacle() {
    if (process.platform !== 'linux') return 'needs Linux'
    return spawnSync('cc', ['--version']).status === 0 ? null : 'needs a C compiler, `cc`'
  }

  constructor(sweep) {
    this.#sweep = sweep
    const args = ['-O2', '-shared', '-fPIC', '-o', this.#shim, SOURCE, '-ldl']
    const { status, stderr } = spawnSync('cc', args, { encoding: 'utf8' })
    if (status !== 0) throw new Error(`the shim can't be compiled: ${stderr}`)
  }

  static async open() {
    return new SyscallSweep(await KillSweep.open(1))
  }

  get faults() {
    return this.#sweep.faults
  }

  get kills() {
    return this.#sweep.kills
  }

  get failures() {
    return this.#sweep.failures
  }

  /** How many calls of such a command change the disk; counted at the first, which makes a little more than later ones. */
  async count(scenario) {
    const known = this.#counts.get(scenario)
    if (known !== undefined) return known
    const { take, args } = WRITING[scenario]
    const world = this.#sweep.world()
    const subject = await take(world)
    const place = placeOf(world, { scenario, subject })
    const { code } = await world.attempt(args(world, subject), this.#env(world, 0, 'kill'), place)
    if (code !== 0) throw new Error(`${scenario} ended with ${code}`)
    const count = Number(readFileSync(this.#counter).readBigInt64LE())
    this.#counts.set(scenario, count)
    return count
  }

  /** Lets it happen to the call number `at`, and has everything judged. */
  async run({ scenario, at, how }) {
    const call = (world) => this.#env(world, at, how)
    const name = `${scenario}, call ${at}, ${how}`
    await this.#sweep.run([{ scenario, at, how: name, call }])
  }

  close() {
    this.#sweep.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  get #shim() {
    return join(this.#folder, 'shim.so')
  }

  get #counter() {
    return join(this.#folder, 'counter')
  }

  #env(world, at, how) {
    writeFileSync(this.#counter, Buffer.alloc(COUNTER_BYTES))
    return {
      LD_PRELOAD: this.#shim,
      SHIM_COUNTER: this.#counter,
      SHIM_UNDER: world.home,
      SHIM_AT: String(at),
      SHIM_HOW: how,
    }
  }
}

/** One call after the other by chance, until `isOver` or something is wrong; answers what was met. */
export async function sweepByChance(sweep, random, isOver) {
  const hits = []
  for (let done = 0; !isOver(done) && sweep.faults.length === 0; done += 1) {
    const scenario = random.pick(Object.keys(WRITING))
    const how = random.pick(Object.keys(WAYS))
    const at = random.between(1, await sweep.count(scenario))
    const before = sweep.kills + sweep.failures
    await sweep.run({ scenario, at, how })
    const state = STATE_BY_COMMAND[scenario]
    const count = sweep.kills + sweep.failures - before
    const isKnown = state !== undefined && !(how === 'ENOSPC' && state === 'emit')
    if (isKnown) hits.push({ fault: WAYS[how], state, count })
  }
  return hits
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2))

/** `--only NAME`: this command alone; `--every N`: each N-th call; `--how WAY`: this alone. */
async function main(args) {
  const valueOf = (option, otherwise) =>
    args.includes(option) ? args[args.indexOf(option) + 1] : otherwise
  const every = Number(valueOf('--every', '1'))
  const names = args.includes('--only') ? [valueOf('--only')] : Object.keys(WRITING)
  const ways = args.includes('--how') ? [valueOf('--how')] : Object.keys(WAYS)
  const isKnown = names.every((name) => name in WRITING) && ways.every((way) => way in WAYS)
  if (!isKnown || !Number.isInteger(every) || every < 1) {
    console.error(
      `usage: syscall-sweep.mjs [--only NAME] [--every N] [--how ${Object.keys(WAYS).join('|')}]`,
    )
    process.exit(2)
  }
  const obstacle = SyscallSweep.obstacle()
  if (obstacle !== null) {
    console.log(`not run: ${obstacle}`)
    return
  }
  const { prepare } = await import('../prepare.mjs')
  if (process.env.KITTIWAKE_BUILT !== '1') prepare()
  const sweep = await SyscallSweep.open()
  for (const scenario of names) {
    const count = await sweep.count(scenario)
    const before = sweep.faults.length
    for (const how of ways) {
      for (let at = every; at <= count; at += every) await sweep.run({ scenario, at, how })
    }
    const { length } = sweep.faults
    console.log(`${scenario}: ${count} calls, ${length - before} faults`)
  }
  for (const fault of sweep.faults) console.error(fault)
  console.log(`${sweep.kills} kills, ${sweep.failures} calls that fail`)
  const isWrong = sweep.faults.length > 0
  sweep.close()
  if (isWrong) process.exit(1)
}
