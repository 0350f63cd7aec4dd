/** Checks many ledger files on a pool of threads: short, stateless, CPU-bound work is what Piscina is for. */
import { availableParallelism } from 'node:os'
import { Piscina } from 'piscina'
import { threadUrl } from '../../project/program-files.ts'
import { threadArguments } from '../thread-protocol.ts'
import type { LogOutcome } from './check-log.ts'

/** Threads that may run at once, however many processors there are. */
const THREADS_MAX = 8
/** Files that may wait for a thread. */
const QUEUE_MAX = 4_096
/** A log of the largest size fits; one that needs more ends its thread and not the process. */
const HEAP_MAX_MB = 1_024

/** One outcome per path, in the order of the paths. Never rejects for what a file holds. */
export async function checkLogs(paths: readonly string[]): Promise<readonly LogOutcome[]> {
  if (paths.length === 0) return []
  const pool = new Piscina({
    filename: threadUrl('bulk/check-log').href,
    minThreads: 1,
    maxThreads: Math.min(paths.length, availableParallelism(), THREADS_MAX),
    maxQueue: QUEUE_MAX,
    ...threadArguments(),
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MAX_MB },
  })
  // Without a listener a late error of a thread would end the process.
  pool.on('error', () => undefined)
  try {
    const outcomes: LogOutcome[] = []
    for (let at = 0; at < paths.length; at += QUEUE_MAX) {
      const slice = paths.slice(at, at + QUEUE_MAX)
      outcomes.push(...(await Promise.all(slice.map((path) => checkOne(pool, path)))))
    }
    return outcomes
  } finally {
    await pool.destroy()
  }
}

async function checkOne(pool: Piscina, path: string): Promise<LogOutcome> {
  try {
    return (await pool.run(path)) as LogOutcome
  } catch {
    return { state: 'unreadable', path, reason: 'thread_failed' }
  }
}
