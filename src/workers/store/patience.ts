/**
 * Waiting for another process's transaction. SQLite could wait by itself, but a thread that is ended in that wait
 * takes the whole process with it; one that is ended in ours just ends.
 */
import { systemCode } from '../../errors.ts'

/** What SQLite may wait by itself. */
export const NATIVE_WAIT_MS = 20
const PAUSE_MS = 5

/** Runs `work`, which a lock keeps from changing anything, again until it is done or `waitMs` are over. */
export function patiently<Result>(work: () => Result, waitMs: number): Result {
  const deadline = performance.now() + waitMs
  for (;;) {
    try {
      return work()
    } catch (error) {
      if (!isBusy(error) || performance.now() >= deadline) throw error
    }
    Atomics.wait(SLEEPER, 0, 0, PAUSE_MS)
  }
}

export function isBusy(error: unknown): boolean {
  return systemCode(error)?.startsWith('SQLITE_BUSY') === true
}

const SLEEPER = new Int32Array(new SharedArrayBuffer(4))
