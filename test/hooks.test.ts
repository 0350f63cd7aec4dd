/** A clone that is set up for git: what the user has in the place of a part stays, in force, and comes back whole. */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { installHooks, lookAtBranches, readHooks, uninstallHooks } from '#dist/hooks.js'
import { locateRepository } from '#dist/project/git/locate.js'
import { missingDriver } from '#dist/project/hooks/merge-setup.js'
import { filesOf } from './support/files-of.ts'
import { GitRepository } from './support/git-repository.ts'

const MAIN = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))
const ALL = [
  '.gitattributes',
  'merge.spec-kitty-event-log',
  'merge.kittiwake-snapshot',
  'post-commit',
  'post-rewrite',
  'post-merge',
]
let repository: GitRepository
/** Notes what it was called with, and where. */
let program: { node: string; main: string }
let called: string

beforeEach(() => {
  repository = GitRepository.withCommit(['-b', 'main'])
  const folder = join(repository.root, ".git/odd 50% 'é' folder")
  mkdirSync(folder)
  called = join(folder, 'called')
  const main = join(folder, 'main.mjs')
  writeFileSync(
    main,
    `import { appendFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
const words = [...process.argv.slice(2), process.cwd()].join(' ')
appendFileSync(fileURLToPath(new URL('called', import.meta.url)), words + '\\n')\n`,
  )
  program = { node: process.execPath, main }
})
afterEach(() => repository.remove())

const located = () => locateRepository(repository.root)
const install = async (from = program) => installHooks(await located(), from)
const uninstall = async () => uninstallHooks(await located(), program)
const statesOf = (parts: readonly { name: string; state: string }[]) =>
  Object.fromEntries(parts.map(({ name, state }) => [name, state]))
/** But for our own locks, which hold nothing. */
const files = () =>
  Object.entries(filesOf(repository.root)).filter(([path]) => !path.endsWith('.db'))
const hookPath = (name: string): string => join(repository.root, '.git/hooks', name)
const calls = (): string[] =>
  existsSync(called) ? readFileSync(called, 'utf8').split('\n').filter(Boolean) : []
/** Whoever is called runs behind git's back. */
const sawCalls = (count: number) =>
  vi.waitFor(() => expect(calls()).toHaveLength(count), { timeout: 20_000, interval: 20 })
const everything = (state: string) => Object.fromEntries(ALL.map((name) => [name, state]))

function writeHook(name: string, text: string, mode = 0o755): void {
  mkdirSync(hookPath('..') + '/hooks', { recursive: true })
  writeFileSync(hookPath(name), text)
  chmodSync(hookPath(name), mode)
}

describe('hooks install', () => {
  it('sets up every part, again changes nothing, and is taken back whole', async () => {
    expect(statesOf(await readHooks(await located(), program))).toEqual(everything('absent'))
    const before = repository.read('.git/config')
    const parts = await install()
    expect(statesOf(parts)).toEqual(everything('installed'))
    expect(parts.every(({ changed }) => changed)).toBe(true)
    expect(statesOf(await readHooks(await located(), program))).toEqual(everything('installed'))
    const texts = files()
    expect((await install()).some(({ changed }) => changed)).toBe(false)
    expect(files()).toEqual(texts)
    const attribute = (path: string) => repository.git('check-attr', 'merge', '--', path).trim()
    expect(attribute('kitty-specs/a/status.events.jsonl')).toContain('spec-kitty-event-log')
    expect(attribute('kitty-specs/a/decisions.events.jsonl')).toContain('spec-kitty-event-log')
    expect(attribute('kitty-specs/a/status.json')).toContain('kittiwake-snapshot')
    const taken = statesOf(await uninstall())
    expect(taken).toEqual({ ...everything('absent'), '.gitattributes': 'installed' })
    expect(repository.read('.git/config')).toBe(before)
    for (const hook of ALL.slice(3)) expect(existsSync(hookPath(hook))).toBe(false)
  })

  it('names another place of the program where it moved', async () => {
    await install({ ...program, main: join(repository.root, 'gone.mjs') })
    expect(statesOf(await readHooks(await located(), program))).toEqual({
      ...everything('outdated'),
      '.gitattributes': 'installed',
    })
    const parts = await install()
    expect(statesOf(parts)).toEqual(everything('installed'))
    expect(parts.filter(({ changed }) => changed)).toHaveLength(ALL.length - 1)
    expect(readFileSync(hookPath('post-commit'), 'utf8')).not.toContain('gone.mjs')
  })

  it.each([
    ['no end', '*.bin -text', '*.bin -text\n'],
    ['its own line ends', '*.bin -text\r\n', '*.bin -text\r\n'],
    ['other bytes', '# caf\xe9\n', '# caf\xe9\n'],
  ])('adds to an attributes file with %s behind what is there', async (_, text, kept) => {
    repository.write('.gitattributes', Buffer.from(text, 'latin1'))
    await install()
    const bytes = readFileSync(join(repository.root, '.gitattributes'))
    expect(bytes.toString('latin1').startsWith(kept)).toBe(true)
    expect(bytes.toString('latin1').includes('\r\n')).toBe(text.includes('\r\n'))
    expect(repository.git('check-attr', 'merge', 'kitty-specs/a/status.events.jsonl')).toContain(
      'spec-kitty-event-log',
    )
  })

  it.each([
    ['another driver for a log', 'kitty-specs/**/status.events.jsonl merge=union\n'],
    ['none for a snapshot', 'kitty-specs/**/status.json -merge\n'],
  ])('keeps %s and says so', async (_, text) => {
    repository.write('.gitattributes', text)
    const [attributes] = await install()
    expect(attributes).toMatchObject({ name: '.gitattributes', state: 'foreign' })
    expect(attributes?.message).toContain(text.split(' ')[0])
    expect(repository.read('.gitattributes').startsWith(text)).toBe(true)
  })

  it('takes no attributes file that is a link', async () => {
    writeFileSync(join(repository.root, '.git/elsewhere'), 'kept')
    symlinkSync('.git/elsewhere', join(repository.root, '.gitattributes'))
    expect(statesOf(await install())).toMatchObject({ '.gitattributes': 'foreign' })
    expect(repository.read('.git/elsewhere')).toBe('kept')
  })

  it("keeps another program's merge driver", async () => {
    const theirs = 'spec-kitty merge-driver-event-log %O %A %B'
    repository.git('config', 'merge.spec-kitty-event-log.driver', theirs)
    const found = statesOf(await install())
    expect(found).toEqual({ ...everything('installed'), 'merge.spec-kitty-event-log': 'foreign' })
    await uninstall()
    expect(repository.git('config', 'merge.spec-kitty-event-log.driver').trim()).toBe(theirs)
  })
})

describe('a hook', () => {
  it('calls the program in the worktree, without holding git up', async () => {
    await install()
    repository.git('commit', '-q', '--allow-empty', '-m', 'One')
    await sawCalls(1)
    const linked = repository.addWorktree('side')
    repository.gitIn(linked, 'commit', '-q', '--allow-empty', '-m', 'Two')
    await sawCalls(2)
    repository.git('merge', '-q', '--no-ff', '--no-edit', 'side')
    await sawCalls(3)
    expect(calls()).toEqual([
      `hooks run post-commit ${repository.root}`,
      `hooks run post-commit ${linked}`,
      `hooks run post-merge ${repository.root}`,
    ])
  })

  it('is called once for a rebase, when it is done', async () => {
    await install()
    repository.git('checkout', '-q', '-b', 'topic')
    for (const name of ['a', 'b', 'c']) {
      repository.write(name, name)
      repository.git('add', name)
      repository.git('-c', 'core.hooksPath=/dev/null', 'commit', '-qm', name)
    }
    repository.git('checkout', '-q', 'main')
    repository.git('-c', 'core.hooksPath=/dev/null', 'commit', '-q', '--allow-empty', '-m', 'Base')
    repository.git('rebase', '-q', 'main', 'topic')
    await sawCalls(1)
    repository.git('commit', '-q', '--amend', '-m', 'Amended')
    await sawCalls(3)
    expect(calls().map((line) => line.split(' ')[2])).toEqual(
      expect.arrayContaining(['post-rewrite', 'post-rewrite', 'post-commit']),
    )
  })

  it.each([
    ['a shell script that ends early', '#!/bin/sh\necho own >> own\nexit 3\necho never\n'],
    ['a script for bash', '#!/usr/bin/env bash\nset -euo pipefail\necho own >> own\n'],
    ['another language', '#!/usr/bin/env node\nrequire("fs").appendFileSync("own", "own\\n")\n'],
  ])('of the user stays in force: %s', async (_, text) => {
    writeHook('post-commit', text, 0o750)
    expect(statesOf(await install())).toEqual(everything('installed'))
    expect((await install()).some(({ changed }) => changed)).toBe(false)
    repository.git('commit', '-q', '--allow-empty', '-m', 'One')
    await sawCalls(1)
    expect(repository.read('own')).toBe('own\n')
    await uninstall()
    expect(readFileSync(hookPath('post-commit'), 'utf8')).toBe(text)
    expect(lstatSync(hookPath('post-commit')).mode & 0o777).toBe(0o750)
    expect(existsSync(hookPath('post-commit.kittiwake-chained'))).toBe(false)
  })

  it('of the user that is a link stays one, and in force', async () => {
    repository.write('scripts/hook', '#!/bin/sh\necho own >> own\n')
    chmodSync(join(repository.root, 'scripts/hook'), 0o755)
    writeHook('placeholder', '')
    symlinkSync('../../scripts/hook', hookPath('post-commit'))
    await install()
    repository.git('commit', '-q', '--allow-empty', '-m', 'One')
    await sawCalls(1)
    expect(repository.read('own')).toBe('own\n')
    expect(repository.read('scripts/hook')).toBe('#!/bin/sh\necho own >> own\n')
    await uninstall()
    expect(readlinkSync(hookPath('post-commit'))).toBe('../../scripts/hook')
  })

  it('reads the list of rewritten commits itself, where it is the user’s', async () => {
    writeHook('post-rewrite', '#!/bin/sh\ncat > own\n')
    await install()
    repository.git('commit', '-q', '--amend', '-m', 'Amended')
    await sawCalls(2)
    expect(repository.read('own')).toMatch(/^[0-9a-f]{40} [0-9a-f]{40}\n$/)
  })

  it('that the user has switched off is left so', async () => {
    writeHook('post-commit', '#!/bin/sh\n', 0o644)
    const found = (await install()).find(({ name }) => name === 'post-commit')
    expect(found).toMatchObject({ state: 'foreign', changed: false })
    expect(found?.message).toContain('kittiwake hooks run post-commit')
    expect(readFileSync(hookPath('post-commit'), 'utf8')).toBe('#!/bin/sh\n')
  })

  it('whose other name is taken is left as it is', async () => {
    writeHook('post-commit', '#!/usr/bin/env node\n')
    writeHook('post-commit.kittiwake-chained', 'older')
    expect(statesOf(await install())).toMatchObject({ 'post-commit': 'foreign' })
    expect(readFileSync(hookPath('post-commit.kittiwake-chained'), 'utf8')).toBe('older')
    expect(readFileSync(hookPath('post-commit'), 'utf8')).toBe('#!/usr/bin/env node\n')
  })

  it.each([
    ['a tracked folder', '.husky', '.husky'],
    ['a folder of all repositories', null, 'shared'],
  ])('is not written to %s', async (_, relative, name) => {
    const folder = join(repository.root, name)
    mkdirSync(folder)
    repository.git('config', 'core.hooksPath', relative ?? folder)
    const parts = (await install()).slice(3)
    expect(parts.map(({ state }) => state)).toEqual(['foreign', 'foreign', 'foreign'])
    expect(parts[0]?.message).toContain('kittiwake hooks run post-commit')
    expect(filesOf(folder)).toEqual({})
    expect(existsSync(hookPath('post-commit'))).toBe(false)
  })

  it('is not written through a linked folder', async () => {
    mkdirSync(join(repository.root, 'tracked'))
    if (existsSync(hookPath(''))) renameSync(hookPath(''), join(repository.root, '.git/old-hooks'))
    symlinkSync('../tracked', join(repository.root, '.git/hooks'))
    expect(statesOf(await install())).toMatchObject({ 'post-commit': 'foreign' })
    expect(filesOf(join(repository.root, 'tracked'))).toEqual({})
  })
})

describe('a clone', () => {
  it('that lacks the driver which the attributes name is told so, and no other', async () => {
    expect(missingDriver(await located())).toBeNull()
    await install()
    expect(missingDriver(await located())).toBeNull()
    repository.git('config', '--unset', 'merge.spec-kitty-event-log.driver')
    expect(missingDriver(await located())).toContain('spec-kitty-event-log')
  })

  it('merges by the installed driver, wherever the program stands', async () => {
    const place = join(repository.root, ".git/odd 50% 'é' folder/dist")
    symlinkSync(join(MAIN, '../..'), place)
    await install({ node: process.execPath, main: join(place, 'cli/main.js') })
    const log = 'kitty-specs/a/decisions.events.jsonl'
    const row = (id: string, at: string) => `{"at":"2026-01-0${at}T00:00:00Z","event_id":"${id}"}\n`
    repository.write(log, row('a', '1'))
    repository.git('add', '.')
    repository.git('commit', '-qm', 'Log')
    repository.git('checkout', '-qb', 'side')
    repository.write(log, row('a', '1') + row('c', '3'))
    repository.git('commit', '-qam', 'Side')
    repository.git('checkout', '-q', 'main')
    repository.write(log, row('a', '1') + row('b', '2'))
    repository.git('commit', '-qam', 'Main')
    repository.git('merge', '-q', '--no-edit', 'side')
    expect(repository.read(log)).toBe(row('a', '1') + row('b', '2') + row('c', '3'))
  })

  it('without identity has no commits to note', async () => {
    expect(await lookAtBranches(repository.root)).toBe(0)
    expect(existsSync(join(repository.root, '.kittify'))).toBe(false)
  })
})
