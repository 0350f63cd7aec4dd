/** What `inspect` can be attached to: by project, by folder, by process, and what it can't be. */
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { ControlServer } from '#dist/background/control-server.js'
import { Inspectors } from '#dist/background/inspectors.js'
import { writeOwner } from '#dist/background/owner-record.js'
import { makePlaces, placesOf } from '#dist/background/places.js'
import { PROTOCOL } from '#dist/background/protocol.js'
import { addEntry } from '#dist/background/registry.js'
import { backgroundSource } from '#dist/cli/inspect-sources.js'
import { SenderLease } from '#dist/workers/store/sender-lease.js'
import { draftNote } from '../support/drafts.ts'
import { RuntimeWorld } from '../support/runtime-world.ts'

const PID = 4711

/** All that a background process shows to others, with one runtime; here it is this process. */
async function background(world: RuntimeWorld, uuid: string, state = 'live') {
  const places = placesOf(world.state)
  makePlaces(places)
  const lock = SenderLease.tryAcquire(places.lock)
  if (lock === null) throw new Error('the lock is held')
  const owner = {
    pid: PID,
    version: '0.1.0',
    started_at: new Date(0).toISOString(),
    protocol: PROTOCOL,
    nonce: '0'.repeat(32),
  }
  writeOwner(places.owner, owner)
  addEntry(places.projects, { root: world.root, uuid })
  const inspectors = new Inspectors()
  const project = { project: uuid, state, reason: null, next_try_at: null, waiting: 0 }
  const server = new ControlServer(places.control, (request, socket) => {
    if (request.type === 'inspect') return inspectors.take(request, socket)
    return { ...owner, resident_mb: 1, projects: [project] }
  })
  await server.listen()
  const runtime = await world.open()
  inspectors.attach(uuid, runtime)
  onTestFinished(() => {
    server.destroy()
    lock.release()
  })
  return runtime
}

describe('the background process', () => {
  it('is found by its pid, a project, a part of its uuid, a folder of it, or from within', async () => {
    const world = new RuntimeWorld()
    const uuid = await world.init()
    const runtime = await background(world, uuid)
    const { event_id } = await runtime.emit(draftNote('a note'))
    const wanted = [
      [String(PID), '/'],
      [uuid, '/'],
      [uuid.slice(0, 6), '/'],
      [world.root, '/'],
      ['.', world.root],
      [null, world.root],
    ] as const
    for (const [attach, cwd] of wanted) {
      const source = await backgroundSource(attach, cwd, world.state, false)
      if (source === null) throw new Error('nothing was found')
      await vi.waitFor(() => expect(source.feed.lastSeq).toBeGreaterThan(3), 5_000)
      expect(source.send).toBeNull()
      expect(source.isResting).toBe(false)
      expect(await source.fate?.(event_id)).toMatchObject({ state: 'held', obstacle: 'no_consent' })
      expect(await source.fate?.('x')).toMatchObject({ state: 'absent' })
      source.close()
    }
    const sending = await backgroundSource(String(PID), '/', world.state, true)
    expect(sending?.send).not.toBeNull()
    sending?.close()
  })

  it('is known to have nothing to show yet where it rests', async () => {
    const world = new RuntimeWorld()
    const uuid = await world.init()
    await background(world, uuid, 'resting')
    for (const attach of [String(PID), uuid]) {
      const source = await backgroundSource(attach, '/', world.state, false)
      expect(source?.isResting).toBe(true)
      source?.close()
    }
  })

  it('is not attached where it is not that, and nobody asked for it', async () => {
    const world = new RuntimeWorld()
    const uuid = await world.init()
    const other = await RuntimeWorld.withProject()
    expect(await backgroundSource(null, world.root, world.state, false)).toBeNull()
    await expect(backgroundSource(String(PID), '/', world.state, false)).rejects.toMatchObject({
      code: 'BACKGROUND_NOT_RUNNING',
    })
    await background(world, uuid)
    expect(await backgroundSource(null, other.root, world.state, false)).toBeNull()
    const otherDigit = uuid.startsWith('1') ? '2' : '1'
    for (const attach of [otherDigit, 'zzz', '', other.root]) {
      await expect(backgroundSource(attach, '/', world.state, false)).rejects.toMatchObject({
        code: 'ATTACH_UNKNOWN',
      })
    }
  })
})
