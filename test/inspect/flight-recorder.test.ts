/** The flight recorder: what led to a worker's end is kept, found, and no more than that. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { checkFlights } from '#dist/doctor/check-flights.js'
import { NO_IDENTITY } from '#dist/project/identity-literals.js'
import { createSanitizer } from '#dist/events/sanitize.js'
import {
  FLIGHT_FILES_MAX,
  FLIGHT_ENTRIES_MAX,
  FlightRecorder,
  flightFolder,
} from '#dist/inspect/flight-recorder.js'
import { FEED_MESSAGE, type FeedMessage } from '#dist/inspect/protocol.js'
import { openTrace } from '#dist/inspect/trace-file.js'
import { draftNote } from '../support/drafts.ts'
import { RuntimeWorld } from '../support/runtime-world.ts'

function messagesIn(path: string): FeedMessage[] {
  const { feed } = openTrace(path)
  return Array.from(
    { length: feed.end },
    (_, at) => JSON.parse(feed.at(at)?.line ?? '') as FeedMessage,
  )
}

describe('a worker that fails for good', () => {
  it('leaves what its runtime did before, as a trace without contents, which doctor names', async () => {
    const world = await RuntimeWorld.withProject()
    const runtime = await world.open()
    const warnings: string[] = []
    runtime.on('warning', ({ code, message }) => warnings.push(`${code} ${message}`))
    await runtime.emit(draftNote('wren cove'))
    const { store } = runtime.system.workers
    for (let at = 0; at < 4; at += 1) {
      await vi.waitFor(() => expect(store.getSnapshot().matches('running')).toBe(true), 5_000)
      store.send({ type: 'thread.crashed', code: 'EWREN', message: 'test' })
    }
    const folder = flightFolder(world.state)
    await vi.waitFor(
      () => expect(warnings.some((text) => text.startsWith('FLIGHT_RECORDED'))).toBe(true),
      5_000,
    )
    const [name = ''] = readdirSync(folder)
    expect(warnings.find((text) => text.startsWith('FLIGHT_RECORDED'))).toContain(
      `kittiwake inspect --trace ${name}`,
    )
    expect(warnings.join()).not.toContain(world.state)
    expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600)
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    expect(openTrace(join(folder, name)).header).toMatchObject({
      reason: 'escalation',
      failure: { worker: 'store', code: 'EWREN' },
    })
    const messages = messagesIn(join(folder, name))
    for (const message of messages) expect(FEED_MESSAGE.parse(message)).toEqual(message)
    expect(readFileSync(join(folder, name), 'utf8')).not.toMatch(/wren cove|HistoryAdded|context/)
    const actor = messages.find((one) => one.type === '@xstate.actor' && one.name === 'store')
    const key = actor !== undefined && 'sessionId' in actor ? actor.sessionId : ''
    const crashes = messages.filter(
      (one) =>
        one.type === '@xstate.event' &&
        one.sessionId === key &&
        one.event.type === 'thread.crashed',
    )
    expect(crashes).toHaveLength(4)
    const steps = messages.flatMap((one) =>
      one.type === '@xstate.microstep' && one.sessionId === key ? one.transitions : [],
    )
    expect(steps.map(({ targets }) => targets[0])).toContain('worker.failed')
    expect(checkFlights(world.state)).toMatchObject([
      { state: 'note', hint: expect.stringContaining(name) },
    ])
    expect(checkFlights(world.home)).toEqual([])
  })
})

describe('the recorder', () => {
  it('keeps so many messages and no more, in order', async () => {
    const world = await RuntimeWorld.withProject()
    const runtime = await world.open()
    const names: string[] = []
    const flight = new FlightRecorder({
      system: runtime.system,
      sanitizer: createSanitizer(NO_IDENTITY),
      state: world.state,
      written: (name) => names.push(name),
    })
    const { supervisor } = runtime.system
    for (let at = 0; at < FLIGHT_ENTRIES_MAX; at += 1)
      supervisor.send({ type: 'supervisor.workerStopped', name: 'git' })
    supervisor.send({ type: 'quill.sandpiper@mail.example' } as never)
    const writing = flight.write('git', { code: 'TEST', message: 'test' })
    // What comes while it is being written is of the next one.
    supervisor.send({ type: 'later' } as never)
    await writing
    const messages = messagesIn(join(flightFolder(world.state), names[0] ?? ''))
    expect(messages.at(-1)).toMatchObject({ event: { type: '<email>' } })
    const moved = messages.filter(
      ({ type }) => type === '@xstate.event' || type === '@xstate.microstep',
    )
    expect(moved).toHaveLength(FLIGHT_ENTRIES_MAX)
    const times = moved.map(({ mono }) => mono)
    expect(times).toEqual([...times].sort((one, other) => one - other))
    for (let at = 0; at < FLIGHT_FILES_MAX + 2; at += 1) {
      await flight.write('git', { code: 'TEST', message: 'test' })
      await vi.waitFor(() => expect(names).toHaveLength(at + 2))
    }
    const kept = readdirSync(flightFolder(world.state)).sort()
    expect(kept).toEqual(names.slice(-FLIGHT_FILES_MAX).sort())
  })

  it('whose file can not be written says nothing and throws nothing', async () => {
    const world = await RuntimeWorld.withProject()
    const runtime = await world.open()
    const written = vi.fn()
    const state = join(world.root, '.git', 'config')
    const flight = new FlightRecorder({
      system: runtime.system,
      sanitizer: createSanitizer(NO_IDENTITY),
      state,
      written,
    })
    await flight.write('git', { code: 'TEST', message: 'test' })
    expect(written).not.toHaveBeenCalled()
  })
})
