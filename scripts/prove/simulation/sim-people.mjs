// Who works in a simulated project: records, asks and answers, opts out and in, and believes only what was answered.
import { routeOf } from '../../../dist/actors/route.machine.js'
import { UNKNOWN_OUTCOME } from '../../../dist/actors/worker.machine.js'

const TRIES = 4
const AGAIN_MS = [20, 3_000]
const FREEZE_WAIT_MS = 1_000

export class SimPeople {
  #world
  #events = 0
  #decisions = 0
  #isChanging = false
  #recording = 0
  #routes = new Set()
  /** `{ id, project, period }` of each event with a receipt. */
  acknowledged = []
  /** `{ event_id, decision_id, commit }` of each answer that was recorded. */
  answers = []
  /** Ends that are none. */
  outcomes = []
  period = 0

  constructor(world) {
    this.#world = world
  }

  get periodName() {
    return `period-${this.period}-${this.period % 2 === 0 ? 'in' : 'out'}`
  }

  get isIn() {
    return this.period % 2 === 0
  }

  /** An event as text; now and then one that the hub refuses for good. */
  draft() {
    const { identity, nodeId, random } = this.#world
    const mark = random.next() < 0.03 ? 'X' : '0'
    const event_id = `01J${String((this.#events += 1)).padStart(22, '0')}${mark}`
    const payload = { says: `${identity.canary} ${this.periodName}` }
    const project_uuid = identity.uuid
    return { event_id, project_uuid, node_id: nodeId, lamport_clock: 0, payload }
  }

  async emit(count) {
    if (this.#isChanging) return
    this.#recording += 1
    const drafts = Array.from({ length: count }, () => this.draft())
    const { process } = this.#world
    const command = { type: 'store.append', events: drafts.map((one) => JSON.stringify(one)) }
    const period = this.periodName
    const answer = await this.#insist('store', command, 'store.appended')
    if (process.isOver) return
    this.#recording -= 1
    if (answer === null) return
    this.note(answer.receipts, period)
    this.#route(answer.live)
    this.#nudge()
  }

  /** The machine is asked once for each. */
  #route(isLive) {
    if (this.#routes.has(isLive)) return
    this.#routes.add(isLive)
    if (routeOf(true, isLive) !== (isLive ? 'live' : 'queued'))
      this.outcomes.push('a strange route')
  }

  note(receipts, period = this.periodName) {
    const project = this.#world.identity.uuid
    this.acknowledged.push(...receipts.map(({ event_id: id }) => ({ id, project, period })))
  }

  /** A decision, asked and answered, and what its commit came to. */
  async decide(mission = this.#world.random.pick(['first', 'second'])) {
    const { process } = this.#world
    const decision_id = `D${(this.#decisions += 1)}`
    const asked = record('DecisionInputRequested', `Q-${decision_id}`, { decision_id })
    const request = { type: 'git.request', mission, record: asked }
    if ((await this.#insist('git', request, 'git.appended')) === null) return
    const given = record('DecisionInputAnswered', `A-${decision_id}`, {
      decision_id,
      answer: 'yes',
    })
    const { event_id } = given
    const answer = { type: 'git.answer', mission, record: given }
    if ((await this.#insist('git', answer, 'git.appended')) === null) return
    const told = { event_id, decision_id, commit: null, reason: null, process }
    this.answers.push(told)
    const settled = await process.commit(mission).catch((error) => this.#judge(error))
    if (settled === undefined) return
    const locate = { type: 'git.locate', mission, event_id }
    const found =
      settled.commit === null
        ? null
        : await process.ask('git', locate, 'git.located').catch(() => ({ commit: null }))
    told.commit = found?.commit ?? settled.commit
    told.reason = settled.deferral?.reason ?? null
    this.#nudge()
  }

  /** Opts out or in again; nobody records meanwhile, so that each event is of one period. */
  async changeConsent() {
    if (this.#isChanging || this.#recording > 0) return
    this.#isChanging = true
    if (this.#world.random.next() < 0.4) this.#changeElsewhere()
    else await this.#change()
  }

  /** A process was killed over it: the next one does it again. */
  async resume() {
    this.#recording = 0
    if (this.#isChanging) await this.#change()
    await this.heal()
    await this.link()
  }

  async heal() {
    const healed = await this.#insist('git', { type: 'git.heal' }, 'git.healed')
    if (healed !== null && healed.committed.length > 0) this.#nudge()
  }

  async link() {
    const { process } = this.#world
    if (!this.isIn || process.isOver) return
    await process.control.start().catch((error) => this.#judge(error))
  }

  async #change() {
    const { process, clock, outbox } = this.#world
    const grant = !this.isIn
    if (!grant) {
      await this.#insist('store', { type: 'store.freeze' }, 'store.frozen', Infinity)
      const until = clock.now() + FREEZE_WAIT_MS
      while (clock.now() < until && outbox.isLive) await pause(clock, 50)
    }
    const command = { type: 'store.consent', grant, fromNow: false }
    await this.#insist('store', command, 'store.consented', Infinity)
    if (process.isOver) return
    this.#changed()
    if (grant) await this.link()
    else await process.control.stop().catch((error) => this.#judge(error))
  }

  #changeElsewhere() {
    const { outbox } = this.#world
    if (this.isIn) outbox.refuse()
    else outbox.grant(false)
    outbox.touched()
    this.#changed()
  }

  #changed() {
    this.#world.hub.forget()
    this.period += 1
    this.#isChanging = false
  }

  #nudge() {
    const { control } = this.#world.process
    if (control.isWanted) control.nudge()
  }

  /** Asks again, by the same id, while that may help; null where it was refused or nobody is left to hear it. */
  async #insist(name, command, expected, tries = TRIES) {
    const { process, clock, random } = this.#world
    for (let left = tries; left > 0; left -= 1) {
      try {
        return await process.ask(name, command, expected)
      } catch (error) {
        this.#judge(error)
        // Who asks for good gets a new process first.
        if (process.failed.has(name)) {
          this.#world.killProcess()
          return null
        }
        if (!error.retryable?.() && error.hint !== UNKNOWN_OUTCOME) return null
      }
      await pause(clock, random.between(...AGAIN_MS))
      if (process.isOver) return null
    }
    return null
  }

  #judge(error) {
    const isTyped = typeof error?.code === 'string' && error.code !== 'UNEXPECTED_ANSWER'
    if (!isTyped) this.outcomes.push(`an error without a type: ${error?.code ?? error}`)
  }
}

function record(event_type, event_id, payload) {
  return { event_id, event_type, payload }
}

function pause(clock, ms) {
  return new Promise((resolve) => clock.setTimeout(resolve, ms))
}
