/** Work packages through the door: judged, recorded, committed and queued, and refused with what is missing. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Runtime } from '#dist/index.js'
import { locateRepository } from '#dist/project/git/locate.js'
import { readMission } from '#dist/project/missions/missions.js'
import { readStatus } from '#dist/workers/git/logs/status-log.js'
import { RuntimeWorld } from './support/runtime-world.ts'

type Opened = { world: RuntimeWorld; runtime: Runtime; mission: string; uuid: string }

async function opened(): Promise<Opened> {
  const world = new RuntimeWorld()
  const uuid = await world.init()
  const mission = await world.createMission('harbour')
  return { world, runtime: await world.open(), mission, uuid }
}

const folderOf = ({ world, mission }: Opened): string =>
  join(world.root, '.worktrees', `${mission}-coord`, 'kitty-specs', mission)
const rows = (place: Opened): Record<string, unknown>[] =>
  readFileSync(join(folderOf(place), 'status.events.jsonl'), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>)

describe('a work package', () => {
  it('is made once, introduced to the team, and moved by its padded id', async () => {
    const place = await opened()
    const { runtime, world, mission, uuid } = place
    const made = await runtime.workPackages.create({ mission, wp_id: 'WP1', title: 'Sign in' })
    expect(made).toMatchObject({
      wp_id: 'WP01',
      from_lane: 'genesis',
      to_lane: 'planned',
      committed: true,
      route: 'queued',
    })
    const moved = await runtime.workPackages.move({ mission, wp_id: 'wp01', to: 'claimed' })
    expect(moved).toMatchObject({ from_lane: 'planned', to_lane: 'claimed', force: false })
    const lines = rows(place)
    expect(lines.map((row) => row['event_type'] ?? row['to_lane'])).toEqual([
      'WPCreated',
      'planned',
      'claimed',
    ])
    // Each line has its event, under its id, in the order of the log.
    expect(world.events(uuid).map(({ event_id }) => event_id)).toEqual(
      lines.map((row) => row['event_id']),
    )
    await expect(runtime.workPackages.create({ mission, wp_id: 'WP01' })).rejects.toMatchObject({
      code: 'WP_EXISTS',
    })
  })

  it('goes all the way to done, and back by force, with what the wire asks', async () => {
    const place = await opened()
    const { runtime, mission } = place
    const move = (to: string, more: object = {}) =>
      runtime.workPackages.move({ mission, wp_id: 'WP01', to, ...more })
    await runtime.workPackages.create({ mission, wp_id: 'WP01' })
    const review = { reviewer: 'rita', verdict: 'changes_requested', reference: 'r1' } as const
    await move('claimed')
    await move('doing')
    await move('for_review')
    await move('in_review')
    const back = await move('planned', { review_result: review })
    expect(back).toMatchObject({ force: true, committed: true })
    expect(rows(place).at(-1)).toMatchObject({
      force: true,
      reason: 'backward rewind: in_review -> planned: r1',
      review_ref: 'r1',
    })
    await move('done', {
      force: true,
      reason: 'it was good after all',
      evidence: { review: { ...review, verdict: 'approved' } },
    })
    const refused = expect(move('planned')).rejects
    await refused.toMatchObject({
      code: 'TRANSITION_REFUSED',
      message: expect.stringContaining('final') as string,
    })
    expect(rows(place)).toHaveLength(8)
  })

  it('is read from what others pushed, and from the primary checkout once that was merged', async () => {
    const place = await opened()
    const { runtime, mission, world } = place
    await runtime.workPackages.create({ mission, wp_id: 'WP01' })
    await runtime.stop()
    const repository = await locateRepository(world.root)
    const lanes = async () => {
      const { fold, source } = await readStatus(repository, await readMission(repository, mission))
      return [source, ...[...fold.packages.values()].map(({ lane }) => lane)]
    }
    const git = (...words: string[]) => world.repository.git(...words)
    const branch = (await readMission(repository, mission)).coordination_branch ?? ''
    git('worktree', 'remove', '--force', join('.worktrees', `${mission}-coord`))
    expect(await lanes()).toEqual(['branch', 'planned'])
    // As in a clone.
    git('update-ref', `refs/remotes/origin/${branch}`, branch)
    git('branch', '-q', '-D', branch)
    expect(await lanes()).toEqual(['branch', 'planned'])
    git('merge', '-q', '-m', 'Merge', `origin/${branch}`)
    expect(await lanes()).toEqual(['worktree', 'planned'])
  })

  it('tells the inspector where it is', async () => {
    const { runtime, mission } = await opened()
    const seen: unknown[] = []
    runtime.inspect((event) => {
      if (event.type !== '@xstate.snapshot' || !('id' in event.actorRef)) return
      if (!String(event.actorRef.id).startsWith('lane.')) return
      seen.push((event.snapshot as { value?: unknown }).value)
    })
    await runtime.workPackages.create({ mission, wp_id: 'WP01' })
    await runtime.workPackages.move({ mission, wp_id: 'WP01', to: 'blocked' })
    await runtime.workPackages.move({
      mission,
      wp_id: 'WP01',
      to: 'done',
      force: true,
      reason: 'x',
      evidence: { review: { reviewer: 'r', verdict: 'approved', reference: 'y' } },
    })
    expect(seen.at(-1)).toBe('done')
    expect(seen).toEqual(expect.arrayContaining(['planned', 'blocked']))
  })

  it.each<[string, object, string]>([
    ['an id that is none', { wp_id: 'WP100' }, 'WP_ID'],
    ['an id of zero', { wp_id: 'WP00' }, 'WP_ID'],
    ['a package that is not there', { wp_id: 'WP09' }, 'WP_UNKNOWN'],
    ['a lane that is none', { to: 'genesis' }, 'LANE_UNKNOWN'],
    ['a lane that is only read', { to: 'uninitialized', force: true, reason: 'x' }, 'LANE_UNKNOWN'],
    ['a field that nobody knows', { forced: true }, 'MOVE_INVALID'],
    ['evidence of another shape', { evidence: { reviewer: 'x' } }, 'MOVE_INVALID'],
    ['an actor of another shape', { actor: { tool: 'x' } }, 'MOVE_INVALID'],
    ['a mission that is not there', { mission: 'nowhere' }, 'MISSION_NOT_FOUND'],
  ])('with %s is refused, and nothing is written', async (_, fields, code) => {
    const place = await opened()
    const { runtime, mission } = place
    await runtime.workPackages.create({ mission, wp_id: 'WP01' })
    const move = { mission, wp_id: 'WP01', to: 'claimed', ...fields }
    await expect(runtime.workPackages.move(move)).rejects.toMatchObject({ code })
    expect(rows(place)).toHaveLength(2)
  })

  it('is moved by one of two runtimes at a time, and the other one sees it', async () => {
    const place = await opened()
    const { runtime, world, mission } = place
    const other = await world.open()
    await runtime.workPackages.create({ mission, wp_id: 'WP01' })
    const to = ['claimed', 'blocked', 'canceled'] as const
    const moves = await Promise.allSettled(
      to.map((lane, at) =>
        (at % 2 === 0 ? runtime : other).workPackages.move({ mission, wp_id: 'WP01', to: lane }),
      ),
    )
    const done = moves.flatMap((move) => (move.status === 'fulfilled' ? [move.value] : []))
    const transitions = rows(place).filter((row) => row['to_lane'] !== undefined)
    expect(transitions).toHaveLength(1 + done.length)
    for (const [at, row] of transitions.slice(1).entries()) {
      expect(row['from_lane']).toBe(transitions[at]?.['to_lane'])
    }
  })
})
