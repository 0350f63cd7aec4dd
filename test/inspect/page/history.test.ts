/** What was told can be asked as of any message, whatever has been forgotten since. */
import { describe, expect, it } from 'vitest'
import { readMessage } from '../../../src/inspect/page/model/entry.ts'
import { isOfLedger } from '../../../src/inspect/page/model/fates.ts'
import { History } from '../../../src/inspect/page/model/history.ts'
import { lifecycles } from '../../../src/inspect/page/model/lifecycle.ts'
import { endedCount, treeAt } from '../../../src/inspect/page/model/tree.ts'
import { actorId, PROCESS, sampleMessages, stamped, state } from '../../support/feed-messages.ts'
import { fc, property } from '../../support/property.ts'

const OPEN = { showsEnded: false, closed: new Set<string>() }

function historyOf(messages: ReturnType<typeof stamped>, max?: number): History {
  const history = new History(max)
  for (const message of messages) history.add(message, JSON.stringify(message))
  return history
}

function actor(name: string, parent: string | null = null, value = 'first') {
  return {
    type: '@xstate.actor',
    sessionId: actorId(name),
    rootId: actorId('root'),
    parentId: parent === null ? null : actorId(parent),
    name,
    kind: 'machine',
    machine: null,
    snapshot: { status: 'active', value, context: { count: 0 } },
  }
}

function snapshot(name: string, value: string, count: number, status = 'active') {
  return {
    type: '@xstate.snapshot',
    sessionId: actorId(name),
    rootId: actorId('root'),
    event: { type: 'go' },
    snapshot: { status, value, context: { count } },
  }
}

describe('a fate', () => {
  it('is that of a decision where it was kept without a clock, and not where its beginning is unknown', () => {
    const { fates } = historyOf(
      stamped([
        { type: 'kittiwake.fate', eventId: 'decision', stage: 'stored' },
        { type: 'kittiwake.fate', eventId: 'waited', stage: 'sent' },
        { type: 'kittiwake.fate', eventId: 'event', stage: 'stored', lamport: 1 },
      ]),
    )
    const kinds = fates.list.map((fate) => [fate.eventId, isOfLedger(fate)])
    expect(kinds).toEqual([
      ['decision', true],
      ['waited', false],
      ['event', false],
    ])
  })
})

describe('an actor as of a message', () => {
  it('has the state, the context and the step that held then', () => {
    const step = {
      type: '@xstate.microstep',
      sessionId: actorId('a'),
      rootId: actorId('root'),
      event: { type: 'go' },
      transitions: [{ id: 'm#0', source: 'm.first', targets: ['m.second'], eventType: 'go' }],
      snapshot: { status: 'active', value: 'second' },
    }
    const history = historyOf(stamped([actor('a'), step, snapshot('a', 'second', 1)]))
    const track = history.actor(actorId('a'))
    expect(track?.moment(-1)).toBeNull()
    expect(track?.moment(0)).toMatchObject({ value: 'first', context: { count: 0 } })
    expect(track?.moment(0)?.step).toBeUndefined()
    // Between the step and the snapshot the context is still that of before.
    expect(track?.moment(1)).toMatchObject({ value: 'second', context: { count: 0 } })
    expect(track?.moment(2)).toMatchObject({ context: { count: 1 }, contextBefore: { count: 0 } })
    expect(track?.moment(2)?.step?.at).toBe(1)
  })

  it('is over from the snapshot on that says so, or from the end of its process', () => {
    const end = { type: 'kittiwake.ended', reason: 'stopped' }
    const told = stamped([actor('a'), actor('b'), snapshot('a', 'first', 0, 'stopped'), end])
    const history = historyOf(told)
    const [a, b] = ['a', 'b'].map((name) => history.actor(actorId(name)))
    expect([1, 2, 3].map((at) => a?.isThere(at))).toEqual([true, false, false])
    expect([1, 2, 3].map((at) => b?.isThere(at))).toEqual([true, true, false])
    expect(b?.moment(3)?.status).toBe('stopped')
    expect(endedCount(history, 2)).toBe(1)
  })

  // The picture at each message is what one would have who had seen no more than that.
  property([
    fc.array(fc.record({ name: fc.constantFrom('a', 'b'), count: fc.nat(9) }), { maxLength: 40 }),
    fc.integer({ min: 2, max: 50 }),
  ])('is the same with all that came after, and with what was forgotten', (changes, max) => {
    const told = stamped([
      actor('a'),
      actor('b'),
      ...changes.map(({ name, count }) => snapshot(name, `s${count}`, count)),
    ])
    const short = historyOf(told, max)
    for (let at = short.start; at < told.length; at += 1) {
      const then = historyOf(told.slice(0, at + 1))
      for (const id of [actorId('a'), actorId('b')]) {
        const expected = then.actor(id)?.moment(at)
        expect(short.actor(id)?.moment(at)?.value).toEqual(expected?.value)
        expect(short.actor(id)?.moment(at)?.context).toEqual(expected?.context)
      }
    }
    expect(short.end - short.start).toBeLessThanOrEqual(max)
  })
})

describe('the tree', () => {
  it('has processes, threads, and actors beneath those that made them', () => {
    const history = historyOf(stamped([actor('root'), actor('child', 'root'), actor('loose')]))
    const rows = treeAt(history, 2, OPEN).map(({ label, depth }) => [label, depth])
    expect(rows).toEqual([
      ['process 4711', 0],
      ['main thread', 1],
      ['root', 2],
      ['child', 3],
      ['loose', 2],
    ])
    expect(treeAt(history, 0, OPEN).map(({ label }) => label)).not.toContain('child')
    const closed = new Set([actorId('root'), PROCESS])
    expect(treeAt(history, 2, { ...OPEN, closed })).toHaveLength(1)
  })

  it('shows figures as of the moment, and goes on counting the ages', () => {
    const figures = {
      type: 'kittiwake.figures',
      actors: [{ sessionId: actorId('a'), mailbox: 3, restarts: 2, ageMs: 1 }],
      threads: [
        { thread: 'store', state: 'ready', unanswered: 4, queued: 0, restarts: 1, ageMs: 500 },
      ],
      queues: {},
      residentMb: 100.4,
      loopDelayMs: 0,
      events: 1,
      leftOut: 0,
    }
    const history = historyOf(stamped([actor('a'), figures, snapshot('a', 'second', 1)]))
    const rowAt = (at: number, label: string) =>
      treeAt(history, at, OPEN).find((row) => row.label === label)
    expect(rowAt(0, 'a')).toMatchObject({ mailbox: null, restarts: 0, ageMs: 0, state: 'first' })
    expect(rowAt(2, 'a')).toMatchObject({ mailbox: 3, restarts: 2, ageMs: 2, state: 'second' })
    expect(rowAt(2, 'store thread')).toMatchObject({ mailbox: 4, restarts: 1, ageMs: 501 })
    expect(rowAt(2, 'process 4711')?.state).toBe('100 MB')
    expect(history.figures(PROCESS, 0)).toBeUndefined()
  })

  it('ends where parents name each other', () => {
    const history = historyOf(stamped([actor('a', 'b'), actor('b', 'a'), actor('c', 'c')]))
    expect(treeAt(history, 2, OPEN).map(({ label }) => label)).toEqual([
      'process 4711',
      'main thread',
      'c',
    ])
  })
})

describe('the recorded sample', () => {
  const history = new History()
  for (const { message, line } of sampleMessages()) {
    expect(readMessage(message), line).toBe(message)
    history.add(message, line)
  }

  it('shows the connection backing off and live again, and the store restarting', () => {
    const named = (name: string) =>
      [...history.actors].find(({ first }) => first.message.name === name)
    const statesOf = (name: string) =>
      (named(name)?.steps ?? []).map(({ message }) => JSON.stringify(message.snapshot.value))
    const connection = statesOf('connection')
    const lost = connection.indexOf('"backingOff"')
    expect(connection.slice(0, lost).join()).toContain('"live"')
    expect(connection.slice(lost).join()).toContain('"live"')
    expect(statesOf('store')).toContain('"restarting"')
  })

  it('has the lives of the workers as bands that follow each other', () => {
    const [process = ''] = history.threads.keys()
    const last = history.end - 1
    const stretch = {
      from: history.at(0)?.message.mono ?? 0,
      to: history.at(last)?.message.mono ?? 0,
    }
    const lives = lifecycles(history, process, last, stretch)
    expect(lives.map(({ name }) => name)).toEqual(['store', 'git', 'socket'])
    const moods = lives[0]?.bands.map(({ mood }) => mood)
    expect(moods).toContain('restarting')
    expect(moods?.filter((mood) => mood === 'ready')).toHaveLength(2)
    for (const { bands } of lives) {
      for (const [index, band] of bands.entries()) {
        expect(band.to).toBeGreaterThan(band.from)
        expect(band.from).toBeGreaterThanOrEqual(bands[index - 1]?.to ?? 0)
      }
    }
  })

  it('finds the position of a time, and stays within what there is', () => {
    const mono = history.at(1_000)?.message.mono ?? 0
    expect(history.at(history.positionAt(mono))?.message.mono).toBe(mono)
    expect(history.positionAt(0)).toBe(0)
    expect(history.positionAt(Number.MAX_VALUE)).toBe(history.end - 1)
  })
})

describe('a message that cannot be relied on', () => {
  const [whole] = stamped([actor('a')])
  it.each([
    ['no object', 'text'],
    ['a list', []],
    ['of an unknown type', { ...whole, type: 'kittiwake.other' }],
    ['of an inherited type', { ...whole, type: 'constructor' }],
    ['without a number', { ...whole, seq: '1' }],
    ['without an id', { ...whole, sessionId: 7 }],
    ['without a snapshot', { ...whole, snapshot: null }],
    ['with a machine that holds no states', machineMessage({ ...state('m'), states: [{}] })],
    ['with a machine whose targets are no words', machineMessage(withTargets([7]))],
  ])('is passed over: %s', (_, value) => {
    expect(readMessage(value)).toBeNull()
  })

  it('is told from one that can', () => {
    expect(readMessage(whole)).toBe(whole)
    const machine = machineMessage(withTargets(['m.b']))
    expect(readMessage(machine)).toBe(machine)
  })

  function machineMessage(root: unknown) {
    return stamped([{ type: 'kittiwake.machine', hash: '0123456789abcdef', name: 'm', root }])[0]
  }

  function withTargets(targets: readonly unknown[]) {
    const transition = { id: 'm.a#0', event: 'go', kind: 'event', targets, actions: [] }
    return { ...state('m', [state('m.a'), state('m.b')]), transitions: [transition] }
  }
})
