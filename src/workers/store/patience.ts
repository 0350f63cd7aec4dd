/**
 * Waiting for another process's transaction. SQLite could wait by itself, but when a thread is ended meanwhile, the
 * error that the wait ends with can't be thrown, and better-sqlite3 aborts the whole process, however short the wait
 * was. So SQLite never waits, and a thread that is asked to stop ends our wait by itself.
 */
import { systemCode } from '../../errors.ts'
import type { Rest } from '../serve.ts'

/** What SQLite may wait by itself. */
export const NATIVE_WAIT_MS = 0
const PAUSE_MS = 5

/**
 * Runs `work`, which a lock keeps from changing anything, again until it is done, `waitMs` are over or there is no
 * more `rest`.
 */
export function patiently<Result>(
  work: () => Result,
  waitMs: number,
  rest: Rest = restAnyhow,
): Result {
  const deadline = performance.now() + waitMs
  for (;;) {
    try {
      return work()
    } catch (error) {
      if (!isBusy(error) || performance.now() >= deadline || !rest(PAUSE_MS)) throw error
    }
  }
}

export function isBusy(error: unknown): boolean {
  return systemCode(error)?.startsWith('SQLITE_BUSY') === true
}

/** For whoever is no thread of ours. */
function restAnyhow(ms: number): boolean {
  return Atomics.wait(SLEEPER, 0, 0, ms) === 'timed-out'
}

const SLEEPER = new Int32Array(new SharedArrayBuffer(4))
