// What durable events cost beside raw SQLite that stores the same bytes: many in flight, a batch by command, one alone; and
// what an inspector adds.
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createRuntime } from '#dist/index.js'
import { encodeJson } from '#dist/contracts/json/json.js'
import { inTurn, quantile, row, timed } from './measure.mjs'
import { draft, inFolder, MAIN, openProject, RawQueue } from './project.mjs'

const IN_FLIGHT = 512
const SIZES = {
  whole: { rounds: 5, events: 20_480, batch: 100_000, singles: 500 },
  short: { rounds: 1, events: 1_024, batch: 1_000, singles: 20 },
}
const BATCHES = `raw SQLite, FULL, ${IN_FLIGHT} a transaction`

export function rows(isShort) {
  const sizes = isShort ? SIZES.short : SIZES.whole
  return inFolder(async (folder) => {
    const project = await openProject(folder)
    const raw = new RawQueue(join(folder, 'raw.db'))
    const runtime = await open(project)
    const { body } = await stored(runtime)
    const found = [await inFlight(runtime, raw, body, sizes)]
    found.push(...(await singles(runtime, raw, body, sizes)))
    found.push(await inspected(runtime, sizes))
    await runtime.stop()
    found.push(await byCommand(project, raw, body, sizes))
    raw.close()
    return found
  })
}

function open({ root, state }) {
  return createRuntime({ root, stateDirectory: state, link: 'manual' })
}

/** The text of an event as it is stored, near enough: the same length is what counts. */
async function stored(runtime) {
  const receipt = await runtime.emit(draft(0))
  return { body: encodeJson({ ...draft(0), ...receipt, filler: 'x'.repeat(150) }) }
}

async function inFlight(runtime, raw, body, { rounds, events }) {
  const found = await inTurn(
    { rounds },
    {
      base: () => perSecond(events, () => addRaw(raw, body, events)),
      ours: () => perSecond(events, () => emitAll(runtime, events)),
    },
  )
  const figure = `durable emit, API, ${IN_FLIGHT} in flight`
  return row({ figure, beside: BATCHES, unit: 'events/s', ...found, least: 0.5 })
}

async function byCommand(project, raw, body, { rounds, batch }) {
  const file = join(project.state, 'drafts.jsonl')
  const lines = Array.from({ length: batch }, (_, at) => JSON.stringify(draft(at)))
  writeFileSync(file, `${lines.join('\n')}\n`)
  const command = () => run(project, ['emit', '--batch', file, '--json'])
  const found = await inTurn(
    { rounds: Math.min(rounds, 3), warmUps: 0 },
    {
      base: () => perSecond(batch, () => addRaw(raw, body, batch)),
      ours: () => perSecond(batch, command),
    },
  )
  const figure = `emit --batch of ${batch}`
  return row({ figure, beside: BATCHES, unit: 'events/s', ...found, least: 0.35 })
}

async function singles(runtime, raw, body, { singles: count }) {
  const times = { base: [], ours: [] }
  for (let at = -5; at < count; at += 1) {
    const base = await timed(() => raw.addAll([body]))
    const ours = await timed(() => runtime.emit(draft(at)))
    if (at < 0) continue
    times.base.push(base)
    times.ours.push(ours)
  }
  return [
    ['p50', 0.5, 2],
    ['p99', 0.99, 4],
  ].map(([name, share, most]) => {
    const [ours, base] = [quantile(times.ours, share), quantile(times.base, share)]
    const figure = `single durable emit, ${name}`
    return row({ figure, beside: 'one FULL transaction on this thread', ours, base, most })
  })
}

async function inspected(runtime, { rounds, events }) {
  let seen = 0
  const found = await inTurn(
    { rounds },
    {
      base: () => timed(() => emitAll(runtime, events)),
      ours: async () => {
        const off = runtime.inspect(() => (seen += 1))
        const ms = await timed(() => emitAll(runtime, events))
        off()
        return ms
      },
    },
  )
  if (seen === 0) throw new Error('the inspector saw nothing')
  return row({ figure: 'emits with an inspector', beside: 'without', ...found, most: 2 })
}

async function emitAll(runtime, events) {
  let at = 0
  const produce = async () => {
    while (at < events) {
      at += 1
      await runtime.emit(draft(at))
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, produce))
}

function addRaw(raw, body, events) {
  const bodies = Array.from({ length: IN_FLIGHT }, () => body)
  for (let left = events; left > 0; left -= IN_FLIGHT) raw.addAll(bodies.slice(0, left))
}

async function perSecond(events, work) {
  return events / ((await timed(work)) / 1_000)
}

function run({ root, env }, args) {
  const { status, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    cwd: root,
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  if (status !== 0) throw new Error(`${args[0]} ended with ${status}: ${stderr}`)
}
