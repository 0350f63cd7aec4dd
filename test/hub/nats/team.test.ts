/** A slice of `npm run chaos:team`. */
import { expect, it } from 'vitest'
import { runTeam } from '../../../scripts/chaos/team.mjs'
import { findNatsServer } from '../../../scripts/nats-server.mjs'
import { temporaryFolder } from '../support.ts'
import { describeNats } from './support.ts'

describeNats('three hubs on one server', () => {
  it('deliver what they acknowledged once and in order, killed in turn with the server, while clients move and the log is cut', async () => {
    const plan = { folder: temporaryFolder(), natsProgram: findNatsServer() ?? '', window: 4 }
    const seed = Date.now() % 100_000
    const about = { seed, events: 200, kills: 4, cuts: true }
    const { faults, ...figures } = await runTeam({ ...plan, ...about })
    console.log(`team chaos: ${JSON.stringify({ seed, ...figures })}`)
    expect(faults).toEqual([])
    expect(figures.events).toBeGreaterThanOrEqual(800)
    expect(figures.kills).toMatchObject({ hubs: 3, nats: 1 })
    expect(figures.moves).toBeGreaterThan(figures.kills.hubs)
  })
})

describeNats('hubs on three servers', () => {
  it('lose nothing with the server that leads and its disk, which come back under load', async () => {
    const plan = { folder: temporaryFolder(), natsProgram: findNatsServer() ?? '', window: 4 }
    const seed = Date.now() % 100_000
    const few = { servers: 3, hubs: 2, publishers: 2, events: 50, kills: 1 }
    const { faults, ...figures } = await runTeam({ ...plan, ...few, seed })
    console.log(`team chaos, three servers: ${JSON.stringify({ seed, ...figures })}`)
    expect(faults).toEqual([])
    expect(figures.events).toBeGreaterThanOrEqual(100)
    expect(figures.kills).toEqual({ hubs: 0, nats: 1, cuts: 0 })
  })
})
