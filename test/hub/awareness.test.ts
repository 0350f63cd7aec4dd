import Database from 'better-sqlite3'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { RESUME_ROWS_MAX, SUBSCRIPTIONS_MAX } from '#dist/hub/limits.js'
import type { JsonObject } from '#dist/contracts/json/json.js'
import { serveHub } from '#dist/hub/server.js'
import { createToken } from '#dist/hub/access/tokens.js'
import { until } from '../support/program.ts'
import { frameOf, newCommit, newEvent, openLink, postBatch, request, startHub } from './support.ts'
import type { Frame, TestLink } from './support.ts'

const subscribe = (fields: JsonObject): string => JSON.stringify({ type: 'subscribe', ...fields })

/** The answer to a subscription: the frame itself, and who is present. */
async function subscribed(link: TestLink, fields: JsonObject): Promise<Frame> {
  link.send(subscribe(fields))
  const [answer, presence] = await link.take(2)
  expect(presence).toMatchObject({ type: 'presence', project_uuid: fields['project_uuid'] })
  if (answer === undefined) throw new Error('no answer')
  return answer
}

const seqs = (frames: readonly Frame[]): unknown[] => frames.map((frame) => frame['seq'])

/** What waits for readers in the hub's memory. */
async function unreadBytes({ url }: { readonly url: string }): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(/^kittiwake_hub_unread_bytes (\d+)$/m.exec(text)?.[1])
}

/** A hub whose project has `count` events. */
async function withProject(count: number) {
  const started = await startHub()
  const project_uuid = randomUUID()
  const events = Array.from({ length: count }, (_, lamport_clock) =>
    newEvent({ project_uuid, lamport_clock }),
  )
  await postBatch(started.hub, started.token, { events })
  const more = () => newEvent({ project_uuid })
  return { ...started, project_uuid, events, more }
}

describe('a subscription', () => {
  it('begins with a snapshot, then shows all of the project by its numbers, of whoever sent it', async () => {
    const { hub, token, project_uuid, events, more } = await withProject(3)
    const commit = newCommit({ project_uuid })
    const [sender, link] = await Promise.all([openLink(hub, token), openLink(hub, token)])
    sender.send(JSON.stringify(commit))
    await Promise.all([sender.take(1), link.take(1)])
    const numbered = [
      ...events.map((event, index) => ({ type: 'event', ...event, seq: index + 1 })),
      { ...commit, local_only: true, user: 'sam', seq: 4 },
    ]
    expect(await subscribed(link, { project_uuid })).toEqual({
      type: 'subscribed',
      project_uuid,
      history_from: 1,
      epoch: expect.any(String),
      seq: 4,
      lines_seq: 0,
      resumed: false,
      snapshot: { recent: numbered, local_only: numbered.slice(3) },
    })
    const [own, other, elsewhere] = [more(), more(), newEvent()]
    link.send(frameOf(own))
    expect(await link.take(2)).toEqual([
      { type: 'ack', event_id: own.event_id, status: 'accepted' },
      { type: 'event', ...own, seq: 5 },
    ])
    // Who follows a project is shown no other one.
    sender.send(frameOf(elsewhere), frameOf(own), frameOf(other))
    expect(await link.next()).toEqual({ type: 'event', ...other, seq: 6 })
  })

  it.each([
    ['all', 500, true],
    ['the last', 0, true],
    ['a number that is not there yet', -1, false],
  ])('resumes after what was seen: %s', async (_, missed, resumed) => {
    const { hub, token, project_uuid, events, more } = await withProject(500)
    const link = await openLink(hub, token)
    const { epoch } = await subscribed(link, { project_uuid })
    const again = await openLink(hub, token)
    const after_seq = 500 - missed
    const answer = await subscribed(again, { project_uuid, epoch: String(epoch), after_seq })
    expect(answer).toMatchObject({ seq: 500, resumed })
    expect(answer['snapshot'] === null).toBe(resumed)
    const late = more()
    await postBatch(hub, token, { events: [late] })
    const behind = resumed ? events.slice(after_seq) : []
    const expected = [...behind, late].map((event) => event.event_id)
    const shown = await again.take(expected.length)
    expect(shown.map((frame) => frame['event_id'])).toEqual(expected)
    expect(shown.at(-1)).toMatchObject({ seq: 501 })
  })

  it('begins anew under another epoch, where none is named, or where too much was missed', async () => {
    const { hub, dataDir, token, project_uuid } = await withProject(2)
    const link = await openLink(hub, token)
    for (const known of [{ epoch: 'another', after_seq: 1 }, { after_seq: 1 }]) {
      expect(await subscribed(link, { project_uuid, ...known })).toMatchObject({ resumed: false })
    }
    const { epoch } = await subscribed(link, { project_uuid })
    const database = new Database(join(dataDir, 'hub.db'))
    database.exec(`UPDATE projects SET head = ${RESUME_ROWS_MAX + 2}`)
    database.close()
    for (const after_seq of [1, 2]) {
      const answer = await subscribed(link, { project_uuid, epoch: String(epoch), after_seq })
      expect(answer).toMatchObject({ seq: RESUME_ROWS_MAX + 2, resumed: after_seq === 2 })
    }
  })

  it('follows on without a gap while others send, whenever it is made again', async () => {
    const { hub, token, project_uuid, more } = await withProject(40)
    const [sender, link] = await Promise.all([openLink(hub, token), openLink(hub, token)])
    const { epoch } = await subscribed(link, { project_uuid })
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(60), { minLength: 1, maxLength: 4 }),
        fc.nat(30),
        async (bursts, missed) => {
          for (const burst of bursts) {
            sender.send(...Array.from({ length: burst }, () => frameOf(more())))
            link.send(subscribe({ project_uuid, epoch: String(epoch), after_seq: 40 - missed }))
          }
          const end = more()
          sender.send(frameOf(end))
          // After each answer the numbers go on from what it was asked for, one by one.
          let expected = 0
          for (let answers = 0; ;) {
            const frame = await link.next()
            if (frame.type === 'subscribed') {
              answers += 1
              expected = 40 - missed
            } else if (frame.type === 'event' && answers > 0) {
              expect(frame['seq']).toBe(++expected)
              if (frame['event_id'] === end.event_id && answers === bursts.length) break
            }
          }
          await sender.take(bursts.reduce((sum, burst) => sum + burst, 1))
        },
      ),
      { numRuns: 12 },
    )
  })

  it('shows nothing twice of what came in the same transaction', async () => {
    const { hub, token, project_uuid, more } = await withProject(1)
    const link = await openLink(hub, token)
    link.send(frameOf(more()), subscribe({ project_uuid }), frameOf(more()))
    const answers = await link.take(4)
    const answer = answers.find(({ type }) => type === 'subscribed')
    link.send(frameOf(more()))
    const shown = (await link.take(2)).find(({ type }) => type === 'event')
    expect(shown?.['seq']).toBe(Number(answer?.['seq']) + 1)
  })

  it('resumes after a restart of the hub, whose epoch stays', async () => {
    const { hub, dataDir, token, project_uuid, events } = await withProject(3)
    const link = await openLink(hub, token)
    const { epoch } = await subscribed(link, { project_uuid })
    await hub.stop()
    const again = await serveHub({ dataDir })
    onTestFinished(() => again.stop())
    const known = { epoch: String(epoch), after_seq: 1 }
    const later = await openLink(again, token)
    expect(await subscribed(later, { project_uuid, ...known })).toMatchObject({ resumed: true })
    const shown = await later.take(2)
    expect(shown.map((frame) => frame['event_id'])).toEqual(
      events.slice(1).map(({ event_id }) => event_id),
    )
  })

  it('ends when it is asked to, and leaves the others', async () => {
    const { hub, token, project_uuid, more } = await withProject(1)
    const other = newEvent()
    await postBatch(hub, token, { events: [other] })
    const link = await openLink(hub, token)
    await subscribed(link, { project_uuid })
    await subscribed(link, { project_uuid: other.project_uuid })
    link.send(JSON.stringify({ type: 'unsubscribe', project_uuid }))
    const [hidden, shown] = [more(), { ...newEvent(), project_uuid: other.project_uuid }]
    link.send(frameOf(hidden), frameOf(shown))
    const frames = await link.take(3)
    expect(frames.map(({ type }) => type)).toEqual(['ack', 'ack', 'event'])
    expect(frames[2]).toMatchObject({ event_id: shown.event_id, seq: 2 })
  })

  it('shows a damaged row by its number, so that no gap is seen', async () => {
    const { hub, dataDir, token, project_uuid } = await withProject(3)
    const database = new Database(join(dataDir, 'hub.db'))
    database.exec(`UPDATE events SET body = replace(body, 'WP01', 'WP99') WHERE project_seq = 2`)
    database.close()
    const link = await openLink(hub, token)
    const { epoch, snapshot } = await subscribed(link, { project_uuid })
    const damaged = { type: 'damaged', project_uuid, seq: 2 }
    expect((snapshot as { recent: unknown[] }).recent[1]).toEqual(damaged)
    await subscribed(link, { project_uuid, epoch: String(epoch), after_seq: 0 })
    const shown = await link.take(3)
    expect(seqs(shown)).toEqual([1, 2, 3])
    expect(shown[1]).toEqual(damaged)
  })

  it('reads on as fast as it is taken, and live rows come after those it missed', async () => {
    const { hub, token, project_uuid, more } = await withProject(0)
    const payload = { text: 'x'.repeat(300_000) }
    const large = Array.from({ length: 80 }, () => ({ ...more(), payload }))
    const first = await openLink(hub, token)
    first.send(...large.map(frameOf))
    await first.take(large.length)
    const { epoch } = await subscribed(first, { project_uuid })
    const link = await openLink(hub, token)
    await subscribed(link, { project_uuid, epoch: String(epoch), after_seq: 0 })
    // 24 MB for a reader that stands still: they wait in the store, not in memory.
    link.socket.pause()
    await postBatch(hub, token, { events: [more()] })
    await until('the reader holds the hub up', async () => (await unreadBytes(hub)) > 256 * 1024)
    expect(await unreadBytes(hub)).toBeLessThan(1024 * 1024)
    link.socket.resume()
    expect(seqs(await link.take(81))).toEqual(Array.from({ length: 81 }, (_, i) => i + 1))
    expect(link.closed).toBeNull()
  })

  it('is shown live rows from the store where they are read too slowly, and live again once it is there', async () => {
    const { hub, token, project_uuid, more } = await withProject(1)
    const [sender, link] = await Promise.all([openLink(hub, token), openLink(hub, token)])
    await subscribed(link, { project_uuid })
    link.socket.pause()
    const payload = { text: 'x'.repeat(100_000) }
    const large = Array.from({ length: 150 }, () => ({ ...more(), payload }))
    sender.send(...large.map(frameOf))
    for (const ack of await sender.take(150)) expect(ack['status']).toBe('accepted')
    // 15 MB for a reader that stands still.
    expect(await unreadBytes(hub)).toBeLessThan(1024 * 1024)
    link.socket.resume()
    expect(seqs(await link.take(150))).toEqual(large.map((_, at) => at + 2))
    sender.send(frameOf(more()))
    expect(seqs(await link.take(1))).toEqual([152])
    expect(link.closed).toBeNull()
  })

  it('is limited: projects of a connection, and frames of a token', async () => {
    const { hub, token } = await startHub()
    const events = Array.from({ length: SUBSCRIPTIONS_MAX + 1 }, () => newEvent())
    await postBatch(hub, token, { events })
    const link = await openLink(hub, token)
    for (const { project_uuid } of events.slice(1)) await subscribed(link, { project_uuid })
    const project_uuid = events[0]?.project_uuid ?? ''
    link.send(subscribe({ project_uuid }))
    const refused = { type: 'error', status: 'rejected', project_uuid }
    const full = { ...refused, error_category: 'too_many_subscriptions', retryable: false }
    expect(await link.next()).toEqual(full)
    // More than a burst: the first ones have emptied a part of it, and little grows back.
    link.send(...Array.from({ length: 300 }, () => subscribe({ project_uuid })))
    const answers = await link.take(300)
    expect(answers[0]).toEqual(full)
    expect(answers.at(-1)).toEqual({ ...refused, error_category: 'rate_limited', retryable: true })
  })
})

describe('presence', () => {
  it('is told to those who follow the project, until it ends or its connection does', async () => {
    const { hub, token, project_uuid } = await withProject(1)
    const [watcher, worker, other] = await Promise.all([
      openLink(hub, token),
      openLink(hub, token),
      openLink(hub, token),
    ])
    await subscribed(watcher, { project_uuid })
    const declare = (link: TestLink, focus: JsonObject | null): void =>
      link.send(JSON.stringify({ type: 'presence', project_uuid, focus }))
    const present = async (): Promise<{ member: string; focus: unknown }[]> => {
      const frame = await watcher.next()
      expect(frame).toEqual({ type: 'presence', project_uuid, present: expect.any(Array) })
      return frame['present'] as { member: string; focus: unknown }[]
    }
    declare(worker, { mission: 'login', wp: 'WP01' })
    const [first] = await present()
    expect(first).toEqual({
      member: expect.stringMatching(/^[0-9a-f]{12}$/),
      focus: { mission: 'login', wp: 'WP01' },
    })
    declare(other, { mission: 'login' })
    expect((await present()).map(({ focus }) => focus)).toEqual([
      { mission: 'login', wp: 'WP01' },
      { mission: 'login' },
    ])
    declare(worker, null)
    expect(await present()).toEqual([{ member: expect.any(String), focus: { mission: 'login' } }])
    other.socket.close()
    expect(await present()).toEqual([])
  })

  it('is gathered: many changes are told once, and a newcomer is told at once', async () => {
    const { hub, token, project_uuid } = await withProject(1)
    const [watcher, worker] = await Promise.all([openLink(hub, token), openLink(hub, token)])
    await subscribed(watcher, { project_uuid })
    const focus = (count: number) => ({ mission: 'login', wp: `WP${count}` })
    const frames = Array.from({ length: 50 }, (_, count) =>
      JSON.stringify({ type: 'presence', project_uuid, focus: focus(count) }),
    )
    worker.send(...frames)
    const told = await watcher.next()
    expect(told['present']).toEqual([{ member: expect.any(String), focus: focus(49) }])
    const late = await openLink(hub, token)
    late.send(subscribe({ project_uuid }))
    const [, presence] = await late.take(2)
    expect(presence).toEqual(told)
  })

  it.each([
    ['a path', { mission: '../login' }],
    ['a sentence', { mission: 'Ada works here' }],
    ['an address', { mission: 'ada@example.org' }],
    ['a key of its own', { mission: 'login', user: 'ada' }],
    ['no mission', { wp: 'WP01' }],
  ])('takes no %s', async (_, focus) => {
    const { hub, token, project_uuid } = await withProject(1)
    const link = await openLink(hub, token)
    link.send(JSON.stringify({ type: 'presence', project_uuid, focus }))
    expect(await link.next()).toMatchObject({ error_category: 'invalid_frame' })
  })
})

describe('commits', () => {
  it('are local only until they were seen pushed, in lists and for subscribers', async () => {
    const { hub, dataDir, token } = await startHub()
    const project_uuid = randomUUID()
    const [pushed, local] = [newCommit({ project_uuid }), newCommit({ project_uuid })]
    const link = await openLink(hub, token)
    link.send(JSON.stringify(pushed), JSON.stringify(local))
    await link.take(2)
    const database = new Database(join(dataDir, 'hub.db'))
    database.prepare('UPDATE commits SET pushed_at = 1 WHERE git_hash = ?').run(pushed['git_hash'])
    database.close()
    const { body } = await request(hub, `/api/v1/commits?project_uuid=${project_uuid}`, token)
    expect(body.commits).toMatchObject([{ local_only: false }, { local_only: true }])
    const { snapshot } = await subscribed(link, { project_uuid })
    expect(snapshot).toEqual({
      recent: [
        { ...pushed, local_only: false, user: 'sam', seq: 1 },
        { ...local, local_only: true, user: 'sam', seq: 2 },
      ],
      local_only: [{ ...local, local_only: true, user: 'sam', seq: 2 }],
    })
  })
})

describe('another team', () => {
  it('is told of its project as of one that nobody has (S20)', async () => {
    const { hub, dataDir, project_uuid } = await withProject(1)
    const rival = createToken({ dataDir, team: 'rival', user: 'kim' })
    const link = await openLink(hub, rival)
    for (const uuid of [project_uuid, randomUUID()]) {
      const frames: JsonObject[] = [
        { type: 'subscribe' },
        { type: 'unsubscribe' },
        { type: 'presence', focus: { mission: 'login' } },
      ]
      link.send(...frames.map((frame) => JSON.stringify({ ...frame, project_uuid: uuid })))
      for (const answer of await link.take(3)) {
        expect(answer).toEqual({
          type: 'error',
          project_uuid: uuid,
          status: 'rejected',
          error_category: 'not_found',
          retryable: false,
        })
      }
    }
  })
})
