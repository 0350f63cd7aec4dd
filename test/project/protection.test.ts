import { join } from 'node:path'
import { expect, test } from 'vitest'
import { locateRepository } from '#dist/project/git/locate.js'
import {
  isProtectedBranch,
  protectedBranches,
  protectedByDefault,
} from '#dist/project/git/protection.js'
import { fc, property } from '../support/property.ts'
import { git, makeFolder, makeRepository, write } from './sandbox.ts'

const folder = makeFolder()
const locate = (name: string) => locateRepository(makeRepository(join(folder, name)))

test('without a list, main, master and the default of each remote are protected, by full name', async () => {
  const { root, commonDir } = await locate('default')
  const isProtected = (branch: string) =>
    isProtectedBranch(`refs/heads/${branch}`, protectedByDefault(commonDir))
  const all = ['main', 'master', 'Main', 'release/2.x', 'trunk', '2.x', 'fork/trunk', 'kitty/a']
  expect(all.filter(isProtected)).toEqual(['main', 'master'])
  git(root, 'symbolic-ref', 'refs/remotes/origin/HEAD', 'refs/remotes/origin/release/2.x')
  git(root, 'symbolic-ref', 'refs/remotes/my/fork/HEAD', 'refs/remotes/my/fork/trunk')
  expect(all.filter(isProtected)).toEqual(['main', 'master', 'release/2.x', 'trunk'])
})

test('a list holds names and globs, short or full', () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ['main', 'main', true],
    ['main', 'refs/heads/main', true],
    ['Main', 'main', false],
    ['mains', 'main', false],
    ['dev', '', false],
    ['release/2.x', 'release/*', true],
    ['release/2.x', 'refs/heads/release/*', true],
    ['release/2/x', 'release/*', false],
    ['release/2/x', 'release/**', true],
    ['prerelease/2', 'release/*', false],
    ['a/b', '*', false],
    ['a/b', '**', true],
    ['v1', 'v?', true],
    ['v10', 'v?', false],
    ['v/', 'v?', false],
    ['v12', '*1*', true],
    ['a.b', 'a?b*', true],
    ['axb', 'a.*', false],
    ['a'.repeat(250), `${'*a'.repeat(100)}b`, false],
    ['x', '*'.repeat(300), true],
  ]
  for (const [branch, name, expected] of cases) {
    const found = isProtectedBranch(`refs/heads/${branch}`, [name])
    expect(found, `${branch} ${name}`).toBe(expected)
  }
  expect(isProtectedBranch('refs/heads/main', [])).toBe(false)
})

const text = fc.string({ maxLength: 60 })

property([text, text, text])('two stars stand for any text in between', (a, b, c) => {
  expect(isProtectedBranch(`refs/heads/${a}${b}${c}`, [`refs/heads/${a}**${c}`])).toBe(true)
})

property([text, text, text])('one star stands for any text without a slash', (a, b, c) => {
  const names = [`refs/heads/${a}*${c}`]
  expect(isProtectedBranch(`refs/heads/${a}${b.replaceAll('/', '-')}${c}`, names)).toBe(true)
})

test('of two checkouts each protects what its own list says', async () => {
  const repository = await locate('lists')
  const config = join(repository.root, '.kittify/config.yaml')
  const isProtected = (branch: string, given = repository) =>
    isProtectedBranch(`refs/heads/${branch}`, protectedBranches(given))
  expect([isProtected('dev'), isProtected('main')]).toEqual([false, true])
  write(config, 'protection: {protected_branches: [dev]}')
  expect([isProtected('dev'), isProtected('main')]).toEqual([true, false])
  const worktree = join(folder, 'linked')
  git(repository.root, 'worktree', 'add', '--quiet', '-b', 'other', worktree)
  write(join(worktree, '.kittify/config.yaml'), 'protection: {protected_branches: [live]}')
  const linked = await locateRepository(worktree)
  expect([isProtected('dev', linked), isProtected('live', linked)]).toEqual([true, true])
  write(config, 'protection: {protected_branches: []}')
  expect(isProtected('main')).toBe(false)
})

test('a list that can not be read protects every branch', async () => {
  const repository = await locate('unreadable')
  for (const text of [
    'protection: {protected_branches: dev}',
    'a: [',
    'protection: {protected_branches: [[a]]}',
  ]) {
    write(join(repository.root, '.kittify/config.yaml'), text)
    for (const branch of ['other', 'kitty/mission-a-01J', 'a/b/c']) {
      const found = isProtectedBranch(`refs/heads/${branch}`, protectedBranches(repository))
      expect(found, `${branch} ${text}`).toBe(true)
    }
  }
})
