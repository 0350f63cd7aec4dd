/** A clone that is set up by several at once, or again after one that died over it. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { installHooks, readHooks } from '#dist/hooks.js'
import { locateRepository } from '#dist/project/git/locate.js'
import { filesOf } from './support/files-of.ts'
import { GitRepository } from './support/git-repository.ts'

const LEFT = '.kittiwake-0123456789abcdef.tmp'
let repository: GitRepository

beforeEach(() => {
  repository = GitRepository.withCommit()
})
afterEach(() => repository.remove())

const program = { node: process.execPath, main: '/kittiwake/main.js' }
const install = async () => installHooks(await locateRepository(repository.root), program)

it('is set up by several at once as by one', async () => {
  const all = await Promise.all([install(), install(), install()])
  const states = all.flat().map(({ state }) => state)
  expect(new Set(states)).toEqual(new Set(['installed']))
  const changed = all.map((parts) => parts.filter((part) => part.changed).length)
  expect(changed.toSorted((one, other) => one - other)).toEqual([0, 0, all[0]?.length])
})

it('takes away what one left that died over it', async () => {
  await install()
  const names = () => Object.keys(filesOf(repository.root)).filter((name) => !name.endsWith('.db'))
  const before = names()
  for (const half of ['..gitattributes', '.git/.config', '.git/hooks/.post-commit']) {
    repository.write(`${half}${LEFT}`, 'half')
  }
  expect(names()).toHaveLength(before.length + 3)
  await install()
  expect(names()).toEqual(before)
  const parts = await readHooks(await locateRepository(repository.root), program)
  expect(parts.every(({ state }) => state === 'installed')).toBe(true)
})
