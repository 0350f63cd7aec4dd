// What goes wrong, as data: how it begins, and how it ends. Which comes when is the seed's choice.
import { pause, until } from './world.mjs'

const HOUR_MS = 3_600_000

/** By name: `begin` answers what is told of it, or null where it can't be done now; `end` makes all well again. */
export const FAULTS = {
  'kill background': { begin: (world) => world.signalBackground('SIGKILL') },
  'pause background': {
    begin: (world) => world.signalBackground('SIGSTOP'),
    end: (_, pid) => resume(pid),
  },
  'kill hub': { begin: (world) => world.signalHub('SIGKILL'), end: (world) => world.startHub() },
  'end hub': { begin: (world) => world.signalHub('SIGTERM'), end: (world) => world.startHub() },
  'kill nats': { begin: (world) => world.nats.kill(), end: (world) => world.nats.start() },
  'pause hub': {
    begin: (world) => world.signalHub('SIGSTOP'),
    end: (world) => world.signalHub('SIGCONT'),
  },
  'cut link': link('cut'),
  'silent link': link('silent'),
  'slow link': link('slow'),
  'full disk': disk('machineDisk'),
  'full disk of the hub': disk('hubDisk'),
  'clock back': {
    begin: (world) => (world.clockMs = -26 * HOUR_MS),
    end: (world) => {
      world.clockMs = 0
    },
  },
  'token revoked': {
    // While the hub's disk is full or it stands still, its data can't be changed; here nothing else is wrong.
    begin: (world) => world.revoke(),
    end: (world) => world.login(),
  },
  'consent withdrawn': { begin: withdraw, end: consent },
}

function link(mode) {
  return {
    begin: (world) => (world.proxy.mode = mode),
    end: (world) => {
      world.proxy.mode = 'whole'
    },
  }
}

function disk(name) {
  return {
    begin: (world) => world[name].fill(),
    end: async (world) => {
      world[name].empty()
      // A hub that could not go on has ended by its own decision.
      await world.startHub()
    },
  }
}

async function withdraw(world) {
  return change(world, 'opt-out', 'out')
}

async function consent(world) {
  return change(world, 'opt-in', 'in')
}

/** Each period has a name of its own, which stands in what is recorded in it. */
async function change(world, word, name) {
  for (const project of world.projects.filter((one) => one.consent === 'changing')) {
    project.isChanging = true
    await until('nobody records', () => (project.busy ?? 0) === 0)
    await world.ok(project.root, ['sync', word])
    project.periods = (project.periods ?? 0) + 1
    project.period = `period-${project.periods}-${name}`
    project.isChanging = false
  }
}

function resume(pid) {
  if (typeof pid !== 'number') return
  try {
    process.kill(pid, 'SIGCONT')
  } catch {
    // Somebody took its place meanwhile.
  }
}

/** One fault after the other until it is over; all is well again when it resolves. Answers what was done. */
export async function trouble(world, random, isOver, told) {
  const names = Object.keys(FAULTS).filter((name) => world.nats !== null || name !== 'kill nats')
  // Each once before any comes again, so that a short run meets as many as it can.
  let left = []
  const done = {}
  while (!isOver()) {
    if (left.length === 0) left = shuffled(names, random)
    const name = left.pop()
    const forMs = random.between(300, 3_000)
    const restMs = random.between(100, 1_200)
    told(name)
    const given = await FAULTS[name].begin(world)
    done[name] = (done[name] ?? 0) + 1
    await pause(forMs)
    await FAULTS[name].end?.(world, given)
    if (!isOver()) await pause(restMs)
  }
  return done
}

function shuffled(items, random) {
  const left = [...items]
  return items.map(() => left.splice(random.between(0, left.length - 1), 1)[0])
}
