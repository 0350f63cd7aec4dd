// One simulated life of a project by one seed: the real machines between people, faults and a hub.
import { Random } from '../../chaos/random.mjs'
import { judge } from '../invariants.mjs'
import { SimClock, settle } from './sim-clock.mjs'
import { faultsOf, isDelivered, undeliveredOf, unhealedOf } from './sim-evidence.mjs'
import { SIMULATED_FAULTS } from './sim-faults.mjs'
import { SimRepository } from './sim-git.mjs'
import { SimHub } from './sim-hub.mjs'
import { DISTURBANCES, LONG_LIFE, SHORT_LIFE } from './sim-lives.mjs'
import { SimPeople } from './sim-people.mjs'
import { SimProcess } from './sim-process.mjs'
import { SimOutbox } from './sim-store.mjs'
import { Trace } from './sim-trace.mjs'
import { Truth } from './sim-truth.mjs'

const UUID = '6f2b8c1e-3d4a-4f5b-8c6d-7e8f9a0b1c2d'
/** One life of so many is a long one. */
const LONG = 20
/** A fault may outlast the work: nobody does anything meanwhile, and the link is to make the best of it. */
const RESTING = 0.3
const REST_MS = 110_000
const LASTING = 0.7
const DISTURBED_MS = [500, 15_000]
const LAST_WRITES = 0.5
/** Once all is well and noticed, the link is up and everything delivered after so long (I22). */
const HEAL_MS = 30_000
/** However it was left, after so long in quiet. */
const QUIET_MS = 15 * 60_000
const STOP_MS = 10_000
/** No seed takes nearly as many: more are a machine that goes round and round. */
const STEPS_MAX = 60_000
const KINDS_MAX = 7
const RESTING_KINDS_MAX = 3

export class World {
  clock = new SimClock()
  nodeId = '0123456789ab'
  identity = { uuid: UUID, canary: 'tern-ledge-2207' }
  outbox = new SimOutbox()
  repository = new SimRepository(UUID)
  /** How likely a thread dies over what, by moment. */
  odds = {}
  met = new Map()
  trace
  undelivered = []
  isConsentChanging
  #isTold
  #life
  #isResting
  #isOver = false
  #isCalm = false
  #steps = 0
  #starts = []
  #faults = []
  #truth = new Truth()
  #kinds = new Set()
  #processes = 0

  constructor(seed, isTold) {
    this.#isTold = isTold
    this.trace = new Trace(isTold)
    this.random = new Random(seed)
    this.#life = seed % LONG === 0 ? LONG_LIFE : SHORT_LIFE
    this.#isResting = this.random.next() < RESTING
    const { clock, random, repository } = this
    this.hub = new SimHub({ clock, random: random.fork(), repository })
    this.people = new SimPeople(this)
    this.isConsentChanging = random.next() < 0.4
    this.outbox.grant(false)
    this.note = {
      started: (name, at) => {
        this.#starts.push({ name: `${this.#processes}. ${name}`, at })
        this.#tell(`thread ${name} starts`)
      },
      asked: (name) => this.#truth.asked(name, clock.now()),
      link: (state, reason) => {
        this.#truth.tried(state)
        this.#tell(`link ${state} ${reason}`)
      },
    }
    this.#begin()
  }

  async live() {
    const { random, people, clock } = this
    void people.link()
    const { work, act, fault } = this.#life
    const until = clock.now() + random.between(...work)
    const kinds = Object.keys(SIMULATED_FAULTS)
    const most = this.#isResting ? RESTING_KINDS_MAX : KINDS_MAX
    const chosen = Array.from({ length: random.between(1, most) }, () => random.pick(kinds))
    this.#every(act, () => this.#act())
    this.#every(fault, () => this.#fault(random.pick(chosen)))
    await this.#run(until)
    this.#isOver = true
    if (this.#isResting) await this.#rest()
    await this.#calm()
    await this.#quiet()
    this.#faults.push(...faultsOf(this))
    await this.#end()
  }

  /** What was wrong; empty is good. */
  faults() {
    const { outcomes } = this.people
    const told = [...judge({ outcomes }).faults, ...judge({ starts: this.#starts }).faults]
    return [...this.#faults, ...this.#truth.faults, ...told]
  }

  killProcess() {
    if (!this.process.isOver) this.process.kill()
    this.#tell('process killed')
    this.#begin()
    void this.people.resume()
  }

  /** Fault and state, as the model names them. */
  meet(one) {
    this.met.set(one, 1 + (this.met.get(one) ?? 0))
  }

  /** Another process of this machine, with the same node and clock. */
  recordElsewhere() {
    if (this.outbox.isBroken) return
    const receipts = this.outbox.append([JSON.stringify(this.people.draft())])
    this.people.note(receipts)
    this.outbox.touched()
  }

  #begin() {
    this.#processes += 1
    const { clock, random, outbox, repository, hub, identity, nodeId, note } = this
    const meets = (name, what) => this.#isMet(name, what)
    const parts = { clock, random, outbox, repository, hub, identity, nodeId, note, meets }
    this.process = new SimProcess(parts)
    // What every actor hears makes the trace fine, and the run twice as long.
    if (!this.#isTold) return
    const { process } = this
    process.system.inspect((event) => {
      if (event.type === '@xstate.event' && !process.isOver) {
        // The first of all has no name of its own, but a number that counts what ran before.
        const { id } = event.actorRef
        this.#tell(`${id.startsWith('x:') ? 'supervisor' : id} < ${event.event.type}`)
      }
    })
  }

  #isMet(name, what) {
    const odds = this.odds[what] ?? 0
    if (odds === 0 || this.random.next() >= odds) return false
    this.#tell(`thread ${name} dies ${what}`)
    return true
  }

  #act() {
    const { random, people } = this
    const dice = random.next()
    if (dice < 0.55) void people.emit(random.between(1, 5))
    else if (dice < 0.75) void people.decide()
    else if (dice < 0.85) void Promise.all([people.decide('first'), people.decide('first')])
    else if (dice < 0.92 && this.isConsentChanging) void people.changeConsent()
    else if (dice < 0.96) void this.#unlink()
    else void people.link()
  }

  /** A link that was stopped holds no lease. */
  async #unlink() {
    const { process, outbox } = this
    const { control } = process
    const isDone = await control.stop().then(
      () => true,
      () => false,
    )
    const isHeld = outbox.holder !== null && outbox.holder !== 'another process'
    if (isDone && isHeld && !control.isWanted && process === this.process) {
      this.#faults.push('I31: a link that was stopped keeps the lease')
    }
  }

  #fault(kind) {
    const { met, begin, end } = SIMULATED_FAULTS[kind]
    this.#tell(kind)
    begin(this)
    for (const one of met) this.meet(one)
    if (end === undefined) return
    this.#kinds.add(kind)
    const isLasting = this.#isResting && this.random.next() < LASTING
    if (!isLasting) {
      this.clock.setTimeout(() => this.#undo(kind), this.random.between(...this.#life.lasts))
    }
  }

  #undo(kind) {
    if (this.#isCalm || !this.#kinds.delete(kind)) return
    this.#tell(`over: ${kind}`)
    SIMULATED_FAULTS[kind].end(this)
  }

  #every(range, work) {
    this.clock.setTimeout(
      () => {
        if (this.#isOver) return
        work()
        this.#every(range, work)
      },
      this.random.between(...range),
    )
  }

  async #rest() {
    const { random, clock } = this
    for (const disturb of [random.pick(DISTURBANCES), random.pick(DISTURBANCES)]) {
      clock.setTimeout(() => disturb(this), random.between(...DISTURBED_MS))
    }
    this.#truth.rest()
    await this.#runFor(REST_MS)
    this.#truth.rested(this)
  }

  /** Nothing is wrong any more; what is broken by now has to be noticed. */
  async #calm() {
    for (const kind of this.#kinds) this.#undo(kind)
    this.#isCalm = true
    await settle()
    // What was under way by people ends first.
    await this.#runFor(30_000)
    this.#bury()
    await this.#runFor(5_000)
    if (!this.people.isIn) void this.people.changeConsent()
    await this.#runFor(10_000)
    if (!this.process.control.isWanted) void this.people.link()
    // By others, so that nothing but a watch tells of it.
    if (this.random.next() < LAST_WRITES) this.repository.commitNatively()
    if (this.random.next() < LAST_WRITES) this.recordElsewhere()
  }

  /** A process that lacks a worker for good refuses what it is asked, and somebody starts another one. */
  #bury() {
    const { process, people } = this
    if (process.failed.size === 0) return
    for (const name of process.failed) {
      if (process.system.failures[name] !== undefined) continue
      this.#faults.push(`I32: nobody knows that ${name} failed`)
    }
    for (const { what } of process.open.values()) people.outcomes.push(`${what} has no end`)
    this.killProcess()
  }

  async #quiet() {
    const startedAt = this.clock.now()
    await this.#run(startedAt + QUIET_MS, () => isDelivered(this))
    const tookMs = this.clock.now() - startedAt
    if (tookMs > HEAL_MS) this.#faults.push(`I22: it was up again after ${tookMs} ms only`)
    this.#faults.push(...unhealedOf(this))
    void this.people.heal()
    const isDone = () => isDelivered(this) && !this.repository.isLoose
    await this.#run(this.clock.now() + QUIET_MS, isDone)
    await this.#runFor(1_000)
    for (const { what } of this.process.open.values()) {
      this.people.outcomes.push(`${what} has no end`)
    }
    this.undelivered = undeliveredOf(this)
  }

  /** What is under way when it is told to stop comes to an end, and what a healthy thread has taken is done. */
  async #end() {
    const { process, people, random } = this
    const known = people.acknowledged.length
    void people.decide()
    await this.#runFor(random.pick([0, 20, 60]))
    let isStopped = false
    let isOver = false
    void process
      .stop(() => people.emit(1))
      .then((over) => {
        isStopped = true
        isOver = over
      })
    await this.#run(this.clock.now() + STOP_MS, () => isStopped)
    if (!isStopped) this.#faults.push('I34: the runtime does not stop')
    else if (!isOver) this.#faults.push('I34: a thread runs on')
    await this.#runFor(1_000)
    if (people.acknowledged.length === known) this.#faults.push('I34: what was taken is not done')
    for (const { what } of process.open.values()) people.outcomes.push(`${what} has no end`)
    process.kill()
  }

  #runFor(ms) {
    return this.#run(this.clock.now() + ms)
  }

  async #run(until, isDone = () => false) {
    await settle()
    while (!isDone()) {
      if (this.#steps > STEPS_MAX) {
        this.#faults.push('I22: it goes round and round')
        return
      }
      this.#steps += 1
      this.#truth.look(this, Math.min(until, this.clock.next))
      if (!(await this.clock.step(until))) return
    }
  }

  #tell(line) {
    this.trace.tell(`${this.clock.now()} ${line}`)
  }
}
