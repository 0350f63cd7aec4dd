import { mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseGitConfig, readGitConfigValue, readOriginUrl } from '#dist/project/git/git-config.js'
import {
  defaultRemoteBranches,
  isBranchName,
  listRefs,
  readHead,
  readRef,
  resolveRef,
} from '#dist/project/git/git-files.js'
import { git, makeFolder, makeRepository, write } from './sandbox.ts'

const folder = makeFolder()

test('HEAD is read on a branch, detached, unborn and packed as git reads it', () => {
  const root = makeRepository(join(folder, 'heads'))
  const gitDir = join(root, '.git')
  const oid = git(root, 'rev-parse', 'HEAD')
  git(root, 'switch', '--quiet', '-c', 'release/2.x')
  const onBranch = { branch: 'release/2.x', ref: 'refs/heads/release/2.x', oid, detached: false }
  expect(readHead(gitDir, gitDir)).toEqual(onBranch)
  git(root, 'pack-refs', '--all', '--prune')
  expect(readHead(gitDir, gitDir)).toEqual(onBranch)
  git(root, 'switch', '--quiet', '--detach')
  expect(readHead(gitDir, gitDir)).toEqual({ branch: null, ref: null, oid, detached: true })
  git(root, 'switch', '--quiet', '--orphan', 'fresh')
  const unborn = { branch: 'fresh', ref: 'refs/heads/fresh', oid: null, detached: false }
  expect(readHead(gitDir, gitDir)).toEqual(unborn)
})

test('a HEAD that leads out of the repository is read as nothing', () => {
  const root = makeRepository(join(folder, 'planted'))
  const gitDir = join(root, '.git')
  write(join(folder, 'secret'), '0'.repeat(40))
  const nothing = { branch: null, ref: null, oid: null, detached: false }
  for (const text of [
    'ref: ../../secret',
    'ref: refs/../../../secret',
    'ref: refs/heads/.invalid',
    '',
  ]) {
    write(join(gitDir, 'HEAD'), text)
    expect(readHead(gitDir, gitDir), text).toEqual(nothing)
  }
  write(join(gitDir, 'refs/heads/out'), 'ref: refs/../../../secret')
  for (const ref of ['../../secret', 'refs/../../../secret', 'refs/heads/out']) {
    expect(resolveRef(gitDir, ref), ref).toBeNull()
  }
  rmSync(join(gitDir, 'HEAD'))
  expect(readHead(gitDir, gitDir)).toEqual(nothing)
})

test('refs are listed as git lists them, packed and loose', () => {
  const root = makeRepository(join(folder, 'refs'))
  git(root, 'branch', 'packed')
  git(root, 'tag', '-a', '-m', 'x', 'v1')
  git(root, 'pack-refs', '--all', '--prune')
  write(join(root, 'README'), 'more\n')
  git(root, 'commit', '--quiet', '-am', 'More')
  git(root, 'branch', 'a/b')
  const expected = git(root, 'for-each-ref', '--format=%(refname) %(objectname)', 'refs/heads/')
  const found = listRefs(join(root, '.git'), 'refs/heads/').map(({ ref, oid }) => `${ref} ${oid}`)
  expect(found).toEqual(expected.split('\n'))
  expect(resolveRef(join(root, '.git'), 'refs/tags/v1')).toBe(git(root, 'rev-parse', 'v1'))
  expect(resolveRef(join(root, '.git'), 'refs/heads/none')).toBeNull()
})

test('each remote names its default, which keeps its slashes', () => {
  const root = makeRepository(join(folder, 'default'))
  const gitDir = join(root, '.git')
  expect(defaultRemoteBranches(gitDir)).toEqual([])
  git(root, 'symbolic-ref', 'refs/remotes/origin/HEAD', 'refs/remotes/origin/release/2.x')
  git(root, 'symbolic-ref', 'refs/remotes/my/fork/HEAD', 'refs/remotes/my/fork/trunk')
  write(join(gitDir, 'refs/remotes/bad/HEAD'), 'ref: refs/heads/../../secret')
  write(join(gitDir, 'refs/remotes/other/HEAD'), 'ref: refs/remotes/origin/main')
  expect([...defaultRemoteBranches(gitDir)].sort()).toEqual(['release/2.x', 'trunk'])
})

test('names that git refuses, or that could be an option, are no branch names (S09)', () => {
  for (const name of ['main', 'release/2.x', 'grün', 'a-b', 'feature/@x'])
    expect(isBranchName(name)).toBe(true)
  for (const name of [
    '',
    '-x',
    '--upload-pack=x',
    'a..b',
    'a b',
    'a/',
    '/a',
    '.a',
    'a/.b',
    'a.lock',
    'HEAD',
    'a\nb',
    'a\\b',
    'a@{1}',
    'x.',
    'a//b',
    'a~1',
    'a:b',
  ]) {
    expect(isBranchName(name), name).toBe(false)
  }
})

test('the configuration is read as git reads it', () => {
  const root = makeRepository(join(folder, 'config'))
  const path = join(root, '.git/config')
  write(
    path,
    [
      '\uFEFF[core]\r',
      '\tbare = false ; no',
      '[remote "origin"]',
      '\turl = "https://host/a;b#c" # comment',
      '\turl = second',
      '[Branch "Ä \\"q\\" x"] Merge = refs/heads/a\\',
      'b',
      '[a.B]',
      '\tflag',
      '\tspaced =  two  words\t',
      '\tescaped = a\\tb\\\\c\\"d',
      '\tempty =',
      '\tquoted = "  kept  " tail ',
    ].join('\n'),
  )
  const expected = git(root, 'config', '-z', '--file', path, '--list').split('\0').filter(Boolean)
  const found = parseGitConfig(
    '[core]\n bare = false ; no\n' +
      '[remote "origin"]\n url = "https://host/a;b#c" # comment\n url = second\n' +
      '[Branch "Ä \\"q\\" x"] Merge = refs/heads/a\\\nb\n[a.B]\n flag\n spaced =  two  words\t\n' +
      ' escaped = a\\tb\\\\c\\"d\n empty =\n quoted = "  kept  " tail \n',
  ).map(({ key, value }) => (value === null ? key : `${key}\n${value}`))
  expect(found).toEqual(expected)
  expect(readOriginUrl(join(root, '.git'))).toBe('https://host/a;b#c')
  expect(readGitConfigValue(join(root, '.git'), 'a.b.escaped')).toBe('a\tb\\c"d')
  expect(readGitConfigValue(join(root, '.git'), 'a.b.flag')).toBe('true')
})

test('a configuration full of nonsense is read without a throw', () => {
  for (const text of [
    '[',
    '[a',
    '[a]\nx = "open',
    '[a]\nx = \\q',
    '=',
    '\0',
    '[a "b]\nc=d',
    'x = 1',
  ]) {
    expect(parseGitConfig(text), text).toEqual([])
  }
})

test('a ref is read loose before packed, and what can not be read is not absent', () => {
  const root = makeRepository(join(folder, 'reading'))
  const gitDir = join(root, '.git')
  git(root, 'branch', 'topic/a')
  git(root, 'pack-refs', '--all', '--prune')
  const packed = git(root, 'rev-parse', 'main')
  expect(readRef(gitDir, 'refs/heads/main')).toEqual({ state: 'read', oid: packed })
  git(root, 'commit', '--quiet', '--allow-empty', '-m', 'Loose')
  const loose = git(root, 'rev-parse', 'main')
  expect(readRef(gitDir, 'refs/heads/main')).toEqual({ state: 'read', oid: loose })
  for (const ref of ['refs/heads/none', 'refs/heads/topic', 'refs/heads/ain', 'refs/../HEAD']) {
    expect(readRef(gitDir, ref), ref).toEqual({ state: 'absent' })
  }
  git(root, 'symbolic-ref', 'refs/heads/alias', 'refs/heads/main')
  const symbolic = { state: 'symbolic', target: 'refs/heads/main' }
  expect(readRef(gitDir, 'refs/heads/alias')).toEqual(symbolic)
  write(join(gitDir, 'refs/heads/torn'), loose.slice(0, 20))
  expect(readRef(gitDir, 'refs/heads/torn')).toEqual({ state: 'unusable' })
  symlinkSync('main', join(gitDir, 'refs/heads/linked'))
  expect(readRef(gitDir, 'refs/heads/linked')).toEqual({ state: 'absent' })
  rmSync(join(gitDir, 'packed-refs'))
  mkdirSync(join(gitDir, 'packed-refs'))
  expect(readRef(gitDir, 'refs/heads/none')).toEqual({ state: 'unusable' })
})
