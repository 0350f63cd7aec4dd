/** A turn of the sweep of the system's calls; `npm run sweep:calls` takes them one by one. */
import { expect, it } from 'vitest'
import { Random } from '../../scripts/chaos/random.mjs'
import { sweepByChance, SyscallSweep } from '../../scripts/prove/syscall-sweep.mjs'
import { ROWS_SEED } from '../support/rows.ts'

const TURNS = 1
const TIMEOUT_MS = 120_000
const obstacle = SyscallSweep.obstacle()
if (obstacle !== null) console.log(`the calls of the system are not swept: ${obstacle}`)

it.skipIf(obstacle !== null)(
  `a command whose call dies, is torn or fails loses nothing, and the next one heals (L9; ROWS_SEED=${ROWS_SEED})`,
  async () => {
    const sweep = await SyscallSweep.open()
    try {
      expect(await sweep.count('emit')).toBeGreaterThan(5)
      await sweep.run({ scenario: 'emit', at: 1, how: 'kill' })
      expect([sweep.kills, sweep.failures, sweep.faults]).toEqual([1, 0, []])
      await sweepByChance(sweep, new Random(ROWS_SEED), (done: number) => done >= TURNS)
      expect(sweep.faults).toEqual([])
    } finally {
      sweep.close()
    }
  },
  TIMEOUT_MS,
)
