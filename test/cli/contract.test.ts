/** The command line as a contract: documents, fields, streams and exit codes (L15), as a process wherever that shows. */
import { once } from 'node:events'
import { mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../support/program.ts'
import { rawEnd, rawRun, rawStart } from '../support/raw-run.ts'
import type { RawEnd } from '../support/raw-run.ts'
import { rowsInTurn } from '../support/rows.ts'
import { rawHere } from '../support/run-here.ts'
import { TestHub, TestMachine } from '../support/test-machine.ts'

const MAIN = join(import.meta.dirname, '../../dist/cli/main.js')
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const ULID = /^[0-9A-HJKMNP-TV-Z]{26}$/
const OID = /^[0-9a-f]{40}$/

const machine = new TestMachine()
let root = ''
let mission = ''

beforeAll(async () => {
  root = machine.repository('seabird')
})
afterAll(() => machine.close())

describe('the documents of one mission, in the order of its life', () => {
  it('init: the identity, and whether it is new', async () => {
    const first = await machine.ok(root, ['init'])
    const { project } = first
    expect(first).toMatchObject({ ok: true, created: true })
    expect(project).toEqual({
      uuid: expect.stringMatching(UUID),
      slug: 'seabird',
      node_id: expect.stringMatching(/^[0-9a-f]{12}$/),
      build_id: expect.any(String),
    })
    expect(await machine.ok(root, ['init'])).toMatchObject({ created: false, project })
  })

  it('mission create: directory name, id, branch and worktree', async () => {
    const made = await machine.ok(root, ['mission', 'create', 'harbour'])
    mission = made['mission_slug'] as string
    expect(mission).toMatch(/^harbour-[0-9A-Z]{8}$/)
    expect(made).toEqual({
      ok: true,
      mission_slug: mission,
      mission_id: expect.stringMatching(ULID),
      branch: `kitty/mission-${mission}`,
      worktree: join(root, '.worktrees', `${mission}-coord`),
    })
    expect((await machine.ok(root, ['mission', 'list']))['missions']).toHaveLength(1)
  })

  it('emit: the receipt, from an argument, a file and standard input', async () => {
    writeFileSync(join(root, 'payload.json'), '\uFEFF{"from":"file"}')
    const args = ['emit', 'NoteTaken', '--aggregate', 'WP01', '--mission', mission, '--payload']
    for (const [at, [payload, input]] of [
      ['{"from":"argument"}', ''],
      ['@payload.json', ''],
      ['-', '{"from":"stdin"}'],
    ].entries()) {
      const receipt = await machine.ok(root, [...args, payload ?? ''], input)
      expect(receipt).toEqual({
        ok: true,
        event_id: expect.stringMatching(ULID),
        event_type: 'NoteTaken',
        lamport_clock: at + 1,
        project_uuid: expect.stringMatching(UUID),
        route: 'queued',
        durable: true,
      })
    }
    rmSync(join(root, 'payload.json'))
  })

  it('decision request, answer, list and log: ids, the commit, and the history', async () => {
    const at = ['--mission', mission]
    const asked = await machine.ok(root, [
      'decision',
      'request',
      ...at,
      '--question',
      'Which?',
      '--option',
      'A',
      '--option',
      'B',
    ])
    expect(asked).toEqual({
      ok: true,
      decision_id: expect.stringMatching(ULID),
      event_id: expect.stringMatching(ULID),
    })
    const decision_id = asked['decision_id'] as string
    const list = async (...flags: string[]) =>
      (await machine.ok(root, ['decision', 'list', ...at, ...flags]))['decisions']
    const open = {
      decision_id,
      question: 'Which?',
      options: ['A', 'B'],
      answer: null,
      requested_at: expect.stringMatching(/^\d{4}-/),
      answered_at: null,
    }
    expect(await list('--open')).toEqual([open])
    const answered = await machine.ok(root, [
      'decision',
      'answer',
      decision_id,
      ...at,
      '--answer',
      'A',
    ])
    expect(answered).toEqual({
      ok: true,
      event_id: expect.stringMatching(ULID),
      decision_id,
      committed: true,
      commit: expect.stringMatching(OID),
      deferred_reason: null,
    })
    expect(await list('--open')).toEqual([])
    const answer = { answer: 'A', answered_at: expect.stringMatching(/^\d{4}-/) }
    expect(await list()).toEqual([{ ...open, ...answer }])
    const log = await machine.ok(root, ['decision', 'log', ...at])
    expect(log['decisions']).toEqual([
      {
        decision_id,
        question: 'Which?',
        options: ['A', 'B'],
        answer: 'A',
        requested_at: expect.stringMatching(/^\d{4}-/),
        answered_at: expect.stringMatching(/^\d{4}-/),
        commit: answered['commit'],
      },
    ])
  })

  it('queue: the events with state and reason, cut where the limit is, which is said', async () => {
    const { events, more } = await machine.ok(root, ['queue', 'list', '--limit', '2'])
    expect(events).toMatchObject([
      { event: { lamport_clock: 1 }, state: 'held', reason: null },
      { event: { lamport_clock: 2 }, state: 'held', reason: null },
    ])
    expect(more).toBe(true)
    const { counts } = await machine.ok(root, ['queue', 'stats'])
    expect(counts).toMatchObject({ held: 3, pending: 0, delivered: 0 })
  })

  it('sync: 8 without consent, 3 without a login, 8 without a hub, 0 when delivered', async () => {
    const refused = await machine.run(root, ['sync', 'now'])
    expect(refused.code).toBe(8)
    expect(refused.document).toEqual({
      ok: true,
      delivered: 0,
      pending: 3,
      commits_acked: 0,
      reason: 'no_consent',
    })
    expect((await machine.runHere(root, ['sync', 'status', '--check'])).code).toBe(8)
    await machine.ok(root, ['sync', 'opt-in'])
    expect(await machine.run(root, ['sync', 'now'])).toMatchObject({
      code: 3,
      document: { reason: 'not_authenticated' },
    })
    expect(await machine.run(root, ['sync', 'run'])).toMatchObject({
      code: 3,
      document: { error: { code: 'NOT_AUTHENTICATED' } },
    })
    expect(await machine.runHere(root, ['auth', 'status'])).toMatchObject({
      code: 3,
      document: { authenticated: false },
    })
    const hub = await new TestHub(machine).start()
    expect(hub.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    const login = await hub.login(root, '--no-opt-in')
    expect(hub.token.length).toBeGreaterThan(20)
    expect(login).toMatchObject({ hub: hub.url, team_slug: 'coast', opted_in: false })
    expect(await machine.ok(root, ['auth', 'whoami'])).toMatchObject({
      hub: hub.url,
      team_slug: 'coast',
    })
    const { checks } = await machine.ok(root, ['auth', 'doctor'])
    expect(checks).toContainEqual({
      name: 'hub',
      state: 'ok',
      detail: 'takes the token',
      hint: null,
    })
    expect(await machine.ok(root, ['sync', 'now'])).toEqual({
      ok: true,
      delivered: 3,
      pending: 0,
      commits_acked: 1,
      reason: null,
    })
    await hub.kill()
    await machine.ok(root, ['emit', 'NoteTaken'])
    expect(await machine.run(root, ['sync', 'now', '--timeout', '3'])).toMatchObject({
      code: 8,
      document: { pending: 1, reason: 'hub_unreachable' },
    })
    expect(await machine.ok(root, ['auth', 'logout'])).toEqual({ ok: true, removed: true })
  })
})

const REFUSED: readonly (readonly [string, string])[] = [
  ['emt', 'COMMAND_UNKNOWN'],
  ['init --nope', 'OPTION_UNKNOWN'],
  ['decision request --mission m', 'OPTION_MISSING'],
  ['queue list --limit many', 'LIMIT_INVALID'],
  ['queue list --state lost', 'STATE_UNKNOWN'],
  ['hub serve --port 70000', 'PORT_INVALID'],
  ['mission create a --topology flat', 'TOPOLOGY_UNKNOWN'],
  ['emit', 'TYPE_MISSING'],
  ['emit A --payload {', 'PAYLOAD_INVALID'],
  ['emit A --payload []', 'PAYLOAD_INVALID'],
  ['emit --batch f --mission m', 'BATCH_ALONE'],
  ['emit --batch absent', 'INPUT_UNREADABLE'],
]
/** These as processes, the others in this one. */
const AS_PROCESSES = new Set(rowsInTurn(REFUSED, 5).map(([line]) => line))

describe('words that are not understood', () => {
  it.each(REFUSED)(
    '%s: exit 2, on stderr, or as the one document of stdout',
    async (line, code) => {
      const words = line.split(' ')
      const ran = AS_PROCESSES.has(line) ? rawRun : rawHere
      const ways = [words, [...words, '--json']] as const
      const [plain, json] = await Promise.all([ran(place(), ways[0]), ran(place(), ways[1])])
      expect(plain.code).toBe(2)
      expect(plain.out).toBe('')
      expect(plain.err).toMatch(new RegExp(`^kittiwake: .+ \\(${code}\\)\n`))
      expect(plain.err).not.toMatch(/\n {4}at |\u001b/)
      expect(json.code).toBe(2)
      expect(json.err).toBe('')
      expect(documentOf(json)).toMatchObject({
        ok: false,
        error: { code, message: expect.any(String) },
      })
    },
  )
})

describe('help and version', () => {
  it('go to stdout with exit 0, without colour, as one document with --json', async () => {
    const env = { ...machine.env, FORCE_COLOR: '1', TERM: 'xterm-256color' }
    const [help, bare, json, version] = await Promise.all([
      rawRun({ cwd: root, env }, ['emit', '--help']),
      rawRun({ cwd: root, env }, []),
      run('decision', '-h', '--json'),
      run('--version', '--json'),
    ])
    for (const { code, out, err } of [help, bare]) {
      expect({ code, err }).toEqual({ code: 0, err: '' })
      expect(out).not.toContain('\u001b')
      expect(out).toContain('Usage: kittiwake')
    }
    expect(documentOf(json)).toEqual({
      ok: true,
      help: expect.stringContaining('decision answer ID'),
    })
    expect(documentOf(version)).toMatchObject({
      ok: true,
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    })
  })
})

describe('the streams', () => {
  it('end quietly where the reader has left', async () => {
    const child = rawStart(place(), ['emit', '--batch', '-'])
    const end = rawEnd(child)
    child.stdin?.write('{"event_type":"A"}\n')
    if (child.stdout !== null) await once(child.stdout, 'data')
    child.stdout?.destroy()
    child.stdin?.end('{"event_type":"B"}\n'.repeat(2_000))
    const { code, err } = await end
    expect({ code, err }).toEqual({ code: 1, err: '' })
  })

  it.runIf(process.platform === 'linux')('say it where they are full', async () => {
    const full = openSync('/dev/full', 'w')
    const child = spawn(process.execPath, [MAIN, '--version'], { stdio: ['ignore', full, 'pipe'] })
    const { code, err } = await rawEnd(child)
    expect({ code, err }).toEqual({
      code: 1,
      err: "kittiwake: the output can't be written (ENOSPC)\n",
    })
  })

  it.runIf(process.platform === 'linux')('leave no progress on a terminal', async () => {
    const command = `'${process.execPath}' '${MAIN}' sync now`
    const child = spawn('script', ['-qec', command, '/dev/null'], { ...place(), stdio: 'pipe' })
    const { out } = await rawEnd(child)
    const [shown, left] = out.split('delivering …')
    expect(shown).toBe('\r\u001b[K')
    expect(left).toMatch(/^\r\u001b\[KDelivered \d+ events/)
  })

  it('answer in a folder that is gone', async () => {
    const gone = join(machine.folder, 'gone')
    mkdirSync(gone)
    // The shell removes the folder that it is in, and then becomes the program.
    const script = `rmdir ../gone && exec '${process.execPath}' '${MAIN}' init --json`
    const child = spawn('sh', ['-c', script], { cwd: gone, env: machine.env, stdio: 'pipe' })
    const ended = await rawEnd(child)
    expect(ended.code).toBe(1)
    expect(documentOf(ended)).toMatchObject({ error: { code: 'FOLDER_GONE' } })
  })
})

describe('an interruption', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    '%s ends a batch with 130 and a receipt for all that is durable',
    async (signal) => {
      const child = rawStart(place(), ['emit', '--batch', '-'])
      const end = rawEnd(child)
      child.stdin?.write('{"event_type":"A"}\n{"event_type":"A"}\n{"event_type":"to')
      let seen = ''
      child.stdout?.on('data', (bytes: Buffer) => (seen += bytes.toString('utf8')))
      await until('both receipts are there', () => seen.split('\n').length > 2)
      child.kill(signal)
      const { code, out, err } = await end
      expect({ code, err }).toEqual({ code: 130, err: '' })
      expect(
        out
          .trim()
          .split('\n')
          .map((line) => (JSON.parse(line) as { ok: boolean }).ok),
      ).toEqual([true, true])
    },
  )

  it('ends a payload that never comes, and a hub', async () => {
    const waiting = rawStart(place(), ['emit', 'A', '--payload', '-', '--json'])
    const hub = rawStart(place(), [
      'hub',
      'serve',
      '--json',
      '--data',
      join(machine.folder, 'hub-2'),
    ])
    const ends = Promise.all([rawEnd(waiting), rawEnd(hub)])
    if (hub.stdout !== null) await once(hub.stdout, 'data')
    waiting.kill('SIGINT')
    hub.kill('SIGINT')
    const [emitted, served] = await ends
    // Before its handlers are there, Node itself ends by the signal.
    expect([130, 'SIGINT']).toContain(emitted.code)
    expect(served.code).toBe(130)
    expect(documentOf(served)).toEqual({
      ok: true,
      url: expect.stringMatching(/^http:/),
      port: expect.any(Number),
    })
  })
})

describe('a type that belongs in the ledger', () => {
  it('is refused with the command to use instead', async () => {
    for (const [type, command] of [
      ['DecisionInputRequested', 'request'],
      ['DecisionInputAnswered', 'answer'],
    ]) {
      const { code, document } = await machine.runHere(root, ['emit', type ?? ''])
      expect(code).toBe(1)
      expect(document.error).toMatchObject({
        code: 'EVENT_LEDGER_ONLY',
        hint: expect.stringContaining(`kittiwake decision ${command}`),
      })
    }
    expect(await machine.run(root, ['emit', 'GlossarySenseUpdated'])).toMatchObject({
      code: 1,
      document: { error: { code: 'EVENT_LOCAL_ONLY' } },
    })
  })
})

function run(...args: string[]): Promise<RawEnd> {
  return rawRun(place(), args)
}

function place() {
  return { cwd: root, env: machine.env }
}

/** Stdout is exactly one document and one line end. */
function documentOf({ out }: RawEnd): unknown {
  expect(out).toMatch(/^\{.*\}\n$/)
  return JSON.parse(out)
}
