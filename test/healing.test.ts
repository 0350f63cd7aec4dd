/** What earlier commands left to do is done by the next one that writes, and nothing is started where there is nothing. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { locateRepository } from '#dist/project/locate.js'
import { followNewMissions } from '#dist/workers/git/mission-branches.js'
import { RuntimeWorld } from './support/runtime-world.ts'

it('notes a native commit on a mission once there is an identity, and starts no git worker before', async () => {
  const world = new RuntimeWorld()
  const mission = await world.createMission('harbour')
  await followNewMissions(await locateRepository(world.root))
  const early = await world.open()
  const worktree = join(world.root, '.worktrees', `${mission}-coord`)
  const commit = (name: string): string => {
    world.repository.write(`kitty-specs/${mission}/${name}`, name, worktree)
    world.repository.gitIn(worktree, 'add', '.')
    world.repository.gitIn(worktree, 'commit', '-qm', name)
    return world.repository.gitIn(worktree, 'rev-parse', 'HEAD').trim()
  }
  const state = join(world.root, '.kittify/sync-state.json')
  const made = commit('plan.md')
  await early.heal()
  expect(early.system.workerStates.git).toBe('idle')
  expect(existsSync(state)).toBe(false)
  await early.stop()

  await world.init()
  const runtime = await world.open()
  await runtime.heal()
  expect(readFileSync(state, 'utf8')).toContain(made)
  await runtime.stop()

  const idle = await world.open()
  await idle.heal()
  expect(idle.system.workerStates.git).toBe('idle')
})
