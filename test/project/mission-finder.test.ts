import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { locateRepository } from '#dist/project/git/locate.js'
import { createMission } from '#dist/project/missions/mission-create.js'
import { MissionFinder } from '#dist/project/missions/mission-finder.js'
import type { Mission, Repository } from '#dist/project/types.js'
import { git, makeFolder, makeRepository, write } from './sandbox.ts'

const folder = makeFolder()
const locate = (name: string) => locateRepository(makeRepository(join(folder, name)))
const all = (): boolean => false
const namesOf = (missions: readonly Mission[]): string[] =>
  missions.map(({ directory }) => directory)

/** Without a worktree, as in a clone that has not fetched the branch. */
async function withoutBranch(name: string): Promise<{ repository: Repository; mission: Mission }> {
  const repository = await locate(name)
  const mission = await createMission(repository, { slug: 'demo', topology: 'coord' })
  git(repository.root, 'worktree', 'remove', '--force', mission.worktree)
  git(repository.root, 'branch', '-D', mission.branch)
  return { repository, mission }
}

test('the missions that are not known are found, in order', async () => {
  const repository = await locate('order')
  const made: string[] = []
  for (const slug of ['b', 'c', 'a']) {
    made.push((await createMission(repository, { slug, topology: 'coord' })).directory)
  }
  const finder = new MissionFinder(repository)
  expect(namesOf(finder.find(all))).toEqual([...made].sort())
  expect(namesOf(finder.find((directory) => directory !== made[0]))).toEqual([made[0]])
  expect(finder.find(() => true)).toEqual([])
})

test('a repository without missions has none', async () => {
  expect(new MissionFinder(await locate('none')).find(all)).toEqual([])
})

test.each(['loose', 'packed'])('a branch that comes later, %s, is found then', async (kind) => {
  const { repository, mission } = await withoutBranch(kind)
  const finder = new MissionFinder(repository)
  expect(finder.find(all)).toEqual([])
  expect(finder.find(all)).toEqual([])
  git(repository.root, 'branch', mission.coordination_branch ?? '')
  if (kind === 'packed') git(repository.root, 'pack-refs', '--all')
  expect(namesOf(finder.find(all))).toEqual([mission.directory])
})

test('a meta.json that comes, or names another branch, later is read then', async () => {
  const { repository, mission } = await withoutBranch('meta')
  const path = join(repository.root, 'kitty-specs', mission.directory, 'meta.json')
  const text = readFileSync(path, 'utf8')
  write(path, '{"half')
  const finder = new MissionFinder(repository)
  expect(finder.find(all)).toEqual([])
  write(path, text)
  expect(finder.find(all)).toEqual([])
  git(repository.root, 'branch', 'renamed')
  write(path, text.replace(mission.coordination_branch ?? '', 'renamed'))
  expect(finder.find(all)).toMatchObject([{ coordination_branch: 'renamed' }])
})
