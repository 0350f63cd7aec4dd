/** The calls under way: what is open when the runtime stops is waited for, and then settled whatever happens. */
import { UNKNOWN_OUTCOME } from './actors/worker.machine.ts'
import { asGiven } from './as-given.ts'
import { RuntimeError } from './errors.ts'

export class Calls {
  /** What refuses each of them. */
  readonly #open = new Set<(error: Error) => void>()
  #isClosed = false
  #idle: (() => void)[] = []

  /** @throws RuntimeError RUNTIME_STOPPED, also where the stop comes before the answer */
  run<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#isClosed) return Promise.reject(stopped('Create a new runtime.'))
    return new Promise((resolve, reject) => {
      this.#open.add(reject)
      work().then(
        (result) => {
          resolve(result)
          this.#settle(reject)
        },
        (error: unknown) => {
          reject(error)
          this.#settle(reject)
        },
      )
    })
  }

  /** A call with one argument, through a door that may have to be made first: what the caller changes meanwhile is not seen. */
  through<Door, Input, Result>(
    open: () => Promise<Door>,
    ask: (door: Door, input: Input) => Promise<Result>,
  ): (input: Input) => Promise<Result> {
    return (input) => {
      const given = asGiven(input)
      return this.run(async () => ask(await open(), given))
    }
  }

  /** Takes no more calls, and resolves once none is open. */
  close(): Promise<void> {
    this.#isClosed = true
    return new Promise((resolve) => {
      if (this.#open.size === 0) resolve()
      else this.#idle.push(resolve)
    })
  }

  /** Refuses what is still open. */
  abandon(): void {
    for (const refuse of this.#open) refuse(stopped(UNKNOWN_OUTCOME))
    this.#open.clear()
  }

  #settle(call: (error: Error) => void): void {
    this.#open.delete(call)
    if (this.#open.size > 0) return
    for (const resolve of this.#idle.splice(0)) resolve()
  }
}

function stopped(hint: string): RuntimeError {
  return new RuntimeError('RUNTIME_STOPPED', 'the runtime is stopped', { hint })
}
