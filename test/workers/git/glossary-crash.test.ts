/** The glossary's writer dies at each change of the disk; the next command finds all of it or nothing. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkGlossary, findingsOf } from '#dist/read-glossary.js'
import { DurableFs } from '#dist/workers/git/disk/durable-fs.js'
import { Unqueued } from '#dist/workers/git/ledgers/unqueued.js'
import { Warnings } from '#dist/workers/git/warnings.js'
import { GlossaryLab } from '../../support/glossary-lab.ts'

/** More changes of the disk than one resolution makes; the sweep ends at the first number that is too high. */
const STEPS_MAX = 120

let lab: GlossaryLab

beforeEach(() => (lab = new GlossaryLab()))
afterEach(() => lab.remove())

describe('a process killed while a clarification is resolved', () => {
  it('at any change of the disk loses nothing acknowledged, and the next command heals (L9)', async () => {
    lab.writeSeed('# ours\nterms:\n  # last\n  - surface: zebra\n    definition: x\n')
    let killAt = 1
    for (let isDone = false; !isDone && killAt <= STEPS_MAX; killAt += 1) {
      isDone = await resolveUntilDead(killAt, `term ${killAt}`)
    }
    expect(killAt).toBeGreaterThan(20)
    expect(killAt).toBeLessThan(STEPS_MAX)
    expect(lab.seed()).toMatch(/^# ours\nterms:\n/)
    expect(lab.seed()).toContain('  # last\n  - surface: zebra\n    definition: x\n')
    expect(lab.files().filter((name) => /glossary|tmp/.test(name))).toEqual([])
  })
})

/** Dies there, is followed by one of three commands, and answers whether it came to its end. */
async function resolveUntilDead(killAt: number, term: string): Promise<boolean> {
  const { conflict_id, event_id: asked } = await lab.ask(term)
  const entry = lab.resolution(conflict_id, term, 'the meaning')
  let steps = 0
  // What dies here changes nothing on the disk from that step on, as if the process had been killed there.
  const dying = lab.ledger({
    onStep: () => {
      steps += 1
      if (steps >= killAt) throw new Error('dead')
    },
  })
  const isAcknowledged = await dying.record(lab.mission, entry).then(
    () => true,
    (error: unknown) => {
      expect(steps).toBeGreaterThanOrEqual(killAt)
      if (!(error instanceof Error)) throw error
      return false
    },
  )
  const next = lab.resolution(conflict_id, term, 'the meaning')
  if (killAt % 3 === 0) await lab.observe('other')
  else if (killAt % 3 === 1) await lab.define('other', `meaning ${killAt}`)
  else await lab.ledger().record(lab.mission, next)
  const resolved = lab.rows().filter((row) => row['conflict_id'] === conflict_id)
  const ids = resolved.map((row) => row['event_id']).filter((id) => id !== asked)
  const count = lab.seed().split(`surface: ${term}\n`).length - 1
  // Row and entry together, or neither; never twice.
  expect(ids.length).toBeLessThanOrEqual(1)
  expect(count).toBe(ids.length)
  if (isAcknowledged || killAt % 3 === 2) expect(ids).toHaveLength(1)
  expect(findingsOf(checkGlossary(lab.repository))).toEqual([])
  // The team will be told exactly of what is in the log.
  const queued = await unqueued()
  expect(
    queued.filter((id) => [entry, next].some(({ events }) => events[0]?.event_id === id)),
  ).toEqual(ids)
  return isAcknowledged
}

async function unqueued(): Promise<readonly unknown[]> {
  const { root, commonDir } = lab.repository
  const warnings = new Warnings()
  const notes = new Unqueued({ fs: new DurableFs(commonDir), root, commonDir, warnings })
  const events = await notes.events()
  const ids = events.map((event) => (JSON.parse(event) as { event_id: string }).event_id)
  await notes.forget(ids)
  return ids
}
