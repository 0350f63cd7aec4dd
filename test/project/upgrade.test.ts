/** From every shape that the metadata file has had to one that the gate lets pass, and back where that fails. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parse } from 'yaml'
import { locateRepository } from '#dist/project/git/locate.js'
import { readMetadata } from '#dist/project/upgrade/metadata.js'
import { faultOf } from '#dist/project/upgrade/upgrade.js'
import { historical } from '../support/historical-metadata.ts'
import { ProjectFiles } from '../support/project-files.ts'

const ROOT = join(import.meta.dirname, '../..')
const KILL = join(ROOT, 'scripts/kill-at-step.mjs')
const MAIN = join(ROOT, 'dist/cli/main.js')
/** Writes; its argument is missing, which is said behind the gate. */
const PROBE = ['emit', '--json']
const PASSED = 2
const TIME = '2025-11-03T09:14:22.518903'

/** Shapes of the file that the upgrade takes as they are; what they tell of the start stays. */
const SHAPES: readonly (readonly [string, string, string | null])[] = [
  ['stale', historical(), TIME],
  ['no stamp', historical([['  schema_version: 2\n', '']]), TIME],
  [
    'a stamp that is no number',
    historical([['schema_version: 2', "schema_version: 'three'"]]),
    TIME,
  ],
  ['an older preview', historical([['version: 3.1.0', 'version: 3.2.6rc3']]), TIME],
  ['a version that could not be read', historical([['version: 3.1.0', 'version: unknown']]), TIME],
  ['a bare time', historical([[`'${TIME}'`, TIME]]), TIME],
  ['a time with a zone', historical([[TIME, '2025-11-03T09:14:22Z']]), '2025-11-03T09:14:22Z'],
  ['no time', historical([[`  initialized_at: '${TIME}'\n`, '']]), '2025-11-03T09:14:23.000001'],
  ['null blocks', 'spec_kitty:\nenvironment:\nmigrations:\n', null],
  ['a null ledger', 'spec_kitty: ~\nmigrations:\n  applied: null\n', null],
  ['nothing', '', null],
  [
    'capabilities',
    historical([
      ['  schema_version: 2', '  schema_version: 2\n  schema_capabilities: [thin_shims]'],
    ]),
    TIME,
  ],
  [
    'rows that nobody can read',
    historical([['  - id: 2.0.0_second', '  - 12\n  - result: none\n  - id: 2.0.0_second']]),
    TIME,
  ],
  ['a byte order mark', `\uFEFF${historical()}`, TIME],
  ['other line ends', historical().replaceAll('\n', '\r\n'), TIME],
  ['flow style', 'spec_kitty: {version: 3.0.0, schema_version: 1}\n', null],
]

describe('the upgrade', () => {
  it.each(SHAPES)(
    'of %s ends with a project that the gate lets pass',
    async (_name, before, time) => {
      const project = start(before)
      expect(await project.run(PROBE)).toMatchObject({ code: 4 })
      const { code, out } = await project.run(['upgrade', '--json'])
      expect({ code, document: JSON.parse(out) }).toMatchObject({
        code: 0,
        document: { ok: true, success: true, status: 'upgraded', target_version: '3.2.6' },
      })
      expectUpgraded(project, before, time)
      expect((await project.run(PROBE)).code).toBe(PASSED)
      const after = project.metadata
      expect(await project.run(['upgrade', '--json'])).toMatchObject({
        code: 0,
        out: expect.stringContaining('"up_to_date"'),
      })
      expect(project.metadata).toBe(after)
      // The probe sees the stamp and nothing else.
      project.metadata = after.replace(/,? *schema_version: 3/, '')
      expect((await project.run(PROBE)).code).toBe(4)
    },
  )

  it.each([
    ['a list at the top', '- a\n- b\n'],
    ['no YAML', 'spec_kitty: [\n'],
    ['a block of another shape', 'spec_kitty: done\n'],
    ['a merge conflict', `<<<<<<< ours\n${historical()}=======\n>>>>>>> theirs\n`],
    ['an oversized one', `# ${'x'.repeat(262_144)}\n`],
  ])('of %s waits for a word, and keeps the old file', async (_name, before) => {
    const project = start(before)
    expect((await project.run(PROBE)).code).toBe(6)
    const left = await project.run(['upgrade', '--json'])
    expect(left.code).toBe(6)
    expect(JSON.parse(left.out)).toMatchObject({
      ok: false,
      error: { hint: expect.stringContaining('kittiwake upgrade --yes') },
      gate: { case: 'project_metadata_corrupt', project: { state: 'corrupt' } },
    })
    expect(project.metadata).toBe(before)
    const dry = await project.run(['upgrade', '--dry-run'])
    expect(dry).toMatchObject({ code: 0, out: expect.stringContaining('only with `--yes`') })
    expect(project.metadata).toBe(before)
    const { code, out } = await project.run(['upgrade', '--yes', '--json'])
    const { kept } = JSON.parse(out) as { kept: string }
    expect(code).toBe(0)
    expect(project.read(`.kittify/${kept}`)).toBe(before)
    expectUpgraded(project, '', null)
    expect((await project.run(PROBE)).code).toBe(PASSED)
  })

  it.each([
    ['a newer schema', historical([['schema_version: 2', 'schema_version: 4']])],
    ['a newer schema as text', historical([['schema_version: 2', "schema_version: '4.0'"]])],
  ])('refuses %s with 5, whatever it is told', async (_name, before) => {
    const project = start(before)
    expect((await project.run(PROBE)).code).toBe(5)
    for (const args of [[], ['--yes'], ['--dry-run'], ['--target', '3.2.6']]) {
      const { code, out } = await project.run(['upgrade', '--json', ...args])
      expect(code).toBe(5)
      expect(JSON.parse(out)).toMatchObject({ gate: { case: 'project_too_new_for_cli' } })
    }
    expect(project.metadata).toBe(before)
  })

  it.each([
    [
      'a newer version of the same schema',
      historical([
        ['3.1.0', '3.3.0'],
        ['schema_version: 2', 'schema_version: 3'],
      ]),
    ],
    [
      'the contract as another program wrote it',
      historical([
        ['3.1.0', '3.2.6'],
        ['schema_version: 2', 'schema_version: 3'],
      ]),
    ],
  ])('writes nothing to %s', async (_name, before) => {
    const project = start(before)
    const files = project.files()
    expect(await project.run(['upgrade'])).toMatchObject({
      code: 0,
      out: expect.stringContaining('up to date'),
    })
    expect(project.files()).toEqual(files)
  })

  it('never lowers a version, ours neither', async () => {
    const project = start(
      `${historical([['3.1.0', '9.9']])}kittiwake:\n  version: 7.0.0\n  more: 1\n`,
    )
    expect((await project.run(['upgrade'])).code).toBe(0)
    expect(parse(project.metadata)).toMatchObject({
      spec_kitty: { version: '9.9', schema_version: 3 },
      kittiwake: { version: '7.0.0', more: 1 },
    })
  })

  it('knows one target', async () => {
    const project = start(historical())
    for (const [target, word] of [
      ['3.2.5', 'older'],
      ['3.3.0', 'newer'],
      ['latest', 'a version such as'],
    ] as const) {
      const { code, out } = await project.run(['upgrade', '--json', '--target', target])
      expect({ code, document: JSON.parse(out) }).toMatchObject({
        code: 1,
        document: {
          ok: false,
          error: { code: 'UPGRADE_TARGET', message: expect.stringContaining(word) },
        },
      })
    }
    expect(project.metadata).toBe(historical())
    expect((await project.run(['upgrade', '--target', '3.2.6.0'])).code).toBe(0)
  })

  it('says what it would do and does nothing with --dry-run', async () => {
    const project = start(historical())
    project.write('kitty-specs/old/meta.json', '{"target_branch": "main"}')
    const files = project.files()
    const dry = await project.run(['upgrade', '--dry-run', '--json'])
    expect(dry.code).toBe(0)
    expect(JSON.parse(dry.out)).toMatchObject({
      ok: true,
      status: 'would_upgrade',
      dry_run: true,
      migrations: [
        { id: 'kittiwake.mission_ids', status: 'pending', paths: ['kitty-specs/old/meta.json'] },
        { id: 'kittiwake.status_logs', status: 'skipped' },
      ],
    })
    expect(project.files()).toEqual(files)
    const done = await project.run(['upgrade', '--json'])
    expect(JSON.parse(done.out)).toMatchObject({
      migrations: [{ id: 'kittiwake.mission_ids', status: 'applied' }, { status: 'skipped' }],
    })
  })

  it('starts from a folder below, and has a word where there is no project', async () => {
    const project = start(historical())
    const below = join(project.root, 'a/b')
    mkdirSync(below, { recursive: true })
    expect((await project.run(['upgrade'], below)).code).toBe(0)
    expect(existsSync(join(below, '.kittify'))).toBe(false)
    expect((await project.run(PROBE, below)).code).toBe(PASSED)
    rmSync(join(project.root, '.kittify'), { recursive: true })
    expect(await project.run(['upgrade'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('NO_PROJECT'),
    })
  })

  it('goes through the linked worktrees that have the file', async () => {
    const project = start(historical())
    project.git('add', '.')
    project.git('commit', '-qm', 'Old files')
    const [good, bad] = [`${project.folder}/good`, `${project.folder}/bad`]
    project.git('worktree', 'add', '-q', '-b', 'one', good)
    project.git('worktree', 'add', '-q', '-b', 'two', bad)
    project.write('.kittify/metadata.yaml', '- no mapping\n', bad)
    const { code, out } = await project.run(['upgrade', '--json'], good)
    expect(code).toBe(1)
    expect(JSON.parse(out)).toMatchObject({
      ok: true,
      success: false,
      status: 'upgraded',
      worktrees: [
        { root: bad, status: 'failed', error: { code: 'PROJECT_METADATA_CORRUPT' } },
        { root: good, status: 'upgraded', current_version: '3.1.0' },
      ],
    })
    for (const root of [project.root, good]) {
      expect(readMetadata(root)).toMatchObject({ schema: 3, version: '3.2.6' })
    }
    expect(project.read('.kittify/metadata.yaml', bad)).toBe('- no mapping\n')
    project.git('-C', bad, 'checkout', '.kittify')
    expect((await project.run(['upgrade'])).code).toBe(0)
  })
})

describe('a migration', () => {
  it('gives missions without an id one, the same in every clone, and keeps the rest', async () => {
    const meta = '{"created_at":"2025-01-02T03:04:05Z","target_branch":"main","of_others":[1]}'
    const [one, other] = [start(historical()), start(historical())]
    for (const project of [one, other]) {
      project.write('kitty-specs/007-old/meta.json', meta)
      project.write('kitty-specs/unreadable/meta.json', '{')
      expect((await project.run(['upgrade'])).code).toBe(0)
    }
    const given = JSON.parse(one.read('kitty-specs/007-old/meta.json')) as { mission_id: string }
    expect(given).toEqual({
      ...(JSON.parse(meta) as object),
      mission_id: expect.stringMatching(/^01JGJFGR48[0-9A-HJKMNP-TV-Z]{16}$/),
    })
    expect(other.read('kitty-specs/007-old/meta.json')).toContain(given.mission_id)
    expect(one.read('kitty-specs/unreadable/meta.json')).toBe('{')
    const { missions } = JSON.parse((await one.run(['mission', 'list', '--json'])).out) as {
      missions: unknown
    }
    expect(missions).toMatchObject([{ mission_id: given.mission_id }])
    expect(ledgerOf(one)).toMatchObject([
      { id: 'kittiwake.mission_ids', result: 'success' },
      { id: 'kittiwake.status_logs', result: 'skipped' },
    ])
  })

  it('that it can not do leaves the project as it was, with exit 1, once in the ledger', async () => {
    const project = start(historical())
    project.write('kitty-specs/old/meta.json', '{"mission_id":"x","target_branch":"main"}')
    project.write('kitty-specs/old/tasks/WP01.md', '---\nlane: doing\n---\n')
    project.write('kitty-specs/old/tasks/WP02.md', '---\nlane: planned\n---\n')
    const dry = await project.run(['upgrade', '--dry-run'])
    expect(dry.out).toMatch(/^ {2}manual .* 1 file$/m)
    expect(dry.out).toMatch(/spec-kitty upgrade.*\n {4}kitty-specs\/old\/tasks\/WP01\.md$/m)
    for (let run = 0; run < 2; run += 1) {
      const { code, out } = await project.run(['upgrade', '--json'])
      expect(JSON.parse(out)).toMatchObject({
        error: { message: expect.stringContaining('kitty-specs/old/tasks/WP01.md keep') },
      })
      expect({ code, document: JSON.parse(out) }).toMatchObject({
        code: 1,
        document: {
          ok: false,
          error: { code: 'UPGRADE_FAILED', hint: expect.stringMatching('spec-kitty') },
        },
      })
      expect(readMetadata(project.root)).toMatchObject({ schema: 2, version: '3.1.0' })
      expect((await project.run(PROBE)).code).toBe(4)
      expect(ledgerOf(project)).toMatchObject([{ id: 'kittiwake.status_logs', result: 'failed' }])
    }
    expect((await project.run(['init'])).code).toBe(4)
    project.write('kitty-specs/old/status.events.jsonl', '')
    expect((await project.run(['upgrade'])).code).toBe(0)
    expect(ledgerOf(project).map(({ result }) => result)).toEqual(['failed', 'skipped', 'skipped'])
  })

  it('that the disk refuses is recorded, and done by the next run', async () => {
    const project = start(historical())
    const elsewhere = join(project.folder, 'elsewhere')
    writeFileSync(elsewhere, '{"target_branch":"main"}')
    mkdirSync(join(project.root, 'kitty-specs/old'), { recursive: true })
    mkdirSync(join(project.root, 'real'))
    project.write('real/meta.json', '{"target_branch":"main"}')
    symlinkSync('../../real/meta.json', join(project.root, 'kitty-specs/old/meta.json'))
    const { code, out } = await project.run(['upgrade', '--json'])
    expect({ code, document: JSON.parse(out) }).toMatchObject({
      code: 1,
      document: { error: { message: expect.stringContaining('PATH_REFUSED') } },
    })
    expect(ledgerOf(project)).toMatchObject([{ result: 'failed', notes: 'PATH_REFUSED' }])
    rmSync(join(project.root, 'kitty-specs/old/meta.json'))
    project.write('kitty-specs/old/meta.json', '{"target_branch":"main"}')
    expect((await project.run(['upgrade'])).code).toBe(0)
  })
})

describe('before success is said', () => {
  it.each([
    ['the stamp', /  schema_version: 3\n/, ''],
    ['the version', /version: 3\.2\.6/, 'version: 3.2.5'],
    ['when it began', /2025-11-03T09:14:22/, '2025-11-03T09:14:23'],
  ])('%s is read again', async (_what, from, to) => {
    const project = start(historical())
    const before = readMetadata(project.root)
    const repository = await locateRepository(project.root)
    if (before.state !== 'present') throw new Error('not there')
    await project.run(['upgrade'])
    expect(await faultOf(repository, before)).toBeNull()
    project.metadata = project.metadata.replace(from, to)
    expect(await faultOf(repository, before)).not.toBeNull()
  })
})

describe('another program that writes the file', () => {
  /** `act` is done once, right after the call of that name on what `on` matches. */
  const meddler = (name: string, on: string, act: string): string => `
    import fs from 'node:fs'
    import { syncBuiltinESMExports } from 'node:module'
    const FILE = '.kittify/metadata.yaml'
    const { ${name} } = fs
    const { readFileSync, writeFileSync } = fs
    let isDone = false
    fs.${name} = (...args) => {
      const result = ${name}(...args)
      if (!isDone && /${on}/.test(args.join(' '))) {
        isDone = true
        ${act}
      }
      return result
    }
    syncBuiltinESMExports()
  `
  const without =
    "writeFileSync(FILE, readFileSync(FILE, 'utf8').replace(/  schema_version.*\\n/, ''))"

  it('and takes the stamp away: the upgrade is taken back, and no success is said', () => {
    const project = start(historical())
    const ran = meddledWith(project, meddler('renameSync', 'metadata\\.yaml$', without))
    expect(ran.status).toBe(1)
    expect(JSON.parse(ran.stdout)).toMatchObject({
      ok: false,
      error: { code: 'UPGRADE_UNVERIFIED', message: expect.stringContaining('taken back') },
    })
    expect(project.metadata).toBe(historical())
  })

  it('and takes the stamp of a new file away: there is none again', () => {
    const project = start(null)
    project.write('.kittify/config.yaml', '')
    const ran = meddledWith(project, meddler('renameSync', 'metadata\\.yaml$', without))
    expect(ran.status).toBe(1)
    expect(project.isInitialized).toBe(false)
  })

  it('in the middle of it is not overwritten', () => {
    const project = start(historical())
    const act = "writeFileSync(FILE, readFileSync(FILE, 'utf8') + '# saved\\n')"
    const ran = meddledWith(project, meddler('fsyncSync', '.', act))
    expect(JSON.parse(ran.stdout)).toMatchObject({ ok: false, error: { code: 'METADATA_BUSY' } })
    expect(project.metadata).toBe(`${historical()}# saved\n`)
    expect(upgradeIn(project, {}).status).toBe(0)
    expect(project.metadata).toContain('# saved\n')
  })

  function meddledWith(project: ProjectFiles, text: string) {
    const preload = join(project.folder, 'meddler.mjs')
    writeFileSync(preload, text)
    return upgradeIn(project, {}, [`--import=${pathToFileURL(preload).href}`])
  }
})

describe('init', () => {
  it('makes a project that is compatible, and changes nothing the second time', async () => {
    const project = start(null)
    expect((await project.run(['init'])).code).toBe(0)
    expect(parse(project.metadata)).toEqual({
      spec_kitty: {
        version: '3.2.6',
        initialized_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/),
        last_upgraded_at: null,
        schema_version: 3,
      },
      environment: {
        platform: process.platform,
        platform_version: expect.any(String),
        node_version: process.versions.node,
      },
      migrations: { applied: [] },
      kittiwake: { version: expect.stringMatching(/^\d+\.\d+\.\d+/) },
    })
    expect((await project.run(PROBE)).code).toBe(PASSED)
    const files = project.files()
    expect((await project.run(['init'])).code).toBe(0)
    expect(project.files()).toEqual(files)
  })

  it('says nothing of a project whose files are older', async () => {
    const project = start(null)
    project.write('kitty-specs/old/meta.json', '{"target_branch":"main"}')
    expect((await project.run(['init'])).code).toBe(0)
    expect(project.isInitialized).toBe(false)
    expect((await project.run(['upgrade'])).code).toBe(0)
    expect(readMetadata(project.root)).toMatchObject({ schema: 3 })
  })
})

describe('kill -9 in an upgrade', () => {
  it('is healed by the next one, wherever it falls', () => {
    const kills: readonly (readonly [string, string, number])[] = [
      ['stale', 'rename .*meta\\.json', 1],
      ['stale', 'rename .*metadata\\.yaml$', 2],
      ['stale', 'fsync .*metadata\\.yaml', 1],
      ['corrupt', 'rename .*unusable', 1],
      ['corrupt', 'rename .*metadata\\.yaml$', 2],
      ['corrupt', 'rename .*metadata\\.yaml$', 3],
    ]
    for (const [state, on, at] of kills) {
      const project = start(state === 'stale' ? historical() : '- no mapping\n')
      project.write('kitty-specs/old/meta.json', '{"target_branch":"main"}')
      const dead = upgradeIn(project, {
        KILL_STEP_THREAD: 'main',
        KILL_STEP_AT: String(at),
        KILL_STEP_ON: on,
      })
      expect({ on, at, signal: dead.signal, out: dead.stdout }).toEqual({
        on,
        at,
        signal: 'SIGKILL',
        out: '',
      })
      const left = readMetadata(project.root)
      const isDone = left.state === 'present' && left.schema === 3
      expect({ on, at, isDone }).toEqual({ on, at, isDone: false })
      const healed = upgradeIn(project, {})
      expect(JSON.parse(healed.stdout)).toMatchObject({ ok: true, success: true })
      expectUpgraded(
        project,
        state === 'stale' ? historical() : '',
        state === 'stale' ? TIME : null,
      )
      const ids = ledgerOf(project).map(({ id, result }) => `${id} ${result}`)
      expect(new Set(ids).size).toBe(ids.length)
      expect(
        readdirSync(join(project.root, '.kittify')).filter((name) => name.endsWith('.tmp')),
      ).toEqual([])
    }
  })
})

function start(metadata: string | null): ProjectFiles {
  const project = new ProjectFiles()
  onTestFinished(() => project.remove())
  if (metadata !== null) project.metadata = metadata
  return project
}

/** Of the file: the contract, and all that was there before; of the start what was known. */
function expectUpgraded(project: ProjectFiles, before: string, time: string | null): void {
  const old = (parse(before.replace('\uFEFF', '')) ?? {}) as Record<string, Record<string, unknown>>
  const now = parse(project.metadata.replace('\uFEFF', '')) as typeof old
  expect(now).toMatchObject({
    spec_kitty: {
      version: '3.2.6',
      schema_version: 3,
      initialized_at: time ?? expect.stringMatching(/^\d{4}-/),
      last_upgraded_at: expect.stringMatching(/\+00:00$/),
    },
    environment: { platform: process.platform, node_version: process.versions.node },
  })
  const kept = { ...old['spec_kitty'] }
  for (const key of ['version', 'schema_version', 'last_upgraded_at', 'initialized_at'])
    delete kept[key]
  expect(now['spec_kitty']).toMatchObject(kept)
  const rows = (old['migrations']?.['applied'] ?? []) as unknown[]
  const applied = (now['migrations']?.['applied'] ?? []) as unknown[]
  expect(applied.slice(0, rows.length)).toEqual(rows)
  const python = old['environment']?.['python_version']
  expect(now['environment']?.['python_version']).toBe(python)
}

/** Of the rows that we wrote. */
function ledgerOf(project: ProjectFiles): { id: string; result: string; notes: string | null }[] {
  const { migrations } = parse(project.metadata) as {
    migrations: { applied: { id: string; result: string; notes: string | null }[] }
  }
  return migrations.applied.filter(({ id }) => id?.startsWith('kittiwake.'))
}

function upgradeIn(
  project: ProjectFiles,
  kill: NodeJS.ProcessEnv,
  preload = kill['KILL_STEP_AT'] === undefined ? [] : [`--import=${KILL}`],
) {
  return spawnSync(process.execPath, [...preload, MAIN, 'upgrade', '--yes', '--json'], {
    cwd: project.root,
    env: { ...process.env, ...kill, KITTIWAKE_HOME: join(project.folder, 'state') },
    encoding: 'utf8',
  })
}
