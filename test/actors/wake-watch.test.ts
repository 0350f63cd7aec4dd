import { describe, expect, it } from 'vitest'
import { WakeWatch } from '#dist/actors/wake-watch.js'

/** A watch whose clock and network are this test's. */
function watch() {
  const world = { at: 1_000_000, addresses: '192.0.2.7', woke: 0 }
  const made = new WakeWatch({
    woke: () => (world.woke += 1),
    now: () => world.at,
    addresses: () => world.addresses,
  })
  made.start()
  const look = (passedMs: number): number => {
    world.at += passedMs
    made.look()
    return world.woke
  }
  return { world, look, made }
}

describe('the watch over the machine', () => {
  it('takes a look that comes much later than planned for a sleep, once', () => {
    const { look, made } = watch()
    expect([look(2_000), look(2_900), look(6_999)]).toEqual([0, 0, 0])
    expect([look(7_000), look(2_000), look(3_600_000)]).toEqual([1, 1, 2])
    made.stop()
  })

  it('takes no clock that is set back for one', () => {
    const { look, made } = watch()
    expect([look(-3_600_000), look(2_000)]).toEqual([0, 0])
    made.stop()
  })

  it('sees another network, and the way back', () => {
    const { world, look, made } = watch()
    world.addresses = ''
    expect([look(2_000), look(2_000)]).toEqual([1, 1])
    world.addresses = '192.0.2.7'
    expect(look(2_000)).toBe(2)
    made.stop()
  })

  it('starts where it stands, however long it was stopped', () => {
    const { world, look, made } = watch()
    made.stop()
    world.at += 3_600_000
    made.start()
    expect(look(2_000)).toBe(0)
    made.stop()
  })
})
