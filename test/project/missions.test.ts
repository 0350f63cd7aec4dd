import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ensureCoordinationWorktree } from '#dist/project/missions/coordination-worktree.js'
import { locateRepository } from '#dist/project/git/locate.js'
import { createMission } from '#dist/project/missions/mission-create.js'
import { readSnapshotMeta } from '#dist/project/missions/mission-meta.js'
import { missionSlug } from '#dist/project/missions/mission-names.js'
import { listMissions, readMission } from '#dist/project/missions/missions.js'
import { gitFailed } from '#dist/project/missions/worktree-add.js'
import type { CreatedMission, NewMission } from '#dist/project/missions/mission-create.js'
import type { Repository } from '#dist/project/types.js'
import { GitWrapper } from '../support/git-wrapper.ts'
import { codeOf, git, makeFolder, makeRepository, write } from './sandbox.ts'

const folder = makeFolder()
const locate = (name: string) => locateRepository(makeRepository(join(folder, name)))
const create = (
  repository: Repository,
  wanted: Partial<NewMission> = {},
): Promise<CreatedMission> =>
  createMission(repository, { slug: 'demo', topology: 'coord', ...wanted })
const metaPath = (root: string, directory: string) =>
  join(root, 'kitty-specs', directory, 'meta.json')

test('a mission gets a branch at the tip, its worktree, meta.json, and no commit', async () => {
  const repository = await locate('plain')
  const { root } = repository
  const tip = git(root, 'rev-parse', 'main')
  const mission = await create(repository)
  const mid8 = mission.mission_id.slice(0, 8)
  expect(mission).toMatchObject({
    directory: `demo-${mid8}`,
    slug: 'demo',
    topology: 'coord',
    target_branch: 'main',
    coordination_branch: `kitty/mission-demo-${mid8}`,
    branch: `kitty/mission-demo-${mid8}`,
    worktree: join(root, `.worktrees/demo-${mid8}-coord`),
  })
  expect(git(root, 'rev-parse', mission.branch)).toBe(tip)
  expect(git(mission.worktree, 'symbolic-ref', 'HEAD')).toBe(`refs/heads/${mission.branch}`)
  expect(git(mission.worktree, 'status', '--porcelain')).toBe('')
  expect(git(root, 'rev-list', '--all', '--count')).toBe('1')
  expect(git(root, 'status', '--porcelain')).toBe('?? kitty-specs/')
  expect(existsSync(join(root, '.gitignore'))).toBe(false)
  const exclude = readFileSync(join(root, '.git/info/exclude'), 'utf8').split('\n')
  await create(repository)
  expect(exclude.filter((line) => line === '.worktrees/')).toHaveLength(1)
  expect(readFileSync(join(root, '.git/info/exclude'), 'utf8').split('\n')).toEqual(exclude)
})

test('an entry of ours that was made by half stands in nobody’s way, and others stay (L9)', async () => {
  const repository = await locate('half-made')
  const { root } = repository
  const before = await create(repository)
  const entries = join(root, '.git/worktrees')
  const half = join(entries, 'demo-01ABCDEF-coord')
  const torn = join(entries, 'demo-01ABCDEG-coord')
  const foreign = join(entries, 'somebody')
  for (const entry of [half, torn, foreign]) {
    mkdirSync(entry)
    for (const [name, text] of Object.entries({ locked: 'initializing', gitdir: '/none/.git' })) {
      write(join(entry, name), `${text}\n`)
    }
  }
  write(join(half, 'commondir'), '')
  write(join(half, 'HEAD'), 'ref: refs/heads/main\n')
  // Half of what git writes there, and a branch that it had not yet told.
  write(join(torn, 'commondir'), '../')
  write(join(torn, 'HEAD'), `${'0'.repeat(40)}\n`)
  write(join(foreign, 'commondir'), '../..\n')
  write(join(foreign, 'HEAD'), '')
  expect(() => git(root, 'worktree', 'list')).toThrow('commondir')
  const mission = await create(repository)
  expect(git(root, 'worktree', 'list')).toContain(mission.directory)
  expect(readdirSync(entries).sort()).toEqual(
    [`${before.directory}-coord`, `${mission.directory}-coord`, 'somebody'].sort(),
  )
})

test('meta.json has sorted keys, two spaces, a line end, and all that readers require', async () => {
  const repository = await locate('meta')
  const { directory, mission_id, branch } = await create(repository, { slug: '042-offline-queue' })
  const text = readFileSync(metaPath(repository.root, directory), 'utf8')
  const meta = JSON.parse(text) as Record<string, unknown>
  expect(text).toBe(`${JSON.stringify(meta, null, 2)}\n`)
  expect(Object.keys(meta)).toEqual(Object.keys(meta).sort())
  expect(meta).toMatchObject({
    coordination_branch: branch,
    flattened: false,
    friendly_name: 'Offline queue',
    mission_id,
    mission_number: null,
    mission_slug: directory,
    mission_type: 'software-dev',
    slug: directory,
    status_phase: '1',
    target_branch: 'main',
    topology: 'coord',
  })
  expect(meta['created_at']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/)
  expect(meta['purpose_tldr']).not.toBe('')
  expect(meta['purpose_context']).not.toBe('')
  expect(directory).toBe(`offline-queue-${mission_id.slice(0, 8)}`)
})

test('from a linked worktree, the mission goes to the main checkout', async () => {
  const main = await locate('from-linked')
  const worktree = join(folder, 'linked')
  git(main.root, 'worktree', 'add', '--quiet', '-b', 'side', worktree)
  const mission = await create(await locateRepository(worktree))
  expect(mission.target_branch).toBe('side')
  expect(existsSync(metaPath(main.root, mission.directory))).toBe(true)
  expect(existsSync(join(worktree, 'kitty-specs'))).toBe(false)
  // Inside a mission's worktree the primary checkout decides.
  expect((await create(await locateRepository(mission.worktree))).target_branch).toBe('main')
})

test('names with spaces and other scripts are no obstacle', async () => {
  const repository = await locate("Ä b'c/日本 $(x)")
  git(repository.root, 'switch', '--quiet', '-c', 'zweig/grün')
  const mission = await create(repository)
  expect(mission.target_branch).toBe('zweig/grün')
  expect(git(mission.worktree, 'symbolic-ref', '--short', 'HEAD')).toBe(mission.branch)
})

test('the same slug again, at once and at the same time, makes other missions', async () => {
  const repository = await locate('again')
  const made = [
    await create(repository),
    ...(await Promise.all([1, 2, 3].map(() => create(repository)))),
  ]
  expect(new Set(made.map(({ directory }) => directory)).size).toBe(4)
  const { missions, unreadable } = await listMissions(repository)
  expect(missions.map(({ mission_id }) => mission_id).sort()).toEqual(
    made.map((m) => m.mission_id).sort(),
  )
  expect(unreadable).toEqual([])
  git(repository.root, 'switch', '--quiet', '-c', 'own')
  const single = { topology: 'single_branch', slug: 'one' } as const
  const singles = await Promise.all([1, 2, 3].map(() => create(repository, single)))
  expect(new Set(singles.map(({ directory }) => directory)).size).toBe(3)
})

test('a mission on a single branch stays on it, and is refused on a protected one', async () => {
  const repository = await locate('single')
  const { root } = repository
  expect(await codeOf(create(repository, { topology: 'single_branch' }))).toBe('PROTECTED_BRANCH')
  git(root, 'switch', '--quiet', '-c', 'work')
  const mission = await create(repository, { topology: 'single_branch' })
  expect(mission).toMatchObject({ branch: 'work', worktree: root, coordination_branch: null })
  expect(existsSync(join(root, '.worktrees'))).toBe(false)
  git(root, 'branch', 'elsewhere')
  const away = create(repository, { topology: 'single_branch', target: 'elsewhere' })
  expect(await codeOf(away)).toBe('HEAD_MISMATCH')
  expect(readdirSync(join(root, 'kitty-specs'))).toEqual([mission.directory])
})

test('what can not be done is refused before anything is made', async () => {
  const empty = join(folder, 'empty')
  mkdirSync(empty)
  git(empty, 'init', '--quiet', '--initial-branch=main')
  expect(await codeOf(create(await locateRepository(empty)))).toBe('UNBORN_BRANCH')
  const repository = await locate('refused')
  const { root } = repository
  for (const target of ['-x', '--upload-pack=x', 'a..b', '../x', 'refs/heads/']) {
    expect(await codeOf(create(repository, { target })), target).toBe('BRANCH_NAME')
  }
  expect(await codeOf(create(repository, { target: 'none' }))).toBe('BRANCH_NOT_FOUND')
  git(root, 'switch', '--quiet', '--detach')
  expect(await codeOf(create(repository))).toBe('DETACHED_HEAD')
  git(root, 'config', 'extensions.refStorage', 'reftable')
  expect(await codeOf(create(repository))).toBe('REPOSITORY_UNSUPPORTED')
  for (const place of [empty, root]) {
    expect(existsSync(join(place, 'kitty-specs'))).toBe(false)
    expect(existsSync(join(place, '.worktrees'))).toBe(false)
  }
})

const BAD_SLUGS = [
  '',
  ' ',
  'A',
  'a_b',
  '-a',
  'a-',
  '../x',
  '/etc',
  'C:\\x',
  'a\0',
  '.git',
  'a/b',
  'con',
  'nul',
  'com1',
  '001-con',
  'a'.repeat(65),
  'é',
  'é',
  'a.',
  '--upload-pack=x',
  'a\n',
]
test.each(BAD_SLUGS)('the slug %j is refused, not cleaned (S01)', async (slug) => {
  expect(await codeOf(Promise.resolve().then(() => missionSlug(slug)))).toBe('MISSION_SLUG')
})

test('good slugs stay, and an old number in front goes', () => {
  for (const slug of ['a', 'a-b', '7', '12-x', '1234-x', 'a'.repeat(64), 'console'])
    expect(missionSlug(slug)).toBe(slug)
  expect(missionSlug('042-x')).toBe('x')
  expect(missionSlug('042')).toBe('042')
})

test('nothing that a repository plants is run (S08)', async () => {
  const repository = await locate('planted')
  const { root } = repository
  const canary = join(folder, 'canary')
  const script = write(join(folder, 'planted.sh'), `#!/bin/sh\necho "$0" >> '${canary}'\ncat\n`)
  chmodSync(script, 0o755)
  write(join(root, '.gitattributes'), '* filter=evil\n')
  git(root, 'add', '.gitattributes')
  git(root, 'commit', '--quiet', '-m', 'Attributes')
  for (const hook of ['post-checkout', 'reference-transaction', 'post-index-change']) {
    chmodSync(write(join(root, '.git/hooks', hook), readFileSync(script)), 0o755)
  }
  git(root, 'config', 'core.fsmonitor', script)
  git(root, 'config', 'filter.evil.smudge', script)
  git(root, 'config', 'filter.evil.required', 'true')
  expect(existsSync(canary)).toBe(false)
  const { worktree } = await create(repository)
  expect(readFileSync(join(worktree, 'README'), 'utf8')).toBe('hello\n')
  expect(existsSync(canary)).toBe(false)
  // The trap is live: git by itself springs it.
  git(root, 'worktree', 'add', '--quiet', '--detach', join(folder, 'sprung'))
  expect(readFileSync(canary, 'utf8')).toContain('post-checkout')
  expect(readFileSync(canary, 'utf8')).toContain('planted.sh')
})

test('a crash between branch and meta.json leaves nothing in the way', async () => {
  const repository = await locate('crash')
  const first = await create(repository)
  git(repository.root, 'clean', '-fdq', 'kitty-specs')
  const second = await create(repository)
  expect(second.directory).not.toBe(first.directory)
  expect((await listMissions(repository)).missions).toHaveLength(1)
})

test('when git can not make the worktree, its branch is taken back', async () => {
  const repository = await locate('half')
  write(join(repository.root, '.git', 'worktrees'), 'a file in the way')
  expect(await codeOf(create(repository))).toBe('GIT_FAILED')
  expect(git(repository.root, 'branch', '--format=%(refname:short)')).toBe('main')
  expect(existsSync(join(repository.root, 'kitty-specs'))).toBe(false)
})

test('a lock that git could not take away from a new worktree holds up no commit there (F09)', async () => {
  const repository = await locate('lock')
  const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim()
  const wrapper = new GitWrapper(`case "$*" in *'worktree add'*)
    '${real}' "$@" || exit
    for entry in .git/worktrees/*; do : > "$entry/HEAD.lock"; done
    exit 0;; esac`)
  onTestFinished(() => wrapper.remove())
  const mission = await create(repository)
  const locks = () =>
    readdirSync(join(repository.root, '.git/worktrees'), {
      recursive: true,
      encoding: 'utf8',
    }).filter((name) => name.endsWith('HEAD.lock'))
  expect(wrapper.runs('add')).toHaveLength(1)
  expect(locks()).toEqual([])
  rmSync(mission.worktree, { recursive: true })
  expect((await ensureCoordinationWorktree(repository, mission)).worktree).toBe(mission.worktree)
  expect(wrapper.runs('add')).toHaveLength(2)
  expect(locks()).toEqual([])
})

test('what git could not do is said in words that help', async () => {
  const repository = await locate('in-the-way')
  git(repository.root, 'branch', 'kitty')
  const hint = expect.stringContaining('git branch -m kitty') as string
  await expect(create(repository)).rejects.toMatchObject({ code: 'GIT_FAILED', hint })
  const stderr = 'error: unable to write file a: No space left on device'
  expect(gitFailed({ code: 128, stdout: '', stderr }).hint).toMatch(/^Free some space/)
})

test('links that lead out of the repository are refused (S02)', async () => {
  const outside = join(folder, 'outside')
  mkdirSync(outside)
  for (const name of ['kitty-specs', '.worktrees']) {
    const repository = await locate(`link-${name}`)
    symlinkSync(outside, join(repository.root, name))
    expect(await codeOf(create(repository)), name).toBe('PATH_REFUSED')
    expect(git(repository.root, 'branch', '--format=%(refname:short)')).toBe('main')
  }
  expect(readdirSync(outside)).toEqual([])
})

test('a mission is found by directory, id and slug; two of one slug are ambiguous', async () => {
  const repository = await locate('find')
  const { branch, worktree, ...mission } = await create(repository)
  for (const name of [
    mission.directory,
    mission.mission_id,
    mission.mission_id.toLowerCase(),
    'demo',
  ]) {
    expect(await readMission(repository, name), name).toEqual(mission)
  }
  await create(repository)
  expect(await codeOf(readMission(repository, 'demo'))).toBe('MISSION_AMBIGUOUS')
  expect(await readMission(repository, mission.directory)).toEqual(mission)
  for (const name of [
    '',
    'none',
    '..',
    '../find',
    '/',
    'a\0b',
    mission.directory.toLowerCase(),
    branch,
    worktree,
  ]) {
    expect(await codeOf(readMission(repository, name)), name).toBe('MISSION_NOT_FOUND')
  }
})

test('metadata of other writers is read; what is unusable is named', async () => {
  const repository = await locate('others')
  const id = '01KT119YJ7G8Q3V5W6X7Y8Z9A0'
  const put = (directory: string, meta: unknown) =>
    write(
      metaPath(repository.root, directory),
      typeof meta === 'string' ? meta : JSON.stringify(meta),
    )
  put('042-old', { mission_id: id, target_branch: 'main', mission_number: '042' })
  write(join(repository.root, 'kitty-specs/lanes-01KT119Y/lanes.json'), '{}')
  put('lanes-01KT119Y', { mission_id: id, target_branch: 'main' })
  put('coord-01KT119Y', {
    mission_id: id,
    target_branch: 'main',
    coordination_branch: 'kitty/mission-coord-01KT119Y',
  })
  const bad: Record<string, unknown> = {
    json: '{',
    list: '[]',
    noid: { target_branch: 'main' },
    badid: { mission_id: '../x', target_branch: 'main' },
    target: { mission_id: id, target_branch: '--x' },
    topology: { mission_id: id, target_branch: 'main', topology: 'x' },
    branch: { mission_id: id, target_branch: 'main', topology: 'coord' },
    proto: `{"__proto__": {}, "mission_id": "${id}"}`,
    escape: {
      mission_id: id,
      target_branch: 'main',
      topology: 'coord',
      coordination_branch: '../../x',
    },
  }
  for (const [name, meta] of Object.entries(bad)) put(`bad-${name}`, meta)
  mkdirSync(join(repository.root, 'kitty-specs/husk'))
  const { missions, unreadable } = await listMissions(repository)
  expect(missions.map(({ directory, slug, topology }) => [directory, slug, topology])).toEqual([
    ['042-old', '042-old', 'single_branch'],
    ['coord-01KT119Y', 'coord', 'coord'],
    ['lanes-01KT119Y', 'lanes', 'lanes'],
  ])
  expect(unreadable.map(({ directory }) => directory)).toEqual(
    Object.keys(bad)
      .map((n) => `bad-${n}`)
      .sort(),
  )
  expect(await codeOf(readMission(repository, 'bad-json'))).toBe('MISSION_UNREADABLE')
  expect(await codeOf(readMission(repository, 'husk'))).toBe('MISSION_NOT_FOUND')
  expect(await codeOf(readMission(repository, id))).toBe('MISSION_AMBIGUOUS')
  put('torn-01KT119Y', '{"mission_id"')
  expect(await codeOf(readMission(repository, 'torn'))).toBe('MISSION_UNREADABLE')
})

test.each([
  [7, '7'],
  ['042', '42'],
  [null, ''],
  ['TBD', ''],
])('a snapshot takes the number %j as %j', (mission_number, text) => {
  const root = join(folder, `number-${text || String(mission_number)}`)
  write(metaPath(root, 'm'), JSON.stringify({ mission_number, mission_type: 'research' }))
  const expected = { mission_number: text, mission_type: 'research' }
  expect(readSnapshotMeta(root, 'm')).toEqual(expected)
})
