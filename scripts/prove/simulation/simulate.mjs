// One simulated life of a project by one seed: the real machines between people, faults and a hub, and then the judges.
import { Random } from '../../chaos/random.mjs'
import { judge } from '../invariants.mjs'
import { SimClock, settle } from './sim-clock.mjs'
import { SIMULATED_FAULTS } from './sim-faults.mjs'
import { SimRepository } from './sim-git.mjs'
import { isPoison, SimHub } from './sim-hub.mjs'
import { SimPeople } from './sim-people.mjs'
import { SimProcess } from './sim-process.mjs'
import { SimOutbox } from './sim-store.mjs'

const UUID = '6f2b8c1e-3d4a-4f5b-8c6d-7e8f9a0b1c2d'
const WORK_MS = [5_000, 60_000]
/** However it was left, the link is up and everything delivered after so long in quiet. */
const QUIET_MS = 15 * 60_000
const STOP_MS = 10_000
/** No seed takes nearly as many: more are a machine that goes round and round. */
const STEPS_MAX = 60_000
const KINDS_MAX = 7
const ACT_MS = [20, 3_000]
const FAULT_MS = [100, 12_000]
const LASTS_MS = [200, 20_000]

/** What was simulated of late, printed with a seed that fails. */
const SHOWN_LINES = 40
/** One seed of so many is run twice, which must be one and the same. */
const TWICE = 20

/**
 * Seeds one after the other from the first, until `isOver` or one fails.
 *
 * @returns `{ seeds, faults, met }`: how many were run, what was wrong, and how often what was met, by fault and state
 */
export async function simulateAll(first, isOver) {
  const met = new Map()
  let seeds = 0
  for (; !isOver(seeds); seeds += 1) {
    const seed = first + seeds
    const run = await simulate(seed)
    for (const [one, count] of run.met) met.set(one, count + (met.get(one) ?? 0))
    const traces = [run.trace]
    if (seeds % TWICE === 0) traces.push((await simulate(seed)).trace)
    const faults = [...run.faults, ...judge({ traces }).faults]
    if (faults.length > 0) return { seeds: seeds + 1, faults: await toldOf(seed, faults), met }
  }
  return { seeds, faults: [], met }
}

async function toldOf(seed, faults) {
  const { told } = await simulate(seed, { isTold: true })
  const again = `npm run prove -- --only simulation --seed ${seed} --seeds 1`
  const lines = told.slice(-SHOWN_LINES).join('\n')
  return [...faults.map((fault) => `seed ${seed}: ${fault}`), `${lines}\nagain by ${again}`]
}

/**
 * @returns `faults`, each with its number before it, empty is good; `trace`, a number that stands for all that happened;
 *   `met`, how often by fault and state; `told`, the last lines of the trace where `isTold`
 */
export async function simulate(seed, { isTold = false } = {}) {
  const world = new World(seed, isTold)
  await world.live()
  return { faults: world.faults(), trace: world.trace, met: world.met, told: world.told }
}

class World {
  clock = new SimClock()
  nodeId = '0123456789ab'
  identity = { uuid: UUID, canary: 'tern-ledge-2207' }
  outbox = new SimOutbox()
  repository = new SimRepository(UUID)
  /** How likely a thread dies over what, by moment. */
  odds = {}
  met = new Map()
  told = []
  trace = 0x811c9dc5
  #isTold
  #isCalm = false
  #steps = 0
  #starts = []
  #undelivered = []
  #faults = []
  #isConsentChanging
  #processes = 0

  constructor(seed, isTold) {
    this.#isTold = isTold
    this.random = new Random(seed)
    this.hub = new SimHub({ clock: this.clock, random: this.random.fork() })
    this.people = new SimPeople(this)
    this.#isConsentChanging = this.random.next() < 0.4
    this.outbox.grant(false)
    this.note = {
      started: (name, at) => {
        this.#starts.push({ name: `${this.#processes}. ${name}`, at })
        this.#tell(`thread ${name} starts`)
      },
      link: (state, reason) => this.#tell(`link ${state} ${reason}`),
    }
    this.#begin()
  }

  async live() {
    const { random, people } = this
    void people.link()
    const until = this.clock.now() + random.between(...WORK_MS)
    const kinds = Object.keys(SIMULATED_FAULTS)
    const chosen = Array.from({ length: random.between(1, KINDS_MAX) }, () => random.pick(kinds))
    this.#every(ACT_MS, () => this.#act())
    this.#every(FAULT_MS, () => this.#fault(random.pick(chosen)))
    await this.#run(until)
    this.#isCalm = true
    await this.#calm()
    await this.#quiet()
    await this.#end()
  }

  killProcess() {
    if (!this.process.isOver) this.process.kill()
    this.#tell('process killed')
    this.#begin()
    void this.people.resume()
  }

  /** Another process of this machine, with the same node and clock. */
  recordElsewhere() {
    if (this.outbox.isBroken) return
    const receipts = this.outbox.append([JSON.stringify(this.people.draft())])
    this.people.note(receipts)
    this.outbox.touched()
  }

  faults() {
    const { people, repository, hub } = this
    const consent = this.#isConsentChanging ? 'changing' : 'granted'
    const { canary } = this.identity
    const project = { name: 'simulated', uuid: UUID, consent, canary, period: people.periodName }
    const wanted = people.acknowledged.filter(({ id }) => !isPoison(id))
    const commits = repository.commits.map((id) => ({ id, project: UUID, period: project.period }))
    const delivery = judge({
      projects: [project],
      acknowledged: { events: wanted, commits },
      hub,
      outcomes: people.outcomes,
      undelivered: this.#undelivered,
      starts: this.#starts,
      frames: {
        commits: repository.commits,
        pending: hub.commits.map(({ git_hash }) => git_hash),
      },
    })
    return [...this.#faults, ...delivery.faults, ...judge(this.#ledger()).faults]
  }

  #ledger() {
    const { repository, people } = this
    const rows = [...repository.missions.values()].flat()
    const branch = rows.filter(({ commit }) => commit !== null)
    const byId = new Map(rows.map((row) => [row.event_id, row]))
    const reported = people.answers
      .filter(({ commit }) => commit !== null)
      .map(({ commit, event_id }) => ({
        commit,
        what: event_id,
        isReachable: repository.commits.includes(commit),
        isHeld: byId.get(event_id)?.commit === commit,
      }))
    const none = { rows: [], branch: [] }
    const acknowledged = people.answers.map(({ event_id, commit }) => {
      return { event_id, says: 'yes', commit, path: null }
    })
    return {
      acknowledged,
      logs: { decisions: { rows, branch }, status: none, glossary: none },
      queued: [],
      reported,
      commits: repository.commits.map((hash) =>
        commitOf(rows.filter((row) => row.commit === hash)),
      ),
    }
  }

  #begin() {
    this.#processes += 1
    this.process = new SimProcess({
      ...this.#parts(),
      meets: (name, what) => this.#isMet(name, what),
    })
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

  #parts() {
    const { clock, random, outbox, repository, hub, identity, nodeId, note } = this
    return { clock, random, outbox, repository, hub, identity, nodeId, note }
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
    if (dice < 0.6) void people.emit(random.between(1, 5))
    else if (dice < 0.85) void people.decide()
    else if (dice < 0.92 && this.#isConsentChanging) void people.changeConsent()
    else if (dice < 0.96) void this.process.control.stop().catch(() => undefined)
    else void people.link()
  }

  #fault(kind) {
    const { met, begin, end } = SIMULATED_FAULTS[kind]
    this.#tell(kind)
    begin(this)
    for (const one of met) this.met.set(one, 1 + (this.met.get(one) ?? 0))
    if (end === undefined) return
    this.clock.setTimeout(
      () => {
        if (this.#isCalm) return
        this.#tell(`over: ${kind}`)
        end(this)
      },
      this.random.between(...LASTS_MS),
    )
  }

  #every(range, work) {
    this.clock.setTimeout(
      () => {
        if (this.#isCalm) return
        work()
        this.#every(range, work)
      },
      this.random.between(...range),
    )
  }

  /** Nothing is wrong any more; what is broken by now has to be noticed. */
  async #calm() {
    for (const { end } of Object.values(SIMULATED_FAULTS)) end?.(this)
    await settle()
    // What was under way by people ends first.
    await this.#runFor(30_000)
    if (this.process.failed.size > 0) this.killProcess()
    await this.#runFor(5_000)
    if (!this.people.isIn) void this.people.changeConsent()
    await this.#runFor(10_000)
    void this.people.link()
  }

  async #quiet() {
    const until = this.clock.now() + QUIET_MS
    await this.#run(until, () => this.#isDelivered())
    this.#unhealed()
    void this.people.resume()
    await this.#run(this.clock.now() + QUIET_MS, () => this.#isDelivered() && !this.#isLoose())
    await this.#runFor(1_000)
    for (const name of this.process.open.values()) this.people.outcomes.push(`${name} has no end`)
    const { state } = this.process.control
    if (state !== 'live') this.#undelivered.push(`the link is ${state} in the end`)
    const left = this.outbox.outgoing(this.#hubName(), 1_000).length
    if (left > 0) this.#undelivered.push(`${left} events are still to go`)
  }

  /** A commit whose reason may pass by itself is made by itself. */
  #unhealed() {
    // What the next try met may be a reason that waits for the user.
    if (this.met.has('F21 commit')) return
    const rows = new Map(
      [...this.repository.missions.values()].flat().map((row) => [row.event_id, row]),
    )
    for (const { event_id, reason, process } of this.people.answers) {
      const isOwn = process === this.process && reason === 'index_locked'
      if (isOwn && rows.get(event_id)?.commit === null) {
        this.#faults.push(`I8: ${event_id} was deferred for a lock that is gone`)
      }
    }
  }

  async #end() {
    const { process } = this
    let isStopped = false
    let isOver = false
    void process.stop().then((over) => {
      isStopped = true
      isOver = over
    })
    await this.#run(this.clock.now() + STOP_MS, () => isStopped)
    if (!isStopped) this.#faults.push('I34: the runtime does not stop')
    else if (!isOver) this.#faults.push('I34: a thread runs on')
    process.kill()
  }

  #isDelivered() {
    const { control } = this.process
    if (control.state !== 'live' || this.hub.commits.length < this.repository.commits.length) {
      return false
    }
    return this.outbox.outgoing(this.#hubName(), 1).length === 0
  }

  #isLoose() {
    const rows = [...this.repository.missions.values()].flat()
    return rows.some(({ event_type, commit }) => {
      return event_type === 'DecisionInputAnswered' && commit === null
    })
  }

  #hubName() {
    return `a login ${this.hub.epoch}`
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
      if (!(await this.clock.step(until))) return
    }
  }

  #tell(line) {
    const text = `${this.clock.now()} ${line}`
    let hash = this.trace
    for (let at = 0; at < text.length; at += 1) {
      hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
    }
    this.trace = hash >>> 0
    if (this.#isTold) this.told.push(text)
  }
}

function commitOf(rows) {
  return { isOurs: true, isOneThing: true, files: '', lines: [], rows }
}
