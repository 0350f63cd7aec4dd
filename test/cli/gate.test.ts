/** The gate of the project before every command: what each state lets pass, what it says, and who is never asked. */
import { mkdirSync, renameSync, symlinkSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { COMMANDS } from '#dist/cli/run.js'
import { commit, createRuntime, GateError } from '#dist/index.js'
import { historical } from '../support/historical-metadata.ts'
import { ProjectFiles } from '../support/project-files.ts'

type State = keyof typeof STATES
type Outcome = { readonly exit: number; readonly gateCase: string; readonly decision: string }

const COMPATIBLE = historical([['schema_version: 2', 'schema_version: 3']])
/** What makes each state; null: there is no such file. */
const STATES = {
  no_project: null,
  uninitialized: null,
  corrupt: 'spec_kitty: [\n',
  legacy: historical([['  schema_version: 2\n', '']]),
  stale: historical(),
  compatible: COMPATIBLE,
  too_new: historical([['schema_version: 2', 'schema_version: 4']]),
} as const

const ALLOWED = { exit: 0, gateCase: 'none', decision: 'ALLOW' }
const NOT_STARTED = { ...ALLOWED, gateCase: 'project_not_initialized' }
const MIGRATION = {
  exit: 4,
  gateCase: 'project_migration_needed',
  decision: 'BLOCK_PROJECT_MIGRATION',
}
const UNSAFE: Readonly<Record<State, Outcome>> = {
  no_project: NOT_STARTED,
  uninitialized: NOT_STARTED,
  corrupt: {
    exit: 6,
    gateCase: 'project_metadata_corrupt',
    decision: 'BLOCK_PROJECT_CORRUPT',
  },
  legacy: MIGRATION,
  stale: MIGRATION,
  compatible: ALLOWED,
  too_new: { exit: 5, gateCase: 'project_too_new_for_cli', decision: 'BLOCK_CLI_UPGRADE' },
}
const SCHEMA: Partial<Record<State, number>> = { stale: 2, compatible: 3, too_new: 4 }
const ROWS = Object.entries(UNSAFE) as [State, Outcome][]
const BLOCKING = ROWS.filter(([, { exit }]) => exit !== 0)
/** Both are refused behind the gate by what they are given. */
const WRITER = { words: ['emit'], code: 'TYPE_MISSING' }
const READER = { words: ['queue', 'list', '--state', 'none'], code: 'STATE_UNKNOWN' }

/**
 * What leaves the files of a project alone, with the words that it is given here; all else is unsafe. A command that
 * is new must be put on either side.
 */
const SAFE: readonly string[] = [
  '--version',
  'auth doctor',
  'auth logout',
  'auth status',
  'auth whoami',
  'bulk-edit check',
  'bulk-edit explain',
  'bulk-edit plan',
  'conformance run',
  'decision list',
  'decision log',
  'doctor',
  'events types',
  'focus',
  'gate',
  'glossary list',
  'glossary verify',
  'hooks run',
  'hooks status',
  'hub backup',
  'hub dead-letters',
  'hub delete',
  'hub export',
  'hub migrate',
  'hub restore',
  'hub retain',
  'hub serve',
  'hub token create',
  'hub token list',
  'hub token revoke',
  'hub token rotate',
  'hub verify',
  'hub webhook create',
  'hub webhook list',
  'hub webhook revoke',
  'inspect',
  'machines',
  'merge-driver',
  'migrate-events',
  'mission branch-context',
  'mission list',
  'queue export',
  'queue gc',
  'queue list',
  'queue purge',
  'queue retry',
  'queue show',
  'queue stats',
  'replay',
  'schema',
  'status',
  'status verify',
  'sync import-history',
  'sync logs',
  'sync opt-out',
  'sync purge',
  'sync status',
  'sync stop',
  'upgrade',
  'validate',
  'wp history',
  'wp list',
]
const UNSAFE_COMMANDS: readonly string[] = [
  'auth login',
  'commit',
  'decision answer',
  'decision request',
  'emit',
  'glossary observe',
  'glossary request',
  'glossary resolve',
  'hooks install',
  'hooks uninstall',
  'init',
  'log repair',
  'mission create',
  'sync now',
  'sync opt-in',
  'sync restart',
  'sync run',
  'sync start',
  'wp create',
  'wp move',
]
/** What one of its options makes of a command. */
const CHANGED: readonly (readonly [string, string])[] = [
  ['auth login --hub h --token-file f --no-opt-in', 'safe'],
  ['bulk-edit plan term --mission m --write', 'unsafe'],
  ['focus --clear', 'unsafe'],
  ['focus --mission m', 'unsafe'],
  ['glossary verify --repair', 'unsafe'],
  ['log repair --dry-run', 'safe'],
  ['queue gc --yes', 'unsafe'],
  ['queue purge --yes', 'unsafe'],
  ['queue retry --all --yes', 'unsafe'],
  ['sync import-history --confirm x', 'unsafe'],
  ['sync purge --yes', 'unsafe'],
  ['sync run --all', 'safe'],
  ['no such command', 'unsafe'],
  ['emit --no-such-option', 'unsafe'],
]

describe('the gate', () => {
  it.each(ROWS)('of a project that is %s: before a command that writes', async (state, outcome) => {
    const project = start(state)
    const plain = await project.run(WRITER.words)
    const json = await project.run([...WRITER.words, '--json'])
    const document = documentOf(json.out)
    expect(json.err).toBe('')
    expect(plain.out).toBe('')
    if (outcome.exit === 0) {
      expect([plain.code, json.code]).toEqual([2, 2])
      expect(document).toMatchObject({ ok: false, error: { code: WRITER.code } })
      expect(document).not.toHaveProperty('gate')
      return
    }
    expect([plain.code, json.code]).toEqual([outcome.exit, outcome.exit])
    expect(plain.err).toMatch(/^kittiwake: .+ \(PROJECT_[A-Z_]+\)\n.+\n$/)
    expect(document).toEqual({
      ok: false,
      error: {
        code: outcome.gateCase.toUpperCase(),
        message: expect.any(String),
        hint: expect.any(String),
      },
      gate: planOf(project, state, outcome),
    })
  })

  it.each(ROWS)('of a project that is %s: lets what only reads pass', async (state) => {
    const project = start(state)
    for (const args of [READER.words, [...READER.words, '--json']]) {
      const { code, out, err } = await project.run(args)
      expect(code).toBe(2)
      expect(`${out}${err}`).toContain(READER.code)
    }
  })

  it.each(ROWS)('of a project that is %s: as `gate` tells it', async (state, outcome) => {
    const project = start(state)
    const files = project.files()
    const unsafe = await project.run(['gate', '--json'])
    expect(unsafe).toMatchObject({ code: outcome.exit, err: '' })
    expect(documentOf(unsafe.out)).toEqual({ ok: true, ...planOf(project, state, outcome) })
    const safe = await project.run(['gate', '--json', '--', ...READER.words])
    expect(safe).toMatchObject({ code: 0, err: '' })
    expect(documentOf(safe.out)).toMatchObject({
      ok: true,
      case: 'none',
      decision: 'ALLOW',
      exit_code: 0,
      safety: 'safe',
      project: { state },
    })
    const human = await project.run(['gate'])
    expect(human).toMatchObject({ code: outcome.exit, err: '' })
    expect(human.out).toMatch(new RegExp(`^decision +${outcome.decision}\\n`))
    expect(human.out).toMatch(new RegExp(`^project +${state}$`, 'm'))
    expect(project.files()).toEqual(files)
  })

  it.each(BLOCKING)(
    'of a project that is %s: never blocks what it advises',
    async (state, outcome) => {
      const project = start(state)
      const { hint, command } = adviceOf((await project.run([...WRITER.words, '--json'])).out)
      if (command === null) {
        expect(state).toBe('too_new')
        return
      }
      expect(hint).toContain(`\`${command}\``)
      expect((await project.run(command.split(' ').slice(1))).code).toBe(0)
      expect((await project.run(['gate'])).code).toBe(0)
      expect(outcome.exit).not.toBe(0)
    },
  )

  it.each(BLOCKING)('of a project that is %s: holds for a program too', async (state, outcome) => {
    const project = start(state)
    const files = project.files()
    const wanted = {
      root: project.root,
      worktree: project.root,
      ref: 'main',
      message: 'x',
      paths: ['a'],
    }
    for (const opened of [createRuntime({ root: project.root }), commit(wanted)]) {
      const error = await opened.then(
        () => null,
        (thrown: unknown) => thrown,
      )
      expect(error).toBeInstanceOf(GateError)
      expect(error).toMatchObject({
        name: 'GateError',
        code: outcome.gateCase.toUpperCase(),
        exit: outcome.exit,
        gate: { project: { state } },
      })
    }
    expect(project.files()).toEqual(files)
  })

  it.each(BLOCKING)('of a project that is %s: is what doctor tells of', async (state) => {
    const project = start(state)
    const { code, out } = await project.run(['doctor', '--json'])
    expect(code).toBe(1)
    const { checks } = documentOf(out) as { checks: { name: string }[] }
    expect(checks.find(({ name }) => name === 'metadata')).toMatchObject({
      state: 'failed',
      detail: expect.stringMatching(/schema|used/),
      hint: expect.stringMatching(state === 'too_new' ? 'newer' : 'kittiwake upgrade'),
    })
  })

  it('asks the checkout that the project lives in, from wherever it is asked', async () => {
    const project = start('compatible')
    project.git('add', '.')
    project.git('commit', '-qm', 'Files')
    const linked = `${project.folder}/linked`
    project.git('worktree', 'add', '-q', '-b', 'one', linked)
    project.write('a/b/c', '')
    project.metadata = STATES.stale
    for (const cwd of [join(project.root, 'a/b'), linked]) {
      expect((await project.run(WRITER.words, cwd)).code).toBe(4)
    }
  })

  it('takes a folder that lies elsewhere for none, and a file that does for corrupt', async () => {
    const project = start('compatible')
    project.write('elsewhere/metadata.yaml', STATES.too_new, project.folder)
    renameSync(join(project.root, '.kittify'), join(project.folder, 'kept'))
    symlinkSync('../elsewhere', join(project.root, '.kittify'))
    expect(documentOf((await project.run(['gate', '--json'])).out)).toMatchObject({
      project: { state: 'no_project' },
    })
    unlinkSync(join(project.root, '.kittify'))
    mkdirSync(join(project.root, '.kittify'))
    symlinkSync('../../elsewhere/metadata.yaml', join(project.root, '.kittify/metadata.yaml'))
    expect(documentOf((await project.run(['gate', '--json'])).out)).toMatchObject({
      exit_code: 6,
      project: { state: 'corrupt', metadata_error: 'leaves_repository' },
    })
  })

  it('goes before a word that nobody knows, since a newer program may know it', async () => {
    const project = start('too_new')
    const { code, out } = await project.run(['frobnicate', '--json'])
    expect(code).toBe(5)
    expect(documentOf(out)).toMatchObject({ ok: false, gate: { safety: 'unsafe' } })
    expect((await start('compatible').run(['frobnicate'])).code).toBe(2)
  })

  it('leaves help and the version alone', async () => {
    const project = start('corrupt')
    for (const args of [['--help'], ['emit', '--help'], ['--version'], []]) {
      expect(await project.run(args)).toMatchObject({ code: 0, err: '' })
    }
  })
})

describe('every command', () => {
  const commands = COMMANDS.map(({ paths = [] }) => (paths[0] ?? []).join(' ')).sort()

  it('says whether it is safe', () => {
    expect(commands).toEqual([...SAFE, ...UNSAFE_COMMANDS].sort())
  })

  it.each(commands)(
    '%s is blocked where it is unsafe, and leaves the files alone',
    async (name) => {
      const project = start('stale')
      const files = project.files()
      const safety = SAFE.includes(name) ? 'safe' : 'unsafe'
      const words = [...name.split(' '), ...argumentsOf(name)]
      const planned = await project.run(['gate', '--json', '--', ...words])
      expect(documentOf(planned.out)).toMatchObject({
        safety,
        exit_code: safety === 'safe' ? 0 : 4,
      })
      if (safety === 'unsafe') {
        const { code, out, err } = await project.run([...words, '--json'])
        expect({ code, err }).toEqual({ code: 4, err: '' })
        expect(documentOf(out)).toMatchObject({ gate: { exit_code: 4 } })
      } else if (isQuick(name)) {
        const { code } = await project.run([...words, '--json'])
        expect([4, 5, 6]).not.toContain(code)
      }
      if (name !== 'upgrade') expect(project.files()).toEqual(files)
    },
  )

  it.each(CHANGED)('%s is %s', async (line, safety) => {
    const { out } = await start('stale').run(['gate', '--json', '--', ...line.split(' ')])
    expect(documentOf(out)).toMatchObject({ safety })
  })
})

/** What a command needs to be understood. */
function argumentsOf(name: string): readonly string[] {
  const [mission, question] = [
    ['--mission', 'm'],
    ['--question', 'q'],
  ]
  const table: Readonly<Record<string, readonly string[]>> = {
    'auth login': ['--hub', 'http://127.0.0.1:9', '--token-file', 'absent'],
    'bulk-edit explain': ['a'],
    'bulk-edit plan': ['term'],
    commit: ['--ref', 'main', '-m', 'x', 'a'],
    'conformance run': ['absent'],
    'decision answer': ['01J00000000000000000000000', ...mission, '--answer', 'a'],
    'decision list': mission,
    'decision log': mission,
    'decision request': [...mission, ...question],
    'glossary observe': ['term', ...mission],
    'glossary request': ['term', ...mission, ...question],
    'glossary resolve': ['id', ...mission, '--select', '1'],
    'hooks run': ['post-commit'],
    'hub backup': ['--out', 'absent/a', '--data', 'absent'],
    'hub dead-letters': ['--data', 'absent'],
    'hub delete': ['--team', 't', '--project', 'p', '--data', 'absent'],
    'hub export': ['--team', 't', '--project', 'p', '--out', 'absent/a', '--data', 'absent'],
    'hub migrate': ['--from', 'sqlite', '--to', 'nats', '--data', 'absent'],
    'hub retain': ['--keep-days', '1', '--data', 'absent'],
    'hub restore': ['--from', 'absent', '--data', 'absent'],
    'hub token create': ['--team', 't', '--user', 'u', '--data', 'absent'],
    'hub token revoke': ['id', '--data', 'absent'],
    'hub token rotate': ['id', '--data', 'absent'],
    'hub webhook create': ['--team', 't', '--project', 'p', '--data', 'absent'],
    'hub webhook revoke': ['id', '--data', 'absent'],
    inspect: ['--trace', 'absent'],
    'merge-driver': ['../base', '../ours', '../theirs'],
    'migrate-events': ['absent'],
    'mission create': ['m'],
    'queue retry': ['--all'],
    'queue show': ['01J00000000000000000000000'],
    replay: ['absent', '--reducer', 'status'],
    validate: ['absent'],
    'wp create': ['WP01', ...mission],
    'wp history': ['WP01', ...mission],
    'wp list': mission,
    'wp move': ['WP01', 'doing', ...mission],
  }
  return table[name] ?? []
}

/** A hub serves until it is stopped, and `gate` ends as who it asks for would. */
function isQuick(name: string): boolean {
  return !name.startsWith('hub ') && name !== 'gate'
}

function start(state: State): ProjectFiles {
  const project = new ProjectFiles()
  onTestFinished(() => project.remove())
  const text = STATES[state]
  if (state === 'uninitialized') project.write('.kittify/config.yaml', '')
  if (text !== null) project.metadata = text
  return project
}

function planOf(project: ProjectFiles, state: State, { exit, gateCase, decision }: Outcome) {
  const isBlocked = exit !== 0
  const command = { corrupt: 'kittiwake upgrade --yes', too_new: null }[state as string]
  const remedy = isBlocked ? (command === undefined ? 'kittiwake upgrade' : command) : null
  return {
    schema_version: 1,
    case: gateCase,
    decision,
    exit_code: exit,
    cli: {
      installed_version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      latest_version: null,
      latest_source: 'none',
      is_outdated: false,
      fetched_at: null,
    },
    project: {
      state,
      project_root: project.root,
      schema_version: SCHEMA[state] ?? null,
      min_supported: 3,
      max_supported: 3,
      metadata_error: state === 'corrupt' ? 'syntax' : null,
    },
    safety: 'unsafe',
    install_method: 'unknown',
    upgrade_hint: {
      install_method: 'unknown',
      command: remedy,
      note: remedy === null ? expect.any(String) : null,
    },
    pending_migrations: [],
    rendered_human: isBlocked ? expect.stringMatching(/^.+\n.+$/) : '',
  }
}

function adviceOf(out: string): { readonly hint: string; readonly command: string | null } {
  const { error, gate } = documentOf(out) as {
    error: { hint: string }
    gate: { upgrade_hint: { command: string | null } }
  }
  return { hint: error.hint, command: gate.upgrade_hint.command }
}

/** Stdout is exactly one document and one line end. */
function documentOf(out: string): unknown {
  expect(out).toMatch(/^\{.*\}\n$/)
  return JSON.parse(out)
}
