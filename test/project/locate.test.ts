import { mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { locateRepository } from '#dist/project/git/locate.js'
import { codeOf, git, makeFolder, makeRepository, write } from './sandbox.ts'

const folder = makeFolder()

test('a folder below a checkout is located by its real paths', async () => {
  const root = makeRepository(join(folder, 'plain'))
  mkdirSync(join(root, 'a/b'), { recursive: true })
  symlinkSync(root, join(folder, 'link'))
  const gitDir = join(root, '.git')
  const expected = { root, worktree: root, gitDir, commonDir: gitDir }
  expect(await locateRepository(join(root, 'a/b'))).toEqual(expected)
  expect(await locateRepository(join(folder, 'link/a'))).toEqual(expected)
})

test('a linked worktree resolves its root to the main checkout', async () => {
  const root = makeRepository(join(folder, 'main'))
  const worktree = join(folder, 'linked')
  git(root, 'worktree', 'add', '--quiet', '-b', 'side', worktree)
  expect(await locateRepository(worktree)).toEqual({
    root,
    worktree,
    gitDir: join(root, '.git/worktrees/linked'),
    commonDir: join(root, '.git'),
  })
})

test('a submodule is a repository of its own', async () => {
  const child = makeRepository(join(folder, 'child'))
  const parent = makeRepository(join(folder, 'parent'))
  git(parent, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', child, 'sub')
  const gitDir = join(parent, '.git/modules/sub')
  const root = join(parent, 'sub')
  expect(await locateRepository(root)).toEqual({ root, worktree: root, gitDir, commonDir: gitDir })
})

test('a separate git directory and core.worktree are followed', async () => {
  const gitDir = join(folder, 'elsewhere.git')
  const root = join(folder, 'separate')
  git(folder, 'init', '--quiet', `--separate-git-dir=${gitDir}`, root)
  expect(await locateRepository(root)).toEqual({ root, worktree: root, gitDir, commonDir: gitDir })
  const moved = join(folder, 'moved')
  mkdirSync(moved)
  git(root, 'config', 'core.worktree', '../moved')
  expect((await locateRepository(root)).root).toBe(moved)
})

test('outside of a repository the answer says so', async () => {
  expect(await codeOf(locateRepository(folder))).toBe('NOT_A_REPOSITORY')
  expect(await codeOf(locateRepository(join(folder, 'nowhere')))).toBe('NOT_A_REPOSITORY')
})

test('a bare repository, its worktrees and the inside of .git are no checkout', async () => {
  const bare = join(folder, 'bare.git')
  const source = makeRepository(join(folder, 'source'))
  git(folder, 'clone', '--quiet', '--bare', source, bare)
  git(bare, 'worktree', 'add', '--quiet', join(folder, 'of-bare'), 'main')
  expect(await codeOf(locateRepository(bare))).toBe('BARE_REPOSITORY')
  expect(await codeOf(locateRepository(join(bare, 'refs')))).toBe('BARE_REPOSITORY')
  expect(await codeOf(locateRepository(join(folder, 'of-bare')))).toBe('BARE_REPOSITORY')
  expect(await codeOf(locateRepository(join(source, '.git/refs')))).toBe('BARE_REPOSITORY')
})

test('a broken pointer is unreadable, never somebody else’s repository further up', async () => {
  const outer = makeRepository(join(folder, 'outer'))
  for (const [name, text] of Object.entries({
    nonsense: 'hello',
    gone: 'gitdir: ../nowhere',
    empty: '',
    long: `gitdir: ${'x'.repeat(20_000)}`,
  })) {
    write(join(outer, name, '.git'), text)
    expect(await codeOf(locateRepository(join(outer, name))), name).toBe('REPOSITORY_UNREADABLE')
  }
})

test('an empty .git folder is passed over, as git does', async () => {
  const outer = makeRepository(join(folder, 'outer2'))
  mkdirSync(join(outer, 'inner/.git'), { recursive: true })
  expect((await locateRepository(join(outer, 'inner'))).root).toBe(outer)
})

test('a worktree whose main checkout is gone is unreadable', async () => {
  const root = makeRepository(join(folder, 'before'))
  const worktree = join(folder, 'orphan')
  git(root, 'worktree', 'add', '--quiet', '-b', 'side', worktree)
  renameSync(root, join(folder, 'after'))
  expect(await codeOf(locateRepository(worktree))).toBe('REPOSITORY_UNREADABLE')
  rmSync(worktree, { recursive: true })
})
