#!/usr/bin/env node
// Projects, commands, the background process and a hub under faults that a seed chooses; then everything must be there, once.
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { backlog } from './chaos/backlog.mjs'
import { trouble } from './chaos/faults.mjs'
import { MemoryWatch } from './chaos/memory.mjs'
import { Producer } from './chaos/producers.mjs'
import { Random } from './chaos/random.mjs'
import { drain, examine, filesWith, hubRows } from './chaos/settle.mjs'
import { ChaosWorld } from './chaos/world.mjs'
import { findNatsServer } from './nats-server.mjs'
import { prepare } from './prepare.mjs'
import { judge } from './prove/invariants.mjs'

const PROJECTS = [
  { name: 'seabird', consent: 'granted' },
  { name: 'tern', consent: 'granted' },
  { name: 'skua', consent: 'changing' },
  { name: 'secretive', consent: 'never' },
]
const PRODUCERS = 2
const SHOWN_MAX = 20

const { values } = parseArgs({
  options: {
    /** Default: another one each time. */
    seed: { type: 'string' },
    /** How long things go wrong; what follows takes some seconds more. */
    minutes: { type: 'string', default: '5' },
    /** Instead of all that: so many events offline, then online. */
    backlog: { type: 'string' },
    /** How often background process and hub are killed meanwhile. */
    kills: { type: 'string', default: '3' },
    /** `nats`: the hub shares its log by a server, which is killed as well. */
    backend: { type: 'string', default: 'sqlite' },
  },
})
const seed = Number(values.seed ?? randomInt(2 ** 31))
const minutes = Number(values.minutes)
const count = Number(values.backlog ?? 0)
const kills = Number(values.kills)
if (![seed, count, kills].every((one) => Number.isSafeInteger(one) && one >= 0) || !(minutes > 0)) {
  console.error(
    'usage: chaos.mjs [--seed N] [--minutes M] [--backend nats] | --backlog N [--kills K]',
  )
  process.exit(2)
}
if (process.env.KITTIWAKE_BUILT !== '1') prepare()
const again =
  count > 0
    ? `npm run chaos -- --backlog ${count} --kills ${kills}`
    : `npm run chaos -- --seed ${seed} --minutes ${minutes} --backend ${values.backend}`
const natsProgram = values.backend === 'nats' ? findNatsServer() : null
if (values.backend === 'nats' && natsProgram === null) {
  console.error('There is no nats-server here; NATS_SERVER may name one.')
  process.exit(2)
}
console.log(`chaos: ${again}`)
const started = performance.now()
const { faults, told, peaks } =
  count > 0 ? await backlog({ count, kills, started: end }) : await chaos()
for (const fault of faults.slice(0, SHOWN_MAX)) console.error(`chaos: ${fault}`)
for (const line of told) console.log(`chaos: ${line}`)
const memory = Object.entries(peaks).map(([kind, most]) => `${kind} ${most}`)
console.log(`chaos: most memory in MiB: ${memory.join(', ')}`)
const seconds = Math.round((performance.now() - started) / 1000)
console.log(`chaos: ${faults.length} faults, ${seconds} s`)
if (faults.length > 0) {
  console.error(`chaos: again by ${again}`)
  process.exit(1)
}

async function chaos() {
  const wire = []
  let forbidden = []
  const world = await ChaosWorld.open(PROJECTS, {
    natsProgram,
    heard: (text) => {
      for (const word of forbidden) if (text.includes(word)) wire.push(`${word} went over the wire`)
    },
  })
  end(world)
  const silent = world.projects.filter(({ consent }) => consent === 'never')
  forbidden = [...world.personal, ...silent.flatMap(({ uuid, canary }) => [uuid, canary])]
  const record = { commands: 0, events: [], commits: [], faults: [], refusals: {} }
  const memory = new MemoryWatch(() => world.processes())
  try {
    await world.ok(world.projects[0].root, ['sync', 'start'])
    const until = performance.now() + minutes * 60_000
    const isOver = () => performance.now() > until
    const random = new Random(seed)
    const producers = Array.from({ length: PRODUCERS }, () => {
      return new Producer(world, record, random.fork()).run(isOver)
    })
    const isTold = process.env.CHAOS_VERBOSE === '1'
    const troubled = trouble(world, random.fork(), isOver, (name) => {
      if (isTold) console.log(`chaos: ${name}`)
    })
    const [met] = await Promise.all([troubled, ...producers])
    const undelivered = await drain(world)
    const verdicts = await examine(world)
    const hub = hubRows(world)
    const heard = [
      ...wire,
      ...world.proxy.unread,
      ...filesWith(world.dataDir, forbidden),
      ...natsFiles(world, forbidden),
    ]
    const { faults } = judge({
      projects: world.projects,
      acknowledged: record,
      outcomes: record.faults,
      peaks: memory.peaks,
      hub,
      heard,
      undelivered,
      verdicts,
    })
    return { faults, told: summary(world, { record, hub, met }), peaks: memory.peaks }
  } finally {
    memory.stop()
    await world.close()
  }
}

function natsFiles({ nats }, forbidden) {
  return nats === null ? [] : filesWith(nats.folder, forbidden)
}

function summary(world, { record, hub, met }) {
  const listed = (counts) => Object.entries(counts).map(([name, times]) => `${name} ${times}`)
  return [
    `${record.commands} commands, acknowledged ${record.events.length} events and ${record.commits.length} commits`,
    `the hub has ${hub.events.length} events and ${hub.commits.length} commits; ${world.proxy.bytes} bytes were read`,
    `met: ${listed(met).join(', ')}`,
    `refused: ${listed(record.refusals).join(', ') || 'nothing'}`,
    ...(world.machineDisk.isSmall ? [] : ['no disk was filled: none can be mounted here']),
  ]
}

/** Nothing is left where the run is ended from outside. */
function end(world) {
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => void world.close().finally(() => process.exit(130)))
  }
}
