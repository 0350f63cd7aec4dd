/** Waits for what somebody else brings about: looked at now, and whenever something is said to have changed. */
import type { SystemClock } from './system.ts'

export type Bounds = {
  readonly clock: SystemClock
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
}

export class Lookout {
  #waiting: (() => void)[] = []

  /** Something has changed. */
  wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const look of waiting) look()
  }

  /** Resolves once `done`, however long that takes. */
  reached(done: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#look(() => {
        const isDone = done()
        if (isDone) resolve()
        return isDone
      })
    })
  }

  /** Resolves true once `done`, false after `timeoutMs` of the clock or on the signal. */
  until(done: () => boolean, { clock, timeoutMs, signal }: Bounds): Promise<boolean> {
    return new Promise((resolve) => {
      let over = false
      const settle = (reached: boolean): void => {
        over = true
        clock.clearTimeout(timer)
        signal?.removeEventListener('abort', abort)
        resolve(reached)
      }
      const abort = (): void => settle(false)
      const timer = clock.setTimeout(abort, timeoutMs)
      signal?.addEventListener('abort', abort, { once: true })
      if (signal?.aborted === true) abort()
      this.#look(() => {
        if (!over && done()) settle(true)
        return over
      })
    })
  }

  /** Calls `look` now and at each change until it answers true. */
  #look(look: () => boolean): void {
    if (!look()) this.#waiting.push(() => this.#look(look))
  }
}
