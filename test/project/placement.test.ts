import { existsSync, readFileSync, renameSync, rmSync, symlinkSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ensureCoordinationWorktree } from '#dist/project/missions/coordination-worktree.js'
import { locateRepository } from '#dist/project/git/locate.js'
import { createMission } from '#dist/project/missions/mission-create.js'
import { readMission } from '#dist/project/missions/missions.js'
import { resolvePlacement } from '#dist/project/missions/placement.js'
import { codeOf, git, makeFolder, makeRepository, write } from './sandbox.ts'

const folder = makeFolder()

async function coordinated(name: string) {
  const repository = await locateRepository(makeRepository(join(folder, name)))
  const created = await createMission(repository, { slug: 'demo', topology: 'coord' })
  return { repository, created, mission: await readMission(repository, created.directory) }
}

test('worktree and ref come as one value, wherever the caller stands', async () => {
  const { repository, created, mission } = await coordinated('one')
  const expected = {
    mission,
    worktree: created.worktree,
    gitDir: join(repository.commonDir, 'worktrees', `${mission.directory}-coord`),
    commonDir: repository.commonDir,
    ref: `refs/heads/${created.branch}`,
    missionPath: join(created.worktree, 'kitty-specs', mission.directory),
  }
  expect(await resolvePlacement(repository, mission)).toEqual(expected)
  expect(await resolvePlacement(await locateRepository(created.worktree), mission)).toEqual(
    expected,
  )
  expect(git(expected.worktree, 'rev-parse', '--absolute-git-dir')).toBe(expected.gitDir)
})

test('a worktree that was switched away is never paired with the mission’s ref', async () => {
  const { repository, created, mission } = await coordinated('switched')
  git(created.worktree, 'switch', '--quiet', '-c', 'other')
  expect(await codeOf(resolvePlacement(repository, mission))).toBe('HEAD_MISMATCH')
  expect(await codeOf(ensureCoordinationWorktree(repository, mission))).toBe('HEAD_MISMATCH')
  git(created.worktree, 'switch', '--quiet', '--detach')
  expect(await codeOf(resolvePlacement(repository, mission))).toBe('DETACHED_HEAD')
  git(created.worktree, 'switch', '--quiet', created.branch)
  expect((await resolvePlacement(repository, mission)).worktree).toBe(created.worktree)
})

test('the checkout is found by what its HEAD names, not by its path', async () => {
  const { repository, created, mission } = await coordinated('moved-worktree')
  const elsewhere = join(folder, 'somewhere else')
  git(repository.root, 'worktree', 'move', created.worktree, elsewhere)
  expect((await resolvePlacement(repository, mission)).worktree).toBe(elsewhere)
})

test('a deleted branch and a branch without commits are told', async () => {
  const { repository, created, mission } = await coordinated('deleted')
  git(repository.root, 'update-ref', '-d', `refs/heads/${created.branch}`)
  expect(await codeOf(resolvePlacement(repository, mission))).toBe('UNBORN_BRANCH')
  rmSync(created.worktree, { recursive: true })
  expect(await codeOf(ensureCoordinationWorktree(repository, mission))).toBe('UNBORN_BRANCH')
})

test('a deleted worktree is made again, and the user’s others stay registered', async () => {
  const { repository, created, mission } = await coordinated('restored')
  const other = join(folder, 'others')
  git(repository.root, 'worktree', 'add', '--quiet', '-b', 'theirs', other)
  renameSync(other, `${other}-unplugged`)
  write(join(created.worktree, 'note'), 'committed')
  git(created.worktree, 'add', 'note')
  git(created.worktree, 'commit', '--quiet', '-m', 'Note')
  rmSync(created.worktree, { recursive: true })
  expect(await codeOf(resolvePlacement(repository, mission))).toBe('WORKTREE_MISSING')
  const placement = await ensureCoordinationWorktree(repository, mission)
  expect(placement.worktree).toBe(created.worktree)
  expect(readFileSync(join(placement.worktree, 'note'), 'utf8')).toBe('committed')
  expect(git(placement.worktree, 'status', '--porcelain')).toBe('')
  expect(git(repository.root, 'worktree', 'list')).toContain(other)
})

test('many that make it again at once all get it', async () => {
  const { repository, created, mission } = await coordinated('racing')
  rmSync(created.worktree, { recursive: true })
  const placements = await Promise.all(
    [1, 2, 3, 4].map(() => ensureCoordinationWorktree(repository, mission)),
  )
  for (const { worktree } of placements) expect(worktree).toBe(created.worktree)
})

test('a worktree that git died over is taken for missing, and made anew', async () => {
  const { repository, created, mission } = await coordinated('torn')
  const gitDir = join(repository.commonDir, 'worktrees', `${mission.directory}-coord`)
  write(join(gitDir, 'locked'), 'initializing')
  rmSync(join(created.worktree, 'README'))
  expect(await codeOf(resolvePlacement(repository, mission))).toBe('WORKTREE_MISSING')
  write(join(gitDir, 'HEAD'), `${'0'.repeat(40)}\n`)
  expect(await codeOf(resolvePlacement(repository, mission))).toBe('WORKTREE_MISSING')
  const { worktree } = await ensureCoordinationWorktree(repository, mission)
  expect(git(worktree, 'status', '--porcelain')).toBe('')
  expect(existsSync(join(worktree, 'README'))).toBe(true)
})

test('after the repository was moved, its worktree is found again', async () => {
  const { repository, created, mission } = await coordinated('before')
  write(join(created.worktree, 'uncommitted'), 'kept')
  renameSync(repository.root, join(folder, 'after'))
  const moved = await locateRepository(join(folder, 'after'))
  expect(await codeOf(resolvePlacement(moved, mission))).toBe('WORKTREE_MISSING')
  const placement = await ensureCoordinationWorktree(moved, mission)
  expect(placement.worktree).toBe(join(moved.root, '.worktrees', `${mission.directory}-coord`))
  expect(readFileSync(join(placement.worktree, 'uncommitted'), 'utf8')).toBe('kept')
})

test('in a clone the branch is taken from the remote', async () => {
  const { repository, mission } = await coordinated('origin')
  git(repository.root, 'clone', '--quiet', repository.root, join(folder, 'clone'))
  const clone = await locateRepository(join(folder, 'clone'))
  const placement = await ensureCoordinationWorktree(clone, mission)
  expect(placement.ref).toBe(`refs/heads/${mission.coordination_branch}`)
  expect(git(placement.worktree, 'rev-parse', 'HEAD')).toBe(
    git(repository.root, 'rev-parse', 'main'),
  )
})

test('in a fork the branch is taken from the remote that has it', async () => {
  const { repository, mission } = await coordinated('team')
  const fork = join(folder, 'fork')
  git(repository.root, 'clone', '--quiet', '--origin', 'upstream', repository.root, fork)
  const clone = await locateRepository(fork)
  expect((await ensureCoordinationWorktree(clone, mission)).worktree).toContain(fork)
})

test('a folder in the place of the worktree that is none is left alone', async () => {
  const { repository, created, mission } = await coordinated('occupied')
  git(repository.root, 'worktree', 'remove', created.worktree)
  write(join(created.worktree, 'precious'), 'mine')
  expect(await codeOf(ensureCoordinationWorktree(repository, mission))).toBe('GIT_FAILED')
  expect(readFileSync(join(created.worktree, 'precious'), 'utf8')).toBe('mine')
})

test('a mission folder behind a symbolic link is refused (S02)', async () => {
  const { repository, created, mission } = await coordinated('linked')
  const outside = join(folder, 'outside')
  mkdirSync(outside)
  symlinkSync(outside, join(created.worktree, 'kitty-specs'))
  expect(await codeOf(resolvePlacement(repository, mission))).toBe('PATH_REFUSED')
  expect(existsSync(join(outside, mission.directory))).toBe(false)
})

test('a single branch is placed in whichever checkout has it', async () => {
  const repository = await locateRepository(makeRepository(join(folder, 'single')))
  git(repository.root, 'switch', '--quiet', '-c', 'work')
  const { directory } = await createMission(repository, { slug: 'demo', topology: 'single_branch' })
  const mission = await readMission(repository, directory)
  const placement = await resolvePlacement(repository, mission)
  expect(placement).toMatchObject({ worktree: repository.root, ref: 'refs/heads/work' })
  git(repository.root, 'switch', '--quiet', 'main')
  expect(await codeOf(resolvePlacement(repository, mission))).toBe('HEAD_MISMATCH')
  const side = join(folder, 'single-side')
  git(repository.root, 'worktree', 'add', '--quiet', side, 'work')
  expect((await resolvePlacement(repository, mission)).worktree).toBe(side)
})
