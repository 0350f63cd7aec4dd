/** What is older than a hub is to keep: its words are gone, from the files too, and nothing else is any different. */
import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import Database from 'better-sqlite3'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { JsonObject } from '#dist/contracts/json/json.js'
import { readHubFrame } from '#dist/contracts/wire/read-frames.js'
import { openDatabase } from '#dist/hub/data/database.js'
import type { EventEntry } from '#dist/hub/entries.js'
import { Following } from '#dist/hub/links/following.js'
import { RETENTION_ROWS_MAX } from '#dist/hub/limits.js'
import { Outflow } from '#dist/hub/links/outflow.js'
import { Retention } from '#dist/hub/data/retention.js'
import { serveHub } from '#dist/hub/server.js'
import { STEPS } from '#dist/hub/data/schema.js'
import { HubStore } from '#dist/hub/data/store.js'
import { verifyHub } from '#dist/hub/upkeep/verify.js'
import { runCli } from '../support/cli-in-process.ts'
import { fc, property } from '../support/property.ts'
import { TestHub, TestMachine } from '../support/test-machine.ts'
import {
  newCommit,
  newEvent,
  newLines,
  newMove,
  newUlid,
  openLink,
  readAll,
  request,
  startHub,
  temporaryFolder,
} from './support.ts'
import type { TestLink } from './support.ts'

const CANARY = 'samphire-canary'
const DAY_MS = 86_400_000
const project_uuid = randomUUID()
const git_hash = 'ca'.repeat(20)
const OLD = 'old'.repeat(5)

const note = (text: string) => newEvent({ project_uuid, payload: { note: text.repeat(150) } })
const say = (frame: JsonObject): string => JSON.stringify(frame)

async function tell(link: TestLink, frames: readonly JsonObject[]): Promise<JsonObject[]> {
  link.send(...frames.map(say))
  return (await link.take(frames.length)) as unknown as JsonObject[]
}

/** Numbers up to this one came so long ago. */
function age(dataDir: string, through: number, days: number): void {
  const database = new Database(join(dataDir, 'hub.db'))
  for (const table of ['events', 'commits']) {
    database
      .prepare(`UPDATE ${table} SET received_at = received_at - ? WHERE project_seq <= ?`)
      .run(days * DAY_MS, through)
  }
  database.close()
}

const holding = (folder: string, word: string): readonly string[] =>
  readdirSync(folder).filter((name) => readFileSync(join(folder, name)).includes(word))

async function cli(dataDir: string, ...words: string[]) {
  const { out, code } = await runCli(dataDir, ['hub', ...words, '--data', dataDir, '--json'])
  return { code, document: JSON.parse(out) as Record<string, unknown> }
}

async function subscribed(url: string, token: string, place: JsonObject) {
  const link = await openLink({ url }, token)
  link.send(say({ type: 'subscribe', project_uuid, ...place }))
  const [answer] = await link.take(2)
  return { link, answer: answer as unknown as Record<string, never> }
}

describe('hub retain', () => {
  it('empties what is older, leaves boards and glossary, and knows again what it has had', async () => {
    const { hub, dataDir, token } = await startHub()
    const link = await openLink(hub, token)
    const old = [...Array.from({ length: 30 }, () => note(CANARY)), note(OLD)]
    const asked = newEvent({
      project_uuid,
      event_type: 'GlossaryClarificationRequested',
      payload: {
        mission_id: 'login',
        conflict_id: 'c1',
        term: 'lane',
        question: 'Which?',
        options: ['a', 'b'],
        scope_id: 'team_domain',
        step_id: 's1',
        semantic_check_event_id: newUlid(),
        urgency: 'high',
        actor: 'sam',
      },
    })
    const commit = newCommit({ project_uuid, git_hash, changed_files: [`kitty-specs/${CANARY}`] })
    const lines = newLines({ project_uuid, git_hash, rows: [{ line: 1, row: newMove() }] })
    const events = [...old, asked].map((event): JsonObject => ({ type: 'event', ...event }))
    const recent = [note('recent'), note('later')]
    const answers = await tell(link, [
      ...events,
      commit,
      lines,
      ...recent.map((event): JsonObject => ({ type: 'event', ...event })),
    ])
    expect(answers.map(({ type }) => type)).not.toContain('error')
    const { epoch } = (await subscribed(hub.url, token, {})).answer
    const board = { path: `/api/v1/board?project_uuid=${project_uuid}&mission=login` }
    const glossary = { path: `/api/v1/glossary?project_uuid=${project_uuid}` }
    const before = [
      (await request(hub, board.path, token)).body,
      (await request(hub, glossary.path, token)).body,
    ]
    expect(await cli(dataDir, 'retain', '--keep-days', '30', '--yes')).toMatchObject({
      document: { error: { code: 'HUB_DATA_IN_USE' } },
    })
    await hub.stop()
    const through = events.length + 1
    age(dataDir, through, 40)
    await cli(dataDir, 'backup', '--out', join(dataDir, '../', `${randomUUID()}.db`))
    expect(holding(dataDir, CANARY)).not.toEqual([])
    const of = ['--team', 'acme', '--project', project_uuid]
    const counts = { events: old.length, commits: 1 }
    const kept = ['retain', '--keep-days', '30']
    expect((await cli(dataDir, ...kept)).document).toMatchObject({ dry_run: true, ...counts })
    expect((await cli(dataDir, 'retain', '--keep-days', '50', '--yes')).document).toMatchObject({
      events: 0,
      commits: 0,
    })
    expect(await cli(dataDir, ...kept, '--team', 'acme')).toMatchObject({ code: 2 })
    expect((await cli(dataDir, ...kept, '--team', 'rival', ...of.slice(2))).document).toMatchObject(
      {
        error: { code: 'HUB_PROJECT_UNKNOWN' },
      },
    )
    expect(await cli(dataDir, ...kept, ...of, '--yes')).toEqual({
      code: 0,
      document: { ok: true, dry_run: false, ...counts, kept_aside: [] },
    })
    expect(holding(dataDir, CANARY)).toEqual([])
    expect(holding(dataDir, 'recent')).not.toEqual([])
    expect(verifyHub(dataDir)).toMatchObject({ sound: true, events: 3, commits: 0, lines: 1 })

    const again = await serveHub({ dataDir })
    onTestFinished(() => again.stop())
    const after = [
      (await request(again, board.path, token)).body,
      (await request(again, glossary.path, token)).body,
    ]
    expect(after).toEqual(before)
    expect((await readAll(again, token, project_uuid)).map(({ event }) => event.event_id)).toEqual(
      recent.map(({ event_id }) => event_id),
    )
    const commits = `/api/v1/commits?project_uuid=${project_uuid}`
    expect((await request(again, commits, token)).body.commits).toEqual([])
    const feed = (await request(again, `/api/v1/feed?project_uuid=${project_uuid}`, token)).body
    expect([(feed['feed'] as unknown[]).length, feed.next]).toEqual([2, 0])
    const exported = join(dataDir, 'export.jsonl')
    expect((await cli(dataDir, 'export', ...of, '--out', exported)).document).toMatchObject({
      events: 3,
      damaged: [],
    })

    // Who has been away for longer than that begins with what there is, and is told where that begins.
    const late = await subscribed(again.url, token, { epoch: epoch ?? '', after_seq: 3 })
    expect(late.answer).toMatchObject({ resumed: false, epoch, history_from: through + 1 })
    const snapshot = late.answer['snapshot'] as unknown as Record<string, JsonObject[]>
    expect(snapshot['recent']?.map(({ seq }) => seq)).toEqual([through + 1, through + 2])
    expect(snapshot['local_only']).toEqual([])
    const place = { epoch: epoch ?? '', after_seq: through }
    expect((await subscribed(again.url, token, place)).answer).toMatchObject({ resumed: true })

    // What was emptied is no new thing when it is sent again, and its number goes to nobody else.
    const back = await openLink(again, token)
    const spelled = say({ type: 'event', ...old[0] }).replace('"note":"s', '"note":"\\u0073')
    back.send(spelled)
    expect((await back.take(1))[0]).toMatchObject({ type: 'ack', status: 'duplicate' })
    const more = newLines({ project_uuid, git_hash, rows: [{ line: 2, row: newMove() }] })
    expect(await tell(back, [commit, more])).toMatchObject([
      { status: 'duplicate' },
      { status: 'accepted' },
    ])
    expect(await tell(back, [{ type: 'event', ...note('new') }])).toMatchObject([
      { status: 'accepted' },
    ])
    expect(verifyHub(dataDir).sound).toBe(true)
  })

  it('is refused where there is nothing, and where the days are none', async () => {
    const { dataDir, hub } = await startHub()
    await hub.stop()
    for (const days of ['0', 'soon', '99999999']) {
      const { document } = await cli(dataDir, 'retain', '--keep-days', days)
      expect(document).toMatchObject({ error: { code: 'LIMIT_INVALID' } })
    }
    const nowhere = join(dataDir, 'nowhere')
    const { out } = await runCli(dataDir, [
      'hub',
      'retain',
      '--keep-days',
      '1',
      '--yes',
      '--data',
      nowhere,
      '--json',
    ])
    expect(JSON.parse(out)).toMatchObject({ error: { code: 'HUB_DATA_MISSING' } })
    expect(readdirSync(dataDir)).not.toContain('nowhere')
  })
})

describe('a hub that keeps so many days', () => {
  it('empties the rest beside its work, and tells a subscriber that is behind', async () => {
    const machine = new TestMachine()
    onTestFinished(() => machine.close())
    const hub = await new TestHub(machine).start()
    await hub.createToken()
    const count = 450
    const link = await openLink(hub, hub.token)
    const events = Array.from({ length: count }, (): JsonObject => ({
      type: 'event',
      ...note('x'),
    }))
    await tell(link, events)
    const { epoch } = (await subscribed(hub.url, hub.token, {})).answer
    await hub.kill()
    age(hub.dataDir, count - 10, 3)
    await hub.start(undefined, '--keep-days', '2')
    await vi.waitFor(
      async () => expect(await readAll(hub, hub.token, project_uuid)).toHaveLength(10),
      { timeout: 20_000 },
    )
    const { answer } = await subscribed(hub.url, hub.token, { epoch: epoch ?? '', after_seq: 400 })
    expect(answer).toMatchObject({ resumed: false, history_from: count - 9, seq: count })
    await hub.kill()
    expect(verifyHub(hub.dataDir)).toMatchObject({ sound: true, events: 10 })
  })
})

it('is told to a subscriber that was behind, who goes on without a gap', () => {
  const dataDir = temporaryFolder()
  const store = new HubStore(dataDir)
  const other = openDatabase(dataDir, { busyTimeoutMs: 0, isLocked: true })
  onTestFinished(() => {
    store.close()
    other.close()
  })
  const entries = Array.from({ length: 30 }, (): EventEntry => {
    const { event_id } = note('x')
    const common = { team: 'acme', project_uuid, node_id: 'n', lamport_clock: 1 }
    return { kind: 'event', ...common, event_id, body: `{"event_id":"${event_id}"}` }
  })
  store.insert(entries)
  const { project_id, head } = store.project('acme', project_uuid) ?? { project_id: 0, head: 0 }
  const told: JsonObject[] = []
  const socket = {
    readyState: 1 as const,
    OPEN: 1 as const,
    bufferedAmount: 0,
    send: (frame: unknown) => void told.push(JSON.parse(String(frame)) as JsonObject),
  }
  const following = new Following(
    store,
    new Outflow(socket, new PassThrough(), { tooSlow: () => {} }),
  )
  following.start(project_uuid, project_id, 5, head)
  age(dataDir, 20, 3)
  expect([...new Retention(other).steps(Date.now() - DAY_MS, null)]).toHaveLength(1)
  expect(following.catchUp(Number.POSITIVE_INFINITY, () => {})).toBe(true)
  const [first, ...rest] = told
  expect(first).toEqual({ type: 'forgotten', project_uuid, through_seq: 20 })
  expect(rest.map(({ seq }) => seq)).toEqual([21, 22, 23, 24, 25, 26, 27, 28, 29, 30])
  expect(readHubFrame(JSON.stringify(first)).kind).toBe('forgotten')
})

describe('retention', () => {
  property(
    [
      fc.array(fc.record({ age: fc.nat(9), kind: fc.constantFrom('event', 'commit', 'term') }), {
        maxLength: 3 * RETENTION_ROWS_MAX,
      }),
      fc.integer({ min: 0, max: 10 }),
    ],
    { numRuns: 20 },
  )('empties a beginning of a project, in bounded steps, and once', (rows, keep) => {
    const database = new Database(':memory:')
    for (const step of STEPS) database.exec(step)
    database.exec(
      `INSERT INTO projects (project_id, team, project_uuid, head) VALUES (1, 't', 'p', ${rows.length})`,
    )
    for (const [at, { age: days, kind }] of rows.entries()) {
      const body = kind === 'term' ? '{"event_type":"GlossaryClarificationRequested"}' : '{}'
      const sql =
        kind === 'commit'
          ? `INSERT INTO commits (team, project_uuid, git_hash, content_hash, received_at, body, project_id, project_seq)
             VALUES ('t', 'p', ?, '', ?, ?, 1, ?)`
          : `INSERT INTO events (team, event_id, project_uuid, node_id, lamport_clock, content_hash, received_at, body, project_id, project_seq)
             VALUES ('t', ?, 'p', 'n', 1, '', ?, ?, 1, ?)`
      database.prepare(sql).run(`id${at}`, 10 - days, body, at + 1)
    }
    const retention = new Retention(database)
    const end = rows.findIndex(({ age: days }) => 10 - days >= keep)
    const old = end === -1 ? rows : rows.slice(0, end)
    const wanted = {
      events: old.filter(({ kind }) => kind === 'event').length,
      commits: old.filter(({ kind }) => kind === 'commit').length,
    }
    expect(retention.count(keep, null)).toEqual(wanted)
    const steps = [...retention.steps(keep, null)]
    const sum = { events: 0, commits: 0 }
    for (const { events, commits } of steps) {
      expect(events + commits).toBeLessThanOrEqual(RETENTION_ROWS_MAX)
      sum.events += events
      sum.commits += commits
    }
    expect(sum).toEqual(wanted)
    expect([...retention.steps(keep, 2), ...retention.steps(keep, null)]).toEqual([])
    const forgotten = database.prepare('SELECT forgotten FROM projects').pluck().get()
    expect(forgotten).toBe(old.length)
    const full = database.prepare(
      `SELECT count(*) FROM (SELECT body FROM events UNION ALL SELECT body FROM commits) WHERE body <> ''`,
    )
    expect(full.pluck().get()).toBe(rows.length - wanted.events - wanted.commits)
    database.close()
  })
})
