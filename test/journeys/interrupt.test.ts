/** How long-lived commands end: with 130, and within three seconds whatever hub, queue and disk are doing. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { outboxPath, senderLeasePath } from '#dist/project/state-directory.js'
import { SenderLease } from '#dist/workers/store/sender-lease.js'
import { emitNote, noteLines } from '../support/drafts.ts'
import { until } from '../support/program.ts'
import type { Program } from '../support/program.ts'
import { TestWorld } from '../support/test-machine.ts'

const STOP_MS = 3_000
/** More than the link's window and than one claim. */
const FULL = 600

describe.concurrent('an interrupt', () => {
  it('ends `sync run` whose hub is dead and whose queue is full', async () => {
    await using world = await TestWorld.make()
    const { machine, hub, root } = world
    await hub.kill()
    await fill(world)
    const link = machine.start(root, ['sync', 'run'])
    await link.saw(({ state }) => state === 'backingOff')
    await expectEnd(link)
  })

  it('ends `sync run` and `sync now` whose hub takes connections and answers nothing', async () => {
    await using world = await TestWorld.make()
    const { machine, hub, root, uuid } = world
    await fill(world)
    hub.freeze()
    const link = machine.start(root, ['sync', 'run'])
    await link.saw(({ state }) => state === 'authenticating')
    await expectEnd(link)
    const now = machine.start(root, ['sync', 'now'])
    await until('`sync now` holds the link', () => isHeld(machine.state, uuid))
    await expectEnd(now)
  })

  it('ends `sync run` whose hub falls silent in the middle of a delivery, which goes on later', async () => {
    await using world = await TestWorld.make()
    const { machine, hub, root, uuid } = world
    const link = await machine.link(root)
    hub.freeze()
    await fill(world)
    await expectEnd(link, 'SIGTERM')
    hub.thaw()
    expect(await machine.ok(root, ['sync', 'now'])).toMatchObject({ pending: 0, reason: null })
    expect(await hub.rows('event', uuid)).toHaveLength(FULL)
  })

  it('ends `sync run` while another process keeps the outbox locked; an emit is refused', async () => {
    await using world = await TestWorld.make()
    const { machine, root, uuid } = world
    const link = await machine.link(root)
    const outbox = new Database(outboxPath(machine.state, uuid))
    try {
      outbox.exec('BEGIN IMMEDIATE')
      const refused = machine.run(root, emitNote('not now'))
      await expectEnd(link)
      expect(await refused).toMatchObject({ code: 1, document: { error: { code: 'OUTBOX_BUSY' } } })
    } finally {
      outbox.close()
    }
    expect((await machine.runHere(root, emitNote('now'))).code).toBe(0)
  })
})

describe('an interrupt of a command whose thread is stuck', () => {
  it.each([
    ['store', 'insert', emitNote('stuck')],
    ['git', 'fsync', ['decision', 'request', '--mission', 'quiet', '--question', 'So?']],
  ] as const)('ends it although %s does not answer, and says what is not known', async (...row) => {
    const [worker, point, args] = row
    await using world = await TestWorld.make()
    const { machine, root } = world
    await machine.ok(root, ['mission', 'create', 'quiet'])
    const log = join(machine.folder, 'faults')
    const fault = { worker, point, how: 'loop', times: 9, log }
    const preload = `--import=${import.meta.resolve('../support/fault.mjs')}`
    const program = machine.start(root, args, {
      NODE_OPTIONS: preload,
      KITTIWAKE_FAULT: JSON.stringify(fault),
    })
    await until('the thread is stuck', () => existsSync(log))
    expect(await program.end('SIGINT')).toBeLessThan(STOP_MS)
    expect(await program.ended).toBe(130)
    expect(program.documents).toMatchObject([{ ok: false, error: { code: 'INTERRUPTED' } }])
    expect((await machine.runHere(root, args)).code).toBe(0)
  })
})

async function expectEnd(program: Program, signal: NodeJS.Signals = 'SIGINT'): Promise<void> {
  expect(await program.end(signal)).toBeLessThan(STOP_MS)
  expect({ code: await program.ended, err: program.err }).toEqual({ code: 130, err: '' })
}

async function fill({ machine, root }: TestWorld): Promise<void> {
  const notes = noteLines(Array.from({ length: FULL }, (_, at) => `note ${at}`))
  await machine.ok(root, ['emit', '--batch', '-'], notes)
}

/** Whether somebody holds the sender lease. */
function isHeld(state: string, uuid: string): boolean {
  const lease = SenderLease.tryAcquire(senderLeasePath(state, uuid))
  lease?.release()
  return lease === null
}
