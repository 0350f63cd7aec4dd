// What goes wrong in the simulation, as data: each fault by name, with the places of the model that it meets.

/**
 * `begin(world)` does it; `end(world)`, where there is one, undoes it a while later. `met` names fault and state.
 *
 * @type {Record<string, { met: string[], begin: (world: any) => void, end?: (world: any) => void }>}
 */
export const SIMULATED_FAULTS = {
  'the store thread dies': death('store', 'F05 emit'),
  'the git thread dies': death('git', 'F05 answer'),
  'the socket thread dies': death('socket', 'F05 link'),
  'the store thread is stuck': stuck('store', 'F06 emit'),
  'the git thread is stuck': stuck('git', 'F06 answer'),
  'the socket thread is stuck': stuck('socket', 'F06 link'),
  'threads die over commands': {
    met: ['F05 emit', 'F05 answer', 'F05 link'],
    begin: (world) => (world.odds = { before: 0.05, after: 0.05, starting: 0.02 }),
    end: (world) => (world.odds = {}),
  },
  'threads get stuck over commands': {
    met: ['F06 emit', 'F06 answer', 'F06 link'],
    begin: (world) => (world.odds = { stuck: 1 }),
    end: (world) => (world.odds = {}),
  },
  'threads die at their start': {
    met: ['F07 emit'],
    begin: (world) => {
      world.odds = { starting: 1 }
      world.process.thread('store')?.die()
    },
    end: (world) => (world.odds = {}),
  },
  'the process is killed': {
    met: ['F01 emit', 'F01 link'],
    begin: (world) => world.killProcess(),
  },
  'the outbox fails': {
    met: ['F09 emit'],
    begin: ({ outbox }) => (outbox.isBroken = true),
    end: ({ outbox }) => (outbox.isBroken = false),
  },
  'the ledger fails': {
    met: ['F09 answer'],
    begin: ({ repository }) => (repository.isBroken = true),
    end: ({ repository }) => (repository.isBroken = false),
  },
  'a lock stays': {
    met: ['F20 commit'],
    begin: ({ repository }) => (repository.obstacle = 'index_locked'),
    end: ({ repository }) => (repository.obstacle = null),
  },
  'the branch is left': {
    met: ['F21 commit'],
    begin: ({ repository }) => (repository.obstacle = 'detached_head'),
    end: ({ repository }) => (repository.obstacle = null),
  },
  'native git commits': {
    met: ['F19 commit'],
    begin: ({ repository }) => repository.commitNatively(),
  },
  'the links are cut': { met: ['F26 work'], begin: ({ hub }) => hub.cutAll() },
  'the links fall silent': {
    met: ['F26 work', 'F36 link'],
    begin: ({ hub }) => hub.silenceAll(),
  },
  'the net is slow': {
    met: ['F29 work'],
    begin: ({ hub }) => (hub.isSlow = true),
    end: ({ hub }) => (hub.isSlow = false),
  },
  'acknowledgements are lost': {
    met: ['F28 link'],
    begin: ({ hub }) => (hub.losesAcks = true),
    end: ({ hub }) => (hub.losesAcks = false),
  },
  'the hub takes no commits': {
    met: ['F32 link'],
    begin: ({ hub }) => (hub.refusesCommits = true),
    // What was refused is offered again by the next link.
    end: ({ hub }) => {
      if (hub.refusesCommits) hub.cutAll()
      hub.refusesCommits = false
    },
  },
  'a proxy lets no WebSocket through': {
    met: ['F32 link'],
    begin: ({ hub }) => {
      hub.hasProxy = true
      hub.cutAll()
    },
    end: ({ hub }) => (hub.hasProxy = false),
  },
  'the hub is away': {
    met: ['F30 work'],
    begin: ({ hub }) => hub.stop(),
    end: ({ hub }) => hub.start(),
  },
  'the hub comes back from a backup': {
    met: ['F30 work'],
    // Who delivers by HTTP, or has just been told that it may, learns of another epoch at the next probe only: till then the
    // hub gets newer events first.
    begin: ({ hub, random, process }) => {
      if (!['probing', 'batching'].includes(process.control.state)) hub.restore(random.next())
    },
  },
  'the token is revoked': {
    met: ['F32 link'],
    begin: ({ hub }) => {
      hub.isRevoked = true
      hub.cutAll()
    },
    end: ({ hub, process }) => {
      hub.isRevoked = false
      process.control.relogin()
    },
  },
  'another process delivers': {
    met: ['F17 link'],
    begin: ({ outbox }) => (outbox.holder ??= 'another process'),
    end: ({ outbox }) => {
      if (outbox.holder === 'another process') outbox.holder = null
    },
  },
  'another process is quicker': {
    met: ['F17 link', 'F05 emit'],
    begin: ({ process, outbox }) => {
      process.thread('store')?.die()
      outbox.holder ??= 'another process'
    },
    end: ({ outbox }) => {
      if (outbox.holder === 'another process') outbox.holder = null
    },
  },
  'another process records': {
    met: ['F18 emit'],
    begin: (world) => world.recordElsewhere(),
  },
  'the machine sleeps': {
    met: ['F25 work'],
    begin: ({ process, hub, random }) => {
      if (random.next() < 0.7) hub.silenceAll()
      process.wake()
    },
  },
}

function death(name, met) {
  return { met: [met], begin: ({ process }) => process.thread(name)?.die() }
}

function stuck(name, met) {
  return { met: [met], begin: ({ process }) => process.thread(name)?.stick() }
}
