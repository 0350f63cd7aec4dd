// A thread as the worker machine sees it: starts, takes what waits, answers in order, and dies at the worst moments.
import { fromCallback } from 'xstate'
import { STUCK_AFTER_MS } from '../../../dist/actors/thread.js'

const PORT_MS = [0, 3]
const START_MS = [5, 60]
const GONE_MS = [1, 30]
const PULSE = { beat: () => undefined, rest: () => true }

/**
 * `partsOf(system)` gives the parts of a thread in that system of actors: `open(report, pulse, life)` gives the service, as the
 * real threads' `open` does; `abandon` of it is what the system does for a dead thread. `meets(what)` says whether this
 * thread is to die `starting`, `before` or `after` what it takes, or to be `stuck`; `started` is given each thread, `asked` called for each command.
 */
export function simulatedThread(partsOf) {
  return fromCallback(({ receive, sendBack, system }) => {
    const { started, ...parts } = partsOf(system)
    const thread = new SimThread({ ...parts, sendBack })
    started(thread)
    receive((command) => thread.take(command))
    return () => thread.end()
  })
}

class SimThread {
  #parts
  #life
  #service = null
  #inbox = []
  #isWoken = false
  #isStuck = false
  #isStopping = false
  #isOver = false
  #tail = Promise.resolve()
  #says

  constructor(parts) {
    const { clock, random } = parts
    this.#parts = parts
    this.#life = clock.life()
    this.#says = new InOrder(this.#life, random, PORT_MS)
    this.#life.setTimeout(() => this.#start(), random.between(...START_MS))
  }

  get isOver() {
    return this.#isOver
  }

  take(command) {
    if (this.#isOver) return
    this.#parts.asked()
    this.#inbox.push(command)
    this.#wake()
  }

  /** As when it throws, is killed or lacks memory. */
  die(code = 'EXITED') {
    if (this.#isOver) return
    this.#let()
    const { clock, random, sendBack } = this.#parts
    const crashed = { type: 'thread.crashed', code, message: 'the thread ended' }
    clock.setTimeout(() => sendBack(crashed), random.between(...GONE_MS))
  }

  /** Takes nothing more, until its host sees it. */
  stick() {
    if (this.#isOver || this.#isStuck) return
    this.#isStuck = true
    this.#life.setTimeout(() => this.die('STUCK'), STUCK_AFTER_MS)
  }

  /** Nobody listens any more. */
  end() {
    if (!this.#isOver) this.#let()
  }

  #let() {
    this.#isOver = true
    this.#life.end()
    this.#service?.abandon()
  }

  #start() {
    const { open, meets, sendBack } = this.#parts
    if (meets('starting')) return this.die()
    const report = (fact) => this.#says.put(() => sendBack({ type: 'thread.reported', fact }))
    this.#service = open(report, PULSE, this.#life)
    this.#says.put(() => sendBack({ type: 'thread.ready' }))
    this.#wake()
  }

  #wake() {
    if (this.#isWoken || this.#service === null) return
    this.#isWoken = true
    this.#life.setTimeout(() => this.#takeAll(), this.#parts.random.between(...PORT_MS))
  }

  /** Everything that waits, together. */
  #takeAll() {
    this.#isWoken = false
    if (this.#isStuck || this.#inbox.length === 0) return
    const { meets, sendBack } = this.#parts
    const posts = this.#inbox.filter(({ type }) => type === 'thread.post')
    this.#isStopping ||= posts.length < this.#inbox.length
    this.#inbox = []
    if (posts.length > 0 && meets('stuck')) return this.stick()
    if (posts.length > 0 && meets('before')) return this.die()
    for (const answer of this.#service.handle(posts.map(({ command }) => command))) {
      const before = this.#tail
      this.#tail = Promise.all([before, answer]).then(([, value]) => {
        this.#says.put(() => sendBack({ type: 'thread.answered', answer: value }))
      })
    }
    if (posts.length > 0 && meets('after')) return this.die()
    if (this.#isStopping) void this.#stop()
  }

  async #stop() {
    await this.#tail
    await this.#service.close()
    this.#says.put(() => this.#parts.sendBack({ type: 'thread.stopped' }))
  }
}

/** A way that takes its time and keeps the order. */
export class InOrder {
  #clock
  #random
  #range
  #last = 0

  constructor(clock, random, range) {
    this.#clock = clock
    this.#random = random
    this.#range = range
  }

  put(fn, [least, most] = this.#range) {
    const now = this.#clock.now()
    this.#last = Math.max(this.#last, now + this.#random.between(least, most))
    this.#clock.setTimeout(fn, this.#last - now)
  }
}
