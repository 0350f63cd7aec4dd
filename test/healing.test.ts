/** What earlier commands left to do is done by the next one that writes, and nothing is started where there is nothing. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { locateRepository } from '#dist/project/locate.js'
import { GlossaryLedger } from '#dist/workers/git/glossary-ledger.js'
import { followNewMissions } from '#dist/workers/git/mission-branches.js'
import { GlossaryLab } from './support/glossary-lab.ts'
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

it('puts a sense that a crash kept from its file there, where nothing else is to be done', async () => {
  const world = new RuntimeWorld()
  await world.init()
  const mission = await world.createMission('harbour')
  const repository = await locateRepository(world.root)
  const seed = join(world.root, '.kittify/glossaries/team_domain.yaml')
  const dying = new GlossaryLedger({
    repository,
    assertClean: () => undefined,
    onStep: (_, path) => {
      if (path.startsWith(seed)) throw new Error('dead')
    },
  })
  const lab = new GlossaryLab()
  onTestFinished(() => lab.remove())
  const entry = lab.definition('mole', 'A wall')
  await expect(dying.record(mission, entry)).rejects.toThrow('dead')
  const runtime = await world.open()
  await runtime.heal()
  expect(readFileSync(seed, 'utf8')).toContain('surface: mole')
})
