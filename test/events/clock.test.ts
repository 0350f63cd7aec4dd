/** The laws of a clock that is kept elsewhere than in the store. */
import { describe, expect, it } from 'vitest'
import { Clock, CLOCK_DRIFT_MAX, memoryClockStorage } from '#dist/events/clock.js'
import { fc, property } from '../support/property.ts'

const NODE = 'a1b2c3d4e5f6'
const codeOf = (code: string) => expect.objectContaining({ code })

describe('a clock', () => {
  property([
    fc.array(
      fc.record({ kind: fc.constantFrom('tick', 'witness', 'receive'), remote: fc.nat(1_000) }),
    ),
  ])('never gives a value twice, and none before what it heard of', (steps) => {
    const clock = new Clock(NODE, memoryClockStorage())
    let [given, heard] = [0, 0]
    for (const { kind, remote } of steps) {
      if (kind !== 'tick') heard = Math.max(heard, remote)
      if (kind === 'witness') clock.witness(remote)
      else {
        const value = kind === 'tick' ? clock.tick() : clock.receive(remote)
        expect(value).toBeGreaterThan(Math.max(given, heard))
        given = value
      }
    }
  })

  it('goes on from what was saved', () => {
    const storage = memoryClockStorage()
    expect(new Clock(NODE, storage).tick()).toBe(1)
    expect(new Clock(NODE, storage).tick()).toBe(2)
  })

  it('stands still where its value can not be saved', () => {
    let isFull = true
    const memory = memoryClockStorage(4)
    const storage = {
      load: memory.load,
      save: (value: number) => {
        if (isFull) throw new Error('disk full')
        memory.save(value)
      },
    }
    const clock = new Clock(NODE, storage)
    expect(() => clock.tick()).toThrow('disk full')
    expect(clock.current).toBe(4)
    isFull = false
    expect(clock.tick()).toBe(5)
  })

  it('stamps an answer behind what it answers, with its own node', () => {
    const clock = new Clock(NODE, memoryClockStorage(3))
    const answer = { event_id: 'x', node_id: '', lamport_clock: 0 }
    expect(clock.receiveAndStamp({ lamport_clock: 9 }, answer)).toEqual({
      event_id: 'x',
      node_id: NODE,
      lamport_clock: 10,
    })
    expect(clock.current).toBe(10)
  })

  it('does not follow a clock that is too far ahead, and is not moved by it', () => {
    const clock = new Clock(NODE, memoryClockStorage(1), { driftMax: 10 })
    expect(() => clock.receive(12)).toThrow(codeOf('CLOCK_DRIFT'))
    expect(() => clock.witness(12)).toThrow(codeOf('CLOCK_DRIFT'))
    expect(clock.current).toBe(1)
    expect(clock.receive(11)).toBe(12)
    const usual = new Clock(NODE, memoryClockStorage())
    expect(() => usual.witness(CLOCK_DRIFT_MAX + 1)).toThrow(codeOf('CLOCK_DRIFT'))
  })

  it.each([-1, 1.5, 2 ** 53, Number.NaN])('takes %d for no clock', (value) => {
    const clock = new Clock(NODE, memoryClockStorage(), { driftMax: Infinity })
    expect(() => clock.witness(value)).toThrow(codeOf('CLOCK_VALUE'))
    expect(() => new Clock(NODE, memoryClockStorage(value))).toThrow(codeOf('CLOCK_UNREADABLE'))
  })

  it('ends where JSON can not carry it exactly', () => {
    const clock = new Clock(NODE, memoryClockStorage(Number.MAX_SAFE_INTEGER))
    expect(() => clock.tick()).toThrow(codeOf('CLOCK_EXHAUSTED'))
  })
})
