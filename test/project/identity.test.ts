import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { ensureIdentity, readIdentity } from '#dist/project/identity.js'
import { locateRepository } from '#dist/project/git/locate.js'
import { machineOf } from '#dist/project/machine.js'
import { plainNodeIdOf } from '#dist/project/node-id.js'
import { uuidV5 } from '#dist/contracts/values/uuid-v5.js'
import { buildIdOf, parseUuid } from '#dist/project/uuid.js'
import { UUID_V4_PATTERN } from '#dist/contracts/event.js'
import { bounded } from '../support/bounded.ts'
import { codeOf, git, makeFolder, makeRepository, write } from './sandbox.ts'

const folder = makeFolder()
const DIST = fileURLToPath(new URL('../../dist', import.meta.url))
const CHILD = fileURLToPath(new URL('./init-child.mjs', import.meta.url))
const MACHINE = { node_id: '0123456789ab' }
const UUID = '0b6ab8a4-3e05-4b0c-8f6e-8a4a6e3c1d2f'
const configOf = (root: string): string => join(root, '.kittify/config.yaml')
const textOf = (root: string): string => readFileSync(configOf(root), 'utf8')

async function repositoryWith(name: string, config?: string | Uint8Array) {
  const root = makeRepository(join(folder, name))
  if (config !== undefined) write(configOf(root), config)
  return locateRepository(root)
}

test('init mints once; the second time it changes nothing and answers the same', async () => {
  const repository = await repositoryWith('once')
  git(repository.root, 'remote', 'add', 'origin', 'https://ann:s3cret@host/Acme/My_App.git')
  const first = await ensureIdentity(repository, MACHINE)
  expect(first.created).toBe(true)
  expect(first.identity.uuid).toMatch(UUID_V4_PATTERN)
  expect(first.identity).toMatchObject({ slug: 'my-app', ...MACHINE })
  expect(first.identity.build_id).toBe(buildIdOf(first.identity.uuid, MACHINE.node_id))
  const text = textOf(repository.root)
  expect(text).not.toContain('s3cret')
  const second = await ensureIdentity(repository, { node_id: 'ffffffffffff' })
  expect(second).toEqual({ identity: first.identity, created: false })
  expect(await readIdentity(repository)).toEqual({ state: 'present', identity: first.identity })
  expect(textOf(repository.root)).toBe(text)
  expect(readdirSync(join(repository.root, '.kittify'))).toEqual(['config.yaml'])
})

test('where git has an identity that the checkout lacks, no second one is minted', async () => {
  const { root } = await repositoryWith('team', `project:\n  uuid: ${UUID}\n`)
  git(root, 'add', '.kittify')
  git(root, 'commit', '--quiet', '-m', 'Identity')
  const clone = join(folder, 'sparse')
  git(folder, 'clone', '--quiet', '--sparse', root, clone)
  const repository = await locateRepository(clone)
  expect(await codeOf(ensureIdentity(repository, MACHINE))).toBe('CONFIG_UNUSABLE')
  expect(existsSync(configOf(clone))).toBe(false)
  git(clone, 'sparse-checkout', 'add', '.kittify')
  expect((await ensureIdentity(repository, MACHINE)).identity.uuid).toBe(UUID)
})

test('the identity minted from a linked worktree is the main checkout’s', async () => {
  const main = await repositoryWith('main')
  const worktree = join(folder, 'linked')
  git(main.root, 'worktree', 'add', '--quiet', '-b', 'side', worktree)
  const { identity } = await ensureIdentity(await locateRepository(worktree), MACHINE)
  expect(await readIdentity(main)).toEqual({ state: 'present', identity })
  expect(existsSync(join(worktree, '.kittify'))).toBe(false)
})

test('reading never mints and never writes', async () => {
  const repository = await repositoryWith('reader')
  expect(await readIdentity(repository)).toEqual({ state: 'absent' })
  expect(existsSync(join(repository.root, '.kittify'))).toBe(false)
  expect(existsSync(join(repository.commonDir, 'kittiwake'))).toBe(false)
  write(configOf(repository.root), `project: {uuid: ${UUID}}\n`)
  const node_id = plainNodeIdOf(machineOf())
  expect(await readIdentity(repository)).toEqual({
    state: 'present',
    identity: { uuid: UUID, slug: 'reader', node_id, build_id: buildIdOf(UUID, node_id) },
  })
  expect(textOf(repository.root)).toBe(`project: {uuid: ${UUID}}\n`)
})

test('missing fields are filled, those that are there stay', async () => {
  const repository = await repositoryWith(
    'partial',
    `# mine\nproject:\n  uuid: ${UUID}\n  extra: kept\nz: 1\n`,
  )
  const { identity, created } = await ensureIdentity(repository, MACHINE)
  expect(created).toBe(false)
  expect(identity).toMatchObject({ uuid: UUID, slug: 'partial', ...MACHINE })
  expect(textOf(repository.root)).toBe(
    `# mine\nproject:\n  uuid: ${UUID}\n  extra: kept\n  slug: partial\n  node_id: 0123456789ab\n` +
      `  build_id: ${identity.build_id}\nz: 1\n`,
  )
})

test('the permission bits of the file stay', async () => {
  const repository = await repositoryWith('mode', 'a: 1\n')
  chmodSync(configOf(repository.root), 0o600)
  await ensureIdentity(repository, MACHINE)
  expect(statSync(configOf(repository.root)).mode & 0o777).toBe(0o600)
})

// [written, read]; null is a fault.
const SHAPES: readonly (readonly [string, string | null])[] = [
  [UUID, UUID],
  [UUID.toUpperCase(), UUID],
  [`"{${UUID}}"`, UUID],
  [`urn:uuid:${UUID}`, UUID],
  [UUID.replaceAll('-', ''), UUID],
  [`"  ${UUID} "`, UUID],
  ['00000000-0000-0000-0000-000000000000', null],
  ['not-a-uuid', null],
  [`${UUID}0`, null],
  [`"{${UUID}"`, null],
  [`[${UUID}]`, null],
  ['12345', null],
  [`${UUID.slice(0, -1)}é`, null],
]
test.each(SHAPES)('the uuid written as %s is read as %s', async (written, expected) => {
  const name = `shape-${createHash('sha1').update(written).digest('hex').slice(0, 8)}`
  const repository = await repositoryWith(name, `project:\n  uuid: ${written}\n`)
  const reading = await readIdentity(repository)
  if (expected === null) {
    expect(reading).toMatchObject({ state: 'unusable' })
    expect(await codeOf(ensureIdentity(repository, MACHINE))).toBe('CONFIG_UNUSABLE')
    expect(textOf(repository.root)).toBe(`project:\n  uuid: ${written}\n`)
  } else {
    expect(reading).toMatchObject({ state: 'present', identity: { uuid: expected } })
  }
})

test('digits of a node id are taken as written, not as a number', async () => {
  for (const digits of ['012345678901', '1234567890e5', '000000000000']) {
    const config = `project:\n  uuid: ${UUID}\n  node_id: ${digits}\n`
    const reading = await readIdentity(await repositoryWith(`digits-${digits}`, config))
    expect(reading).toMatchObject({ identity: { node_id: digits } })
  }
})

test('all faults are told together', async () => {
  const repository = await repositoryWith(
    'faults',
    'project:\n  uuid: x\n  slug: [a]\n  node_id: 12\n  build_id: {}\n',
  )
  const reading = await readIdentity(repository)
  expect(reading.state === 'unusable' && reading.faults.length).toBe(4)
  await expect(ensureIdentity(repository, MACHINE)).rejects.toThrow(/uuid.*slug.*node_id.*build_id/)
})

test('a uuid of another version is reported and stays', async () => {
  const text = 'project:\n  uuid: 0b6ab8a4-3e05-1b0c-8f6e-8a4a6e3c1d2f\n'
  const repository = await repositoryWith('v1', text)
  expect(await codeOf(ensureIdentity(repository, MACHINE))).toBe('IDENTITY_NOT_V4')
  expect(await readIdentity(repository)).toMatchObject({ state: 'unusable' })
  expect(textOf(repository.root)).toBe(text)
})

test('a repo_slug that names no owner is passed over', async () => {
  const read = async (name: string, value: string) => {
    const repository = await repositoryWith(name, `project: {uuid: ${UUID}, repo_slug: ${value}}\n`)
    const reading = await readIdentity(repository)
    return reading.state === 'present' ? reading.identity.repo_slug : reading.state
  }
  expect(await read('rs1', 'acme/app')).toBe('acme/app')
  expect(await read('rs2', 'app')).toBeUndefined()
  expect(await read('rs3', 'acme/')).toBeUndefined()
})

const CORRUPT = {
  conflict: '<<<<<<< HEAD\nproject: {}\n=======\n>>>>>>> x\n',
  syntax: 'project: [\n',
  list: '- a\n',
  scalar: 'project: 3\n',
  twice: 'a: 1\na: 2\n',
  documents: 'a: 1\n---\nb: 1\n',
  // Others read what a merge key takes over: a second identity would part the project from its team.
  merged: `team: &team {uuid: ${UUID}}\nproject:\n  <<: *team\n  slug: a\n`,
  above: `team: &team {project: {uuid: ${UUID}}}\n<<: *team\n`,
  version: `%YAML 1.1\n---\nteam: &team {uuid: ${UUID}}\nproject: {<<: *team}\n`,
  alias: `team: &team {uuid: ${UUID}}\nproject: *team\n`,
}
test.each(Object.entries(CORRUPT))(
  'a corrupted file (%s) is reported and not touched (L14)',
  async (name, text) => {
    const repository = await repositoryWith(`corrupt-${name}`, text)
    expect(await codeOf(ensureIdentity(repository, MACHINE))).toBe('CONFIG_UNUSABLE')
    expect(textOf(repository.root)).toBe(text)
    expect(readdirSync(join(repository.root, '.kittify'))).toEqual(['config.yaml'])
  },
)

test('a merge key that stands elsewhere, or in quotes, is in nobody’s way', async () => {
  const text = 'a: &a {b: 1}\nc: {<<: *a}\nproject: {"<<": x}\n'
  const repository = await repositoryWith('merge-elsewhere', text)
  const { created } = await ensureIdentity(repository, MACHINE)
  expect(created).toBe(true)
  expect(textOf(repository.root)).toMatch(/project: \{ ?"<<": x/)
})

test('a symbolic link at .kittify or config.yaml is refused, and its target stays', async () => {
  const target = join(folder, 'target')
  write(join(target, 'config.yaml'), 'a: 1\n')
  const one = await repositoryWith('link-folder')
  symlinkSync(target, join(one.root, '.kittify'))
  expect(await codeOf(ensureIdentity(one, MACHINE))).toBe('PATH_REFUSED')
  const two = await repositoryWith('link-file')
  mkdirSync(join(two.root, '.kittify'))
  symlinkSync(join(target, 'config.yaml'), configOf(two.root))
  expect(await codeOf(ensureIdentity(two, MACHINE))).toBe('PATH_REFUSED')
  const three = await repositoryWith('link-dangling')
  mkdirSync(join(three.root, '.kittify'))
  symlinkSync(join(folder, 'nowhere'), configOf(three.root))
  expect(await codeOf(ensureIdentity(three, MACHINE))).toBe('PATH_REFUSED')
  expect(readdirSync(target)).toEqual(['config.yaml'])
  expect(readFileSync(join(target, 'config.yaml'), 'utf8')).toBe('a: 1\n')
})

test('leftovers of a process that died are swept', async () => {
  const repository = await repositoryWith('leftover', 'a: 1\n')
  write(join(repository.root, '.kittify/.config.yaml.kittiwake-00.tmp'), 'half')
  write(join(repository.root, '.kittify/.config.yaml.other.tmp'), 'not ours')
  await ensureIdentity(repository, MACHINE)
  expect(readdirSync(join(repository.root, '.kittify')).sort()).toEqual([
    '.config.yaml.other.tmp',
    'config.yaml',
  ])
})

test('a damaged lock file is told, and nothing is written', async () => {
  const repository = await repositoryWith('bad-lock')
  write(join(repository.commonDir, 'kittiwake/identity.db'), 'garbage '.repeat(1000))
  expect(await codeOf(ensureIdentity(repository, MACHINE))).toBe('LOCK_UNUSABLE')
  expect(existsSync(configOf(repository.root))).toBe(false)
})

test('minting waits for the holder of the lock', async () => {
  const repository = await repositoryWith('held')
  const path = join(repository.commonDir, 'kittiwake/identity.db')
  mkdirSync(join(repository.commonDir, 'kittiwake'))
  const holder = new Database(path)
  holder.exec('BEGIN EXCLUSIVE')
  const waiting = ensureIdentity(repository, MACHINE)
  await new Promise((resolve) => setImmediate(resolve))
  expect(existsSync(configOf(repository.root))).toBe(false)
  // The holder was first, so its identity is everybody's.
  write(configOf(repository.root), `project:\n  uuid: ${UUID}\n`)
  holder.close()
  expect(await waiting).toMatchObject({ created: false, identity: { uuid: UUID } })
})

test('many callers in one process mint one uuid', async () => {
  const repository = await repositoryWith('callers')
  const calls = Array.from({ length: 20 }, () => ensureIdentity(repository, MACHINE))
  const results = await Promise.all(calls)
  expect(new Set(results.map(({ identity }) => identity.uuid)).size).toBe(1)
  expect(results.filter(({ created }) => created)).toHaveLength(1)
})

test('twenty racing processes mint one uuid, and one says that it did (I27)', async () => {
  const { root } = await repositoryWith('race', '# kept\nsync: {enabled: false}\n')
  const children = Array.from({ length: 20 }, () => {
    const child = spawn(process.execPath, [CHILD, DIST, root], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const lines: string[] = []
    child.stdout.on('data', (data: Buffer) => lines.push(String(data)))
    const ready = new Promise((resolve) => child.stdout.once('data', resolve))
    const done = new Promise((resolve) => child.once('close', resolve))
    return { child, lines, ready, done }
  })
  await Promise.all(children.map(({ ready }) => ready))
  for (const { child } of children) child.stdin.write('go\n')
  await Promise.all(children.map(({ done }) => done))
  const answers = children.map(
    ({ lines }) =>
      JSON.parse(lines.join('').split('\n')[1] ?? '') as { uuid?: string; created?: boolean },
  )
  const uuids = new Set(answers.map(({ uuid }) => uuid))
  expect(uuids.size).toBe(1)
  expect([...uuids][0]).toMatch(UUID_V4_PATTERN)
  expect(answers.filter(({ created }) => created)).toHaveLength(1)
  const reading = await readIdentity(await locateRepository(root))
  expect(reading).toMatchObject({ state: 'present', identity: { uuid: [...uuids][0] } })
  expect(textOf(root)).toContain('# kept\nsync: {enabled: false}\n')
})

function codeWithoutRights(root: string): unknown {
  const [command, args] = bounded(process.execPath, CHILD, DIST, root)
  const out = execFileSync(command, args, { input: 'go\n', encoding: 'utf8' })
  return (JSON.parse(out.split('\n')[1] ?? '') as { code?: string }).code
}

test.runIf(process.platform !== 'win32')(
  'a read-only repository and an unreadable file have their own answers',
  async () => {
    const frozen = await repositoryWith('frozen')
    chmodSync(frozen.root, 0o555)
    chmodSync(frozen.commonDir, 0o555)
    const unreadable = await repositoryWith('unreadable', 'a: 1\n')
    chmodSync(configOf(unreadable.root), 0o000)
    const codes = [codeWithoutRights(frozen.root), codeWithoutRights(unreadable.root)]
    chmodSync(frozen.root, 0o755)
    chmodSync(frozen.commonDir, 0o755)
    chmodSync(configOf(unreadable.root), 0o644)
    expect(codes).toEqual(['REPOSITORY_READ_ONLY', 'CONFIG_UNUSABLE'])
    expect(existsSync(configOf(frozen.root))).toBe(false)
    expect(textOf(unreadable.root)).toBe('a: 1\n')
  },
)

test('the node id is the first 12 hex digits of SHA-256 of host and user', () => {
  const expected = createHash('sha256').update('host:ann').digest('hex').slice(0, 12)
  expect(plainNodeIdOf({ hostname: 'host', username: 'ann' })).toBe(expected)
  const order = { LOGNAME: '', USER: 'b', LNAME: 'c', USERNAME: 'd' }
  expect(machineOf(order)).toEqual({ hostname: hostname(), username: 'b' })
  expect(machineOf({ ...order, LOGNAME: 'a' }).username).toBe('a')
  expect(machineOf({}).username).not.toBe('')
})

test('version 5 ids are those of the RFC', () => {
  // RFC 9562, A.4: the DNS namespace and www.example.com.
  expect(uuidV5('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'www.example.com')).toBe(
    '2ed6657d-e927-568b-95e1-2665a8aea6a2',
  )
  expect(parseUuid('')).toBeNull()
})
