// What is looked at between the steps of the simulation: a link that says what isn't so, and a worker that is asked without a pause.
import { LINK_LIMITS } from '../../../dist/workers/socket/limits.js'

/** What is seen at once, once whoever sees it is known not to be stuck. */
const SOON_MS = 25_000
/** Two pings are missed first. */
const SILENT_MS = 60_000
const CHECKED_MS = LINK_LIMITS.checkMs + SOON_MS
/** Without a verdict a delivery ends after the one, and then the link does. */
const UNANSWERED_MS = LINK_LIMITS.ackMs + SOON_MS
const SECOND_MS = 1_000
/** As often as one worker may be asked within a second; a drain without a pause asks more. */
const ASKS_MAX = 80
/** As often as a link may be tried while nothing else happens; without pauses that grow it is tried more. */
const TRIES_MAX = 30
/** However its thread died, an ask is answered or refused by then. */
const ANSWER_MS = 90_000

/** Judges each process as time goes on. */
export class Truth {
  faults = []
  #lie = null
  #since = 0
  #isTold = false
  #asks = new Map()
  #tries = null

  /** Before each step, at the time `now` of the step: what isn't so has been so until then. */
  look(world, now) {
    const [lie, allowedMs] = lieOf(world)
    if (lie !== this.#lie) {
      this.#lie = lie
      this.#since = world.clock.now()
      this.#isTold = false
    }
    if (lie === null || this.#isTold || now - this.#since <= allowedMs) return
    this.#isTold = true
    this.faults.push(`I22: the link is ${world.process.control.state} ${lie}`)
  }

  asked(name, now) {
    const known = this.#asks.get(name)
    const isSame = known !== undefined && now - known.since < SECOND_MS
    const asks = isSame ? known : { since: now, count: 0 }
    this.#asks.set(name, asks)
    asks.count += 1
    if (asks.count === ASKS_MAX) this.faults.push(`I32: ${name} is asked without a pause`)
  }

  /** The link has changed. */
  tried(state) {
    if (this.#tries !== null && state === 'authenticating') this.#tries += 1
  }

  /** From now until `rested`, nobody does anything. */
  rest() {
    this.#tries = 0
  }

  rested({ process, clock }) {
    if (this.#tries > TRIES_MAX) this.faults.push(`I21: the link was tried ${this.#tries} times`)
    this.#tries = null
    for (const { what, since } of process.open.values()) {
      if (since < clock.now() - ANSWER_MS) this.faults.push(`I2: ${what} has no end`)
    }
  }
}

/** What isn't so, and for how long it may be said all the same. */
function lieOf({ process, outbox, hub, repository }) {
  const { state, isWanted } = process.control
  const isAbleTo = isWanted && outbox.grantEpoch !== null && outbox.holder !== 'another process'
  const isBatchable = hub.hasProxy && hub.isUp && !hub.isRevoked
  if (isBatchable && isAbleTo && state !== 'batching' && state !== 'live') {
    return ['before a proxy that lets HTTP through', SILENT_MS]
  }
  if (!['live', 'batching', 'flushingCommits'].includes(state)) return [null, 0]
  if (process.failed.has('store') || process.failed.has('socket')) {
    return ['without its workers', SOON_MS]
  }
  if (outbox.grantEpoch === null) return ['without consent', SOON_MS]
  if (state === 'batching') return [null, 0]
  const { connection } = process
  // Where nothing passes, nobody hears of the end: then it is as silent as before.
  if (!connection.isOpen && !connection.isSilent) return ['over a closed connection', SOON_MS]
  if (!connection.isSilent) return state === 'live' ? [null, 0] : heldUp(hub, repository)
  if (connection.owes) return ['over a connection that owes verdicts', UNANSWERED_MS]
  return process.isChecked
    ? ['over a connection that is silent since the machine slept', CHECKED_MS]
    : ['over a silent connection', SILENT_MS]
}

/** What can't be delivered now holds nothing else up. */
function heldUp({ isSlow, refusesCommits }, { isBroken }) {
  if (isSlow || !(refusesCommits || isBroken)) return [null, 0]
  return ['because of commits that nobody takes', SOON_MS]
}
