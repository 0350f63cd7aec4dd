/**
 * Keeps work on libuv's thread pool from standing still. glibc before 2.41 can lose the signal that wakes a pool
 * thread (its bug 25847); a thread that awaits that one call then waits for ever, with an event loop that looks
 * healthy. Any further call wakes the pool, so one is made now and then while work is under way.
 */
import { stat } from 'node:fs'

export const PULSE_MS = 250

/** Runs `body` with a pulse beside it, which ends with it. */
export async function withPoolPulse<T>(
  body: () => Promise<T>,
  beat: () => void = wakePool,
): Promise<T> {
  const pulse = setInterval(beat, PULSE_MS)
  try {
    return await body()
  } finally {
    clearInterval(pulse)
  }
}

function wakePool(): void {
  stat('/', () => undefined)
}
