/** Each bench runs and gives its rows; how fast is for `npm run bench` on a quiet machine. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { inTurn, notRun, quantile, row } from '../../bench/measure.mjs'
import { ROWS_SEED, rowsInTurn } from '../support/rows.ts'

const SCRIPT = join(import.meta.dirname, '../../bench/run.mjs')
const TIMEOUT_MS = 300_000

/** How many rows of each bench have a reach, where the bench is short. */
const REACHES: Readonly<Record<string, number>> = {
  emit: 5,
  commit: 1,
  flush: 2,
  hub: 4,
  nats: 0,
  start: 4,
  sanitize: 2,
  queue: 2,
  memory: 0,
  nudge: 3,
}

type Row = { bench: string; figure: string; ours: number | null; verdict: string }

describe('a row of the table', () => {
  const of = (reach: { most?: number; least?: number; value?: number }) =>
    row({ figure: 'f', beside: 'b', ours: 3, base: 2, ...reach })

  const rows: [{ most?: number; least?: number; value?: number }, string, string][] = [
    [{ most: 1.5 }, '≤ 1.5', 'met'],
    [{ most: 1.4 }, '≤ 1.4', 'missed'],
    [{ least: 1.5 }, '≥ 1.5', 'met'],
    [{ least: 1.6 }, '≥ 1.6', 'missed'],
    [{ most: 20, value: 21 }, '≤ 20', 'missed'],
    [{}, '', 'printed'],
  ]

  it.each(rows)('is judged by its reach: %j', (given, reach, verdict) => {
    expect(of(given)).toMatchObject({ value: given.value ?? 1.5, reach, verdict })
  })

  it('says why it could not be measured', () => {
    expect(notRun('f', 'b', 'no such thing')).toMatchObject({
      ours: null,
      verdict: 'not run: no such thing',
    })
  })

  it('is of the median, and of what came after the warm-ups', async () => {
    const rounds: number[] = []
    const work = (round: number) => {
      rounds.push(round)
      return Math.abs(round)
    }
    expect(await inTurn({ rounds: 3, warmUps: 2 }, { ours: work })).toEqual({ ours: 1 })
    expect(rounds).toEqual([-2, -1, 0, 1, 2])
    expect(quantile([5, 1, 4, 2, 3], 0.99)).toBe(5)
    const order: string[] = []
    const noted = (name: string) => () => {
      order.push(name)
      return 0
    }
    const both = { ours: noted('ours'), base: noted('base') }
    expect(await inTurn({ rounds: 2 }, both)).toEqual({ ours: 0, base: 0 })
    expect(order.join()).toBe('ours,base,base,ours,ours,base')
  })
})

describe('npm run bench', () => {
  it(
    `gives a figure for each row in one tiny round (ROWS_SEED=${ROWS_SEED})`,
    () => {
      const names = rowsInTurn([...Object.keys(REACHES), 'peers'], 3)
      const env = { ...process.env, KITTIWAKE_BUILT: '1' }
      const said = execFileSync(
        process.execPath,
        [SCRIPT, '--short', '--json', '--only', names.join(',')],
        {
          env,
          encoding: 'utf8',
          // Nothing else could end it: the thread of the test waits.
          timeout: 150_000,
          stdio: ['ignore', 'pipe', 'ignore'],
        },
      )
      const { rows } = JSON.parse(said) as { rows: Row[] }
      const benches = new Set(rows.map(({ bench }) => bench))
      expect(benches).toEqual(new Set(names))
      const empty = rows.filter(
        ({ verdict, ours }) => !verdict.startsWith('not run') && ours === null,
      )
      expect(empty).toEqual([])
      // Every reach is in the table, met here or not; beside which peers ours is measured is the machine's.
      const judged = rows.filter(
        ({ bench, verdict }) => bench !== 'peers' && /^(?:met|missed)$/.test(verdict),
      )
      expect(judged.map(({ bench }) => bench)).toEqual(
        names.flatMap((name) => Array<string>(REACHES[name] ?? 0).fill(name)),
      )
    },
    TIMEOUT_MS,
  )
})
