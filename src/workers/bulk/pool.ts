/** Many short, stateless, CPU-bound tasks on a pool of threads: what Piscina is for. */
import { availableParallelism } from 'node:os'
import { Piscina } from 'piscina'
import { threadUrl } from '../../project/program-files.ts'
import { threadArguments } from '../thread-protocol.ts'

/** Threads that may run at once, however many processors there are. */
const THREADS_MAX = 8
/** Tasks that may wait for a thread. */
const QUEUE_MAX = 4_096
/** A log of the largest size fits; a task that needs more ends its thread and not the process. */
const HEAP_MAX_MB = 1_024

export type PoolOptions<Task, Outcome> = {
  /** What stands for the outcome where the task's thread was lost. */
  readonly lost: (task: Task) => Outcome
  /** Threads at most; default: as many as there are processors. */
  readonly threads?: number
  /** Called after each task with how many are done. */
  readonly onDone?: (done: number) => void
  /** Once it is aborted no further task is begun: those that are left count as lost. */
  readonly signal?: AbortSignal
}

/** One outcome per task, in the order of the tasks; `name` is the thread's module below workers/bulk. Never rejects for a task. */
export async function runOnPool<Task, Outcome>(
  name: string,
  tasks: readonly Task[],
  { lost, threads = availableParallelism(), onDone, signal }: PoolOptions<Task, Outcome>,
): Promise<readonly Outcome[]> {
  if (tasks.length === 0) return []
  const pool = new Piscina({
    filename: threadUrl(`bulk/${name}`).href,
    minThreads: 1,
    maxThreads: Math.max(1, Math.min(tasks.length, threads, THREADS_MAX)),
    maxQueue: QUEUE_MAX,
    ...threadArguments(),
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MAX_MB },
  })
  // Without a listener a late error of a thread would end the process.
  pool.on('error', () => undefined)
  let done = 0
  const runOne = async (task: Task): Promise<Outcome> => {
    try {
      if (signal?.aborted === true) return lost(task)
      return (await pool.run(task)) as Outcome
    } catch {
      return lost(task)
    } finally {
      done += 1
      onDone?.(done)
    }
  }
  try {
    const outcomes: Outcome[] = []
    for (let at = 0; at < tasks.length; at += QUEUE_MAX) {
      outcomes.push(...(await Promise.all(tasks.slice(at, at + QUEUE_MAX).map(runOne))))
    }
    return outcomes
  } finally {
    await pool.destroy()
  }
}
