/** What leaves this machine: only what its own project has consented to, whatever else is there (L12). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { emitNote, noteOf } from '../support/drafts.ts'
import { until } from '../support/program.ts'
import { filesWith, TestHub, TestMachine, TestWorld } from '../support/test-machine.ts'

const machine = new TestMachine()
const hub = new TestHub(machine)
beforeAll(async () => {
  await hub.start()
  await hub.createToken()
})
afterAll(() => machine.close())

describe.concurrent('a project that has not consented', () => {
  it('sends nothing, logged in or not, and says why', async () => {
    const { root, uuid } = await machine.project('silent')
    await machine.ok(root, ['mission', 'create', 'quiet'])
    expect(await hub.login(root, '--no-opt-in')).toMatchObject({ opted_in: false })
    await machine.ok(root, emitNote('heron-1181'))
    await decide(machine, root)
    const report = await machine.run(root, ['sync', 'now'])
    expect(report).toMatchObject({ code: 8, document: { ok: true, delivered: 0, pending: 1 } })
    expect(report.document['reason']).toBe('no_consent')
    const status = await machine.run(root, ['sync', 'status', '--check'])
    expect(status).toMatchObject({ code: 8, document: { reason: 'no_consent', consent: 'absent' } })
    const link = await machine.run(root, ['sync', 'run'])
    expect(link).toMatchObject({ code: 1, document: { error: { code: 'NO_CONSENT' } } })
    expect(filesWith(hub.dataDir, uuid)).toEqual([])
  })

  it('stays silent beside one on the same machine that has', async () => {
    const silent = await machine.project('silent neighbour')
    const open = await machine.project('open neighbour')
    await machine.ok(silent.root, emitNote('curlew-2262'))
    await machine.ok(open.root, emitNote('dunlin-3373'))
    await hub.login(open.root)
    const link = await machine.link(open.root)
    await machine.ok(silent.root, emitNote('curlew-2262 again'))
    await machine.ok(open.root, emitNote('dunlin-3373 again'))
    await until('all of the open one is at the hub', async () => {
      return (await hub.rows('event', open.uuid)).length === 2
    })
    expect((await machine.run(silent.root, ['sync', 'now'])).code).toBe(8)
    await link.end('SIGINT')
    expect(filesWith(hub.dataDir, 'dunlin-3373')).not.toEqual([])
    expect(filesWith(hub.dataDir, open.uuid)).not.toEqual([])
    expect(filesWith(hub.dataDir, 'curlew-2262')).toEqual([])
    expect(filesWith(hub.dataDir, silent.uuid)).toEqual([])
  })
})

describe.concurrent('consent', () => {
  it('comes with a login inside the project, which says so and what it covers', async () => {
    const { root, uuid } = await machine.project('welcome')
    await machine.ok(root, emitNote('before the login'))
    expect(await hub.login(root)).toMatchObject({ opted_in: true, covered: 1 })
    expect(await machine.ok(root, ['sync', 'now'])).toMatchObject({ delivered: 1, reason: null })
    expect(await texts(hub, uuid)).toEqual(['before the login'])
  })

  it('from now on leaves earlier events where they are', async () => {
    const { root, uuid } = await machine.project('later')
    await hub.login(root, '--no-opt-in')
    await machine.ok(root, emitNote('too early'))
    const consent = await machine.ok(root, ['sync', 'opt-in', '--from-now'])
    expect(consent).toMatchObject({ consent: 'granted', covered: 0, held: 1 })
    await machine.ok(root, emitNote('in time'))
    const report = await machine.run(root, ['sync', 'now'])
    expect(report).toMatchObject({
      code: 8,
      document: { delivered: 1, pending: 1, reason: 'held' },
    })
    expect(await texts(hub, uuid)).toEqual(['in time'])
  })

  it('that is withdrawn stops a link that is up, until it is given again', async () => {
    // By itself: a login of another test on the same machine would end the link, too.
    await using world = await TestWorld.make()
    const { machine: alone, root, uuid, hub: own } = world
    await alone.ok(root, ['mission', 'create', 'quiet'])
    const link = await alone.link(root)
    const live = link.documents.length
    await alone.ok(root, ['sync', 'opt-out'])
    await link.saw(({ state, reason }) => state === 'offline' && reason === 'NO_CONSENT', live)
    expect(await alone.ok(root, emitNote('held back'))).toMatchObject({ route: 'queued' })
    await decide(alone, root)

    const offline = link.documents.length
    await alone.ok(root, ['sync', 'opt-in'])
    await link.saw(({ state }) => state === 'live', offline)
    await alone.ok(root, emitNote('let go'))
    // What is sent comes in order: had the held one left, it would be here before.
    await until('the later one is at the hub', async () => {
      return (await texts(own, uuid)).includes('let go')
    })
    expect(await texts(own, uuid)).toEqual(['let go'])
    expect(filesWith(own.dataDir, 'held back')).toEqual([])
    expect(link.documents.slice(live).map(({ state }) => state)).not.toContain('backingOff')
  })

  it('that was withdrawn is not given again by a login', async () => {
    const { root } = await machine.project('firm')
    await machine.ok(root, ['sync', 'opt-out'])
    expect(await hub.login(root)).toMatchObject({ opted_in: false, covered: 0 })
    expect(await machine.ok(root, ['sync', 'status'])).toMatchObject({ consent: 'refused' })
  })
})

async function decide(machine: TestMachine, root: string): Promise<void> {
  const mission = ['--mission', 'quiet']
  const asked = await machine.ok(root, ['decision', 'request', ...mission, '--question', 'So?'])
  const id = asked['decision_id'] as string
  await machine.ok(root, ['decision', 'answer', id, ...mission, '--answer', 'So.'])
}

async function texts(hub: TestHub, uuid: string): Promise<string[]> {
  return (await hub.rows('event', uuid)).map(({ event }) => noteOf(event))
}
