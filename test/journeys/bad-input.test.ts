/** Files that somebody else broke, and texts that somebody else wrote: typed answers, nothing overwritten, no hang. */
import { execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { bounded } from '../support/bounded.ts'
import { rawEnd, rawRun } from '../support/raw-run.ts'
import type { RawEnd } from '../support/raw-run.ts'
import { TestMachine } from '../support/test-machine.ts'
import type { Project } from '../support/test-machine.ts'

const MAIN = join(import.meta.dirname, '../../dist/cli/main.js')

const machine = new TestMachine()
afterAll(() => machine.close())

let project: Project
let mission = ''

beforeAll(async () => {
  project = await machine.project('seabird')
  mission = (await machine.ok(project.root, ['mission', 'create', 'harbour']))[
    'mission_slug'
  ] as string
  await machine.ok(project.root, ['sync', 'opt-in'])
  await machine.ok(project.root, ['emit', 'NoteTaken'])
  await machine.ok(project.root, ['decision', 'request', '--mission', mission, '--question', 'q'])
})

describe('a configuration that can not be used', () => {
  const path = () => join(project.root, '.kittify', 'config.yaml')
  let before = ''
  beforeAll(() => {
    before = readFileSync(path(), 'utf8')
  })
  afterEach(() => writeFileSync(path(), before))

  it.each([
    ['conflict markers', () => `<<<<<<< HEAD\n${before}=======\na: 1\n>>>>>>> other\n`],
    ['wrong types', () => 'project: [1, 2]\n'],
    ['a number in the place of the uuid', () => 'project:\n  uuid: 7\n  slug: []\n'],
    ['binary junk', () => Buffer.from([0xff, 0xfe, 0, 1, 2, 0x80])],
  ])('with %s is reported, stays as it is, and no event is lost', async (_what, content) => {
    writeFileSync(path(), content())
    const broken = readFileSync(path())
    const [init, emitted, status] = await Promise.all([
      machine.runHere(project.root, ['init']),
      machine.run(project.root, ['emit', 'NoteTaken']),
      machine.runHere(project.root, ['sync', 'status', '--check']),
    ])
    expect(init.code).toBe(1)
    expect(init.document.error?.code).toMatch(/^(?:CONFIG|IDENTITY)_/)
    expect(emitted.document).toMatchObject({ ok: true, route: 'queue_only', durable: true })
    expect(emitted.said).toContain('Mend .kittify/config.yaml')
    expect(status).toMatchObject({ code: 8, document: { reason: 'identity_unusable' } })
    expect(readFileSync(path()).equals(broken)).toBe(true)
  })

  it('gives its events back, in order, once it is mended', async () => {
    const adopted = await machine.ok(project.root, ['init'])
    expect(adopted['created']).toBe(false)
    const { events } = await machine.ok(project.root, ['queue', 'list'])
    expect(events).toHaveLength(5)
  })
})

describe('a login that can not be used', () => {
  const path = () => join(machine.state, 'login.json')
  const valid = JSON.stringify({
    hub: 'http://127.0.0.1:9',
    token: 'a'.repeat(40),
    team_slug: 'coast',
  })
  afterEach(() => rmSync(path(), { force: true }))

  it.each([
    ['that is torn', '{"hub":', 0o600, 'LOGIN_INVALID'],
    ['of wrong types', '{"hub":1,"token":[],"team_slug":null}', 0o600, 'LOGIN_INVALID'],
    ['that names a foreign protocol', valid.replace('http:', 'file:'), 0o600, 'HUB_URL'],
    ['that others may read', valid, 0o644, 'LOGIN_TOO_OPEN'],
  ])('%s is named and never used', async (_what, text, mode, code) => {
    writeFileSync(path(), text, { mode })
    chmodSync(path(), mode)
    const [status, now, view] = await Promise.all([
      machine.runHere(project.root, ['auth', 'status']),
      machine.runHere(project.root, ['sync', 'now']),
      machine.runHere(project.root, ['sync', 'status']),
    ])
    expect(status).toMatchObject({ code: 1, document: { error: { code } } })
    expect(now).toMatchObject({ code: 3, document: { reason: 'not_authenticated' } })
    expect(view.document['login']).toBeNull()
    expect(view.document['login_faults']).toHaveLength(1)
    expect(`${status.err}${JSON.stringify(status.document)}`).not.toContain('aaaa')
    expect(readFileSync(path(), 'utf8')).toBe(text)
  })
})

describe('a list of branches', () => {
  let root: string
  beforeAll(async () => {
    root = (await machine.project('branches')).root
  })
  const book = (): string => join(root, '.git', 'kittiwake', 'branches.json')

  it('that can not be written keeps no mission from being made, and says so', async () => {
    mkdirSync(join(`${book()}.tmp`, 'foreign'), { recursive: true })
    const { code, said } = await machine.runHere(root, ['mission', 'create', 'unnoted'])
    expect(code).toBe(0)
    expect(said).toContain('The disk refused')
    rmSync(`${book()}.tmp`, { recursive: true })
    expect(existsSync(book())).toBe(false)
    await machine.ok(root, ['mission', 'create', 'noted'])
    expect(readFileSync(book(), 'utf8')).toContain('unnoted')
  })

  it('that can not be read is set aside by the next mission, which says so', async () => {
    writeFileSync(book(), '{"half')
    const { code, said } = await machine.runHere(root, ['mission', 'create', 'after'])
    expect(code).toBe(0)
    expect(said.match(/list of scanned branches was damaged/g)).toHaveLength(1)
    expect(readFileSync(`${book()}.damaged-1`, 'utf8')).toBe('{"half')
    expect(readFileSync(book(), 'utf8')).toContain('after')
  })
})

describe('a state of the commits that can not be read', () => {
  it('shows no frames, and is set aside, not overwritten, by the next commit', async () => {
    const folder = join(project.root, '.kittify')
    writeFileSync(join(folder, 'sync-state.json'), '{"pending_local_commits": [')
    expect((await machine.ok(project.root, ['sync', 'status']))['commits']).toMatchObject({
      pending: [],
    })
    const question = ['decision', 'request', '--mission', mission, '--question', 'Which?']
    const { decision_id } = await machine.ok(project.root, question)
    const answer = [
      'decision',
      'answer',
      decision_id as string,
      '--mission',
      mission,
      '--answer',
      'a',
    ]
    const { document, said } = await machine.runHere(project.root, answer)
    expect(document['committed']).toBe(true)
    expect(said.match(/The sync state could not be read/g)).toHaveLength(1)
    const aside = readdirSync(folder).filter((name) => name.includes('damaged'))
    expect(aside).toHaveLength(1)
    expect(readFileSync(join(folder, aside[0] ?? ''), 'utf8')).toBe('{"pending_local_commits": [')
    expect((await machine.ok(project.root, ['sync', 'status']))['commits']).toMatchObject({
      pending: [expect.stringMatching(/^[0-9a-f]{40}$/)],
    })
  })
})

describe('a mission whose meta.json can not be used', () => {
  it('is shown with its fault, refused where it is used, and leaves the others alone', async () => {
    const path = join(project.root, 'kitty-specs', mission, 'meta.json')
    const before = readFileSync(path)
    writeFileSync(path, '{"mission_id": 3, "target_branch"')
    const [list, request, emitted, doctor] = await Promise.all([
      machine.runHere(project.root, ['mission', 'list']),
      machine.runHere(project.root, [
        'decision',
        'request',
        '--mission',
        mission,
        '--question',
        'q',
      ]),
      machine.runHere(project.root, ['emit', 'NoteTaken', '--mission', mission]),
      machine.run(project.root, ['doctor']),
    ])
    expect(list.document).toMatchObject({
      ok: true,
      missions: [],
      unreadable: [{ directory: mission }],
    })
    expect(request).toMatchObject({ code: 1, document: { error: { code: 'MISSION_UNREADABLE' } } })
    expect(emitted).toMatchObject({ code: 1, document: { error: { code: 'MISSION_UNREADABLE' } } })
    expect(doctor).toMatchObject({ code: 1, document: { healthy: false } })
    expect(readFileSync(path, 'utf8')).toBe('{"mission_id": 3, "target_branch"')
    writeFileSync(path, before)
  })
})

describe('names of missions', () => {
  it.each(['../x', '/etc', 'con', '-x'])('%j is no slug of a new one', async (slug) => {
    const { code, out } = await rawRun(place(), ['mission', 'create', '--json', '--', slug])
    expect(code).toBe(1)
    expect(JSON.parse(out)).toMatchObject({ error: { code: 'MISSION_SLUG' } })
  })

  it('that lead outside, or hold NUL, name no mission', async () => {
    const names = [
      '../seabird',
      '/etc',
      '..',
      '.',
      'a\u0000b',
      `${mission}/..`,
      `./${mission}`,
      '\\..',
    ]
    const lines = names.map((name) => JSON.stringify({ event_type: 'NoteTaken', mission: name }))
    const { code, documents } = await machine.runHere(
      project.root,
      ['emit', '--batch', '-'],
      lines.join('\n'),
    )
    expect(code).toBe(1)
    expect(documents.map(({ error }) => error?.code)).toEqual(names.map(() => 'MISSION_NOT_FOUND'))
  })
})

describe('folders that are symbolic links to the outside', () => {
  let outside = ''
  beforeEach(() => {
    outside = join(machine.folder, 'outside')
    mkdirSync(outside)
  })
  afterEach(() => rmSync(outside, { recursive: true }))

  it.each([
    ['kitty-specs', ['mission', 'create', 'pier'], 'PATH_REFUSED'],
    [
      'kitty-specs',
      ['decision', 'request', '--mission', 'harbour', '--question', 'q'],
      'PATH_REFUSED',
    ],
    ['.kittify', ['init'], 'PATH_REFUSED'],
    [
      '.kittify',
      ['decision', 'request', '--mission', 'harbour', '--question', 'q'],
      'CONFIG_UNUSABLE',
    ],
  ])('%s: %j is refused and nothing is written there', async (name, args, code) => {
    const path = join(project.root, name)
    renameSync(path, `${path}.kept`)
    symlinkSync(outside, path)
    const ended = await machine.runHere(project.root, args)
    rmSync(path)
    renameSync(`${path}.kept`, path)
    expect(ended).toMatchObject({ code: 1, document: { error: { code } } })
    expect(readdirSync(outside)).toEqual([])
  })
})

describe('a file in the place of a folder', () => {
  it.each([
    ['kitty-specs', ['mission', 'create', 'pier']],
    ['.worktrees', ['mission', 'create', 'pier']],
    ['.kittify', ['init']],
    [
      '.kittify/glossaries',
      ['glossary', 'observe', 'pier', '--mission', 'harbour', '--definition', 'a quay'],
    ],
  ])('%s: %j is refused with what to do, and nothing is made', async (name, args) => {
    const path = join(project.root, name)
    const branches = () => machine.git(project.root, 'branch', '--list')
    const before = branches()
    if (existsSync(path)) renameSync(path, `${path}.kept`)
    writeFileSync(path, 'a file')
    const ended = await machine.runHere(project.root, args)
    expect(readFileSync(path, 'utf8')).toBe('a file')
    rmSync(path)
    if (existsSync(`${path}.kept`)) renameSync(`${path}.kept`, path)
    expect(ended).toMatchObject({
      code: 1,
      document: {
        error: { code: 'PATH_REFUSED', hint: expect.stringContaining(name.split('/')[0] ?? '') },
      },
    })
    expect(branches()).toEqual(before)
  })
})

describe('a folder that is no checkout', () => {
  it.each([
    ['no repository', 'NOT_A_REPOSITORY'],
    ['a bare repository', 'BARE_REPOSITORY'],
  ])('%s is said to be one, by every command that needs a checkout', async (what, code) => {
    const folder = join(machine.folder, what.replaceAll(' ', '-'))
    mkdirSync(folder)
    if (code === 'BARE_REPOSITORY') machine.git(folder, 'init', '-q', '--bare')
    const before = readdirSync(folder)
    const commands = [
      ['init'],
      ['emit', 'A'],
      ['queue', 'list'],
      ['sync', 'status'],
      ['sync', 'now'],
      ['mission', 'create', 'a'],
    ]
    const ends = await Promise.all(commands.map((args) => machine.runHere(folder, args)))
    for (const [at, ended] of ends.entries()) {
      const refusal = { code: 1, document: { ok: false, error: { code } } }
      expect(ended, commands[at]?.join(' ')).toMatchObject(refusal)
    }
    expect(readdirSync(folder)).toEqual(before)
  })

  it.skipIf(process.platform === 'win32')('a repository that may not be written', async () => {
    const root = machine.repository('frozen')
    chmodSync(root, 0o500)
    const [command, args] = bounded(process.execPath, MAIN, 'init', '--json')
    const ended = await rawEnd(spawn(command, args, { cwd: root, env: machine.env }))
    chmodSync(root, 0o700)
    expect(ended).toMatchObject({ code: 1, err: '' })
    expect(JSON.parse(ended.out)).toMatchObject({ error: { code: 'REPOSITORY_READ_ONLY' } })
    expect(readdirSync(root)).not.toContain('.kittify')
  })
})

describe('an outbox that is no database', () => {
  it('is refused by every command with a type, and its bytes are kept', async () => {
    const folder = join(machine.state, 'projects', project.uuid)
    cpSync(folder, `${folder}.kept`, { recursive: true })
    for (const name of readdirSync(folder)) rmSync(join(folder, name))
    const path = join(folder, 'outbox.db')
    const junk = Buffer.from('this is no database\n'.repeat(500))
    writeFileSync(path, junk, { mode: 0o600 })
    const commands = [
      ['queue', 'list'],
      ['queue', 'stats'],
      ['sync', 'status'],
      ['sync', 'opt-in'],
      ['emit', 'NoteTaken'],
      ['sync', 'now'],
      ['doctor'],
    ]
    const ends = await Promise.all(commands.map((args) => machine.runHere(project.root, args)))
    for (const [at, { code, document, err }] of ends.entries()) {
      const said = `${JSON.stringify(document)}${err}`
      expect(code, commands[at]?.join(' ')).toBe(1)
      expect(said).toMatch(
        /"code":"OUTBOX_CORRUPT"|\(OUTBOX_CORRUPT\): projects.[0-9a-f-]+.outbox\.db/,
      )
      expect(said).not.toMatch(/INTERNAL|This is a bug/)
    }
    expect(readFileSync(path).equals(junk)).toBe(true)
    const batch = await machine.run(
      project.root,
      ['emit', '--batch', '-'],
      '{"event_type":"A"}\n{"event_type":"B"}',
    )
    expect(batch.documents.map(({ ok }) => ok)).toEqual([false, false])
    rmSync(folder, { recursive: true })
    renameSync(`${folder}.kept`, folder)
    expect((await machine.ok(project.root, ['queue', 'stats']))['ok']).toBe(true)
  })
})

describe('a pipe in the place of a file', () => {
  it.skipIf(process.platform === 'win32')(
    'without a writer is refused, not waited for',
    async () => {
      execFileSync('mkfifo', [join(project.root, 'pipe')])
      for (const args of [
        ['emit', 'NoteTaken', '--payload', '@pipe'],
        ['auth', 'login', '--hub', 'http://127.0.0.1:9', '--token-file', 'pipe'],
      ]) {
        const ended = await machine.run(project.root, args)
        expect(ended).toMatchObject({ code: 2, document: { error: { code: 'INPUT_UNREADABLE' } } })
      }
      rmSync(join(project.root, 'pipe'))
    },
  )
})

describe('texts that a terminal would obey', () => {
  const hostile =
    'Which?\u001b[2J\u001b]0;owned\u0007\u009b31m\u202ereversed\u2066\n01FORGED  A line of its own\r\u007f'

  it('come out harmless from decision log and queue list, and whole with --json', async () => {
    const place_ = place()
    const request = [
      'decision',
      'request',
      '--mission',
      mission,
      '--question',
      hostile,
      '--option',
      hostile,
    ]
    const { decision_id } = await machine.ok(project.root, request)
    const answer = [
      'decision',
      'answer',
      decision_id as string,
      '--mission',
      mission,
      '--answer',
      hostile,
    ]
    await machine.ok(project.root, answer)
    await machine.ok(project.root, [
      'emit',
      'NoteTaken',
      '--aggregate',
      'a\u001b[31mb',
      '--payload',
      JSON.stringify({ text: hostile }),
    ])
    const runs: RawEnd[] = []
    for (const args of [
      ['decision', 'log', '--mission', mission],
      ['queue', 'list'],
    ]) {
      runs.push(await rawRun(place_, args), await rawRun(place_, [...args, '--json']))
    }
    for (const { code, out, err } of runs) {
      expect(code).toBe(0)
      expect(out).toContain('\n')
      expect(`${out}${err}`).not.toMatch(
        /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/,
      )
      expect(out).not.toMatch(/^01FORGED/m)
    }
    const log = JSON.parse(runs[1]?.out ?? '') as { decisions: { question: string }[] }
    expect(log.decisions.map(({ question }) => question)).toContain(hostile)
  })
})

function place() {
  return { cwd: project.root, env: machine.env }
}
