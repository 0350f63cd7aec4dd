/** What earlier commands left to do is done by the next one that writes, and nothing is started where there is nothing. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { Holding } from '#dist/background/holding.js'
import { BackgroundLog } from '#dist/background/log.js'
import { commit } from '#dist/index.js'
import { locateRepository } from '#dist/project/git/locate.js'
import { GlossaryLedger } from '#dist/workers/git/ledgers/glossary-ledger.js'
import { followNewMissions } from '#dist/workers/git/frames/mission-branches.js'
import { hasUnqueued } from '#dist/workers/git/ledgers/unqueued.js'
import { startHub } from './hub/support.ts'
import { GlossaryLab } from './support/glossary-lab.ts'
import { PausedGit } from './support/paused-git.ts'
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

it('records the frame of a commit whose maker died over it, where the same commit is asked for again', async () => {
  const world = await RuntimeWorld.withProject()
  const mission = await world.createMission('harbour')
  await followNewMissions(await locateRepository(world.root))
  const worktree = join(world.root, '.worktrees', `${mission}-coord`)
  const path = `kitty-specs/${mission}/plan.md`
  world.repository.write(path, 'A plan', worktree)
  const branch = world.repository.gitIn(worktree, 'branch', '--show-current').trim()
  // As a kill after the ref has moved leaves it.
  world.repository.gitIn(worktree, 'add', '.')
  world.repository.gitIn(worktree, 'commit', '-qm', 'Plan')
  const made = world.repository.gitIn(worktree, 'rev-parse', 'HEAD').trim()
  const again = commit({ root: world.root, worktree, ref: branch, message: 'Plan', paths: [path] })
  await expect(again).rejects.toMatchObject({ code: 'SAFE_COMMIT_EMPTY_CHANGESET' })
  expect(readFileSync(join(world.root, '.kittify/sync-state.json'), 'utf8')).toContain(made)
})

it('puts a row back that a native command took out of the index behind the last commit, and looks once', async () => {
  const world = await RuntimeWorld.withProject()
  const mission = await world.createMission('harbour')
  const worktree = join(world.root, '.worktrees', `${mission}-coord`)
  const native = (...args: string[]): string => world.repository.gitIn(worktree, ...args).trim()
  const runtime = await world.open()
  const decide = async (): Promise<void> => {
    const { decision_id } = await runtime.decisions.request({ mission, question: 'Which one?' })
    await runtime.decisions.answer({ mission, decision_id, answer: 'This one' })
  }
  await decide()
  world.repository.write('plan.md', 'A plan', worktree)
  native('add', 'plan.md')
  const paused = await PausedGit.start(worktree, 'commit', '-qm', 'Plan')
  await decide()
  await runtime.stop()
  await paused.finish()
  expect(native('diff', '--cached', '--name-only').split('\n')).toHaveLength(2)

  const next = await world.open()
  await next.heal()
  expect(native('diff', '--cached', '--name-only')).toBe('plan.md')
  await next.stop()

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

/** A project with consent, a login, one event that waits and one that a full outbox did not take: its note stands. */
async function withNote(): Promise<{ world: RuntimeWorld; uuid: string; ids: string[] }> {
  const world = new RuntimeWorld()
  const uuid = await world.init()
  const mission = await world.createMission('harbour')
  await world.optIn()
  world.login(await startHub())
  const full = await world.open({ capacity: 1 })
  const ids: string[] = []
  for (const term of ['a', 'b']) {
    ids.push((await full.glossary.request({ mission, term, question: 'Which?' })).event_id)
  }
  await full.stop()
  expect(world.events(uuid)).toHaveLength(1)
  return { world, uuid, ids }
}

async function expectDelivered(world: RuntimeWorld, uuid: string, ids: string[]): Promise<void> {
  const states = () => world.events(uuid).map(({ event_id, state }) => [event_id, state])
  const delivered = ids.map((id) => [id, 'delivered'])
  await vi.waitFor(() => expect(states()).toEqual(delivered), { timeout: 30_000 })
  const { commonDir } = await locateRepository(world.root)
  await vi.waitFor(() => expect(hasUnqueued(commonDir)).toBe(false), { timeout: 10_000 })
}

it('gives the outbox what a crash kept from it where the link is held and nobody writes', async () => {
  const { world, uuid, ids } = await withNote()
  const runtime = await world.open()
  await runtime.sync.start()
  await expectDelivered(world, uuid, ids)
})

it('opens a resting project in the background for it, once', async () => {
  const { world, uuid, ids } = await withNote()
  const first = await world.open()
  await first.sync.now()
  await first.stop()
  // Again, with nothing else that waits.
  const { commonDir } = await locateRepository(world.root)
  expect(hasUnqueued(commonDir)).toBe(false)
  expect(world.events(uuid).map(({ event_id }) => event_id)).toEqual(ids)
  const notes = join(commonDir, 'kittiwake/unqueued')
  mkdirSync(notes)
  writeFileSync(join(notes, 'another.txt'), 'of no event')
  const log = new BackgroundLog(join(world.home, 'log.jsonl'))
  const entry = { root: world.root, uuid }
  const holding = new Holding({
    state: world.state,
    entry,
    log,
    changed: () => undefined,
    opened: () => () => undefined,
    isHeldHere: () => false,
  })
  onTestFinished(() => holding.close())
  await holding.look(1)
  expect(holding.wantsToOpen(1)).toBe(true)
  holding.open(1)
  await vi.waitFor(() => expect(holding.isOpening).toBe(false), { timeout: 20_000 })
  await holding.close()
  await holding.look(2)
  expect(holding.hasWork).toBe(false)
  writeFileSync(join(notes, 'a-third.txt'), 'of no event either')
  expect(holding.isDue(2)).toBe(true)
  await holding.look(3)
  expect(holding.hasWork).toBe(true)
})
