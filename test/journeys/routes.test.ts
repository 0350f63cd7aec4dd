/** Where an event goes: by the identity of its project, and by whether somebody holds a live link. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { outboxPath } from '#dist/project/state-directory.js'
import { OutboxReader } from '#dist/workers/store/outbox-reader.js'
import { emitNote, noteLines } from '../support/drafts.ts'
import { until } from '../support/program.ts'
import { TestHub, TestMachine, TestWorld } from '../support/test-machine.ts'

const machine = new TestMachine()
const hub = new TestHub(machine)
beforeAll(async () => {
  await hub.start()
  await hub.createToken()
})
afterAll(() => machine.close())

describe.concurrent('before `init`', () => {
  it('events wait with a warning, and are adopted in order with their ids', async () => {
    const root = machine.repository('early')
    const one = await machine.run(root, emitNote('first'))
    expect(one).toMatchObject({ code: 0, document: { route: 'queue_only', project_uuid: null } })
    expect(one.said).toContain('kittiwake init')
    const lines = noteLines(['second', 'third'])
    const batch = await machine.run(root, ['emit', '--batch', '-'], lines)
    expect(batch.err.match(/no project identity/g)).toHaveLength(1)
    const recorded = [one.document, ...batch.documents].map((receipt) => receipt['event_id'])

    const { project, adopted } = await machine.ok(root, ['init'])
    expect(adopted).toBe(3)
    expect(await listed(root)).toEqual(recorded)
    await hub.login(root)
    const report = await machine.ok(root, ['sync', 'now'])
    expect(report).toMatchObject({ delivered: 3, pending: 0, reason: null })
    const rows = await hub.rows('event', (project as { uuid: string }).uuid)
    expect(rows.map(({ event }) => [event['event_id'], event['lamport_clock']])).toEqual(
      recorded.map((id, at) => [id, at + 1]),
    )
    expect((await machine.ok(root, ['init']))['adopted']).toBe(0)
  })
})

describe.concurrent('a project uuid that is not version 4', () => {
  it('lets nothing leave, says so, and is adopted once the file is mended', async () => {
    const root = machine.repository('odd')
    await machine.ok(root, ['init'])
    const config = join(root, '.kittify/config.yaml')
    const good = readFileSync(config, 'utf8')
    const odd = good.replace(/uuid: .*/, 'uuid: 8c7b3a52-1f8e-11ee-be56-0242ac120002')
    writeFileSync(config, odd)

    const { code, document, said } = await machine.run(root, emitNote('odd one'))
    expect({ code, route: document['route'] }).toEqual({ code: 0, route: 'queue_only' })
    expect(said).toContain('Mend .kittify/config.yaml')
    expect((await machine.run(root, ['init'])).document.error?.code).toBe('IDENTITY_NOT_V4')
    expect(readFileSync(config, 'utf8')).toBe(odd)
    const report = await machine.run(root, ['sync', 'now'])
    expect(report).toMatchObject({ code: 1, document: { error: { code: 'CONFIG_UNUSABLE' } } })

    writeFileSync(config, good)
    expect((await machine.ok(root, ['init']))['adopted']).toBe(1)
    expect(await listed(root)).toEqual([document['event_id']])
  })
})

describe.concurrent('with an identity', () => {
  it('an event is queued without a link, live with one, and queued again once its holder is dead', async () => {
    // A machine of its own: a login that others store meanwhile has a link connect anew.
    await using world = await TestWorld.make()
    const { machine, hub, root, uuid } = world
    const isLive = () => isLinkLive(machine.state, uuid)
    const queued = await machine.ok(root, emitNote('nobody is there'))
    expect(queued['route']).toBe('queued')
    const link = await machine.link(root)
    await until('other processes may know of it', isLive)
    const live = await machine.ok(root, emitNote('somebody is there'))
    expect(live['route']).toBe('live')
    await until('both are at the hub', async () => (await hub.rows('event', uuid)).length === 2)

    await link.end('SIGKILL')
    // The row of a dead holder is stale after 3 s; the rest is for a machine that is busy.
    await until('the link is down', () => !isLive(), 3_500)
    expect((await machine.ok(root, emitNote('nobody again')))['route']).toBe('queued')
  })

  it('an event is queued while the holder of the link looks for its hub', async () => {
    await using world = await TestWorld.make()
    const link = await world.machine.link(world.root)
    await world.hub.kill()
    await link.saw(({ state }) => state === 'backingOff')
    expect((await world.machine.ok(world.root, emitNote('the hub is away')))['route']).toBe(
      'queued',
    )
    expect(link.isUp).toBe(true)
  })
})

async function listed(root: string): Promise<unknown[]> {
  const { events } = await machine.ok(root, ['queue', 'list'])
  return (events as { event: { event_id: string } }[]).map(({ event }) => event.event_id)
}

function isLinkLive(state: string, uuid: string): boolean {
  const path = outboxPath(state, uuid)
  const reader = OutboxReader.open({ path, owner: { kind: 'project', uuid } })
  try {
    return reader.linkIsLive(Date.now())
  } finally {
    reader.close()
  }
}
