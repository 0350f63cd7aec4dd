/** Who holds the link, what becomes of it when its holder dies, and what `sync now` says when it can't deliver. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { createRuntime } from '#dist/runtime.js'
import { emitNote } from '../support/drafts.ts'
import { until } from '../support/program.ts'
import { TestHub, TestWorld } from '../support/test-machine.ts'

describe.concurrent('the link of a project', () => {
  it('is held once; others are told, and deliver through its holder', async () => {
    await using world = await TestWorld.make()
    const { machine, hub, root, uuid } = world
    const link = await machine.link(root)
    const second = await machine.run(root, ['sync', 'run'])
    expect(second).toMatchObject({ code: 1, document: { error: { code: 'LINK_HELD' } } })
    await machine.ok(root, emitNote('by the holder'))
    const report = await machine.ok(root, ['sync', 'now'])
    expect(report).toMatchObject({ pending: 0, reason: null })
    expect(await hub.rows('event', uuid)).toHaveLength(1)
    expect(link.isUp).toBe(true)
  })

  it('announces native commits while it is held, and what a rewrite made of them', async () => {
    await using world = await TestWorld.make()
    const { machine, hub, root, uuid } = world
    const { worktree, mission_slug } = await machine.ok(root, ['mission', 'create', 'harbour'])
    await machine.link(root)
    const folder = join(worktree as string, 'kitty-specs', mission_slug as string)
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'plan.md'), 'A plan\n')
    const native = (...args: string[]) => machine.git(worktree as string, ...args).trim()
    native('add', '.')
    native('commit', '-qm', 'Plan')
    const hashes = async () =>
      (await hub.rows('commit', uuid)).map(({ commit }) => commit['git_hash'])
    const made = [native('rev-parse', 'HEAD')]
    await vi.waitFor(async () => expect(await hashes()).toEqual(made), { timeout: 20_000 })
    native('commit', '-q', '--amend', '-m', 'A better plan')
    made.push(native('rev-parse', 'HEAD'))
    await vi.waitFor(async () => expect(await hashes()).toEqual(made), { timeout: 20_000 })
  })

  it('is free at once when its holder is killed', async () => {
    await using world = await TestWorld.make()
    const { machine, hub, root } = world
    const link = await machine.link(root)
    await hub.kill()
    await link.saw(({ state }) => state === 'backingOff')
    await machine.ok(root, emitNote('left behind'))
    await link.end('SIGKILL')
    await hub.start()
    const report = await machine.ok(root, ['sync', 'now', '--timeout', '5'])
    expect(report).toMatchObject({ delivered: 1, pending: 0, reason: null })
  })

  it('is taken over by who waits for a holder that dies', async () => {
    await using world = await TestWorld.make()
    const { machine, hub, root } = world
    const link = await machine.link(root)
    // Its holder keeps the lease and waits for acknowledgements.
    hub.freeze()
    await machine.ok(root, emitNote('left behind'))
    await using runtime = await createRuntime({ root, stateDirectory: machine.state })
    let refusals = 0
    runtime.inspect((event) => {
      if (event.type === '@xstate.event' && isRefusedLease(event.event)) refusals++
    })
    const report = runtime.sync.now()
    await until('the lease is refused', () => refusals > 0)
    await link.end('SIGKILL')
    hub.thaw()
    expect(await report).toMatchObject({ delivered: 1, pending: 0, reason: null })
  })

  it('waits for another login where the hub refuses its own, and goes on with it', async () => {
    await using world = await TestWorld.make()
    const { machine, hub, root } = world
    await hub.kill()
    const stranger = await new TestHub(machine, 'stranger').start(hub.port)
    const link = machine.start(root, ['sync', 'run'])
    await link.saw(({ state, reason }) => state === 'suspended' && reason === 'NOT_AUTHENTICATED')
    await stranger.login(root)
    await link.saw(({ state }) => state === 'live')
  })
})

describe.concurrent('a logout', () => {
  it('ends the link that is held, and a login brings it back', async () => {
    await using world = await TestWorld.make()
    const { machine, hub, root, uuid } = world
    const link = await machine.link(root)
    await machine.ok(root, ['auth', 'logout'])
    await link.saw(({ state, reason }) => state === 'suspended' && reason === 'NOT_LOGGED_IN')
    expect(await machine.ok(root, emitNote('logged out'))).toMatchObject({ route: 'queued' })
    expect(await hub.rows('event', uuid)).toHaveLength(0)
    await hub.login(root)
    await link.saw(({ state }) => state === 'live')
    await machine.ok(root, ['sync', 'now'])
    expect(await hub.rows('event', uuid)).toHaveLength(1)
  })
})

describe('what `sync now` can not do', () => {
  it('is said by its reason and its exit code', async () => {
    await using world = await TestWorld.make()
    const { machine, hub, root } = world
    await machine.ok(root, ['auth', 'logout'])
    await machine.ok(root, emitNote('nowhere to go'))
    expect(await machine.run(root, ['sync', 'now'])).toMatchObject({
      code: 3,
      document: { ok: true, delivered: 0, pending: 1, reason: 'not_authenticated' },
    })
    await hub.login(root)
    await hub.kill()
    expect(await machine.runHere(root, ['sync', 'now'])).toMatchObject({
      code: 8,
      document: { ok: true, delivered: 0, pending: 1, reason: 'hub_unreachable' },
    })
    // Another hub on the same port, which does not know our token.
    const stranger = await new TestHub(machine, 'stranger').start(hub.port)
    expect(await machine.runHere(root, ['sync', 'now'])).toMatchObject({
      code: 3,
      document: { ok: true, delivered: 0, pending: 1, reason: 'not_authenticated' },
    })
    await stranger.kill()
    await hub.start()
    expect(await machine.runHere(root, ['sync', 'now'])).toMatchObject({
      code: 0,
      document: { ok: true, delivered: 1, pending: 0, reason: null },
    })
  })
})

function isRefusedLease(event: { readonly type: string }): boolean {
  return event.type === 'thread.answered' && JSON.stringify(event).includes('"held":false')
}
