import { beforeAll, describe, expect, it } from 'vitest'
import { sweepKills, traceAnswer } from '../../scripts/kill-sweep.mjs'

type Kill = { at: number; on?: string; again?: number; next?: string }

/** Of the changes without special meaning every so manieth is tried; `npm run sweep:kills` tries them all. */
const EVERY = 40
const LOG = 'decisions\\.events\\.jsonl$'
const SWEEP_TIMEOUT_MS = 400_000

/** The changes that decide: what makes the answer durable, what makes it a commit, what makes its frame. */
const DECISIVE: readonly Kill[] = [
  { on: '^write half of .*deferred', at: 1, next: 'a request' },
  { on: `^write ${LOG.replace('decisions', '.*decisions')}`, at: 1, next: 'another answer' },
  { on: `^write half of .*${LOG}`, at: 1, next: 'the same answer' },
  { on: `^write half of .*${LOG}`, at: 1, next: 'a request' },
  { on: `^sync .*${LOG}`, at: 1, next: 'another answer' },
  { on: '^rename .*objects', at: 5 },
  { on: '^link .*index\\.lock$', at: 1 },
  { on: '^link .*refs.*\\.lock$', at: 1 },
  { on: '^write half of .*logs.HEAD', at: 1 },
  { on: '^write half of .*logs.refs', at: 1, next: 'a request' },
  { on: '^rename .*index$', at: 1, next: 'the same answer' },
  { on: '^rename .*refs', at: 1, next: 'another answer' },
  { on: '^fsync .*refs', at: 1, next: 'the same answer' },
  { on: '^unlink .*HEAD\\.lock$', at: 1, next: 'a request' },
  { on: '^unlink .*journal', at: 1 },
  { on: '^write half of .*sync-state', at: 1 },
  { on: '^rename .*sync-state', at: 1, next: 'a request' },
  { on: '^rename .*branches', at: 1, next: 'another answer' },
]

/** The command that heals is killed as well, and the one after it heals. */
const TWICE: readonly Kill[] = [
  { on: '^rename .*refs', at: 1, again: 4 },
  { on: '^link .*refs.*\\.lock$', at: 1, again: 2, next: 'a request' },
]

describe('kill -9 of `decision answer`', () => {
  let changes: Awaited<ReturnType<typeof traceAnswer>>

  beforeAll(async () => {
    changes = await traceAnswer()
  })

  it('changes the disk in the git worker only (L5)', () => {
    expect(changes.length).toBeGreaterThan(100)
    expect(new Set(changes.map(({ thread }) => thread))).toEqual(new Set(['git.worker.js']))
  })

  it(
    'loses no acknowledged answer at any change of the disk, and the next command heals (L9)',
    async () => {
      const sampled = changes.flatMap(({ step }) => (step % EVERY === 0 ? [{ at: step }] : []))
      const { kills, faults } = await sweepKills([...DECISIVE, ...sampled, ...TWICE])
      expect(faults).toEqual([])
      expect(kills).toBeGreaterThanOrEqual(DECISIVE.length + 2 * TWICE.length)
    },
    SWEEP_TIMEOUT_MS,
  )
})
