/** A bulk edit held to its map: a real rename over a large tree, with one violation of each kind planted in it. */
import {
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  chmodSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { parse, stringify } from 'yaml'
import { writeBulkEditPlan } from '#dist/bulk-edit-plan.js'
import { locateRepository } from '#dist/project/git/locate.js'
import { readMission } from '#dist/project/missions/missions.js'
import { CATEGORIES } from '#dist/project/bulk-edit/occurrence-category.js'
import { MAP_SIZE_MAX_BYTES, parseOccurrenceMap } from '#dist/project/bulk-edit/occurrence-map.js'
import { replaceTerm, spellings } from '#dist/project/bulk-edit/term.js'
import { ProjectFiles } from '../support/project-files.ts'

type Finding = {
  readonly path: string
  readonly status: string | null
  readonly category: string | null
  readonly verdict: string
  readonly reason: string
  readonly lines: readonly string[]
  readonly count: number
}
type Check = {
  readonly passed: boolean
  readonly violations: number
  readonly findings: readonly Finding[]
}

const MISSION = 'renaming-01J00000'
const FOLDER = `kitty-specs/${MISSION}`
const FILES = 2_000
const RULES = Object.fromEntries(CATEGORIES.map((name) => [name, { action: 'rename' }]))
const RULED = {
  target: { term: 'oldName', operation: 'rename', replacement: 'newName' },
  categories: {
    ...RULES,
    serialized_keys: { action: 'do_not_change' },
    logs_telemetry: { action: 'do_not_change' },
    user_facing_strings: { action: 'manual_review' },
  },
  exceptions: [
    { path: 'vendor/**', action: 'do_not_change', reason: 'Not ours' },
    { path: 'assets/*.bin', action: 'rename' },
    { path: 'src/pinned.ts', action: 'rename', field_path: 'kind' },
  ],
  moves: [{ from: ['attic/'], to: 'archive/' }],
  structural_targets: [{ path: 'src/new/*.ts', reason: 'A file of its own' }],
}

describe('a rename over a large tree', () => {
  const project = new ProjectFiles()

  beforeAll(() => {
    mission(project, RULED)
    for (let at = 0; at < FILES; at += 1) project.write(pathOf(at), contentOf(at))
    project.write('config/app.yaml', 'other: 1\nkey: oldName\n')
    project.write('docs/größe & ähnlich.md', 'über oldName\nund mehr\n')
    project.write('vendor/deep/er/lib.ts', 'oldName()\n')
    project.write('assets/a.bin', Buffer.from([0, 1, 2]))
    project.write('pictures/b.png', Buffer.from([0, 1, 2]))
    project.write('attic/old.ts', 'export {}\n')
    project.write('src/pinned.ts', "const kind = 'x'\noldName(kind)\n")
    project.write('src/log.ts', "logger.info('oldName done')\nconst a = 1\n")
    project.write('src/plain.ts', 'const one = 1\nconst two = 2\noldName()\n')
    project.write('src/wrapped.ts', 'call(oldName, one)\n')
    project.write('src/mode.ts', 'const one = 1\n')
    project.write('src/link.ts', 'const one = 1\n')
    project.write('src/gone.ts', 'const one = 1\n')
    project.write('src/moved.ts', 'const one = 1\n')
    project.write('odd/file.unknown', 'oldName\n')
    project.git('add', '.')
    project.git('commit', '-qm', 'Before')
    project.git('checkout', '-q', '-b', 'lane')
  })
  afterAll(() => project.remove())

  it('raises no false alarm, and names what a person has to see', async () => {
    rename(project)
    commitAll(project, 'The rename')
    const { code, check } = await checked(project)
    expect(check.findings.filter(({ verdict }) => verdict === 'violation')).toEqual([])
    expect({ code, passed: check.passed }).toEqual({ code: 0, passed: true })
    const found = new Set(check.findings.map(({ category, reason }) => `${category} ${reason}`))
    for (const one of [
      'code_symbols category',
      'import_paths category',
      'tests_fixtures category',
      'cli_commands category',
      'filesystem_paths category',
      'user_facing_strings manual_review',
      'null field_pinned',
    ]) {
      expect(found).toContain(one)
    }
    expect(check.findings.length).toBeGreaterThan(FILES)
  })

  /** What is planted, the path that is told of, and how. */
  const PLANTED: readonly (readonly [string, string, Partial<Finding>, (root: string) => void])[] =
    [
      [
        'a protected category',
        'config/app.yaml',
        { reason: 'do_not_change', category: 'serialized_keys', lines: ['-2', '+2'] },
        (root) => writeFileSync(join(root, 'config/app.yaml'), 'other: 1\nkey: newName\n'),
      ],
      [
        'a log line',
        'src/log.ts',
        { reason: 'do_not_change', category: 'logs_telemetry', lines: ['-1', '+1'] },
        (root) =>
          writeFileSync(join(root, 'src/log.ts'), "logger.info('newName done')\nconst a = 1\n"),
      ],
      [
        'an exception, deep in a folder',
        'vendor/deep/er/lib.ts',
        { reason: 'exception' },
        (root) => writeFileSync(join(root, 'vendor/deep/er/lib.ts'), 'newName()\n'),
      ],
      [
        'a line that has nothing to do with it',
        'src/plain.ts',
        { reason: 'unrelated', lines: ['-2', '+2'] },
        (root) =>
          writeFileSync(join(root, 'src/plain.ts'), 'const one = 1\nconst two = 3\nnewName()\n'),
      ],
      [
        'more than the rename on its line',
        'src/plain.ts',
        { reason: 'not_only_renamed', lines: ['-3', '+3'] },
        (root) =>
          writeFileSync(join(root, 'src/plain.ts'), 'const one = 1\nconst two = 2\nnewName(7)\n'),
      ],
      [
        'an added line',
        'src/plain.ts',
        { reason: 'unrelated', lines: ['+4'] },
        (root) =>
          writeFileSync(
            join(root, 'src/plain.ts'),
            'const one = 1\nconst two = 2\nnewName()\nmore()\n',
          ),
      ],
      [
        'a deletion',
        'src/gone.ts',
        { reason: 'deleted', status: 'D' },
        (root) => unlinkSync(join(root, 'src/gone.ts')),
      ],
      [
        'a new file',
        'src/fresh.ts',
        { reason: 'added', status: 'A' },
        (root) => writeFileSync(join(root, 'src/fresh.ts'), 'newName()\n'),
      ],
      [
        'a move, by the path before',
        'src/moved.ts',
        { reason: 'deleted', status: 'D' },
        (root) => renameSync(join(root, 'src/moved.ts'), join(root, 'src/there.ts')),
      ],
      [
        'a move, by the path after',
        'src/there.ts',
        { reason: 'added', status: 'A' },
        () => undefined,
      ],
      [
        'a binary file',
        'pictures/b.png',
        { reason: 'binary' },
        (root) => writeFileSync(join(root, 'pictures/b.png'), Buffer.from([0, 9])),
      ],
      [
        'a name that is not ASCII',
        'docs/größe & ähnlich.md',
        { reason: 'unrelated', lines: ['-2', '+2'] },
        (root) =>
          writeFileSync(join(root, 'docs/größe & ähnlich.md'), 'über newName\nund weniger\n'),
      ],
      [
        'a mode',
        'src/mode.ts',
        { reason: 'mode_changed' },
        (root) => chmodSync(join(root, 'src/mode.ts'), 0o755),
      ],
      [
        'a link in the place of a file',
        'src/link.ts',
        { reason: 'type_changed', status: 'T' },
        (root) => {
          unlinkSync(join(root, 'src/link.ts'))
          symlinkSync('plain.ts', join(root, 'src/link.ts'))
        },
      ],
      [
        'a path of no known kind',
        'odd/file.unknown',
        { reason: 'unclassified' },
        (root) => writeFileSync(join(root, 'odd/file.unknown'), 'newName\n'),
      ],
      [
        'a file deeper than a structural target',
        'src/new/a/b.ts',
        { reason: 'added' },
        (root) => {
          mkdirSync(join(root, 'src/new/a'), { recursive: true })
          writeFileSync(join(root, 'src/new/a/b.ts'), '')
        },
      ],
    ]

  /** They would stand in the place of another one's line. */
  const ALONE = PLANTED.filter(([what]) => what === 'an added line' || what.startsWith('more than'))
  const TOGETHER = PLANTED.filter((one) => !ALONE.includes(one))

  it('finds all that is planted in it, at once and with nothing else', async () => {
    for (const [, , , plant] of TOGETHER) plant(project.root)
    commitAll(project, 'Violations')
    const { code, check } = await checked(project)
    project.git('reset', '-q', '--hard', 'HEAD~1')
    expect(code).toBe(1)
    const wanted = TOGETHER.map(([, path, finding]) =>
      expect.objectContaining({ path, ...finding }),
    )
    const violations = check.findings.filter(({ verdict }) => verdict === 'violation')
    expect(violations).toEqual(expect.arrayContaining(wanted))
    expect(violations).toHaveLength(wanted.length)
  })

  it.each(ALONE)('finds %s', async (what, path, finding, plant) => {
    plant(project.root)
    commitAll(project, what)
    const { code, check } = await checked(project)
    project.git('reset', '-q', '--hard', 'HEAD~1')
    expect(code).toBe(1)
    const violations = check.findings.filter(({ verdict }) => verdict === 'violation')
    expect(violations).toEqual([expect.objectContaining({ path, ...finding })])
  })

  it('lets pass what is moved, binary or new by the map, and what the mission writes itself', async () => {
    const { root } = project
    mkdirSync(join(root, 'archive'))
    renameSync(join(root, 'attic/old.ts'), join(root, 'archive/old.ts'))
    project.write('assets/a.bin', Buffer.from([0, 7]))
    project.write('src/new/file.ts', 'export {}\n')
    project.write(`${FOLDER}/status.events.jsonl`, '{}\n')
    project.write(`${FOLDER}/tasks/WP01.md`, 'x\n')
    commitAll(project, 'By the map')
    const { code, check } = await checked(project)
    project.git('reset', '-q', '--hard', 'HEAD~1')
    expect(code).toBe(0)
    const reasons = check.findings.map(
      ({ path, verdict, reason }) => `${path} ${verdict} ${reason}`,
    )
    for (const one of [
      'attic/old.ts allowed move',
      'archive/old.ts allowed move',
      'assets/a.bin allowed exception',
      'src/new/file.ts warning structural_target',
      `${FOLDER}/status.events.jsonl allowed bookkeeping`,
    ]) {
      expect(reasons).toContain(one)
    }
  })

  it('does not count what the target branch has changed meanwhile', async () => {
    project.git('checkout', '-q', 'main')
    project.write('src/mode.ts', 'const elsewhere = 1\n')
    commitAll(project, 'On main')
    project.git('checkout', '-q', 'lane')
    expect((await checked(project)).code).toBe(0)
    expect((await checked(project, '--base', 'main~1', '--head', 'main')).code).toBe(1)
  })

  it('fails closed where git can not answer, and says so', async () => {
    const { code, out } = await project.run(['bulk-edit', 'check', '--base', 'nowhere', '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(out)).toMatchObject({ ok: false, error: { code: 'REF_NOT_FOUND' } })
    const option = await project.run(['bulk-edit', 'check', '--base=--output=/tmp/x', '--json'])
    expect(JSON.parse(option.out)).toMatchObject({ ok: false, error: { code: 'REF_NOT_FOUND' } })
  })

  it('is shown to people as a table, what is wrong first', async () => {
    project.write('src/plain.ts', 'changed\n')
    commitAll(project, 'Wrong')
    const { code, out } = await project.run(['bulk-edit', 'check'])
    project.git('reset', '-q', '--hard', 'HEAD~1')
    expect(code).toBe(1)
    expect(out).toMatch(/^violation +unrelated +src\/plain\.ts/)
    expect(out).toMatch(/\d+ findings: 1 violation, \d+ to review\.\n$/)
  })

  it('runs no program that the repository names', async () => {
    const trace = join(project.folder, 'trace')
    const program = join(project.folder, 'evil.sh')
    writeFileSync(program, `#!/bin/sh\necho ran >> '${trace}'\ncat "$1"\n`, { mode: 0o755 })
    for (const key of [
      'diff.external',
      'diff.evil.textconv',
      'diff.evil.command',
      'core.fsmonitor',
    ]) {
      project.git('config', key, program)
    }
    project.write('.gitattributes', '* diff=evil\n')
    project.write('.git/info/attributes', '* diff=evil\n')
    expect((await checked(project)).code).toBe(0)
    rmSync(join(project.root, '.gitattributes'))
    expect(() => project.read('../trace')).toThrow('ENOENT')
  })

  it('is planned by a look at every file, on a pool, and the plan passes as a map', async () => {
    project.git('checkout', '-q', 'main')
    const { code, out } = await project.run([
      'bulk-edit',
      'plan',
      'oldName',
      '--replacement',
      'newName',
      '--json',
    ])
    expect(code).toBe(0)
    const plan = JSON.parse(out) as {
      files: number
      counts: Record<string, number>
      map: string
      unread: number
      opaque: unknown
    }
    expect(plan.files).toBeGreaterThan(FILES)
    expect(plan.unread).toBe(0)
    for (const name of CATEGORIES) expect(plan.counts[name], name).toBeGreaterThan(0)
    expect(plan.counts['unclassified']).toBe(1)
    const reading = parseOccurrenceMap(parse(plan.map))
    expect(reading).toMatchObject({ state: 'read', map: { shape: 'rules', term: 'oldName' } })
    const map = parse(plan.map) as {
      categories: Record<string, { occurrences: string[] }>
      exceptions: unknown
    }
    expect(map.categories['logs_telemetry']?.occurrences).toContain('src/log.ts:1')
    expect(map.exceptions).toMatchObject([{ path: 'odd/file.unknown' }])
    project.git('checkout', '-q', 'lane')
  })

  it('explains a path and its lines', async () => {
    const { out } = await project.run(['bulk-edit', 'explain', 'config/app.yaml', '--json'])
    expect(JSON.parse(out)).toMatchObject({
      path: 'config/app.yaml',
      category: 'serialized_keys',
      rule: null,
      lines: [
        { line: 2, category: 'serialized_keys', verdict: 'violation', reason: 'do_not_change' },
      ],
    })
    const vendor = await project.run(
      ['bulk-edit', 'explain', '../vendor/deep/x.ts', '--json'],
      join(project.root, 'src'),
    )
    expect(JSON.parse(vendor.out)).toMatchObject({
      path: 'vendor/deep/x.ts',
      rule: { reason: 'exception', verdict: 'violation' },
    })
    expect((await project.run(['bulk-edit', 'explain', '../..'])).code).toBe(2)
    expect((await project.run(['bulk-edit', 'explain', 'src/pinned.ts'])).out).toMatch(
      /^field that stays +kind$/m,
    )
  })
})

describe('a map of occurrences', () => {
  const LISTED = {
    mission_id: '01J00000000000000000000000',
    mission_slug: MISSION,
    target_string: 'old-command',
    related_strings: ['oldCommand'],
    generated_at: '2026-04-27T00:00:00Z',
    categories: {
      docs: {
        remove: [
          { path: 'docs/a.md', line: 2, reason: 'r' },
          { path: 'docs/gone.md', reason: 'r' },
        ],
        keep: [{ path: 'docs/a.md', line: 3, reason: 'r', keep_reason: 'History' }],
      },
      code: {
        remove: [
          { path: 'src/a.ts', line: 1, reason: 'r' },
          { path: 'src/a.ts', line: 2, reason: 'r' },
        ],
        keep: [],
      },
    },
    totals: { remove_count: 4, keep_count: 1 },
  }

  async function world(): Promise<ProjectFiles> {
    const project = new ProjectFiles()
    onTestFinished(() => project.remove())
    mission(project, LISTED)
    project.write('docs/a.md', 'one\nrun old-command\nonce old-command\nfour\n')
    project.write('docs/gone.md', 'old-command\n')
    project.write('src/a.ts', 'oldCommand()\noldCommand(2)\nrest()\n')
    project.write('src/other.ts', 'oldCommand()\n')
    project.write('src/b.bin', Buffer.from([0, 1]))
    project.git('add', '.')
    project.git('commit', '-qm', 'Before')
    project.git('checkout', '-q', '-b', 'lane')
    project.write('docs/a.md', 'one\nrun it\nonce old-command\nfour\n')
    project.write('src/a.ts', 'rest()\n')
    rmSync(join(project.root, 'docs/gone.md'))
    commitAll(project, 'Done')
    return project
  }

  it('passes where exactly what is listed was done', async () => {
    const { code, check } = await checked(await world())
    expect({ code, violations: check.violations }).toEqual({ code: 0, violations: 0 })
    expect(check.findings).toContainEqual(
      expect.objectContaining({
        path: 'src/a.ts',
        reason: 'listed',
        category: 'code',
        lines: ['-1', '-2'],
      }),
    )
  })

  it.each<[string, Partial<Finding>, (project: ProjectFiles) => void]>([
    [
      'a line that is kept',
      { path: 'docs/a.md', reason: 'kept_line', lines: ['-3'] },
      (project) => project.write('docs/a.md', 'one\nrun it\nonce\nfour\n'),
    ],
    [
      'a line that is not listed',
      { path: 'docs/a.md', reason: 'unlisted_line', lines: ['-4'] },
      (project) => project.write('docs/a.md', 'one\nrun it\nonce old-command\n'),
    ],
    [
      'a line too many',
      { path: 'docs/a.md', reason: 'extra_addition', lines: ['+5'] },
      (project) => project.write('docs/a.md', 'one\nrun it\nonce old-command\nfour\nfive\n'),
    ],
    [
      'more lines than there were',
      { path: 'docs/a.md', reason: 'extra_addition', lines: ['+3'] },
      (project) => project.write('docs/a.md', 'one\nrun it\nand more\nonce old-command\nfour\n'),
    ],
    [
      'the term again',
      { path: 'docs/a.md', reason: 'term_added', lines: ['+2'] },
      (project) => project.write('docs/a.md', 'one\nrun oldCommand\nonce old-command\nfour\n'),
    ],
    [
      'another file',
      { path: 'src/other.ts', reason: 'unlisted_line', lines: ['-1'] },
      (project) => project.write('src/other.ts', 'x()\n'),
    ],
    [
      'a file that is gone',
      { path: 'src/other.ts', status: 'D', reason: 'unlisted_line' },
      (project) => rmSync(join(project.root, 'src/other.ts')),
    ],
    [
      'a new file',
      { path: 'src/ünew.ts', reason: 'added' },
      (project) => project.write('src/ünew.ts', 'x()\n'),
    ],
    [
      'a binary file',
      { path: 'src/b.bin', reason: 'binary' },
      (project) => project.write('src/b.bin', Buffer.from([0, 2])),
    ],
    [
      'what is listed and was not done',
      { path: 'src/a.ts', status: null, reason: 'not_done', lines: ['-2'] },
      (project) => project.write('src/a.ts', 'oldCommand(2)\nrest()\n'),
    ],
    [
      'a file that was to go',
      { path: 'docs/gone.md', status: null, reason: 'not_done' },
      (project) => project.write('docs/gone.md', 'old-command\n'),
    ],
  ])('finds %s', async (what, finding, plant) => {
    const project = await world()
    plant(project)
    commitAll(project, what)
    const { code, check } = await checked(project)
    expect(code).toBe(1)
    const violations = check.findings.filter(({ verdict }) => verdict === 'violation')
    expect(violations).toContainEqual(expect.objectContaining(finding))
  })

  it.each<[string, string, (map: typeof LISTED) => unknown]>([
    [
      'a keep without its reason',
      'keep_reason',
      (map) => ({
        ...map,
        categories: { docs: { keep: [{ path: 'a', line: 1, reason: 'r' }] } },
        totals: { remove_count: 0, keep_count: 1 },
      }),
    ],
    [
      'totals that are wrong',
      'totals.remove_count: 4 is expected',
      (map) => ({ ...map, totals: { remove_count: 5, keep_count: 1 } }),
    ],
    ['no totals', 'totals.keep_count', (map) => ({ ...map, totals: undefined })],
    ['no mission', 'mission_id', (map) => ({ ...map, mission_id: undefined })],
    [
      'a line of no number',
      'remove[0].line',
      (map) => ({ ...map, categories: { a: { remove: [{ path: 'a', line: 'x', reason: 'r' }] } } }),
    ],
  ])('with %s is told of, and nothing passes', async (_what, fault, change) => {
    const project = await world()
    project.write(`${FOLDER}/occurrence_map.yaml`, stringify(change(LISTED)))
    const { code, out } = await project.run(['bulk-edit', 'check', '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(out)).toMatchObject({
      error: { code: 'MAP_UNUSABLE', message: expect.stringContaining(fault) },
    })
  })
})

describe('a map of rules', () => {
  it.each<[string, unknown, string]>([
    ['no mapping', ['a'], 'a mapping is expected at the top'],
    ['no target', { ...RULED, target: undefined }, 'target.term'],
    ['a null target', { ...RULED, target: null }, 'target.term'],
    ['a placeholder', { ...RULED, target: { term: 'Todo' } }, 'placeholder'],
    [
      'an operation of no kind',
      { ...RULED, target: { term: 'a', operation: 'rewrite' } },
      'target.operation',
    ],
    ['no categories', { ...RULED, categories: {} }, 'categories: a mapping'],
    [
      'a category missing',
      { ...RULED, categories: { ...RULED.categories, import_paths: undefined } },
      'categories.import_paths',
    ],
    [
      'too few',
      { ...RULED, categories: { code_symbols: { action: 'rename' } } },
      'cli_commands, filesystem_paths',
    ],
    [
      'an action of no kind',
      { ...RULED, categories: { ...RULES, code_symbols: { action: 'add' } } },
      'code_symbols.action',
    ],
    ['a move to nowhere', { ...RULED, moves: [{ from: [] }] }, 'moves[0].to'],
    [
      'a broad target',
      { ...RULED, structural_targets: [{ path: 'src/**/*.py', reason: 'r' }] },
      'structural_targets[0].path',
    ],
  ])('with %s is refused with all its faults', (_what, data, fault) => {
    const reading = parseOccurrenceMap(data)
    expect(reading).toMatchObject({ state: 'unusable' })
    expect(reading.state === 'unusable' && reading.faults.join('; ')).toContain(fault)
  })

  it('is read leniently: more keys, more categories', () => {
    const data = {
      ...RULED,
      summary: 'x',
      target: { ...RULED.target, notes: 'y' },
      categories: { ...RULED.categories, own: { action: 'rename', more: 1 } },
    }
    expect(parseOccurrenceMap(data)).toMatchObject({
      state: 'read',
      warnings: ['summary: not known, and kept'],
    })
  })

  it.each([
    ['MAP_MISSING', null],
    ['MAP_UNUSABLE', 'target: [\n'],
    ['MAP_UNUSABLE', 'a: &a [*b]\nb: &b x\n'],
  ])('is %s where it is %j', async (code, text) => {
    const project = new ProjectFiles()
    onTestFinished(() => project.remove())
    mission(project, null)
    if (text !== null) project.write(`${FOLDER}/occurrence_map.yaml`, text)
    const ended = await project.run(['bulk-edit', 'check', '--json'])
    expect(ended.code).toBe(1)
    expect(JSON.parse(ended.out)).toMatchObject({ ok: false, error: { code } })
  })

  it('is drafted into a mission once', async () => {
    const project = new ProjectFiles()
    onTestFinished(() => project.remove())
    mission(project, null)
    project.write('src/a.ts', 'oldName()\n')
    const args = ['bulk-edit', 'plan', 'oldName', '--mission', MISSION, '--write', '--json']
    expect(JSON.parse((await project.run(args)).out)).toMatchObject({
      ok: true,
      written: `${FOLDER}/occurrence_map.yaml`,
      counts: { code_symbols: 1 },
    })
    expect(JSON.parse((await project.run(args)).out)).toMatchObject({
      ok: false,
      error: { code: 'MAP_EXISTS' },
    })
    expect((await project.run(['bulk-edit', 'plan', 'oldName', '--write'])).code).toBe(2)
    expect((await project.run(['bulk-edit', 'plan', ' '])).code).toBe(1)
  })

  it('is not written where nobody could read it', async () => {
    const project = new ProjectFiles()
    onTestFinished(() => project.remove())
    mission(project, null)
    const repository = await locateRepository(project.root)
    const map = '#'.repeat(MAP_SIZE_MAX_BYTES + 1)
    const write = async () =>
      writeBulkEditPlan(repository, await readMission(repository, MISSION), map)
    await expect(write()).rejects.toThrow(expect.objectContaining({ code: 'MAP_TOO_LARGE' }))
  })

  it('is drafted as a list of occurrences, which holds for what is done by it, and for nothing else', async () => {
    const project = new ProjectFiles()
    onTestFinished(() => project.remove())
    mission(project, null)
    // More than the other files of a project may be long.
    const lines = Array.from({ length: 3_000 }, (_, at) => `use(${at}, oldName)`)
    project.write('src/a.ts', `${lines.join('\n')}\n`)
    project.write('config/app.yaml', 'a: 1\nold_name: 2\n')
    project.write('docs/old-name.md', 'plain\n')
    project.write('odd.unknown', 'oldName\n')
    const plan = ['bulk-edit', 'plan', 'oldName', '--listed']
    expect((await project.run([...plan, '--json'])).out).toContain('MISSION_MISSING')
    const ended = await project.run([...plan, '--mission', MISSION, '--write', '--json'])
    const { map, written } = JSON.parse(ended.out) as { map: string; written: string }
    expect(written).toBe(`${FOLDER}/occurrence_map.yaml`)
    expect(project.read(written)).toBe(map)
    expect(map.length).toBeGreaterThan(256 * 1024)
    expect(map).toContain('for `moves`: "docs/old-name.md"')
    expect(parseOccurrenceMap(parse(map))).toMatchObject({
      state: 'read',
      map: {
        shape: 'occurrences',
        term: 'oldName',
        removals: lines.map((_, at) => ({ path: 'src/a.ts', line: at + 1 })),
        keeps: [
          { path: 'config/app.yaml', line: 2, category: 'serialized_keys' },
          { path: 'odd.unknown', line: 1, category: 'unclassified' },
        ],
      },
    })
    commitAll(project, 'Before')
    project.git('checkout', '-q', '-b', 'lane')
    project.write('src/a.ts', `${lines.join('\n').replaceAll('oldName', 'newName')}\n`)
    commitAll(project, 'Done')
    expect(await checked(project)).toMatchObject({ code: 0, check: { violations: 0 } })
    project.write('config/app.yaml', 'a: 1\nnew_name: 2\n')
    commitAll(project, 'Too much')
    const { code, check } = await checked(project)
    expect([code, check.violations]).toEqual([1, 1])
    expect(check.findings).toContainEqual(
      expect.objectContaining({ path: 'config/app.yaml', reason: 'kept_line', lines: ['-2'] }),
    )
  })
})

function mission(project: ProjectFiles, map: unknown): void {
  project.write(
    `${FOLDER}/meta.json`,
    JSON.stringify({
      mission_id: '01J00000000000000000000000',
      target_branch: 'main',
      change_mode: 'bulk_edit',
    }),
  )
  if (map !== null) project.write(`${FOLDER}/occurrence_map.yaml`, stringify(map))
}

const KINDS = ['src/part', 'test/part', 'src/cli/commands', 'docs'] as const

function pathOf(at: number): string {
  const folder = KINDS[at % KINDS.length] ?? 'src'
  const name = at % 50 === 0 ? `old-name-${at}` : `file-${at}`
  return `${folder}/${Math.floor(at / 100)}/${name}.${folder === 'docs' ? 'md' : 'ts'}`
}

function contentOf(at: number): string {
  if (pathOf(at).endsWith('.md')) return `# Page ${at}\n\nThe old name is oldName.\n`
  return [
    `import { oldName } from './old-name-${at}.ts'`,
    `const before = ${at}`,
    `export class OldName${at} { use() { return oldName(before) } }`,
    "const file = 'lib/old_name.txt' // golden",
    'const after = before + 1',
    '',
  ].join('\n')
}

/** As a person with a good editor does it; what is protected stays. */
function rename(project: ProjectFiles): void {
  const pairs = spellings('oldName', 'newName')
  for (let at = 0; at < FILES; at += 1) {
    const [from, to] = [pathOf(at), replaceTerm(pathOf(at), pairs)]
    project.write(to, replaceTerm(contentOf(at), pairs))
    if (to !== from) unlinkSync(join(project.root, from))
  }
  project.write('docs/größe & ähnlich.md', 'über newName\nund mehr\n')
  project.write('src/pinned.ts', "const kind = 'x'\nnewName(kind)\n")
  project.write('src/plain.ts', 'const one = 1\nconst two = 2\nnewName()\n')
  // A formatter breaks the line where the name has become longer.
  project.write('src/wrapped.ts', 'call(\n  newName,\n  one,\n)\n')
}

function commitAll(project: ProjectFiles, message: string): void {
  project.git('add', '-A')
  project.git('commit', '-q', '-m', message)
}

async function checked(project: ProjectFiles, ...args: string[]) {
  const { code, out } = await project.run(['bulk-edit', 'check', '--json', ...args])
  return { code, check: JSON.parse(out) as Check }
}
