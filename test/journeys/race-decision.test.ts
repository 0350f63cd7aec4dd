import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRuntime } from '#dist/runtime.js'
import { MissionWorld } from '../../scripts/mission-world.mjs'

const run = promisify(execFile)

const COMMITS = 60
const MAX_TRIES = 500
/** Of each of the two programs. */
const ANSWERS = 3
/** What git says when somebody else holds a lock, or has moved the branch under it. */
const LOCKED = /index\.lock|HEAD\.lock|cannot lock ref|\.lock': File exists/

type Runtime = Awaited<ReturnType<typeof createRuntime>>
type Acknowledged = { event_id: string; says: string; commit: string | null; path: null }

describe('answers that race in one mission', () => {
  let world: MissionWorld

  beforeEach(async () => {
    world = await MissionWorld.open()
  })
  afterEach(() => world.remove())

  const open = (): Promise<Runtime> =>
    createRuntime({ root: world.root, stateDirectory: world.state, link: 'manual' })

  async function ask(runtime: Runtime, question: string): Promise<string> {
    const asked = await runtime.decisions.request({ mission: world.mission, question })
    return asked.decision_id
  }

  async function answer(runtime: Runtime, decision_id: string): Promise<Acknowledged> {
    const text = `To ${decision_id}`
    const given = await runtime.decisions.answer({
      mission: world.mission,
      decision_id,
      answer: text,
    })
    expect(given.committed ? given.deferred_reason : given.commit).toBeNull()
    return { event_id: given.event_id, says: text, commit: given.commit, path: null }
  }

  async function nativeGit(...args: string[]): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        await run('git', args, { cwd: world.worktree, env: world.env })
        return
      } catch (error) {
        if (tries === MAX_TRIES || !LOCKED.test(String(error))) throw error
      }
    }
  }

  /** A user who commits one file at a time, every other time with all that is staged; something always is. */
  async function commitNatively(): Promise<string[]> {
    mkdirSync(join(world.worktree, 'native'))
    const subjects: string[] = []
    for (let n = 0; n < COMMITS; n += 1) {
      writeFileSync(join(world.worktree, 'native', `${n}.txt`), `${n}\n`)
      await nativeGit('add', `native/${n}.txt`)
      const scope = n % 2 === 0 ? ['--only', '--', `native/${n}.txt`] : []
      await nativeGit('commit', '-q', '-m', `native ${n}`, ...scope)
      subjects.push(`native ${n}`)
      writeFileSync(join(world.worktree, 'staged.txt'), `staged ${n}\n`)
      await nativeGit('add', 'staged.txt')
    }
    return subjects
  }

  async function answerAll(runtime: Runtime): Promise<Acknowledged[]> {
    const acknowledged: Acknowledged[] = []
    let next = ask(runtime, 'Question 0?')
    for (let n = 1; n <= COMMITS; n += 1) {
      const id = await next
      next = ask(runtime, `Question ${n}?`)
      acknowledged.push(await answer(runtime, id))
    }
    await next
    return acknowledged
  }

  it('with 60 native commits lose none that either side reported (L13)', async () => {
    await using runtime = await open()
    const [acknowledged, subjects] = await Promise.all([answerAll(runtime), commitNatively()])
    await runtime.heal()
    const log = world.git(world.root, 'log', '--format=%s', world.branch).split('\n')
    expect(subjects.filter((subject) => !log.includes(subject))).toEqual([])
    const ours = acknowledged.flatMap(({ commit }) => commit ?? [])
    expect(new Set(ours).size).toBe(ours.length)
    expect(ours.length).toBeGreaterThan(COMMITS / 2)
    expect(await world.faults(acknowledged)).toEqual([])
  })

  it('from two programs are each acknowledged with a commit that holds them', async () => {
    const programs = [0, 1].map(async () => {
      const acknowledged: Acknowledged[] = []
      for (let n = 0; n < ANSWERS; n += 1) {
        const { decision_id } = await world.run(world.requestArgs())
        const { event_id, commit } = await world.run(world.answerArgs(decision_id))
        acknowledged.push({ event_id, says: `To ${decision_id}`, commit, path: null })
      }
      return acknowledged
    })
    const acknowledged = (await Promise.all(programs)).flat()
    expect(await world.faults(acknowledged)).toEqual([])
  })

  it('given at once to one runtime are one commit each', async () => {
    await using runtime = await open()
    const ids = await Promise.all([1, 2, 3, 4].map((n) => ask(runtime, `Question ${n}?`)))
    const acknowledged = await Promise.all(ids.map((id) => answer(runtime, id)))
    expect(new Set(acknowledged.map(({ commit }) => commit)).size).toBe(ids.length)
    expect(await world.faults(acknowledged)).toEqual([])
  })

  it('given twice are acknowledged with the commit that holds them, whatever came after', async () => {
    await using runtime = await open()
    const [first, second] = await Promise.all([ask(runtime, 'One?'), ask(runtime, 'Two?')])
    const given = await answer(runtime, first)
    await answer(runtime, second)
    writeFileSync(join(world.worktree, 'later.txt'), 'later\n')
    await nativeGit('add', 'later.txt')
    await nativeGit('commit', '-q', '-m', 'Later')
    expect(await answer(runtime, first)).toEqual(given)
  })
})
