// The socket thread's resource over the simulated net: one connection at a time, consent asked for each frame.
import { LINK_LIMITS } from '../../../dist/workers/socket/limits.js'
import { CREDIT_MAX, CREDIT_START } from '../../../dist/workers/socket/credit.js'

const BATCH_WAIT_MS = 1_000
const LOGIN = 'a login'

/** `outbox` is read for consent alone; `channel.hear` is given what the store says, and `opened` each connection. */
export function openSimSocket(parts) {
  return new SimSocket({ opened: () => undefined, ...parts })
}

class SimSocket {
  #parts
  #connection = null
  #number = 0
  #grant = null
  #isBatching = false
  #present = null
  #arrived = () => undefined
  /** What waits for its verdicts, by sink. */
  #waiting = new Map()
  #isHeard = () => undefined
  #unhear

  constructor(parts) {
    this.#parts = parts
    this.#unhear = parts.channel.hear((batch) => {
      this.#present = batch
      this.#arrived()
    })
  }

  handle(commands) {
    return commands.map((command) => this.#dispatch(command))
  }

  close() {
    this.abandon()
  }

  /** The kernel closes what the dead had open. */
  abandon() {
    this.#unhear()
    this.#drop()
  }

  #dispatch(command) {
    switch (command.type) {
      case 'socket.authenticate':
        return this.#authenticate()
      case 'socket.open':
        return this.#open()
      case 'socket.close':
        return this.#close()
      case 'socket.probe':
        return this.#probe()
      case 'socket.finish':
        this.#isBatching = false
        return { type: 'socket.finished' }
      case 'socket.check':
        void this.#check()
        return { type: 'socket.checking' }
      case 'socket.deliver':
        return this.#deliver(command)
    }
    throw new Error(`the simulated socket knows no ${command.type}`)
  }

  async #authenticate() {
    const { hub } = this.#parts
    if (!(await this.#request(LINK_LIMITS.authenticateMs))) return refused('HUB_UNREACHABLE')
    if (hub.isRevoked) return refused('NOT_AUTHENTICATED', 'unauthenticated')
    return { type: 'socket.authenticated' }
  }

  async #open() {
    const { hub, outbox, count } = this.#parts
    this.#drop()
    this.#grant = outbox.grantEpoch
    if (!(await this.#request(LINK_LIMITS.openMs)) || hub.hasProxy) {
      return refused('HUB_UNREACHABLE')
    }
    this.#number = count()
    const number = this.#number
    this.#connection = hub.connect(number, (message) => {
      if (number === this.#number && this.#connection !== null) this.#hear(message)
    })
    this.#parts.opened(this.#connection)
    return { type: 'socket.opened', connection: number }
  }

  async #close() {
    this.#drop()
    await this.#wait()
    return { type: 'socket.closing' }
  }

  async #probe() {
    if (!(await this.#request(LINK_LIMITS.probeMs))) return refused('HUB_UNREACHABLE')
    this.#number = this.#parts.count()
    this.#isBatching = true
    // By HTTP the hub greets as by the WebSocket.
    this.#greet(String(this.#parts.hub.epoch))
    return { type: 'socket.probed', connection: this.#number }
  }

  async #check() {
    const connection = this.#connection
    if (connection === null) return
    const { clock } = this.#parts
    const answered = new Promise((resolve) => (this.#isHeard = () => resolve(true)))
    connection.ping()
    const isThere = await Promise.race([answered, clock.wait(LINK_LIMITS.checkMs)])
    if (isThere !== true && connection === this.#connection) this.#lose(1006)
  }

  #hear(message) {
    const { report } = this.#parts
    const connection = this.#number
    this.#isHeard()
    if (message.type === 'snapshot') this.#greet(message.epoch)
    if (message.type === 'ping') report({ type: 'socket.pinged', connection })
    if (message.type === 'ack') this.#ack(message)
    if (message.type === 'closed') this.#lose(message.code)
  }

  #ack(message) {
    for (const wait of this.#waiting.values()) {
      if (wait.ack(message)) this.#parts.hub.heard(message)
    }
  }

  #greet(epoch) {
    const { report } = this.#parts
    const connection = this.#number
    report({ type: 'socket.snapshot', connection, login: LOGIN, epoch, takes: [] })
  }

  #lose(code) {
    const { report } = this.#parts
    const connection = this.#number
    this.#drop()
    report({ type: 'socket.closed', connection, class: 'transient', code, reason: 'CLOSED' })
  }

  #drop() {
    this.#connection?.cut(1000)
    this.#connection = null
    this.#isBatching = false
    for (const wait of this.#waiting.values()) wait.end()
  }

  async #deliver({ sink, batch, frames }) {
    const items = sink === 'events' ? await this.#events(batch) : frames.map(commitItem)
    const done = this.#isBatching ? await this.#post(items) : await this.#send(sink, items)
    const { accepted, rejected } = done
    const unanswered = items.length - accepted.length - rejected.length
    const credit = sink === 'events' ? CREDIT_START : CREDIT_MAX
    return { type: 'socket.delivered', sink, batch, accepted, rejected, unanswered, credit }
  }

  async #events(batch) {
    const { clock } = this.#parts
    if (this.#connection === null && !this.#isBatching) return []
    if (this.#present?.batch !== batch) {
      const arrived = new Promise((resolve) => {
        this.#arrived = () => this.#present?.batch === batch && resolve()
      })
      await Promise.race([arrived, clock.wait(BATCH_WAIT_MS)])
    }
    return this.#present?.batch === batch ? this.#present.rows.map(eventItem) : []
  }

  async #send(sink, items) {
    const connection = this.#connection
    const verdicts = { accepted: [], rejected: [] }
    if (connection === null || !connection.isOpen || items.length === 0) return verdicts
    await new Promise((resolve) => {
      const left = new Set()
      const wait = {
        ack: ({ id, rejected }) => {
          if (!left.delete(id)) return false
          if (rejected === null) verdicts.accepted.push(id)
          else verdicts.rejected.push(rejected)
          if (left.size === 0) resolve()
          else this.#bound(wait)
          return true
        },
        end: resolve,
        timer: undefined,
      }
      this.#waiting.set(sink, wait)
      for (const item of items) {
        if (!this.#mayLeave()) break
        left.add(item.id)
        connection.send(item)
      }
      if (left.size === 0) resolve()
      else this.#bound(wait)
    })
    this.#waiting.delete(sink)
    return verdicts
  }

  /** Without any verdict for so long, the rest stays unanswered. */
  #bound(wait) {
    const { clock } = this.#parts
    clock.clearTimeout(wait.timer)
    wait.timer = clock.setTimeout(wait.end, LINK_LIMITS.ackMs)
  }

  /** A batch by HTTP: taken as a whole, answered as a whole, or not at all. */
  async #post(items) {
    const verdicts = { accepted: [], rejected: [] }
    if (items.length === 0 || !this.#mayLeave()) return verdicts
    if (!(await this.#request(LINK_LIMITS.batchMs))) {
      const { report } = this.#parts
      const { error } = refused('HUB_UNREACHABLE')
      report({ type: 'socket.halted', connection: this.#number, class: 'transient', error })
      return verdicts
    }
    if (!this.#mayLeave()) return verdicts
    for (const item of items) {
      const rejected = this.#parts.hub.take(item)
      if (rejected === null) verdicts.accepted.push(item.id)
      else verdicts.rejected.push(rejected)
    }
    await this.#wait()
    return verdicts
  }

  #mayLeave() {
    return this.#grant !== null && this.#grant === this.#parts.outbox.grantEpoch
  }

  async #request(mostMs) {
    const { hub, clock } = this.#parts
    await this.#wait()
    if (hub.isUp) return true
    // Refused at once, or never answered.
    if (hub.isMute) await clock.wait(mostMs)
    return false
  }

  #wait() {
    const { hub, random, clock } = this.#parts
    return clock.wait(random.between(...hub.delay))
  }
}

function eventItem({ event_id, body }) {
  const frame = JSON.parse(body)
  return { id: event_id, projectUuid: frame.project_uuid, frame: { ...frame, body } }
}

function commitItem(frame) {
  return { id: frame.git_hash, projectUuid: frame.project_uuid, frame }
}

function refused(code, kind = 'transient') {
  const error = {
    name: 'LinkError',
    code,
    message: `simulated: ${code}`,
    hint: null,
    retryable: kind === 'transient',
  }
  return { type: 'socket.refused', class: kind, error }
}
