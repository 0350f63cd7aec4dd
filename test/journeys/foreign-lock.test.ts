/** Another process keeps the outbox locked: an emit waits, gives up by itself, and ends with the runtime. */
import { describe, expect, it } from 'vitest'
import { outboxPath } from '#dist/project/state-directory.js'
import { ForeignLock } from '../support/foreign-lock.ts'
import { until } from '../support/program.ts'
import { RuntimeWorld, type Sign } from '../support/runtime-world.ts'

/** Lets the test know that the store waits. */
const TELL: Sign = { worker: 'store', point: 'rest', how: 'tell' }
/** An emit is not refused before this. */
const PATIENCE_MS = 2_000
const STOP_MS = 3_000

describe('while another process locks the outbox', () => {
  it.each(['IMMEDIATE', 'EXCLUSIVE'] as const)(
    'an emit waits, and succeeds when the lock is free: %s',
    async (mode) => {
      const { world, uuid, lock } = await locked(mode)
      const emitting = world.run(emit('waited'), { fault: TELL })
      await until('the emit waits', () => world.strikes() === 1)
      expect(notes(world, uuid)).toEqual(['before'])
      await lock.release()
      const { code, stdout } = await emitting
      expect({ code, ...JSON.parse(stdout) }).toMatchObject({ code: 0, ok: true, durable: true })
      expect(notes(world, uuid)).toEqual(['before', 'waited'])
    },
  )

  it.each(['IMMEDIATE', 'EXCLUSIVE'] as const)(
    'an emit gives up after some seconds, with one document, and nothing is lost: %s',
    async (mode) => {
      const { world, uuid, lock } = await locked(mode)
      const emitting = world.run(emit('refused'), { fault: TELL })
      await until('the emit waits', () => world.strikes() === 1)
      const from = performance.now()
      const { code, stdout, stderr } = await emitting
      expect(performance.now() - from).toBeGreaterThan(PATIENCE_MS)
      expect({ code, stderr, ...JSON.parse(stdout) }).toMatchObject({
        code: 1,
        stderr: '',
        ok: false,
        error: { code: 'OUTBOX_BUSY' },
      })
      await lock.release()
      expect((await world.runHere(emit('after'))).code).toBe(0)
      expect(notes(world, uuid)).toEqual(['before', 'after'])
    },
  )

  it('a runtime stops in time, and its emit, which waits, is refused (L2)', async () => {
    const { world, uuid, lock } = await locked('IMMEDIATE')
    const { ran, lines } = await world.call('leave', { struck: true }, { fault: TELL })
    // A thread that is ended inside SQLite takes the whole process with it.
    expect({ code: ran.code, stderr: ran.stderr }).toEqual({ code: 0, stderr: '' })
    expect(lines.find((line) => 'stoppedInMs' in line)?.['stoppedInMs']).toBeLessThan(STOP_MS)
    // Refused by the store itself, so it is known that nothing is stored.
    expect(lines[0]).toMatchObject({ note: 0, error: 'OUTBOX_BUSY', retryable: true })
    await lock.release()
    expect((await world.runHere(emit('after'))).code).toBe(0)
    expect(notes(world, uuid)).toEqual(['before', 'after'])
  })
})

async function locked(mode: 'IMMEDIATE' | 'EXCLUSIVE') {
  const world = new RuntimeWorld()
  const uuid = await world.init()
  expect((await world.runHere(emit('before'))).code).toBe(0)
  return { world, uuid, lock: await ForeignLock.hold(outboxPath(world.state, uuid), mode) }
}

function emit(note: string): string[] {
  const payload = JSON.stringify({ note })
  return ['emit', 'NoteTaken', '--aggregate', 'WP01', '--payload', payload, '--json']
}

function notes(world: RuntimeWorld, uuid: string): unknown[] {
  return world.events(uuid).map(({ note }) => note)
}
