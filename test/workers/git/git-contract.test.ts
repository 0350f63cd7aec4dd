/** What the machines may rely on in a ledger: the contract of the thread's resource, and of what stands for it in the simulation. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ulid } from 'ulid'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { NO_IDENTITY } from '#dist/project/identity-literals.js'
import { ensureIdentity } from '#dist/project/identity.js'
import { locateRepository } from '#dist/project/git/locate.js'
import { readLogin, writeLogin } from '#dist/project/login/login.js'
import { createMission } from '#dist/project/missions/mission-create.js'
import { openGitService } from '#dist/workers/git/git-service.js'
import type { GitAnswer, GitCommand, GitFact } from '#dist/workers/git/protocol.js'
import { Random } from '../../../scripts/chaos/random.mjs'
import { settle, SimClock } from '../../../scripts/prove/simulation/sim-clock.mjs'
import { openSimGit, SimRepository } from '../../../scripts/prove/simulation/sim-git.mjs'
import { GitRepository } from '../../support/git-repository.ts'
import { answeredRecord, requestedRecord } from '../../support/ledger-repository.ts'

type World = {
  ask(...commands: readonly GitCommand[]): Promise<readonly GitAnswer[]>
  readonly facts: readonly GitFact[]
  readonly mission: string
  readonly missionId: string
  readonly login: string
  /** The branch's index is locked by somebody, until what this answers is called. */
  lock(): () => void
  commitNatively(): void
  until(done: () => void): Promise<void>
}

async function realWorld(): Promise<World> {
  const git = GitRepository.withCommit(['-b', 'main'])
  const repository = await locateRepository(git.root)
  await ensureIdentity(repository, { node_id: '0123456789ab' })
  const { directory, mission_id, worktree } = await createMission(repository, {
    slug: 'a',
    topology: 'coord',
  })
  const state = join(repository.commonDir, 'state')
  writeLogin(state, { hub: 'http://127.0.0.1:9', token: 'a-token-of-length', team_slug: 'acme' })
  const reading = readLogin(state)
  const facts: GitFact[] = []
  const input = { repository, literals: NO_IDENTITY, state }
  const service = await openGitService(input, (fact) => facts.push(fact))
  onTestFinished(async () => {
    await service.close()
    git.remove()
  })
  const gitDir = git.gitIn(worktree, 'rev-parse', '--absolute-git-dir').trim()
  return {
    ask: (...commands) => Promise.all(service.handle(commands) as readonly Promise<GitAnswer>[]),
    facts,
    mission: directory,
    missionId: mission_id,
    login: reading.state === 'present' ? reading.login.id : '',
    lock: () => {
      const path = join(gitDir, 'index.lock')
      writeFileSync(path, '')
      return () => rmSync(path)
    },
    commitNatively: () => {
      git.write(`kitty-specs/${directory}/plan.md`, 'text\n', worktree)
      git.gitIn(worktree, 'add', '.')
      git.gitIn(worktree, 'commit', '-qm', 'Native')
    },
    until: (done) => vi.waitFor(done, { timeout: 10_000 }),
  }
}

async function simulatedWorld(): Promise<World> {
  const repository = new SimRepository('6f2b8c1e-3d4a-4f5b-8c6d-7e8f9a0b1c2d')
  const clock = new SimClock()
  const facts: GitFact[] = []
  const report = (fact: GitFact): void => void facts.push(fact)
  const life = clock.life()
  const service = openSimGit({ repository, report, random: new Random(1), clock: life })
  const run = async (): Promise<void> => {
    await settle()
    while (await clock.step(clock.now() + 1_000));
  }
  return {
    ask: async (...commands) => {
      const answers = Promise.all(service.handle(commands) as Promise<GitAnswer>[])
      await run()
      return answers
    },
    facts,
    mission: 'first',
    missionId: ulid(),
    login: 'a login',
    lock: () => {
      repository.obstacle = 'index_locked'
      return () => (repository.obstacle = null)
    },
    commitNatively: () => repository.commitNatively(),
    until: async (done) => {
      await run()
      done()
    },
  }
}

const WORLDS: [string, () => Promise<World>][] = [
  ['the ledger', realWorld],
  ['the simulated ledger', simulatedWorld],
]

describe.each(WORLDS)('%s', (_, make) => {
  const request = ({ mission, missionId }: World, id: string): GitCommand => {
    return { type: 'git.request', mission, record: requestedRecord(missionId, id) }
  }
  const answer = ({ mission, missionId }: World, id: string, said?: string): GitCommand => {
    return { type: 'git.answer', mission, record: answeredRecord(missionId, id, said) }
  }
  const commit = ({ mission }: World): GitCommand => {
    return { type: 'git.commit', mission, ledger: 'decisions' }
  }

  async function decided(world: World): Promise<{ id: string; event_id: string; commit: string }> {
    const id = ulid()
    const [, answered, committed] = await world.ask(
      request(world, id),
      answer(world, id),
      commit(world),
    )
    if (answered?.type !== 'git.appended' || committed?.type !== 'git.committed') {
      throw new Error(JSON.stringify([answered, committed]))
    }
    return { id, event_id: answered.event_id, commit: committed.commit }
  }

  async function hashes(world: World, except?: readonly string[]): Promise<unknown[]> {
    const command = { type: 'git.frames' as const, ...(except === undefined ? {} : { except }) }
    const [answer] = await world.ask(command)
    if (answer?.type !== 'git.framed') throw new Error(JSON.stringify(answer))
    return answer.frames.map((frame) => 'git_hash' in frame && frame.git_hash)
  }

  it('takes an answer once, the same again for the same, and another one not', async () => {
    const world = await make()
    const { id, event_id } = await decided(world)
    const [same, other, unknown] = await world.ask(
      answer(world, id),
      answer(world, id, 'The second'),
      answer(world, ulid()),
    )
    expect(same).toEqual({ type: 'git.appended', event_id, duplicate: true })
    expect(other).toMatchObject({ error: { code: 'DECISION_ALREADY_ANSWERED' } })
    expect(unknown).toMatchObject({ type: 'git.refused', error: { code: 'DECISION_UNKNOWN' } })
  })

  it('commits what was answered, names that commit again, and finds an answer in it', async () => {
    const world = await make()
    const first = await decided(world)
    const [again] = await world.ask(commit(world))
    expect(again).toMatchObject({ type: 'git.committed', commit: first.commit })
    const second = await decided(world)
    const locate = (event_id: string) => {
      return { type: 'git.locate' as const, mission: world.mission, event_id }
    }
    const found = await world.ask(locate(first.event_id), locate(second.event_id), locate(ulid()))
    expect(found).toEqual([
      { type: 'git.located', commit: first.commit },
      { type: 'git.located', commit: second.commit },
      { type: 'git.located', commit: null },
    ])
  })

  it('offers frames in the order of the branch until a hub of that epoch has confirmed them', async () => {
    const world = await make()
    const { login } = world
    await world.ask({ type: 'git.frames' }, { type: 'git.target', login, epoch: 'first' })
    const one = (await decided(world)).commit
    const two = (await decided(world)).commit
    world.commitNatively()
    const all = await hashes(world)
    expect(all).toEqual([one, two, expect.any(String)])
    expect(await hashes(world, [one])).toEqual(all.slice(1))
    const [confirmed] = await world.ask({ type: 'git.confirm', hashes: [one, two] })
    expect(confirmed).toEqual({ type: 'git.confirmed', pending: 1 })
    expect(await hashes(world)).toEqual(all.slice(2))
    await world.ask({ type: 'git.target', login, epoch: 'second' })
    expect(await hashes(world)).toEqual(all)
  })

  it('defers a commit while somebody has a lock, and heals it', async () => {
    const world = await make()
    const unlock = world.lock()
    const id = ulid()
    const [, , deferred] = await world.ask(request(world, id), answer(world, id), commit(world))
    const reason = 'index_locked'
    expect(deferred).toMatchObject({ type: 'git.deferred', deferral: { reason } })
    const [still] = await world.ask({ type: 'git.heal' })
    expect(still).toMatchObject({ committed: [], deferred: [{ reason }] })
    unlock()
    const [healed] = await world.ask({ type: 'git.heal' })
    expect(healed).toMatchObject({
      type: 'git.healed',
      committed: [expect.any(String)],
      deferred: [],
    })
  })

  it('tells while it watches of commits, by whatever program', async () => {
    const world = await make()
    await world.ask({ type: 'git.frames' }, { type: 'git.watch' })
    const before = world.facts.length
    await decided(world)
    await world.until(() => expect(world.facts.length).toBeGreaterThan(before))
    const between = world.facts.length
    world.commitNatively()
    await world.until(() => expect(world.facts.length).toBeGreaterThan(between))
    expect(world.facts.at(-1)).toEqual({ type: 'git.changed' })
  })
})
