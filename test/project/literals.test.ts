import { chmodSync, existsSync, mkdirSync, symlinkSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'
import { delimiter, join } from 'node:path'
import { expect, test } from 'vitest'
import { gatherLiterals } from '#dist/project/literals.js'
import { locateRepository } from '#dist/project/git/locate.js'
import { findGit, gitEnvironment, runGit } from '#dist/project/git/native-git.js'
import { codeOf, git, makeFolder, makeRepository, write } from './sandbox.ts'

const folder = makeFolder()
const PATH = process.env['PATH'] ?? ''

test('names, addresses, homes and roots are gathered, as spelled and as resolved', async () => {
  const root = makeRepository(join(folder, 'real/app'))
  mkdirSync(join(root, 'src'))
  const home = join(folder, 'home')
  mkdirSync(join(folder, 'real-home'))
  symlinkSync(join(folder, 'real-home'), home)
  symlinkSync(join(folder, 'real'), join(folder, 'spelled'))
  write(
    join(home, 'global'),
    '[user]\n name = Ann Global\n email = ann@global.test\n[include]\n path = more\n',
  )
  write(join(home, 'more'), '[author]\n email = ann@included.test\n')
  git(root, 'config', 'user.name', 'Ann Local')
  const env = {
    PATH,
    HOME: home,
    USER: 'annu',
    LOGNAME: 'annl',
    PWD: join(folder, 'spelled/app/src'),
    GIT_CONFIG_GLOBAL: join(home, 'global'),
    GIT_AUTHOR_NAME: 'Ann Variable',
    EMAIL: 'ann@variable.test',
  }
  const literals = await gatherLiterals(await locateRepository(root), env)
  expect(literals.hostnames).toEqual(expect.arrayContaining([hostname(), hostname().split('.')[0]]))
  expect(literals.usernames).toEqual(expect.arrayContaining(['annu', 'annl', userInfo().username]))
  expect(literals.names).toEqual(
    expect.arrayContaining(['Ann Global', 'Ann Local', 'Ann Variable']),
  )
  expect(literals.emails).toEqual(
    expect.arrayContaining(['ann@global.test', 'ann@included.test', 'ann@variable.test']),
  )
  expect(literals.homes).toEqual(
    expect.arrayContaining([home, join(folder, 'real-home'), userInfo().homedir]),
  )
  expect(literals.roots).toEqual([root, join(folder, 'spelled/app')])
  // Without git the files are read, though not what they include.
  const without = await gatherLiterals(await locateRepository(root), { ...env, PATH: '' })
  expect(without.names).toEqual(expect.arrayContaining(['Ann Global', 'Ann Local']))
})

test('with nothing to find there are fewer literals and no error', async () => {
  const literals = await gatherLiterals(null, { PATH, HOME: '/' })
  expect(literals.roots).toEqual([])
  expect(literals.homes).not.toContain('/')
  for (const values of Object.values(literals)) expect(values).not.toContain('')
})

test('git is taken from absolute folders outside of the repository only', () => {
  const planted = join(folder, 'repo/bin')
  chmodSync(write(join(planted, 'git'), '#!/bin/sh\n'), 0o755)
  const path = ['.', '', planted, PATH].join(delimiter)
  expect(findGit({ PATH: path }, join(folder, 'repo'))).not.toContain(folder)
  expect(findGit({ PATH: path }, join(folder, 'other'))).toBe(join(planted, 'git'))
  expect(() => findGit({ PATH: '.' }, folder)).toThrow(/git is expected/)
})

test('variables that redirect git do not reach it', () => {
  const env = gitEnvironment(
    {
      GIT_DIR: 'x',
      GIT_INDEX_FILE: 'x',
      GIT_CONFIG_PARAMETERS: 'x',
      GIT_SSH_COMMAND: 'x',
      GIT_CONFIG_GLOBAL: 'g',
      A: 'a',
    },
    { 'filter.a=b.smudge': '' },
  )
  expect(env).toMatchObject({
    A: 'a',
    GIT_CONFIG_GLOBAL: 'g',
    GIT_TERMINAL_PROMPT: '0',
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'filter.a=b.smudge',
  })
  for (const name of ['GIT_DIR', 'GIT_INDEX_FILE', 'GIT_CONFIG_PARAMETERS', 'GIT_SSH_COMMAND'])
    expect(env).not.toHaveProperty(name)
})

test('a git that leaves something running is not waited for, and one that says too much is cut off', async () => {
  const bin = join(folder, 'talks')
  const program = join(bin, 'git')
  const env = { PATH: [bin, PATH].join(delimiter) }
  const cwd = makeRepository(join(folder, 'left'))
  chmodSync(write(program, '#!/bin/sh\nsleep 100 & echo $!\n'), 0o755)
  const { code, stdout } = await runGit(['status'], { cwd, env })
  process.kill(Number(stdout.trim()), 'SIGKILL')
  expect(code).toBe(0)
  write(program, '#!/bin/sh\nexec yes yes\n')
  expect(await codeOf(runGit(['status'], { cwd, env }))).toBe('GIT_VERBOSE')
})

test('a git that hangs is ended in time, and a missing one is told', async () => {
  const bin = join(folder, 'bin')
  chmodSync(write(join(bin, 'git'), '#!/bin/sh\nexec sleep 100\n'), 0o755)
  const env = { PATH: [bin, PATH].join(delimiter) }
  const cwd = makeRepository(join(folder, 'hang'))
  expect(await codeOf(runGit(['status'], { cwd, env, timeoutMs: 100 }))).toBe('GIT_TIMEOUT')
  expect(await codeOf(runGit(['status'], { cwd, env: { PATH: '' } }))).toBe('GIT_MISSING')
  expect(existsSync(cwd)).toBe(true)
})
