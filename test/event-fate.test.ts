/** "Why is my event not at the hub?", answered step by step. */
import { describe, expect, it } from 'vitest'
import { readEventFate } from '#dist/event-fate.js'
import { locateRepository } from '#dist/project/git/locate.js'
import { startHub } from './hub/support.ts'
import { draftNote } from './support/drafts.ts'
import { RuntimeWorld } from './support/runtime-world.ts'

describe('the fate of an event', () => {
  it('names the first thing that has to be done, until the event is there', async () => {
    const world = await RuntimeWorld.withProject()
    const repository = await locateRepository(world.root)
    const runtime = await world.open()
    const { event_id } = await runtime.emit(draftNote('a note'))
    const fate = () => readEventFate(repository, world.state, event_id)
    expect(await fate()).toMatchObject({
      eventId: event_id,
      state: 'held',
      eventType: 'HistoryAdded',
      lamport: 1,
      attempts: 0,
      obstacle: 'no_consent',
      hint: expect.stringContaining('opt-in'),
    })
    await runtime.sync.optIn()
    expect(await fate()).toMatchObject({
      state: 'pending',
      obstacle: 'not_authenticated',
      hint: expect.stringContaining('auth login'),
    })
    const hub = await startHub()
    world.login(hub)
    expect(await fate()).toMatchObject({
      state: 'pending',
      obstacle: 'no_link',
      hint: expect.stringContaining('sync now'),
    })
    await hub.hub.stop()
    await runtime.sync.start()
    await expect.poll(fate, { timeout: 10_000 }).toMatchObject({
      state: 'pending',
      obstacle: 'link_down',
      hint: expect.stringMatching(/backingOff|reaching|authenticating/),
    })
    await runtime.sync.stop()
    const again = await startHub({ dataDir: hub.dataDir, port: hub.hub.port })
    world.login({ ...again, token: hub.token })
    await runtime.sync.now()
    expect(await fate()).toMatchObject({ state: 'delivered', obstacle: null })
    expect(await fate()).not.toHaveProperty('hint')
    await runtime.stop()
  })

  it('of what the outbox does not know is unknown, and nothing is written', async () => {
    const world = new RuntimeWorld()
    const repository = await locateRepository(world.root)
    const unknown = {
      eventId: 'x',
      state: 'absent',
      obstacle: 'not_in_outbox',
      hint: expect.stringContaining('decision log'),
    }
    expect(await readEventFate(repository, world.state, 'x')).toEqual(unknown)
    await world.init()
    expect(await readEventFate(repository, world.state, 'x')).toEqual(unknown)
  })
})
