/**
 * A bug in the main thread of a program, and its end for lack of memory: one report without a word of what it saw, an
 * exit code that is no success, and all that was acknowledged is there (F38, F40).
 */
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { placesOf } from '#dist/background/places.js'
import { createToken } from '#dist/hub/access/tokens.js'
import { NatsProcess } from '../../scripts/nats-process.mjs'
import { findNatsServer } from '../../scripts/nats-server.mjs'
import { BACKENDS } from '../hub/both-backends.ts'
import { frameOf, newEvent, openLink, postBatch, readAll, temporaryFolder } from '../hub/support.ts'
import type { TestLink } from '../hub/support.ts'
import { emitNote } from '../support/drafts.ts'
import { Program, until } from '../support/program.ts'
import type { Document } from '../support/program.ts'
import { rowsInTurn } from '../support/rows.ts'
import { TestMachine, TestWorld } from '../support/test-machine.ts'

const SECRET = 'wren-cove-4471'
const MAIN = join(import.meta.dirname, '../../dist/cli/main.js')
const PRELOAD = pathToFileURL(join(import.meta.dirname, '../support/bug.mjs')).href
const HOWS = ['throw', 'reject', 'memory'] as const
type How = (typeof HOWS)[number]
/** Some programs begin with less than half of it. */
const HEAP_MB = 64
const TIMEOUT_MS = 60_000

/** One of them, unless all are asked for, and `always`; another one at another `place`, so that each run meets all. */
function hows(place: number, always?: How): How[] {
  const turned = HOWS.map((_, at) => HOWS[(at + place) % HOWS.length] ?? 'throw')
  return rowsInTurn(turned, HOWS.length, (how) => how === always)
}

function planted(how: How, at = 'signal'): NodeJS.ProcessEnv {
  const heap = how === 'memory' ? ` --max-old-space-size=${HEAP_MB}` : ''
  return { NODE_OPTIONS: `--import=${PRELOAD}${heap}`, KITTIWAKE_BUG: JSON.stringify({ how, at }) }
}

/** How the program ended, and what it said of that. */
async function expectReport(program: Program, how: How): Promise<readonly Document[]> {
  const code = await program.ended
  const reports = program.documents.filter(({ ok }) => !ok)
  if (how === 'memory') {
    // V8 ends the process by itself, as the kernel's own killer does.
    expect(code).toBe('SIGABRT')
    expect(reports).toEqual([])
  } else {
    expect([code, program.err]).toEqual([1, ''])
    expect(reports).toEqual([program.documents.at(-1)])
    expect(reports).toMatchObject([{ error: { code: 'INTERNAL', message: 'unexpected Error' } }])
  }
  expect(JSON.stringify(program.documents) + program.err).not.toContain(SECRET)
  return program.documents.filter(({ ok }) => ok)
}

function strike(program: Program): void {
  program.child.kill('SIGUSR2')
}

describe.each(BACKENDS)('a hub on %s', (backend) => {
  it.each(hows(0, 'memory'))(
    'has all that it acknowledged, by frames and by batches: %s',
    async (how) => {
      const dataDir = temporaryFolder()
      const token = createToken({ dataDir, team: 'acme', user: 'sam' })
      const servers = backend === 'nats' ? await startServer() : null
      const given = servers === null ? [] : ['--backend', 'nats', '--nats', servers]
      const hub = startHub(dataDir, given, planted(how))
      const { url } = (await hub.saw(({ ok }) => ok)) as unknown as { url: string }
      const project_uuid = randomUUID()
      const events = Array.from({ length: 800 }, (_, n) =>
        newEvent({ project_uuid, lamport_clock: n + 1 }),
      )
      const batch = events.slice(0, 50)
      const { body } = await postBatch({ url }, token, { events: batch })
      expect(body.results).toHaveLength(batch.length)
      const link = await openLink({ url }, token)
      link.send(...events.slice(50).map(frameOf))
      const before = await link.take(20)
      strike(hub)
      const frames = [...before, ...(await untilClosed(link))]
      await expectReport(hub, how)
      const acked = [
        ...batch.map(({ event_id }) => event_id),
        ...frames.filter(({ type }) => type === 'ack').map((frame) => String(frame['event_id'])),
      ]
      const next = startHub(dataDir, given)
      const again = (await next.saw(({ ok }) => ok)) as unknown as { url: string }
      const second = await openLink(again, token)
      second.send(...events.map(frameOf))
      const status = new Map(
        (await second.take(events.length)).map((ack) => [ack['event_id'], ack['status']]),
      )
      expect(acked.filter((id) => status.get(id) !== 'duplicate')).toEqual([])
      const held = (await readAll(again, token, project_uuid)).map(({ event }) => event.event_id)
      expect(held.toSorted()).toEqual(events.map(({ event_id }) => event_id).toSorted())
      expect(await next.end('SIGTERM')).toBeLessThan(5_000)
    },
    TIMEOUT_MS,
  )
})

function startHub(dataDir: string, given: string[], env: NodeJS.ProcessEnv = {}): Program {
  const place = { cwd: dataDir, env: { ...process.env, ...env } }
  const program = new Program(place, ['hub', 'serve', '--data', dataDir, ...given])
  onTestFinished(async () => void (await program.end('SIGKILL')))
  return program
}

async function startServer(): Promise<string> {
  const program = findNatsServer() ?? ''
  const server = await NatsProcess.start({ program, folder: temporaryFolder() })
  onTestFinished(() => server.kill())
  return server.url
}

async function untilClosed(link: TestLink) {
  const frames = []
  for (;;) {
    try {
      frames.push(await link.next())
    } catch {
      return frames
    }
  }
}

describe('a held link', () => {
  it.each(hows(1))(
    'leaves what it has not delivered to the next one: %s',
    async (how) => {
      await using world = await TestWorld.make()
      const { machine, root } = world
      const link = machine.start(root, ['sync', 'run'], planted(how))
      await link.saw(({ state }) => state === 'live')
      const ids = [await emitted(machine, root)]
      strike(link)
      await expectReport(link, how)
      ids.push(await emitted(machine, root))
      await expectDelivered(world, ids)
    },
    TIMEOUT_MS,
  )
})

describe('the background process', () => {
  it.each(hows(2))(
    'is told of by its log, and followed by another one: %s',
    async (how) => {
      await using world = await TestWorld.make()
      const { machine, root } = world
      const ids = [await emitted(machine, root)]
      const first = machine.start(root, ['sync', 'run', '--all'], planted(how))
      await first.saw(({ state }) => state === 'running')
      strike(first)
      await expectReport(first, how)
      const { log } = placesOf(machine.state)
      const crashes = readFileSync(log, 'utf8').match(/"code":"CRASHED"/g) ?? []
      expect(crashes).toHaveLength(how === 'memory' ? 0 : 1)
      expect(readFileSync(log, 'utf8')).not.toContain(SECRET)
      const second = machine.start(root, ['sync', 'run', '--all'])
      await second.saw(({ state }) => state === 'running')
      expect(readFileSync(log, 'utf8')).toContain('"code":"PREDECESSOR_DIED"')
      ids.push(await emitted(machine, root))
      await expectDelivered(world, ids)
      await second.end('SIGTERM')
      expect(await second.ended).toBe(130)
    },
    TIMEOUT_MS,
  )
})

describe('the inspector', () => {
  it.each(hows(3))(
    'ends, and leaves the link free: %s',
    async (how) => {
      await using world = await TestWorld.make()
      const { machine, root } = world
      const inspector = machine.start(root, ['inspect'], planted(how))
      const { url } = await inspector.saw(({ ok }) => ok)
      expect((await fetch(String(url), { redirect: 'manual' })).status).toBe(303)
      strike(inspector)
      await expectReport(inspector, how)
      await expectDelivered(world, [await emitted(machine, root)])
    },
    TIMEOUT_MS,
  )
})

describe('a command', () => {
  it.each(hows(4))(
    'that records ends without a receipt, and what it has recorded is whole: %s',
    async (how) => {
      await using world = await TestWorld.make()
      const { machine, root } = world
      const program = machine.start(root, emitNote('first'), planted(how, 'store.appended'))
      expect(await expectReport(program, how)).toEqual([])
      const id = await emitted(machine, root)
      const { events } = await machine.ok(root, ['queue', 'list'])
      const ids = (events as { event_id: string }[]).map(({ event_id }) => event_id)
      expect([ids.length, ids.includes(id)]).toEqual([2, true])
      await expectDelivered(world, ids)
    },
    TIMEOUT_MS,
  )

  it.each(hows(5))(
    'that records a batch has printed receipts of durable events alone: %s',
    async (how) => {
      await using world = await TestWorld.make()
      const { machine, root } = world
      const program = machine.start(root, ['emit', '--batch', '-'], planted(how))
      const lines = Array.from({ length: 3_000 }, (_, note) =>
        JSON.stringify({ event_type: 'NoteTaken', payload: { note } }),
      )
      program.child.stdin?.write(`${lines.join('\n')}\n`)
      await program.saw(({ ok }) => ok)
      strike(program)
      const receipts = await expectReport(program, how)
      expect(receipts.length).toBeGreaterThan(0)
      await expectDelivered(
        world,
        receipts.map((receipt) => String(receipt['event_id'])),
      )
    },
    TIMEOUT_MS,
  )

  it(
    'whose reader is slow cuts no receipt short, and has its report read',
    async () => {
      await using world = await TestWorld.make()
      const { machine, root } = world
      const place = { cwd: root, env: { ...machine.env, ...planted('throw') } }
      const child = spawn(process.execPath, [MAIN, 'emit', '--batch', '-', '--json'], place)
      onTestFinished(() => void child.kill('SIGKILL'))
      const lines = Array.from({ length: 6_000 }, () => '{"event_type":"NoteTaken"}')
      child.stdin.on('error', () => {}).end(`${lines.join('\n')}\n`)
      // Nobody reads, until no more is recorded because of that.
      let [before, now] = [-1, 0]
      await until('the command waits for its reader', async () => {
        before = now
        now = Number((await machine.ok(root, ['queue', 'stats']))['undelivered'])
        return now > 0 && now === before
      })
      child.kill('SIGUSR2')
      const [out, err, [code]] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        once(child, 'close'),
      ])
      const documents = out
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Document)
      expect([code, err, documents.at(-1)?.error?.code]).toEqual([1, '', 'INTERNAL'])
      expect(documents.filter(({ ok }) => !ok)).toHaveLength(1)
    },
    TIMEOUT_MS,
  )

  it.each(hows(6))(
    'that answers a decision has committed it or not, and the repository is whole: %s',
    async (how) => {
      await using world = await TestWorld.make()
      const { machine, root } = world
      const { mission_slug } = await machine.ok(root, ['mission', 'create', 'harbour'])
      const mission = ['--mission', String(mission_slug)]
      const asked = ['decision', 'request', ...mission, '--question', 'Which one?']
      const { decision_id } = await machine.ok(root, asked)
      const args = ['decision', 'answer', String(decision_id), ...mission, '--answer', 'This one']
      const program = machine.start(root, args, planted(how, 'git.appended'))
      expect(await expectReport(program, how)).toEqual([])
      // The same answer again is none that contradicts.
      expect(await machine.ok(root, args)).toMatchObject({ committed: true })
      expect(machine.git(root, 'fsck', '--strict', '--no-dangling')).toBe('')
    },
    TIMEOUT_MS,
  )
})

async function emitted(machine: TestMachine, root: string): Promise<string> {
  return String((await machine.ok(root, emitNote('a note')))['event_id'])
}

/** The hub has each of these once, and nothing waits any more. */
async function expectDelivered({ machine, hub, root, uuid }: TestWorld, ids: readonly string[]) {
  expect(await machine.ok(root, ['sync', 'now'])).toMatchObject({ pending: 0, reason: null })
  const held = (await hub.rows('event', uuid)).map(({ event }) => event['event_id'])
  expect(new Set(held).size).toBe(held.length)
  expect(ids.filter((id) => !held.includes(id))).toEqual([])
}
