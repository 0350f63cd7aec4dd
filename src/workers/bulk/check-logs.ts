/** Checks many ledger files on a pool of threads. */
import type { LogOutcome } from './check-log.ts'
import { runOnPool } from './pool.ts'

/** One outcome per path, in the order of the paths. Never rejects for what a file holds. */
export function checkLogs(paths: readonly string[]): Promise<readonly LogOutcome[]> {
  return runOnPool<string, LogOutcome>('check-log', paths, {
    lost: (path) => ({ state: 'unreadable', path, reason: 'thread_failed' }),
  })
}
