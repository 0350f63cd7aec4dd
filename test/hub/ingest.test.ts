import Database from 'better-sqlite3'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createToken } from '#dist/hub/access/tokens.js'
import { frameOf, newCommit, newEvent, openLink, readAll, request, startHub } from './support.ts'

describe('ingest', () => {
  it('acknowledges events in the order in which they came and lists them with their bytes', async () => {
    const { hub, token } = await startHub()
    const project_uuid = randomUUID()
    const events = Array.from({ length: 1_500 }, (_, i) =>
      newEvent({ project_uuid, lamport_clock: i }),
    )
    const link = await openLink(hub, token)
    link.send(...events.map(frameOf))
    const acks = await link.take(events.length)
    expect(acks).toEqual(
      events.map(({ event_id }) => ({ type: 'ack', event_id, status: 'accepted' })),
    )
    const stored = await readAll(hub, token, project_uuid)
    expect(stored.map(({ event }) => event)).toEqual(events)
    expect(stored.every(({ received_at }) => !Number.isNaN(Date.parse(received_at)))).toBe(true)
  })

  it('stores an event once, however often it comes, and says duplicate (I23)', async () => {
    const { hub, token } = await startHub()
    const event = newEvent()
    const link = await openLink(hub, token)
    link.send(frameOf(event), frameOf(event))
    // The same event as another writer would put it: other key order, other escapes, other spaces.
    link.send(JSON.stringify({ ...event, type: 'event', binding_audience: 'a' }, null, 1))
    const statuses = (await link.take(3)).map((frame) => frame['status'])
    expect(statuses).toEqual(['accepted', 'duplicate', 'duplicate'])
    expect(await readAll(hub, token, event.project_uuid)).toHaveLength(1)
  })

  it('refuses other content under a known id and keeps the first', async () => {
    const { hub, token } = await startHub()
    const event = newEvent()
    const link = await openLink(hub, token)
    link.send(frameOf(event), frameOf({ ...event, lamport_clock: 2 }))
    const [, second] = await link.take(2)
    expect(second).toEqual({
      type: 'error',
      event_id: event.event_id,
      status: 'rejected',
      error_category: 'event_id_conflict',
      retryable: false,
    })
    const stored = await readAll(hub, token, event.project_uuid)
    expect(stored.map((row) => row.event)).toEqual([event])
  })

  it('refuses decisions as events, because they travel in git', async () => {
    const { hub, token } = await startHub()
    const event = newEvent({ event_type: 'DecisionInputAnswered' })
    const link = await openLink(hub, token)
    link.send(frameOf(event))
    expect(await link.next()).toMatchObject({
      event_id: event.event_id,
      error_category: 'event_type_not_allowed',
    })
    expect(await readAll(hub, token, event.project_uuid)).toEqual([])
  })

  it('acknowledges a commit with its ids, once accepted, then as duplicate', async () => {
    const { hub, token } = await startHub()
    const project_uuid = randomUUID()
    const commit = newCommit({ project_uuid })
    const link = await openLink(hub, token)
    const other = { ...commit, build_id: 'another-clone' }
    link.send(JSON.stringify(commit), JSON.stringify(other))
    const [first, second] = await link.take(2)
    const { git_hash } = commit
    expect(first).toEqual({
      type: 'LocalCommitAck',
      git_hash,
      build_id: 'b1',
      project_uuid,
      status: 'accepted',
      received_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    })
    expect(second).toMatchObject({ git_hash, build_id: 'another-clone', status: 'duplicate' })
    const path = `/api/v1/commits?project_uuid=${project_uuid}`
    const { body } = await request(hub, path, token)
    expect(body.commits?.map((row) => row.commit)).toEqual([commit])
  })

  it('takes the stricter dialect’s keys off what it stores', async () => {
    const { hub, token } = await startHub()
    const strict = {
      admission_generation: 1,
      binding_audience: 'local',
      spec_kitty_delivery_identity: 'x',
    }
    const project_uuid = randomUUID()
    const commit = newCommit({ project_uuid })
    const event = newEvent({ project_uuid })
    const link = await openLink(hub, token)
    link.send(JSON.stringify({ ...commit, ...strict }), frameOf({ ...event, ...strict }))
    await link.take(2)
    const path = `/api/v1/commits?project_uuid=${event.project_uuid}`
    const { body } = await request(hub, path, token)
    expect(body.commits?.map((row) => row.commit)).toEqual([commit])
    expect((await readAll(hub, token, event.project_uuid)).map((row) => row.event)).toEqual([event])
  })

  it('acknowledges from the insert itself, even when a trigger takes the row away again', async () => {
    const { hub, dataDir, token } = await startHub()
    const saboteur = new Database(join(dataDir, 'hub.db'))
    saboteur.exec(`CREATE TRIGGER drop_one AFTER INSERT ON events
      BEGIN DELETE FROM events WHERE seq = NEW.seq; END`)
    saboteur.close()
    const event = newEvent()
    const link = await openLink(hub, token)
    link.send(frameOf(event))
    expect(await link.next()).toMatchObject({ event_id: event.event_id, status: 'accepted' })
    expect(await readAll(hub, token, event.project_uuid)).toEqual([])
  })

  it('does not acknowledge what the database did not take', async () => {
    const { hub, dataDir, token } = await startHub()
    const saboteur = new Database(join(dataDir, 'hub.db'))
    saboteur.exec(`CREATE TRIGGER ignore BEFORE INSERT ON events BEGIN SELECT RAISE(IGNORE); END`)
    saboteur.close()
    const event = newEvent()
    const link = await openLink(hub, token)
    link.send(frameOf(event))
    expect(await link.next()).toMatchObject({ error_category: 'not_stored', retryable: true })
  })

  it('closes the link rather than acknowledge when a transaction fails, and takes the events later', async () => {
    const { hub, dataDir, token } = await startHub()
    const events = [newEvent(), newEvent()]
    const link = await openLink(hub, token)
    const holder = new Database(join(dataDir, 'hub.db'))
    holder.exec('BEGIN IMMEDIATE')
    link.send(...events.map(frameOf))
    expect(await link.end()).toMatchObject({ code: 1011 })
    holder.exec('ROLLBACK')
    holder.close()
    const again = await openLink(hub, token)
    again.send(...events.map(frameOf))
    const statuses = (await again.take(2)).map((frame) => frame['status'])
    expect(statuses).toEqual(['accepted', 'accepted'])
  })

  it('stores nothing that came behind what failed, so that the order holds when it comes again', async () => {
    const { hub, dataDir, token } = await startHub()
    const database = new Database(join(dataDir, 'hub.db'))
    database.exec(`CREATE TRIGGER fail BEFORE INSERT ON events WHEN NEW.lamport_clock = 1
      BEGIN SELECT RAISE(ABORT, 'disk'); END`)
    const project_uuid = randomUUID()
    // Larger than a transaction takes, so that the second event waits for the next one.
    const first = newEvent({ project_uuid, payload: { text: 'x'.repeat(600_000) } })
    const second = newEvent({ project_uuid, lamport_clock: 2 })
    const link = await openLink(hub, token)
    link.send(frameOf(first), frameOf(second))
    expect(await link.end()).toMatchObject({ code: 1011 })
    expect(await readAll(hub, token, project_uuid)).toEqual([])
    database.exec('DROP TRIGGER fail')
    database.close()
    const again = await openLink(hub, token)
    again.send(frameOf(first), frameOf(second))
    await again.take(2)
    const stored = await readAll(hub, token, project_uuid)
    expect(stored.map(({ event }) => event['lamport_clock'])).toEqual([1, 2])
  })

  it('shows accepted events and commits to the other links of the team only', async () => {
    const { hub, dataDir, token } = await startHub()
    const strangers = createToken({ dataDir, team: 'rival', user: 'kim' })
    const [sender, reader, stranger] = await Promise.all([
      openLink(hub, token),
      openLink(hub, token),
      openLink(hub, strangers),
    ])
    const events = Array.from({ length: 300 }, () => newEvent())
    const commit = newCommit()
    sender.send(...events.map(frameOf), JSON.stringify(commit), frameOf(events[0] ?? newEvent()))
    const seen = await reader.take(301)
    expect(seen).toEqual([...events.map((event) => ({ type: 'event', ...event })), commit])
    expect((await sender.take(302)).map(({ type }) => type)).not.toContain('event')
    const own = newEvent()
    stranger.send(frameOf(own))
    expect(await stranger.next()).toMatchObject({ type: 'ack', event_id: own.event_id })
  })
})
