/** Kill -9 of the whole program at some of its changes of the disk, and one that fails; `npm run sweep:kills` tries them all. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SCENARIOS, WRITING } from '../../scripts/kill-scenarios.mjs'
import { KillSweep } from '../../scripts/kill-sweep.mjs'
import { ROWS_SEED, rowsInTurn } from '../support/rows.ts'
import { SeededRandom } from '../support/seeded-random.ts'

type Kill = {
  scenario: string
  at: number
  on?: string
  again?: number
  next?: string
  error?: 'EIO' | 'ENOSPC'
  filesMax?: number
  memoryMax?: number
}

const SWEEP_TIMEOUT_MS = 400_000

const kill = (scenario: string, on: string, more: Partial<Kill> = {}): Kill => ({
  scenario,
  at: 1,
  on,
  ...more,
})
const answer = kill.bind(null, 'decision answer')
const move = kill.bind(null, 'wp move')
const resolve = kill.bind(null, 'glossary resolve')
const commit = kill.bind(null, 'commit')

/** The changes that decide: what makes a row durable, what makes it a commit, an entry or an event; every other one each time. */
const DECISIVE: readonly Kill[] = [
  answer('^write half of .*decisions\\.events', { next: 'the same' }),
  answer('^sync .*decisions\\.events', { next: 'an answer' }),
  answer('^rename .*index$', { next: 'the same' }),
  move('^write half of .*status\\.events', { next: 'the same' }),
  move('^sync .*status\\.events', { next: 'the same' }),
  move('^unlink .*unqueued', { next: 'an event' }),
  move('^rename .*refs', { next: 'a move', again: 2 }),
  resolve('^write half of .*events\\.jsonl', { next: 'the same' }),
  resolve('^sync .*events\\.jsonl', { next: 'an event' }),
  resolve('^rename .*team_domain\\.yaml$', { next: 'a request' }),
]

/** Some of these each time, by the seed. */
const IN_TURN: readonly Kill[] = [
  answer('^write half of .*deferred', { next: 'a request' }),
  answer('^write half of .*decisions\\.events', { next: 'a request' }),
  answer('^rename .*objects', { at: 5 }),
  answer('^link .*index\\.lock$'),
  answer('^link .*refs.*\\.lock$', { next: 'a request', again: 2 }),
  answer('^write half of .*logs.HEAD'),
  answer('^write half of .*logs.refs', { next: 'a request' }),
  answer('^rename .*refs', { next: 'an answer' }),
  answer('^fsync .*refs', { next: 'the same' }),
  answer('^unlink .*HEAD\\.lock$', { next: 'a request' }),
  answer('^unlink .*journal'),
  answer('^write half of .*sync-state'),
  answer('^rename .*sync-state', { next: 'a request' }),
  answer('^rename .*branches', { next: 'an answer' }),
  move('^rename .*unqueued', { next: 'the same' }),
  move('^write half of .*deferred', { next: 'an event' }),
  move('^write half of .*status\\.json', { next: 'a move' }),
  move('^rename .*status\\.json$', { next: 'the same' }),
  move('^rename .*index$', { next: 'an answer' }),
  move('^unlink .*deferred\\.json$', { next: 'an observation' }),
  resolve('^rename .*unqueued', { next: 'an event' }),
  resolve('^rename .*kittiwake.glossary\\.json$', { next: 'the same' }),
  resolve('^write half of .*team_domain', { next: 'a move' }),
  resolve('^unlink .*kittiwake.glossary\\.json$', { next: 'a resolution' }),
  resolve('^unlink .*unqueued', { next: 'an observation' }),
  commit('^link .*refs.*\\.lock$'),
  commit('^rename .*index$'),
  commit('^rename .*refs'),
  commit('^fsync .*refs'),
]
/** The disk fails, once, and the command lives: one of these each time. */
const FAILING: readonly Kill[] = [
  answer('^write half of .*decisions\\.events', { error: 'ENOSPC' }),
  answer('^rename .*refs', { error: 'EIO' }),
  move('^sync .*status\\.events', { error: 'EIO' }),
  move('^rename .*index$', { error: 'ENOSPC', next: 'a move' }),
  resolve('^rename .*team_domain\\.yaml$', { error: 'EIO' }),
  resolve('^unlink .*unqueued', { error: 'EIO', next: 'an event' }),
  commit('^link .*refs.*\\.lock$', { error: 'EIO' }),
  commit('^fsync .*refs', { error: 'EIO' }),
]
/** Of hubs; what needs a nats-server where there is one. */
const AT_HUBS: readonly Kill[] = [
  kill('hub restore', '^rm .*restore-', { error: 'EIO' }),
  kill('hub migrate to NATS', '^rm .*migrate-', { error: 'EIO' }),
  kill('hub migrate from NATS', '^rename .*migrate-', { error: 'ENOSPC' }),
]
const TURNS = 4
/** In KiB: with so little no Node starts, and with the most of these all commands do their work. */
const TOO_LITTLE_MEMORY = 700_000
const MEMORY_MAX = 2_400_000
/** In the threads of the outbox and of git, at whatever they do. */
const ANYWHERE = 1

describe('kill -9', () => {
  let sweep: KillSweep

  beforeAll(async () => {
    sweep = await KillSweep.open()
  })
  afterAll(() => sweep.close())

  it(
    `of any command loses nothing acknowledged, doubles nothing, and the next one heals (L9, L5; ROWS_SEED=${ROWS_SEED})`,
    async () => {
      const changes = await sweep.trace('wp move')
      const threads = new Set(changes.map(({ thread }) => thread))
      // What the command itself makes is there once it has run.
      // Of the main thread, the focus that follows from a move.
      expect(threads).toEqual(new Set(['main', 'git.worker.js', 'store.worker.js']))
      expect(changes.length).toBeGreaterThan(100)
      const random = new SeededRandom(ROWS_SEED)
      const draw = <Item>(from: readonly Item[], count: number): Item[] => {
        const left = [...from]
        return Array.from({ length: count }, () => left.splice(random.below(left.length), 1)).flat()
      }
      const anywhere = draw(changes, ANYWHERE).map(({ thread, step }) => ({
        scenario: 'wp move',
        thread,
        at: step,
      }))
      const decisive = rowsInTurn(DECISIVE, 2)
      await sweep.run([...decisive, ...draw(IN_TURN, TURNS), ...anywhere, ...draw(FAILING, 1)])
      expect(sweep.faults).toEqual([])
      expect(sweep.kills).toBeGreaterThanOrEqual(decisive.length + TURNS)
      expect(sweep.failures).toBe(1)
    },
    SWEEP_TIMEOUT_MS,
  )

  it(
    'has a mission that can not be made durable be none, and says why (F09)',
    async () => {
      const before = sweep.failures
      const on = '^fsync .*refs/heads$'
      await sweep.run([kill('mission create', on, { error: 'EIO' })])
      expect(sweep.faults).toEqual([])
      expect(sweep.failures - before).toBe(1)
    },
    SWEEP_TIMEOUT_MS,
  )

  it.skipIf(process.platform === 'win32')(
    'refuses what there are too few files for, and has lost nothing (F11)',
    async () => {
      const before = sweep.failures
      const kills = [44, 50].map((filesMax) => ({ scenario: 'commit', at: 0, filesMax }))
      await sweep.run(kills)
      expect(sweep.faults).toEqual([])
      expect(sweep.failures - before).toBe(kills.length)
    },
    SWEEP_TIMEOUT_MS,
  )

  it.skipIf(process.platform !== 'linux')(
    `is what a lack of memory comes to, wherever it is met (F40; ROWS_SEED=${ROWS_SEED})`,
    async () => {
      const before = sweep.kills
      const random = new SeededRandom(ROWS_SEED)
      const any = () => TOO_LITTLE_MEMORY + random.below(MEMORY_MAX - TOO_LITTLE_MEMORY)
      const kills = Object.keys(SCENARIOS).map((scenario, place) => {
        return { scenario, at: 0, memoryMax: place === 0 ? TOO_LITTLE_MEMORY : any() }
      })
      await sweep.run(kills)
      expect(sweep.faults).toEqual([])
      expect(sweep.kills).toBeGreaterThan(before)
    },
    SWEEP_TIMEOUT_MS,
  )

  it(
    'has a hub keep what it has, over work that it can neither take away nor put in its place (F09)',
    async () => {
      const before = sweep.failures
      const kills = AT_HUBS.filter(({ scenario }) => scenario in WRITING)
      await sweep.run(kills)
      expect(sweep.faults).toEqual([])
      expect(sweep.failures - before).toBe(kills.length)
    },
    SWEEP_TIMEOUT_MS,
  )
})
