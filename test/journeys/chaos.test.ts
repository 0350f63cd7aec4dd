/** Everything at once, by a seed; `npm run chaos` goes on for as long as one likes. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { findNatsServer } from '../../scripts/nats-server.mjs'

const SCRIPT = join(import.meta.dirname, '../../scripts/chaos.mjs')
/** `CHAOS_SEED` repeats what a failed run has printed. */
const SEED = process.env['CHAOS_SEED'] ?? String(Date.now() % 100_000)
const MINUTES = 0.2
const SHARED_MINUTES = 0.1
const BACKLOG = 3_000
const TIMEOUT_MS = 400_000

describe('every acknowledged event is at the hub once, in order and with consent', () => {
  it(
    'after kills, pauses, cuts, full disks, moved clocks, other tokens and withdrawn consent',
    async () => {
      const said = await chaos('--seed', SEED, '--minutes', String(MINUTES))
      expect(said).toContain(' 0 faults')
      expect(said).toMatch(/most memory in MiB: .*background \d/)
    },
    TIMEOUT_MS,
  )

  it.skipIf(findNatsServer() === null && process.env['REQUIRE_SHARED'] !== '1')(
    'after some of that where the hub shares its log by a server, which is killed as well',
    async () => {
      const short = ['--seed', SEED, '--minutes', String(SHARED_MINUTES)]
      const said = await chaos(...short, '--backend', 'nats')
      expect(said).toContain(' 0 faults')
    },
    TIMEOUT_MS,
  )

  it(
    'after a backlog that was delivered through kills',
    async () => {
      const said = await chaos('--backlog', String(BACKLOG), '--kills', '1')
      expect(said).toContain(`${BACKLOG} events recorded offline`)
      expect(said).toContain(' 0 faults')
    },
    TIMEOUT_MS,
  )
})

/** What the run prints, on both streams, also where it fails. */
async function chaos(...args: string[]): Promise<string> {
  const env = { ...process.env, KITTIWAKE_BUILT: '1' }
  const run = promisify(execFile)(process.execPath, [SCRIPT, ...args], { env })
  const { stdout, stderr } = await run.catch((error: { stdout: string; stderr: string }) => error)
  console.log(`${stdout}${stderr}`)
  return `${stdout}${stderr}`
}
