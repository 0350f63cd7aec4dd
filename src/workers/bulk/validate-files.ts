/** Judges the events of many files on a pool of threads. */
import { type PoolOptions, runOnPool } from './pool.ts'
import type { FileOutcome, ValidationTask } from './validate-file.ts'

type Options = Omit<PoolOptions<ValidationTask, FileOutcome>, 'lost'>

/** One outcome per task, in their order. */
export function validateFiles(
  tasks: readonly ValidationTask[],
  options: Options = {},
): Promise<readonly FileOutcome[]> {
  return runOnPool<ValidationTask, FileOutcome>('validate-file', tasks, {
    ...options,
    lost: ({ path }) => ({ state: 'unreadable', path, reason: 'thread_failed' }),
  })
}
