#!/usr/bin/env node
// Kills commands of the built program at one change of the disk after the other, and checks what the next command heals.
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { acknowledgedBy, argsAfter, placeOf, SCENARIOS, WRITING } from './kill-scenarios.mjs'
import { MissionWorld } from './mission-world.mjs'

const PRELOAD = new URL('./kill-at-step.mjs', import.meta.url).href
const LANES = 2
/** Said by whatever lets one fail. */
const FAILS = 'this change fails'
const NO_MORE_FILES = 'FILES_EXHAUSTED'
/** How V8 and Node end a process that gets no more memory. */
const OUT_OF_MEMORY = new Set(['SIGABRT', 'SIGTRAP', 'SIGILL', 'SIGSEGV'])

/** The worlds in which commands are killed, one for each of those that run at once. */
export class KillSweep {
  #lanes
  /** How many processes died, and what was wrong. */
  kills = 0
  /** How many met a change that fails. */
  failures = 0
  faults = []

  constructor(lanes) {
    this.#lanes = lanes
  }

  static async open(count = LANES) {
    return new KillSweep(await Promise.all(Array.from({ length: count }, openLane)))
  }

  /** The changes of the disk that one such command makes, thread by thread: `{ thread, step, name, path }`, counted from 1. */
  async trace(scenario) {
    const [{ world }] = this.#lanes
    // What is made but once is no part of what is swept.
    for (const isTraced of [false, true]) {
      const { take, args } = SCENARIOS[scenario]
      const file = join(world.home, 'trace')
      const env = isTraced ? preload({ at: 0, thread: '' }, file) : {}
      const { code } = await world.attempt(args(world, await take(world)), env)
      if (code !== 0) throw new Error(`${scenario} ended with ${code}`)
      if (isTraced) return readTrace(file)
    }
    return []
  }

  /**
   * Kills at each of `kills`: `{ scenario, at, thread?, on?, again?, next?, error?, call?, filesMax?, memoryMax? }`; with `error` the
   * change fails instead; `call`, the environment of the shim, `filesMax`, how many files it may open, or `memoryMax`, how
   * much memory it may address, takes the place of all that names one. The command dies at the change number `at` of its
   * thread, counted where name and path match `on`; the command that heals dies at change `again`, where there is one.
   * `fresh` makes a new project for each.
   */
  async run(kills, { fresh = false } = {}) {
    const left = [...kills.entries()]
    const sweep = async (at) => {
      for (let entry = left.shift(); entry !== undefined; entry = left.shift()) {
        if (fresh) {
          this.#lanes[at].world.remove()
          this.#lanes[at] = await openLane()
        }
        const [index, kill] = entry
        const { next, thread } = WRITING[kill.scenario]
        const lane = this.#lanes[at]
        await this.#kill(lane, { thread, next: next[index % next.length], ...kill })
      }
    }
    await Promise.all(this.#lanes.map((_, at) => sweep(at)))
  }

  /** The world of one lane. */
  world(at = 0) {
    return this.#lanes[at].world
  }

  close() {
    for (const { world } of this.#lanes) world.remove()
  }

  async #kill({ world, acknowledged }, kill) {
    const blame = (faults) =>
      this.faults.push(...faults.map((fault) => `${JSON.stringify(kill)}: ${fault}`))
    const { scenario, thread, again, on, error, call, filesMax, memoryMax } = kill
    const { take, args, refused, left = () => [], check = () => [] } = WRITING[scenario]
    const subject = await take(world)
    const place = placeOf(world, { scenario, subject })
    const attempt = async (given, env, isRefusable = false, where = {}) => {
      const outcome = await world.attempt(given, env, where)
      // A call may be one of a program that the command started, and then the command lives.
      const isLimited = (where.filesMax ?? where.memoryMax) !== undefined
      const isFailing = isLimited || [env.KILL_STEP_ERROR, env.SHIM_AT].some(Boolean)
      const expected = { isFailing, refused: isRefusable ? refused : undefined }
      this.#take(outcome, { acknowledged, blame, ...expected })
      return outcome
    }
    const env = (filesMax ?? memoryMax) === undefined ? (call?.(world) ?? preload(kill)) : {}
    const limited = { ...place, filesMax, memoryMax }
    const first = await attempt(args(world, subject), env, false, limited)
    const isMet = error === undefined ? first.code === 'SIGKILL' : hasFailed(first)
    if (on !== undefined && !isMet) blame(['there is no such change'])
    blame(world.gitFaults())
    blame(await left(world, subject, first.document?.ok === true ? first.document : null))
    const followers = [kill.next].flat()
    const argsOf = (follower) => argsAfter(world, { scenario, subject }, follower)
    if (again !== undefined) {
      await attempt(await argsOf(followers[0]), preload({ thread, at: again }), true)
      blame(world.gitFaults())
    }
    for (const follower of followers) {
      const isSame = follower === 'the same'
      const { code } = await attempt(await argsOf(follower), {}, isSame, isSame ? place : {})
      if (code === 'SIGKILL') blame(['the next command was killed by somebody else'])
    }
    blame(await world.faults(acknowledged, followers.at(-1) === 'an event'))
    if (followers.includes('the same')) blame(await check(world, subject))
  }

  /** What a command printed before its end counts as acknowledged, however it ended. */
  #take({ code, document, err }, { acknowledged, blame, refused, isFailing }) {
    if (code === 'SIGKILL' || (isFailing && OUT_OF_MEMORY.has(code))) this.kills += 1
    else if (isFailing) blame(faultsOfFailure(code, document, err))
    else if (code !== 0 && document?.error?.code !== refused) {
      blame([`ended with ${code}: ${JSON.stringify(document?.error ?? null)}`])
    }
    if (hasFailed({ err }) || document?.error?.code === NO_MORE_FILES) this.failures += 1
    const deferral = document?.committed === false ? document.deferred_reason : null
    if (deferral !== null && !isFailing) blame([`the commit is deferred: ${deferral}`])
    const one = acknowledgedBy(document)
    if (one !== null) acknowledged.push(one)
  }
}

async function openLane() {
  const world = await MissionWorld.open()
  await world.prepare('packages', 'questions', 'terms')
  world.rememberIndex()
  return { world, acknowledged: [] }
}

function hasFailed({ err }) {
  return err.includes(FAILS)
}

/** A disk that fails is no reason for silence, nor for a trace of the program's own calls. */
function faultsOfFailure(code, document, err) {
  const said = document?.error?.code
  // What is recorded although its commit is deferred is a success with an exit code of its own.
  const isTyped = document?.ok === true || (typeof said === 'string' && said !== 'INTERNAL')
  return [
    ...(isTyped ? [] : [`ended with ${code}: ${JSON.stringify(document ?? null)} ${err}`]),
    ...(/\n\s+at .*:\d+:\d+/.test(err) ? [`printed a stack trace: ${err}`] : []),
  ]
}

function preload({ at, on, thread, error }, logFile) {
  return {
    NODE_OPTIONS: `--import=${PRELOAD}`,
    KILL_STEP_THREAD: thread,
    KILL_STEP_AT: String(at),
    ...(on === undefined ? {} : { KILL_STEP_ON: on }),
    ...(error === undefined ? {} : { KILL_STEP_ERROR: error }),
    ...(logFile === undefined ? {} : { KILL_STEP_LOG: logFile }),
  }
}

function readTrace(file) {
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  rmSync(file)
  const steps = new Map()
  return lines.map((line) => {
    const [thread = '', name = '', ...path] = line.split('\t')
    const step = 1 + (steps.get(thread) ?? 0)
    steps.set(thread, step)
    return { thread, step, name, path: path.join('\t') }
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2))

/**
 * `--only NAME`: this command alone; `--every N`: each N-th change; `--fresh`: a new project for each; `--again`: the
 * healing command dies as well; `--error EIO|ENOSPC`: the change fails, and the command lives.
 */
async function main(args) {
  const valueOf = (option) => args[args.indexOf(option) + 1]
  const every = args.includes('--every') ? Number(valueOf('--every')) : 1
  const error = args.includes('--error') ? { error: valueOf('--error') } : {}
  const isErrorKnown = [undefined, 'EIO', 'ENOSPC'].includes(error.error)
  const names = args.includes('--only') ? [valueOf('--only')] : Object.keys(SCENARIOS)
  if (
    !Number.isInteger(every) ||
    every < 1 ||
    !isErrorKnown ||
    names.some((name) => !(name in SCENARIOS))
  ) {
    console.error(
      'usage: kill-sweep.mjs [--only NAME] [--every N] [--fresh] [--again] [--error EIO|ENOSPC]',
    )
    process.exit(2)
  }
  const { prepare } = await import('./prepare.mjs')
  prepare()
  const started = performance.now()
  const sweep = await KillSweep.open()
  for (const scenario of names) {
    const steps = (await sweep.trace(scenario)).filter((_, at) => (at + 1) % every === 0)
    const before = sweep.kills
    const again = (step) => (args.includes('--again') ? { again: 1 + ((step * 37) % 100) } : {})
    const more = (step) => ({ ...again(step), ...error })
    const kills = steps.map(({ thread, step }) => ({ scenario, thread, at: step, ...more(step) }))
    await sweep.run(kills, { fresh: args.includes('--fresh') })
    console.log(`${scenario}: ${steps.length} changes, ${sweep.kills - before} kills`)
  }
  sweep.close()
  const seconds = Math.round((performance.now() - started) / 1000)
  for (const fault of sweep.faults) console.error(fault)
  const { length } = sweep.faults
  console.log(`${sweep.kills} kills, ${sweep.failures} failures, ${seconds} s, ${length} faults`)
  if (sweep.faults.length > 0) process.exit(1)
}
