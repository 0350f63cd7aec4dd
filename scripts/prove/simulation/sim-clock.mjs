// Time that only the simulation moves. It has the shape of the runtime's own clock, so the machines run on it as they are.

const STARTS_AT = Date.UTC(2026, 0, 1)
/** What one step sets off in promises has settled after so many turns of them. */
const TURNS = 32

export class SimClock {
  #now = STARTS_AT
  #count = 0
  /** A heap by time, then by the order of asking. */
  #due = []

  now() {
    return this.#now
  }

  setTimeout(fn, ms) {
    const timer = { at: this.#now + Math.max(0, ms), count: (this.#count += 1), fn }
    this.#push(timer)
    return timer
  }

  clearTimeout(timer) {
    if (timer !== undefined) timer.fn = null
  }

  /** A clock of what ends together: after `end` nothing of it happens any more. */
  life() {
    return new Life(this)
  }

  /** When something is due next; Infinity where nothing is. */
  get next() {
    while (this.#due[0]?.fn === null) this.#pop()
    return this.#due[0]?.at ?? Infinity
  }

  /** Does what is due next, where that is no later than `until`; false where nothing is. */
  async step(until) {
    if (this.next > until) {
      this.#now = Math.max(this.#now, until)
      return false
    }
    const next = this.#pop()
    this.#now = next.at
    next.fn()
    await settle()
    return true
  }

  #push(timer) {
    const due = this.#due
    let at = due.push(timer) - 1
    for (let up = (at - 1) >> 1; at > 0 && isBefore(timer, due[up]); up = (at - 1) >> 1) {
      due[at] = due[up]
      at = up
    }
    due[at] = timer
  }

  #pop() {
    const due = this.#due
    const first = due[0]
    const last = due.pop()
    if (due.length === 0) return first
    let at = 0
    for (;;) {
      let down = 2 * at + 1
      if (down + 1 < due.length && isBefore(due[down + 1], due[down])) down += 1
      if (down >= due.length || !isBefore(due[down], last)) break
      due[at] = due[down]
      at = down
    }
    due[at] = last
    return first
  }
}

class Life {
  #clock
  #isOver = false

  constructor(clock) {
    this.#clock = clock
  }

  get isOver() {
    return this.#isOver
  }

  now() {
    return this.#clock.now()
  }

  setTimeout(fn, ms) {
    return this.#clock.setTimeout(() => this.#isOver || fn(), ms)
  }

  clearTimeout(timer) {
    this.#clock.clearTimeout(timer)
  }

  /** One that ends with this one, or before it. */
  life() {
    return new Life(this)
  }

  wait(ms) {
    return new Promise((resolve) => this.setTimeout(resolve, ms))
  }

  end() {
    this.#isOver = true
  }
}

/** Turns of promises only: no timer and no file of the machine comes between two steps. */
export async function settle() {
  for (let turn = 0; turn < TURNS; turn += 1) await Promise.resolve()
}

function isBefore(one, other) {
  return one.at < other.at || (one.at === other.at && one.count < other.count)
}
