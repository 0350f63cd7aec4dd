/** The calls under way: what is open when the runtime stops is waited for, and then settled whatever happens. */
import { UNKNOWN_OUTCOME } from './actors/worker.machine.ts'
import { asGiven } from './as-given.ts'
import { RuntimeError } from './errors.ts'

export class Calls {
  readonly #abandonByCall = new Map<object, () => void>()
  #isClosed = false
  #idle: (() => void)[] = []

  /** @throws RuntimeError RUNTIME_STOPPED, also where the stop comes before the answer */
  run<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#isClosed) return Promise.reject(stopped('Create a new runtime.'))
    return new Promise((resolve, reject) => {
      const call = {}
      this.#abandonByCall.set(call, () => reject(stopped(UNKNOWN_OUTCOME)))
      const settled = (): void => this.#settle(call)
      work().then(resolve, reject).then(settled, settled)
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
      if (this.#abandonByCall.size === 0) resolve()
      else this.#idle.push(resolve)
    })
  }

  /** Refuses what is still open. */
  abandon(): void {
    for (const abandon of this.#abandonByCall.values()) abandon()
    this.#abandonByCall.clear()
  }

  #settle(call: object): void {
    this.#abandonByCall.delete(call)
    if (this.#abandonByCall.size > 0) return
    for (const resolve of this.#idle.splice(0)) resolve()
  }
}

function stopped(hint: string): RuntimeError {
  return new RuntimeError('RUNTIME_STOPPED', 'the runtime is stopped', { hint })
}
