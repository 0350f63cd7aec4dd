// A hub and the net before it: what the hub has taken stays, what is on its way may be late, cut off or swallowed.
import { InOrder } from './sim-thread.mjs'

const PING_MS = 20_000
const QUICK_MS = [1, 40]
const SLOW_MS = [200, 2_500]

/** What the hub keeps; one instance for all of its lives. */
export class SimHub {
  events = []
  commits = []
  /** The id of each frame that came, known or not, in the order of arrival. */
  arrivals = []
  /** The ids that came although whoever sent them had heard of their acceptance. */
  again = []
  /** The hashes of commits that came although the ledger had noted that this hub has them. */
  againConfirmed = []
  #ids = new Set()
  #heard = new Set()
  #parts
  #connections = new Set()
  isUp = true
  /** While it is away, nobody says so. */
  isMute = false
  /** A proxy between that lets no WebSocket through. */
  hasProxy = false
  /** The token counts no more. */
  isRevoked = false
  isSlow = false
  /** Part of its acknowledgements is lost on the way, with the connection. */
  losesAcks = false
  /** It takes no commits for now, and says so. */
  refusesCommits = false
  epoch = 1

  /** `clock` and `random` of the world, and its `repository`. */
  constructor(parts) {
    this.#parts = parts
  }

  get delay() {
    return this.isSlow ? SLOW_MS : QUICK_MS
  }

  /** Final words about what it doesn't take are given by id. */
  take({ id, projectUuid, frame }) {
    this.arrivals.push(id)
    if (this.#heard.has(id)) this.again.push(id)
    const { repository } = this.#parts
    if (repository?.confirmedBy(`a login ${this.epoch}`).has(id)) this.againConfirmed.push(id)
    if (frame.git_hash !== undefined && this.refusesCommits) {
      return { id, reason: 'not_now', isFinal: false }
    }
    if (isPoison(id)) return { id, reason: 'schema_violation', isFinal: true }
    const key = `${projectUuid} ${id}`
    if (this.#ids.has(key)) return null
    this.#ids.add(key)
    if (frame.git_hash === undefined) this.events.push(frame)
    else this.commits.push({ project_uuid: projectUuid, git_hash: id })
    return null
  }

  /** Its acknowledgement reached the one who sent it. */
  heard({ id, rejected }) {
    if (rejected === null) this.#heard.add(id)
  }

  /** From now on what was heard before counts no more. */
  forget() {
    this.#heard.clear()
  }

  connect(number, heard) {
    const connection = new SimConnection({ ...this.#parts, hub: this, number, heard })
    this.#connections.add(connection)
    return connection
  }

  /** Every connection ends, and both sides see it. */
  cutAll(code = 1006) {
    for (const connection of this.#connections) connection.cut(code)
    this.#connections.clear()
  }

  /** Nothing passes any more, and nobody sees it. */
  silenceAll() {
    for (const connection of this.#connections) connection.silence()
  }

  stop() {
    this.isUp = false
    this.isMute = this.#parts.random.next() < 0.5
    this.cutAll(1001)
  }

  start() {
    this.isUp = true
  }

  /** Comes back from a backup: the newest of what it had is gone, and it says so by its epoch. */
  restore(share) {
    this.cutAll(1012)
    this.events.length = Math.floor(this.events.length * share)
    this.commits.length = Math.floor(this.commits.length * share)
    this.#ids = new Set([
      ...this.events.map(({ project_uuid, event_id }) => `${project_uuid} ${event_id}`),
      ...this.commits.map(({ project_uuid, git_hash }) => `${project_uuid} ${git_hash}`),
    ])
    this.epoch += 1
    this.forget()
  }
}

/** Ids that the hub refuses for good. */
export function isPoison(id) {
  return id.endsWith('X')
}

/** One WebSocket: frames go up in order and answers come down in order, while it lets them. */
class SimConnection {
  #parts
  #life
  #up
  #down
  #isSilent = false
  /** Something was sent over it that nobody will answer. */
  owes = false

  constructor(parts) {
    const { clock, random, hub } = parts
    this.#parts = parts
    this.#life = clock.life()
    this.#up = new InOrder(this.#life, random, hub.delay)
    this.#down = new InOrder(this.#life, random, hub.delay)
    this.#tell({ type: 'snapshot', epoch: String(hub.epoch) })
    this.#ping()
  }

  get isOpen() {
    return !this.#life.isOver
  }

  get isSilent() {
    return this.#isSilent
  }

  send(item) {
    const { hub, random } = this.#parts
    this.owes ||= this.#isSilent
    this.#up.put(() => {
      if (this.#isSilent) return
      const rejected = hub.take(item)
      if (hub.losesAcks && random.next() < 0.2) return this.cut(1006)
      this.#tell({ type: 'ack', id: item.id, rejected })
    }, hub.delay)
  }

  /** Asks whether anybody is there. */
  ping() {
    this.#up.put(() => this.#tell({ type: 'pong' }), this.#parts.hub.delay)
  }

  cut(code) {
    if (this.#life.isOver) return
    const { clock, heard } = this.#parts
    this.#life.end()
    // Where nothing passes, the news of the end doesn't either.
    if (!this.#isSilent) clock.setTimeout(() => heard({ type: 'closed', code }), 1)
  }

  silence() {
    this.#isSilent = true
  }

  #tell(message) {
    const { hub, heard } = this.#parts
    if (this.#isSilent) return
    this.#down.put(() => this.#isSilent || heard(message), hub.delay)
  }

  #ping() {
    this.#life.setTimeout(() => {
      this.#tell({ type: 'ping' })
      this.#ping()
    }, PING_MS)
  }
}
