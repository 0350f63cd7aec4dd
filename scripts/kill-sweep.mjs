#!/usr/bin/env node
// Kills `decision answer` of the built program at one change of the disk after the other, and checks what the next command heals.
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DecisionWorld } from './decision-world.mjs'

const PRELOAD = new URL('./kill-at-step.mjs', import.meta.url).href
const GIT_WORKER = 'git.worker'
const LANES = 2

/** Which commands come after the dead one, in turn. */
const NEXT = ['the same answer', 'a request', 'another answer']

/** The changes of the disk that one `decision answer` makes, in order: `{ step, name, path }`, counted from 1. */
export async function traceAnswer() {
  const world = await DecisionWorld.open()
  try {
    await world.run(world.answerArgs(await world.takeOpen()))
    const decision_id = await world.takeOpen()
    const file = join(world.home, 'trace')
    const { code } = await world.attempt(world.answerArgs(decision_id), preload({ at: 0 }, file))
    if (code !== 0) throw new Error(`the traced command ended with ${code}`)
    return readTrace(file)
  } finally {
    world.remove()
  }
}

/**
 * Kills at each of `kills`: `{ at, on?, again?, next? }`. It dies at the change number `at` of those whose name and path
 * match `on`; the command that heals dies at change `again`, where there is one. Answers `{ kills, faults }`: how many
 * processes died, and what was wrong. `fresh` makes a new project for each.
 */
export async function sweepKills(kills, { lanes = LANES, fresh = false } = {}) {
  const result = { kills: 0, faults: [] }
  const sweep = async (lane) => {
    let world = await DecisionWorld.open()
    let acknowledged = []
    try {
      for (let at = lane; at < kills.length; at += lanes) {
        if (fresh && at !== lane) {
          world.remove()
          world = await DecisionWorld.open()
          acknowledged = []
        }
        const kill = { next: NEXT[(at >> 1) % NEXT.length], ...kills[at] }
        await killOnce(world, kill, acknowledged, result)
      }
    } finally {
      world.remove()
    }
  }
  await Promise.all(Array.from({ length: lanes }, (_, lane) => sweep(lane)))
  return result
}

async function killOnce(world, kill, acknowledged, result) {
  const { next } = kill
  const where = JSON.stringify(kill)
  const blame = (faults) => result.faults.push(...faults.map((fault) => `${where}: ${fault}`))
  const decision_id = await world.takeOpen()
  const attempt = async (args, env) => {
    const outcome = await world.attempt(args, env)
    take(world, outcome, acknowledged, result, blame)
    return outcome.code
  }
  const dead = await attempt(world.answerArgs(decision_id), preload(kill))
  if (kill.on !== undefined && dead !== 'SIGKILL') blame(['there is no such change'])
  blame(world.gitFaults())
  if (kill.again !== undefined) {
    await attempt(await nextArgs(world, next, decision_id), preload({ at: kill.again }))
    blame(world.gitFaults())
  }
  const code = await attempt(await nextArgs(world, next, decision_id))
  if (code !== 0) blame([`the next command ended with ${code}`])
  blame(world.faults(acknowledged))
}

async function nextArgs(world, next, decisionId) {
  if (next === 'the same answer') return world.answerArgs(decisionId)
  if (next === 'a request') return world.requestArgs('Is it healed?')
  return world.answerArgs(await world.takeOpen())
}

/** What a command printed before its end counts as acknowledged, however it ended. */
function take(world, { code, document }, acknowledged, result, blame) {
  if (code === 'SIGKILL') result.kills += 1
  else if (code !== 0) blame([`ended with ${code}: ${JSON.stringify(document?.error ?? null)}`])
  if (document?.ok !== true || document.committed === undefined) return
  const { decision_id, commit, committed } = document
  if (!committed) blame([`the commit is deferred: ${document.deferred_reason}`])
  acknowledged.push({ decision_id, answer: `To ${decision_id}`, commit })
}

function preload({ at, on }, logFile) {
  return {
    NODE_OPTIONS: `--import=${PRELOAD}`,
    KILL_STEP_THREAD: GIT_WORKER,
    KILL_STEP_AT: String(at),
    ...(on === undefined ? {} : { KILL_STEP_ON: on }),
    ...(logFile === undefined ? {} : { KILL_STEP_LOG: logFile }),
  }
}

function readTrace(file) {
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  rmSync(file)
  return lines.map((line, index) => {
    const [thread = '', name = '', ...path] = line.split('\t')
    return { thread, step: index + 1, name, path: path.join('\t') }
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2))

/** `--every N`: each N-th change; `--fresh`: a new project for each; `--again`: the healing command dies as well. */
async function main(args) {
  const at = args.indexOf('--every')
  const every = at === -1 ? 1 : Number(args[at + 1])
  if (!Number.isInteger(every) || every < 1) {
    console.error('usage: kill-sweep.mjs [--every N] [--fresh] [--again]')
    process.exit(2)
  }
  const { prepare } = await import('./prepare.mjs')
  prepare()
  const steps = await traceAnswer()
  const chosen = steps.filter(({ step }) => step % every === 0).map(({ step }) => step)
  const again = args.includes('--again')
  const kills = chosen.map((step) => ({
    at: step,
    ...(again ? { again: 1 + ((step * 37) % steps.length) } : {}),
  }))
  const started = performance.now()
  const { kills: count, faults } = await sweepKills(kills, { fresh: args.includes('--fresh') })
  const seconds = Math.round((performance.now() - started) / 1000)
  for (const fault of faults) console.error(fault)
  console.log(`${chosen.length} of ${steps.length} changes, ${count} kills, ${seconds} s`)
  console.log(`${faults.length} faults`)
  if (faults.length > 0) process.exit(1)
}
