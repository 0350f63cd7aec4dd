// Many events offline, then online, with the background process and the hub killed in the middle.
import Database from 'better-sqlite3'
import { join } from 'node:path'
import { judge } from '../prove/invariants.mjs'
import { MemoryWatch } from './memory.mjs'
import { notes } from './producers.mjs'
import { drain, examine, hubRows } from './settle.mjs'
import { ChaosWorld, until } from './world.mjs'

const DELIVERED_WITHIN_MS = 60 * 60_000

/** Answers `{ faults, told, peaks }`. `started` gets the world, to be closed where the run is ended from outside. */
export async function backlog({ count, kills, started }) {
  const projects = [{ name: 'seabird', consent: 'granted' }]
  const world = await ChaosWorld.open(projects, { heard: () => undefined, areDisksSmall: false })
  started(world)
  const memory = new MemoryWatch(() => world.processes())
  try {
    world.proxy.mode = 'cut'
    const { events, recordedMs } = await record(world, count)
    const deliveredMs = await deliver(world, count, kills)
    const undelivered = await drain(world)
    const verdicts = await examine(world)
    const outcomes = events.length === count ? [] : [`${events.length} of ${count} were taken`]
    const { faults } = judge({
      projects: world.projects,
      acknowledged: { events, commits: [] },
      hub: hubRows(world),
      peaks: memory.peaks,
      outcomes,
      undelivered,
      verdicts,
    })
    const told = [
      `${count} events recorded offline in ${rate(count, recordedMs)}`,
      `delivered in ${rate(count, deliveredMs)}, with ${kills} kills each of background process and hub`,
    ]
    return { faults, told, peaks: memory.peaks }
  } finally {
    memory.stop()
    await world.close()
  }
}

async function record(world, count) {
  const [{ root, uuid }] = world.projects
  let number = 0
  const input = notes(count, () => `number ${(number += 1)} of a day without a network`)
  const from = performance.now()
  const env = { KITTIWAKE_AUTO_START: '0' }
  const program = world.start('producer', root, ['emit', '--batch', '-'], { input, env })
  const { documents } = await program.ended
  const receipts = documents.filter(({ ok }) => ok)
  const events = receipts.map(({ event_id }) => ({ project: uuid, id: event_id, period: null }))
  return { events, recordedMs: performance.now() - from }
}

/** Kills both each time another part of all has come. Answers how long it took in milliseconds. */
async function deliver(world, count, kills) {
  const [{ root }] = world.projects
  const from = performance.now()
  world.proxy.mode = 'whole'
  await world.ok(root, ['sync', 'start'])
  for (let kill = 1; kill <= kills; kill += 1) {
    await arrived(world, (count * kill) / (kills + 1))
    world.signalBackground('SIGKILL')
    await world.signalHub('SIGKILL')
    await world.startHub()
    await world.ok(root, ['sync', 'start'])
  }
  await arrived(world, count)
  return performance.now() - from
}

async function arrived(world, least) {
  const db = new Database(join(world.dataDir, 'hub.db'), { readonly: true })
  const last = db.prepare('SELECT count(*) FROM events').pluck()
  try {
    await until(`${least} events have arrived`, () => last.get() >= least, DELIVERED_WITHIN_MS)
  } finally {
    db.close()
  }
}

function rate(count, ms) {
  return `${Math.round(ms / 100) / 10} s (${Math.round((count / ms) * 1000)} a second)`
}
