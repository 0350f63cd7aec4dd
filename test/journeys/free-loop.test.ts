/** The loop of the main thread, which is the user's own: it turns on whatever the runtime and its threads are doing (I33). */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { IntervalHistogram } from 'node:perf_hooks'
import { describe, expect, it, vi } from 'vitest'
import type { Runtime } from '#dist/index.js'
import { outboxPath } from '#dist/project/state-directory.js'
import { judge } from '../../scripts/prove/invariants.mjs'
import { draftNote } from '../support/drafts.ts'
import { ForeignLock } from '../support/foreign-lock.ts'
import { RuntimeWorld } from '../support/runtime-world.ts'

/** A noisy machine holds up some runs, the program all of them. */
const RUNS_MAX = 6
const LOOK_MS = 5
const WAITED_LOOKS = 40
const ROUNDS = 5
const EVENTS = 40
const TEXT = 'The tide leaves the ledge at four. '.repeat(50)

type Work = (looks: IntervalHistogram) => Promise<unknown>

/** Resolves once the loop was looked at so often more. */
async function looked(looks: IntervalHistogram, times = 1): Promise<void> {
  const before = looks.count
  await vi.waitFor(() => expect(looks.count).toBeGreaterThanOrEqual(before + times), {
    interval: LOOK_MS,
  })
}

/** How late the loop was in 99 of 100 looks, in milliseconds, until the work is done. */
async function delayOver(work: Work): Promise<number> {
  const looks = monitorEventLoopDelay({ resolution: LOOK_MS })
  looks.enable()
  await looked(looks)
  await work(looks)
  // The turn that ends the work is looked at, too.
  await looked(looks)
  looks.disable()
  return looks.percentile(99) / 1e6
}

/** Until a run is good, or there were enough that are not. */
async function faultsOf(work: Work): Promise<readonly string[]> {
  const delays: number[] = []
  for (let run = 0; run < RUNS_MAX; run += 1) {
    delays.push(await delayOver(work))
    const { judged, faults } = judge({ delays })
    expect(judged).toEqual(['I33'])
    if (faults.length === 0) return []
  }
  return judge({ delays }).faults
}

/** Events come one turn after the other, and each is waited for; a decision is asked, answered and committed beside. */
async function work(runtime: Runtime, mission: string): Promise<void> {
  const { decision_id } = await runtime.decisions.request({ mission, question: 'Which one?' })
  const answered = runtime.decisions.answer({ mission, decision_id, answer: 'The first' })
  for (let round = 0; round < ROUNDS; round += 1) {
    const texts = Array.from({ length: EVENTS }, (_, at) => `${round} ${at} ${TEXT}`)
    await Promise.all(texts.map((text) => runtime.emit(draftNote(text))))
  }
  await answered
}

describe('the loop of the main thread (I33)', () => {
  it('turns on while events are recorded and an answer is committed', async () => {
    const world = await RuntimeWorld.withProject()
    const mission = await world.createMission('loop')
    const runtime = await world.open()
    expect(await faultsOf(() => work(runtime, mission))).toEqual([])
  })

  it('turns on while another process holds the outbox (F15)', async () => {
    const world = new RuntimeWorld()
    const path = outboxPath(world.state, await world.init())
    const runtime = await world.open()
    await runtime.emit(draftNote('before'))
    const wait: Work = async (looks) => {
      const lock = await ForeignLock.hold(path, 'IMMEDIATE')
      const emitting = runtime.emit(draftNote('meanwhile'))
      await looked(looks, WAITED_LOOKS)
      await lock.release()
      await emitting
    }
    expect(await faultsOf(wait)).toEqual([])
  })

  it('is seen where it is held up', async () => {
    const hold = async (): Promise<void> => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 250)
    }
    expect(await faultsOf(hold)).toEqual([expect.stringMatching(/^I33: the loop is late by/)])
  })
})
