// The store thread's resource without a database: what `disk` holds survives the thread and the process.

const REFUSALS = {
  EVENT_INVALID: { name: 'StoreError', retryable: false },
  OUTBOX_IO: { name: 'StoreError', retryable: true },
  LEASE_NOT_HELD: { name: 'StoreError', retryable: true },
  NO_TARGET: { name: 'StoreError', retryable: true },
}
/** How soon another process's change is seen. */
const WATCH_MS = 25

/** One project's outbox on a disk, and the lease of who sends. */
export class SimOutbox {
  events = []
  byId = new Map()
  clock = 0
  consent = { state: 'absent', epoch: 0, from: 0 }
  /** By hub and epoch: what became of each event, by id. */
  verdicts = new Map()
  holder = null
  isLive = false
  capacity = 1_000_000
  /** Set while every write fails. */
  isBroken = false
  #watchers = new Set()

  /** @throws a code, where nothing is written */
  append(texts) {
    if (this.isBroken) throw refusal('OUTBOX_IO')
    const events = texts.map((text) => JSON.parse(text))
    if (events.some(({ event_id }) => typeof event_id !== 'string')) throw refusal('EVENT_INVALID')
    return events.map((event) => this.#record(event))
  }

  #record(event) {
    const known = this.byId.get(event.event_id)
    if (known !== undefined) return known
    this.clock += 1
    const stored = { ...event, lamport_clock: this.clock }
    this.events.push(stored)
    this.byId.set(event.event_id, stored)
    return stored
  }

  grant(fromNow) {
    const { state, epoch, from } = this.consent
    if (state === 'granted') return 0
    const isFirst = state === 'absent' && !fromNow
    this.consent = {
      state: 'granted',
      epoch: epoch + 1,
      from: isFirst ? from : this.events.length,
    }
    return isFirst ? this.events.length : 0
  }

  freeze() {
    if (this.consent.state === 'granted') this.consent = { ...this.consent, state: 'sealing' }
  }

  refuse() {
    this.consent = { ...this.consent, state: 'refused' }
  }

  /** The number of the grant under which something may leave now; null without one. */
  get grantEpoch() {
    return this.consent.state === 'granted' ? this.consent.epoch : null
  }

  verdictsOf(hub) {
    const known = this.verdicts.get(hub) ?? new Map()
    this.verdicts.set(hub, known)
    return known
  }

  outgoing(hub, max) {
    if (this.consent.state !== 'granted') return []
    const verdicts = this.verdictsOf(hub)
    const found = []
    for (let at = this.consent.from; at < this.events.length && found.length < max; at += 1) {
      if (!verdicts.has(this.events[at].event_id)) found.push(this.events[at])
    }
    return found
  }

  /** `changed` is called for what others write. */
  watch(changed) {
    this.#watchers.add(changed)
    return () => this.#watchers.delete(changed)
  }

  /**
   * Something was written: everybody sees it but who did it.
   *
   * @param {object | null} by
   */
  touched(by = null) {
    for (const changed of this.#watchers) changed(by)
  }
}

/** `say` posts a batch on the direct channel; `report` and `clock` are the thread's. */
export function openSimStore({ outbox, say, report, clock }) {
  return new SimStore({ outbox, say, report, clock })
}

class SimStore {
  #parts
  #hub = null
  #isHolder = false
  #underWay = new Map()
  #epoch = 0
  #unwatch = () => undefined

  constructor(parts) {
    this.#parts = parts
  }

  handle(commands) {
    return commands.map((command) => {
      try {
        return this.#dispatch(command)
      } catch (error) {
        if (error.code === undefined) throw error
        if (error.code === 'OUTBOX_IO') this.#giveUp()
        return { type: 'store.refused', error }
      }
    })
  }

  /** After a failed write the connection can't be believed, and with it goes the lease. */
  #giveUp() {
    const isHolder = this.#isHolder
    this.#release()
    if (isHolder) this.#parts.report({ type: 'store.leaseLost' })
  }

  close() {
    this.#release()
  }

  /** The kernel lets go of what the dead held. */
  abandon() {
    this.#release()
  }

  #dispatch(command) {
    const { outbox } = this.#parts
    switch (command.type) {
      case 'store.append':
        return this.#append(command.events)
      case 'store.identify':
        return { type: 'store.identified', adopted: 0 }
      case 'store.lease': {
        const held = this.#take()
        return { type: 'store.leased', held, granted: held && outbox.consent.state === 'granted' }
      }
      case 'store.release':
        this.#release()
        return { type: 'store.released' }
      case 'store.target':
        this.#leased()
        this.#underWay.clear()
        this.#hub = `${command.login} ${command.epoch}`
        return { type: 'store.targeted' }
      case 'store.claim':
        return this.#claim(command)
      case 'store.settle':
        return this.#settle(command)
      case 'store.publishLink':
        if (this.#isHolder) outbox.isLive = command.state === 'live'
        return { type: 'store.linkPublished' }
      case 'store.freeze':
        outbox.freeze()
        return { type: 'store.frozen' }
      case 'store.consent':
        return this.#consent(command)
      case 'store.count':
        return { type: 'store.counted', counts: this.#counts() }
    }
    throw new Error(`the simulated store knows no ${command.type}`)
  }

  #append(texts) {
    const { outbox } = this.#parts
    const receipts = outbox
      .append(texts)
      .map(({ event_id, lamport_clock }) => ({ event_id, lamport_clock }))
    const { isLive: live, capacity } = outbox
    return { type: 'store.appended', receipts, live, undelivered: this.#undelivered(), capacity }
  }

  #take() {
    const { outbox, report, clock } = this.#parts
    if (this.#isHolder) return true
    if (outbox.holder !== null) return false
    outbox.holder = this
    this.#isHolder = true
    if (outbox.consent.state === 'sealing') outbox.refuse()
    this.#unwatch = outbox.watch((by) => {
      if (by === this) return
      clock.setTimeout(() => {
        const { state } = outbox.consent
        const granted = state === 'granted' || state === 'sealing'
        if (this.#isHolder) report({ type: 'store.changed', granted })
      }, WATCH_MS)
    })
    return true
  }

  #release() {
    if (!this.#isHolder) return
    const { outbox } = this.#parts
    this.#isHolder = false
    this.#hub = null
    this.#underWay.clear()
    this.#unwatch()
    outbox.holder = null
    outbox.isLive = false
  }

  #leased() {
    if (!this.#isHolder) throw refusal('LEASE_NOT_HELD')
  }

  #claim({ batch, max }) {
    this.#leased()
    const { outbox, say } = this.#parts
    if (this.#hub === null) throw refusal('NO_TARGET')
    const found = outbox.outgoing(this.#hub, Math.max(max, 1))
    // Whoever waits for what is under way learns that nothing is.
    if (this.#underWay.size > 0 && outbox.consent.state === 'sealing') outbox.refuse()
    this.#underWay = new Map(found.map((event) => [event.event_id, event]))
    this.#epoch = outbox.consent.epoch
    const rows = found.map((event) => ({ event_id: event.event_id, body: JSON.stringify(event) }))
    if (rows.length > 0) say({ batch, rows })
    return { type: 'store.claimed', batch, count: rows.length }
  }

  /** By exact id, only what is under way, and only under the consent of its claim. */
  #settle({ accepted, rejected }) {
    const { outbox } = this.#parts
    const { state, epoch } = outbox.consent
    const mayCount = this.#hub !== null && state !== 'refused' && epoch === this.#epoch
    if (mayCount) {
      const verdicts = outbox.verdictsOf(this.#hub)
      const finally_ = rejected.filter(({ isFinal }) => isFinal).map(({ event_id }) => event_id)
      for (const id of [...accepted, ...finally_]) {
        if (this.#underWay.delete(id)) verdicts.set(id, accepted.includes(id))
      }
    }
    return { type: 'store.settled', undelivered: this.#undelivered() }
  }

  #consent({ grant, fromNow }) {
    const { outbox } = this.#parts
    const covered = grant ? outbox.grant(fromNow) : 0
    if (!grant) outbox.refuse()
    const { held } = this.#counts()
    return { type: 'store.consented', state: outbox.consent.state, covered, held }
  }

  #undelivered() {
    const { pending, inflight, held } = this.#counts()
    return pending + inflight + held
  }

  #counts() {
    const { outbox } = this.#parts
    const verdicts = this.#hub === null ? new Map() : outbox.verdictsOf(this.#hub)
    const { state, from } = outbox.consent
    const delivered = [...verdicts.values()].filter((isAccepted) => isAccepted).length
    const left = outbox.events.filter(({ event_id }) => !verdicts.has(event_id))
    const isHeld = ({ lamport_clock }) => state !== 'granted' || lamport_clock <= from
    const held = left.filter(isHeld).length
    const inflight = state === 'granted' ? this.#underWay.size : 0
    return {
      pending: left.length - held - inflight,
      inflight,
      delivered,
      quarantined: verdicts.size - delivered,
      held,
      superseded: 0,
    }
  }
}

function refusal(code) {
  const { name, retryable } = REFUSALS[code]
  return { name, code, message: `simulated: ${code}`, hint: null, retryable }
}
