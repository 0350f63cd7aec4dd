import { describe, expect, it } from 'vitest'
import { type AnyActorRef, createActor, fromCallback, SimulatedClock } from 'xstate'
import { CLAIM_START, drainMachine } from '#dist/actors/drain.machine.js'
import { checkTable } from '../support/machine-table.ts'
import { fc, property } from '../support/property.ts'

const nobody = createActor(fromCallback(() => undefined)).start()
const context = {
  sink: 'events',
  source: nobody,
  outlet: nobody,
  owner: nobody,
  random: () => 0.5,
  batch: 7,
  attempts: 0,
  credit: 256,
  hasAdvanced: true,
}
const delivery = (batch: number, accepted: readonly string[]) => ({
  type: 'socket.delivered',
  sink: 'events',
  batch,
  accepted,
  rejected: [],
  unanswered: 0,
  credit: 256,
})
const refused = (isFinal: boolean) => ({
  ...delivery(7, []),
  rejected: [{ id: 'a', reason: 'r', isFinal }],
})

const refusal = { type: 'source.refused', error: { code: 'NO' } } as never

const stay = 'stay' as const
const same = {
  sleep: 'asleep',
  wake: stay,
  appended: stay,
  claimedNone: stay,
  claimedSome: stay,
  claimedLate: stay,
  deliveredSome: stay,
  deliveredNone: stay,
  deliveredLate: stay,
  refusedForGood: stay,
  refusedForNow: stay,
  settled: stay,
  settledAndEmptied: stay,
  sourceRefused: stay,
  socketRefused: stay,
} as const

checkTable(drainMachine, {
  context,
  contextByState: { settlingNothing: { ...context, hasAdvanced: false } },
  states: {
    asleep: 'asleep',
    idle: 'idle',
    claiming: 'claiming',
    delivering: 'delivering',
    settling: 'settling',
    settlingNothing: 'settling',
    waiting: 'waiting',
  },
  events: {
    wake: { type: 'drain.wake' },
    sleep: { type: 'drain.sleep' },
    appended: { type: 'drain.appended' },
    claimedNone: { type: 'source.claimed', batch: 7, count: 0, frames: [] } as never,
    claimedSome: { type: 'source.claimed', batch: 7, count: 2, frames: [] } as never,
    claimedLate: { type: 'source.claimed', batch: 6, count: 2, frames: [] } as never,
    deliveredSome: delivery(7, ['a']),
    deliveredNone: delivery(7, []),
    deliveredLate: delivery(6, ['a']),
    refusedForGood: refused(true),
    refusedForNow: refused(false),
    settled: { type: 'source.settled', isEmptied: false } as never,
    settledAndEmptied: { type: 'source.settled', isEmptied: true } as never,
    sourceRefused: refusal,
    socketRefused: { type: 'socket.refused' },
  },
  table: {
    asleep: { ...same, wake: 'claiming', sleep: stay },
    idle: { ...same, appended: 'claiming' },
    claiming: {
      ...same,
      claimedNone: 'idle',
      claimedSome: 'delivering',
      sourceRefused: 'waiting',
    },
    delivering: {
      ...same,
      deliveredSome: 'settling',
      deliveredNone: 'waiting',
      refusedForGood: 'settling',
      refusedForNow: 'settling',
      socketRefused: 'waiting',
    },
    settling: {
      ...same,
      settled: 'claiming',
      settledAndEmptied: 'claiming',
      sourceRefused: 'waiting',
    },
    settlingNothing: {
      ...same,
      settled: 'waiting',
      settledAndEmptied: 'waiting',
      sourceRefused: 'waiting',
    },
    waiting: same,
  },
})

type Said = {
  readonly type: string
  readonly batch?: number
  readonly accepted?: readonly string[]
  readonly command?: { readonly batch: number }
}

/** A source of numbered items and a link that acknowledges what the script says; both answer in order. */
function world(script: readonly number[]) {
  const store: string[] = []
  const delivered: string[] = []
  const told: string[] = []
  const inbox: (() => void)[] = []
  const faults = { refusals: 0 }
  let inFlight: readonly string[] = []
  let step = 0
  const clock = new SimulatedClock()
  const actor = (receive: (event: Said) => void): AnyActorRef =>
    createActor(fromCallback<Said>(({ receive: listen }) => listen(receive))).start()
  const refuses = (): boolean => {
    if (faults.refusals === 0) return false
    faults.refusals -= 1
    drain.send(refusal)
    return true
  }
  const source = actor((event) => {
    if (event.type === 'source.claim') {
      inbox.push(() => {
        if (refuses()) return
        inFlight = store.slice(0, 3)
        drain.send({
          type: 'source.claimed',
          batch: event.batch ?? 0,
          count: inFlight.length,
          frames: [],
        })
      })
    } else {
      const accepted = new Set(event.accepted)
      inbox.push(() => {
        if (refuses()) return
        for (const id of accepted) if (store.includes(id)) store.splice(store.indexOf(id), 1)
        drain.send({ type: 'source.settled', isEmptied: false })
      })
    }
  })
  const outlet = actor((event) => {
    const batch = event.command?.batch ?? 0
    const sent = inFlight
    inbox.push(() => {
      const take = script[step++ % Math.max(script.length, 1)] ?? 3
      const accepted = sent.slice(0, take)
      delivered.push(...accepted)
      drain.send({
        type: 'socket.delivered',
        sink: 'events',
        batch,
        accepted,
        rejected: [],
        unanswered: sent.length - accepted.length,
        credit: 256,
      })
    })
  })
  const owner = actor((event) => told.push(event.type))
  const drain = createActor(drainMachine, {
    clock,
    input: { sink: 'events', source, outlet, owner, random: () => 0.5 },
  }).start()
  return { store, delivered, told, inbox, faults, clock, drain }
}

describe('a drain', () => {
  it('empties its source in order and says so', () => {
    const { store, delivered, told, inbox, drain } = world([3])
    store.push('a', 'b', 'c', 'd')
    drain.send({ type: 'drain.wake' })
    for (let next = inbox.shift(); next !== undefined; next = inbox.shift()) next()
    expect(delivered).toEqual(['a', 'b', 'c', 'd'])
    expect(told).toEqual(['drain.emptied'])
    expect(drain.getSnapshot().value).toBe('idle')
  })

  it('settles an acknowledgement that comes after it was put to sleep', () => {
    const { store, inbox, drain } = world([1])
    store.push('a', 'b')
    drain.send({ type: 'drain.wake' })
    inbox.shift()?.()
    drain.send({ type: 'drain.sleep' })
    for (let next = inbox.shift(); next !== undefined; next = inbox.shift()) next()
    expect(store).toEqual(['b'])
    expect(drain.getSnapshot().value).toBe('asleep')
  })

  it('asks a source that refuses again, and tells its owner once until it has answered', () => {
    const { store, delivered, told, inbox, faults, clock, drain } = world([3])
    store.push('a')
    const refuse = (): void => {
      faults.refusals = 1
      inbox.shift()?.()
      expect(drain.getSnapshot().value).toBe('waiting')
      clock.increment(10_000)
      expect(drain.getSnapshot().value).toBe('claiming')
    }
    drain.send({ type: 'drain.wake' })
    refuse()
    refuse()
    expect(told).toEqual(['drain.refused'])
    for (let next = inbox.shift(); next !== undefined; next = inbox.shift()) next()
    expect([delivered, told]).toEqual([['a'], ['drain.refused', 'drain.emptied']])
    drain.send({ type: 'drain.appended' })
    refuse()
    expect(told).toEqual(['drain.refused', 'drain.emptied', 'drain.refused'])
  })

  it('tells its owner again of a source that has settled something meanwhile', () => {
    const { store, delivered, told, inbox, faults, clock, drain } = world([3])
    store.push('a', 'b', 'c', 'd')
    drain.send({ type: 'drain.wake' })
    faults.refusals = 1
    inbox.shift()?.()
    clock.increment(10_000)
    // Claimed, delivered, settled.
    for (let step = 0; step < 3; step++) inbox.shift()?.()
    expect(delivered).toEqual(['a', 'b', 'c'])
    faults.refusals = 1
    inbox.shift()?.()
    expect(told).toEqual(['drain.refused', 'drain.refused'])
  })

  it('tells once of a source that answers but does not settle, and asks it ever more seldom', () => {
    const { store, told, inbox, faults, clock, drain } = world([3])
    store.push('a')
    drain.send({ type: 'drain.wake' })
    const waits: number[] = []
    for (let round = 0; round < 9; round++) {
      inbox.shift()?.()
      inbox.shift()?.()
      expect(drain.getSnapshot().value).toBe('settling')
      faults.refusals = 1
      inbox.shift()?.()
      const from = clock.now()
      while (drain.getSnapshot().value === 'waiting') clock.increment(1)
      waits.push(clock.now() - from)
    }
    expect(told).toEqual(['drain.refused'])
    expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000, 5_000])
  })

  it('tells the link of verdicts that do not come', () => {
    const { store, delivered, told, inbox, clock, drain } = world([0, 3])
    store.push('a')
    drain.send({ type: 'drain.wake' })
    inbox.shift()?.()
    inbox.shift()?.()
    expect([drain.getSnapshot().value, told]).toEqual(['waiting', ['drain.stalled']])
    clock.increment(10_000)
    for (let next = inbox.shift(); next !== undefined; next = inbox.shift()) next()
    expect([delivered, told]).toEqual([['a'], ['drain.stalled', 'drain.emptied']])
  })

  it('tells its owner that it is emptied before it claims what nobody waits for', () => {
    const heard: string[] = []
    const ear = (): AnyActorRef =>
      createActor(
        fromCallback<Said>(({ receive }) => receive(({ type }) => heard.push(type))),
      ).start()
    const [source, owner, outlet] = [ear(), ear(), ear()]
    const input = { sink: 'commits' as const, source, owner, outlet, random: () => 0.5 }
    const drain = createActor(drainMachine, { input }).start()
    drain.send({ type: 'drain.wake' })
    drain.send({ type: 'source.claimed', batch: 1, count: 1, frames: [] })
    drain.send(delivery(1, ['a']) as never)
    heard.length = 0
    drain.send({ type: 'source.settled', isEmptied: true })
    expect(heard).toEqual(['drain.emptied', 'source.claim'])
  })

  it('claims as much as the link says that it can carry', () => {
    const claims: unknown[] = []
    const ear = (heard: (event: Said) => void): AnyActorRef =>
      createActor(fromCallback<Said>(({ receive }) => receive(heard))).start()
    const source = ear((event) => event.type === 'source.claim' && claims.push(event))
    const others = { outlet: ear(() => undefined), owner: ear(() => undefined) }
    const input = { sink: 'events' as const, source, ...others, random: () => 0.5 }
    const drain = createActor(drainMachine, { input }).start()
    drain.send({ type: 'drain.wake' })
    drain.send({ type: 'source.claimed', batch: 1, count: 1, frames: [] })
    drain.send({ ...delivery(1, ['a']), credit: 16 } as never)
    drain.send({ type: 'source.settled', isEmptied: false })
    expect(claims).toMatchObject([
      { batch: 1, max: CLAIM_START },
      { batch: 2, max: 16 },
    ])
  })

  const act = fc.constantFrom('append', 'step', 'step', 'step', 'refuse', 'sleep', 'wake', 'wait')
  property([
    fc.array(act, { maxLength: 80 }),
    fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 6 }),
  ])('delivers every appended event in order, whatever the interleaving (L3)', (acts, script) => {
    const { store, delivered, inbox, faults, clock, drain } = world(script)
    const appended: string[] = []
    drain.send({ type: 'drain.wake' })
    for (const what of acts) {
      if (what === 'append') {
        const id = String(appended.length)
        appended.push(id)
        store.push(id)
        inbox.push(() => drain.send({ type: 'drain.appended' }))
      } else if (what === 'step') inbox.shift()?.()
      else if (what === 'refuse') faults.refusals += 1
      else if (what === 'wait') clock.increment(10_000)
      else drain.send({ type: what === 'sleep' ? 'drain.sleep' : 'drain.wake' })
    }
    // The faults stop: a link that takes all must find all delivered.
    faults.refusals = 0
    script.fill(3)
    drain.send({ type: 'drain.wake' })
    for (let round = 0; round < 400; round++) {
      inbox.shift()?.()
      clock.increment(1_000)
    }
    const first = [...new Set(delivered)]
    expect(first).toEqual(appended)
    expect(store).toEqual([])
  })
})
