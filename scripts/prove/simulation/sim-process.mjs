// One process of the program: the real system of actors, the real link and the real commits, over simulated threads.
import { createCommits } from '../../../dist/commits.js'
import { LinkControl } from '../../../dist/actors/link-control.js'
import { createListeners } from '../../../dist/actors/listeners.js'
import { supervisorMachine, WORKER_NAMES } from '../../../dist/actors/supervisor.machine.js'
import { startSystem } from '../../../dist/actors/system.js'
import { workerMachine } from '../../../dist/actors/worker.machine.js'
import { NO_IDENTITY } from '../../../dist/project/identity-literals.js'
import { openSimGit } from './sim-git.mjs'
import { openSimSocket } from './sim-socket.mjs'
import { openSimStore } from './sim-store.mjs'
import { InOrder, simulatedThread } from './sim-thread.mjs'

const CHANNEL_MS = [0, 5]
/** Whose the actors of a system are. */
const PROCESSES = new WeakMap()
/** One for all processes: to build the machines takes longer than many a life. */
const HOUSE = supervisorMachine.provide({
  actors: Object.fromEntries(
    WORKER_NAMES.map((name) => {
      const thread = simulatedThread((system) => PROCESSES.get(system).threadParts(name))
      return [name, workerMachine.provide({ actors: { thread } })]
    }),
  ),
})

export class SimProcess {
  #world
  #life
  #random
  #threads = { store: null, git: null, socket: null }
  #hearers = new Set()
  #connections = 0
  /** The last one that was opened, and whether the machine has woken since. */
  connection = null
  isChecked = false
  #woke = () => undefined
  /** Asks that have no answer yet, by number: `{ what, since }`. */
  open = new Map()
  #asked = 0
  failed = new Set()
  system
  control
  commits

  /** `world`: `{ clock, random, outbox, repository, hub, identity, meets, note }`. */
  constructor(world) {
    this.#world = world
    this.#life = world.clock.life()
    this.#random = world.random.fork()
    const { identity } = world
    const listeners = createListeners()
    const root = '/simulated'
    this.system = startSystem({
      repository: { root, worktree: root, gitDir: root, commonDir: root },
      state: root,
      nodeId: () => world.nodeId,
      literals: NO_IDENTITY,
      identity,
      random: () => this.#random.next(),
      clock: this.#life,
      capacity: null,
      stuckAfterMs: null,
      listeners,
      house: HOUSE,
    })
    PROCESSES.set(this.system.supervisor.system, this)
    this.control = this.#link()
    this.commits = createCommits({ system: this.system, listeners })
    this.#wire()
  }

  get isOver() {
    return this.#life.isOver
  }

  /** Killed: nothing of it happens any more. */
  kill() {
    this.#life.end()
    for (const thread of Object.values(this.#threads)) thread?.end()
  }

  thread(name) {
    return this.#threads[name]
  }

  wake() {
    this.isChecked = true
    this.#woke()
  }

  /** As a desk's `ask`; an ask without an answer is seen in `open`. */
  ask(name, command, expected) {
    return this.#watched(command.type, this.system[name].ask(command, expected))
  }

  commit(mission) {
    return this.#watched('a commit', this.commits.commit(mission, 'decisions'))
  }

  async #watched(what, promise) {
    const number = (this.#asked += 1)
    this.open.set(number, { what, since: this.#life.now() })
    try {
      return await promise
    } finally {
      this.open.delete(number)
    }
  }

  /** The link and, after what is `asked` last, the threads; true once nothing of it runs. */
  async stop(asked) {
    await this.control.stop().catch(() => undefined)
    asked()
    await this.system.stop()
    return Object.values(this.#threads).every((thread) => thread === null || thread.isOver)
  }

  /**
   * What the thread of that worker is made of.
   *
   * @returns {object}
   */
  threadParts(name) {
    const { clock, note, meets } = this.#world
    return {
      clock: this.#life,
      random: this.#random,
      meets: (what) => meets(name, what),
      asked: () => note.asked(name),
      open: (report, _pulse, life) => this.#open(name, report, life),
      started: (thread) => {
        this.#threads[name] = thread
        note.started(name, clock.now())
      },
    }
  }

  #open(name, report, clock) {
    const { outbox, repository, hub } = this.#world
    const random = this.#random
    if (name === 'git') return openSimGit({ repository, report, random, clock })
    if (name === 'store') {
      const way = new InOrder(clock, random, CHANNEL_MS)
      const say = (batch) => way.put(() => this.#hearers.forEach((hear) => hear(batch)))
      return openSimStore({ outbox, say, report, clock })
    }
    const channel = {
      hear: (hear) => {
        this.#hearers.add(hear)
        return () => this.#hearers.delete(hear)
      },
    }
    const count = () => (this.#connections += 1)
    const opened = (connection) => {
      this.connection = connection
      this.isChecked = false
    }
    return openSimSocket({ hub, outbox, channel, count, opened, report, random, clock })
  }

  #link() {
    const { system } = this
    const { note } = this.#world
    return new LinkControl({
      workers: system.workers,
      store: system.store,
      git: system.git,
      random: system.random,
      clock: this.#life,
      spawn: (logic, id, input) => system.spawn(logic, id, input),
      changed: ({ state, reason }) => note.link(state, reason),
      refused: () => undefined,
      ledgerRefused: () => undefined,
      watchWake: (woke) => {
        return {
          start: () => (this.#woke = woke),
          stop: () => (this.#woke = () => undefined),
        }
      },
    })
  }

  /** As `createSync` does. */
  #wire() {
    const { control } = this
    this.system.observe({
      fact: (name, fact) => {
        if (name === 'socket') return control.takeFact(fact)
        if (fact.type === 'store.changed') control.heed(fact.granted)
        if (fact.type === 'store.leaseLost') control.takeRestart('store')
        if (control.isWanted) control.nudge()
      },
      restarted: (name) => control.takeRestart(name),
      failed: (name) => {
        this.failed.add(name)
        control.takeFailure(name)
      },
    })
  }
}
