/** Reduces the events of many files on a pool of threads. */
import { type PoolOptions, runOnPool } from './pool.ts'
import type { ReplayOutcome, ReplayTask } from './replay-file.ts'

type Options = Omit<PoolOptions<ReplayTask, ReplayOutcome>, 'lost'>

/** One outcome per task, in their order; fewer where the signal came. */
export function replayFiles(
  tasks: readonly ReplayTask[],
  options: Options = {},
): Promise<readonly ReplayOutcome[]> {
  return runOnPool<ReplayTask, ReplayOutcome>('replay-file', tasks, {
    ...options,
    lost: ({ path }) => ({ state: 'unreadable', path, reason: 'thread_failed' }),
  })
}
