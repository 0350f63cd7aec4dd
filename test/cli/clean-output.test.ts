/** What stands beside the document of a command: nothing that a reader of both streams would stumble over. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { Reports } from '#dist/cli/reports.js'
import { COMMANDS } from '#dist/cli/run.js'
import { writeLogin } from '#dist/project/login/login.js'
import { ProjectFiles } from '../support/project-files.ts'
import { until } from '../support/program.ts'
import { rawEnd } from '../support/raw-run.ts'
import { rowsInTurn } from '../support/rows.ts'
import { TestMachine } from '../support/test-machine.ts'

const MAIN = join(import.meta.dirname, '../../dist/cli/main.js')
/** Nobody listens there. */
const DEAD_HUB = 'http://127.0.0.1:9'
const PROJECT = '0b9b1ee4-21b9-4f7e-9d25-6c7f7f3f4d1c'
const EVENT = '01J00000000000000000000000'

describe('a report', () => {
  it('is made once, however often it is met, and the rest is counted', () => {
    const reports = new Reports()
    const met = [
      reports.reportOnce('A', 'one'),
      reports.reportOnce('A', 'one'),
      reports.reportOnce('A', 'two'),
      reports.reportOnce('B', 'one'),
      reports.reportOnce('A', 'one'),
    ]
    expect(met).toEqual([true, false, true, true, false])
    expect(reports.list()).toEqual([
      { code: 'A', message: 'one', count: 3 },
      { code: 'A', message: 'two', count: 1 },
      { code: 'B', message: 'one', count: 1 },
    ])
    expect(new Reports().list()).toEqual([])
  })
})

describe('a warning', () => {
  it('stands in the document with --json, and on stderr without', async () => {
    const project = new ProjectFiles()
    onTestFinished(() => project.remove())
    project.write('kitty-specs/torn/meta.json', '{')
    const json = await project.run(['mission', 'list', '--json'])
    expect(json).toMatchObject({ code: 0, err: '' })
    expect(JSON.parse(json.out)).toMatchObject({
      ok: true,
      warnings: [
        { code: 'MISSION_UNREADABLE', message: expect.stringContaining('torn'), count: 1 },
      ],
    })
    const plain = await project.run(['mission', 'list'])
    expect(plain.err).toMatch(/^kittiwake: torn: .+\n$/)
    project.write('kitty-specs/torn/meta.json', '{"mission_id":"x"}')
    const failed = await project.run(['status', '--json', '--mission', 'torn'])
    expect(JSON.parse(failed.out)).toMatchObject({ ok: false })
  })
})

describe('what comes after the document of a success', () => {
  const project = new ProjectFiles()
  const preload = join(project.folder, 'late.mjs')
  afterAll(() => project.remove())

  // Something that outlives its command fails, and Node warns, right behind the document, or before it.
  const late = (when: 'after' | 'before'): string => `
    import { setImmediate } from 'node:timers'
    const write = process.stdout.write.bind(process.stdout)
    let isDone = false
    process.stdout.write = (text, ...rest) => {
      if (isDone) return write(text, ...rest)
      isDone = true
      const fail = () => setImmediate(() => { throw new Error('/home/wren: late') })
      process.emitWarning('late')
      if ('${when}' === 'before') throw new Error('/home/wren: early')
      fail()
      return write(text, ...rest)
    }
  `

  it.each([
    ['is silent', {}, ''],
    [
      'is told to who asks',
      { KITTIWAKE_DEBUG: '1' },
      'kittiwake: debug: a warning of Node: Warning\nkittiwake: debug: unexpected Error\n',
    ],
  ])('%s', async (_what, env, said) => {
    writeFileSync(preload, late('after'))
    const { code, out, err } = await ran(['gate', '--json'], env)
    expect({ code, err: err.split('\n').sort() }).toEqual({ code: 0, err: said.split('\n').sort() })
    expect(JSON.parse(out)).toMatchObject({ ok: true })
  })

  it('fails where there is no document yet', async () => {
    writeFileSync(preload, late('before'))
    const { code, out } = await ran(['gate', '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(out)).toMatchObject({ ok: false, error: { code: 'INTERNAL' } })
  })

  it('and fails without --json', async () => {
    writeFileSync(preload, late('after'))
    const { code, err } = await ran(['gate'])
    expect(code).toBe(1)
    expect(err).toContain('unexpected Error (INTERNAL)')
    expect(err).not.toContain('wren')
  })

  function ran(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const argv = [`--import=${pathToFileURL(preload).href}`, MAIN, ...args]
    const options = { cwd: project.root, env: { ...process.env, ...env }, stdio: 'pipe' } as const
    return rawEnd(spawn(process.execPath, argv, options))
  }
})

/** Streams, or stay up until they are stopped. */
const STREAMING = new Set(['hub serve', 'sync run'])
/** They start a process. */
const STARTING = new Set(['sync start', 'sync restart'])
const MISSION = ['--mission', 'harbour']
const ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  'auth login': ['--hub', DEAD_HUB, '--token-file', 'token'],
  'bulk-edit explain': ['file.txt'],
  'bulk-edit plan': ['hello'],
  commit: ['--ref', 'main', '-m', 'A file', 'file.txt'],
  'conformance run': ['absent'],
  'decision answer': [EVENT, ...MISSION, '--answer', 'a'],
  'decision list': MISSION,
  'decision log': MISSION,
  'decision request': [...MISSION, '--question', 'Which?'],
  emit: ['NoteTaken'],
  'glossary observe': ['term', ...MISSION, '--definition', 'a word'],
  'glossary request': ['term', ...MISSION, '--question', 'What?'],
  'glossary resolve': [EVENT, ...MISSION, '--select', '1'],
  'hooks run': ['post-commit'],
  'hub backup': ['--out', '../copy', '--data', '../hub'],
  'hub dead-letters': ['--data', '../hub'],
  'hub delete': ['--team', 't', '--project', PROJECT, '--yes', '--data', '../hub'],
  'hub export': ['--team', 't', '--project', PROJECT, '--out', '../events', '--data', '../hub'],
  'hub migrate': [
    '--from',
    'sqlite',
    '--to',
    'nats',
    '--nats',
    'nats://127.0.0.1:1',
    '--data',
    '../hub',
  ],
  'hub restore': ['--from', '../copy', '--yes', '--data', '../other'],
  'hub token create': ['--team', 't', '--user', 'u', '--data', '../hub'],
  'hub token list': ['--data', '../hub'],
  'hub token revoke': [EVENT, '--data', '../hub'],
  'hub token rotate': [EVENT, '--data', '../hub'],
  'hub verify': ['--data', '../hub'],
  'hub webhook create': ['--team', 't', '--project', PROJECT, '--data', '../hub'],
  'hub webhook list': ['--data', '../hub'],
  'hub webhook revoke': ['whk_0123456789abcdef', '--data', '../hub'],
  inspect: ['--trace', 'absent'],
  'merge-driver': ['../base', '../ours', '../theirs'],
  'migrate-events': ['absent.jsonl'],
  'mission create': ['pier'],
  'queue export': ['--out', '../events'],
  'queue retry': ['--all'],
  'queue show': [EVENT],
  'sync now': ['--timeout', '2'],
  replay: ['absent', '--reducer', 'status'],
  validate: ['absent.json'],
  'wp create': ['WP02', ...MISSION],
  'wp history': ['WP01', ...MISSION],
  'wp list': MISSION,
  'wp move': ['WP01', 'claimed', ...MISSION],
}

const STATES: readonly (readonly [string, boolean, boolean])[] = [
  ['no login, no consent', false, false],
  ['no login, consent', false, true],
  ['a login, no consent', true, false],
  ['a login, consent', true, true],
]

// A link is tried where there is both: no other test's programs that are counted start its thread.
const isLinked = ([, hasLogin, hasConsent]: (typeof STATES)[number]): boolean =>
  hasLogin && hasConsent

describe.each(rowsInTurn(STATES, 3, isLinked))(
  'both streams of every command together, with a dead hub, %s',
  (_name, hasLogin, hasConsent) => {
    const project = new ProjectFiles()
    const commands = COMMANDS.map(({ paths = [] }) => (paths[0] ?? []).join(' ')).filter(
      (name) => !STREAMING.has(name) && !STARTING.has(name),
    )

    beforeAll(async () => {
      project.write('token', 'kwt_0123456789abcdefghijklmnopqrstuv')
      project.write('file.txt', 'hello\n')
      for (const line of ['init', 'mission create harbour', 'wp create WP01 --mission harbour']) {
        expect((await project.run([...line.split(' '), '--json'])).code).toBe(0)
      }
      if (hasConsent) expect((await project.run(['sync', 'opt-in'])).code).toBe(0)
      if (hasLogin) {
        const login = { hub: DEAD_HUB, token: project.read('token'), team_slug: 'coast' }
        writeLogin(join(project.folder, 'state'), login)
      }
    })
    afterAll(() => project.remove())

    it.each(commands.filter((name) => !/^(?:auth logout|sync (?:opt|purge))/.test(name)))(
      '%s: one document, and nothing else',
      async (name) => {
        const words = [...name.split(' '), ...(ARGUMENTS[name] ?? [])]
        const { code, both } = await project.run([...words, '--json'])
        expect(both, words.join(' ')).toMatch(/^\{.*\}\n$/)
        const { ok, error } = JSON.parse(both) as { ok: boolean; error?: { code: string } }
        // What ran and found something has its own code; what failed is never called a success.
        if (code === 0) expect({ ok, error }).toEqual({ ok: true, error: undefined })
        if (!ok) expect(error?.code).toMatch(/^[A-Z][A-Z0-9_]+$/)
        expect(error?.code).not.toBe('INTERNAL')
      },
    )
  },
)

describe('as programs, with both streams in one', () => {
  const machine = new TestMachine()
  let root = ''
  let files = 0

  beforeAll(async () => {
    root = machine.repository('seabird')
    await machine.ok(root, ['init'])
  })
  afterAll(async () => {
    await machine.run(root, ['sync', 'stop'])
    await machine.close()
  })

  it.each(['emit NoteTaken', 'sync start', 'sync restart', 'sync status', 'sync stop', 'nonsense'])(
    '%s: one document',
    async (line) => {
      const { child, said } = start([...line.split(' '), '--json'])
      const [code] = (await once(child, 'close')) as [number]
      expect(said()).toMatch(/^\{.*\}\n$/)
      expect(JSON.parse(said())).toMatchObject({ ok: code === 0 })
    },
  )

  it.each([
    ['hub', 'serve'],
    ['sync', 'run', '--all'],
  ])('%s %s: a document a line, to its end', async (...words) => {
    const { child, said } = start([...words, '--json'])
    const ended = once(child, 'close')
    await until('it is up', () => said().includes('\n'))
    child.kill('SIGINT')
    expect(await ended).toEqual([130, null])
    const lines = said().trimEnd().split('\n')
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ ok: true })
  })

  function start(args: readonly string[]) {
    const path = join(machine.folder, `both-${(files += 1)}`)
    const file = openSync(path, 'w')
    const options = { cwd: root, env: machine.env } as const
    const child = spawn(process.execPath, [MAIN, ...args], {
      ...options,
      stdio: ['ignore', file, file],
    })
    closeSync(file)
    return { child, said: () => readFileSync(path, 'utf8') }
  }
})
