/** A thread in the hands of a test: what it says comes as events, in order. */
import { type AnyActorRef, createActor, createMachine } from 'xstate'
import { onTestFinished } from 'vitest'
import { fromThread, type ThreadOptions } from '#dist/actors/thread.js'

export type Said = {
  readonly type: string
  readonly answer?: { readonly id: number; readonly together: number }
  readonly takenAt?: number
  readonly answeredAt?: number
  readonly fact?: { readonly type: string; readonly id?: number }
  readonly code?: string
  readonly message?: string
}

export const THREAD_ENTRY = new URL('./thread-entry.mjs', import.meta.url)

export class HeldThread {
  readonly said: Said[] = []
  /** Resolves when the thread is gone. */
  gone: Promise<void> = Promise.reject(new Error('no thread was started'))
  taken: () => number = () => 0
  readonly #actor: AnyActorRef
  #look: () => void = () => undefined

  constructor(options: Partial<ThreadOptions> = {}) {
    this.gone.catch(() => undefined)
    const thread = fromThread({
      url: THREAD_ENTRY,
      input: () => null,
      stuckAfterMs: 5_000,
      started: ({ gone, taken }) => {
        this.gone = gone
        this.taken = taken
      },
      ...options,
    })
    const machine = createMachine({
      invoke: { src: thread, id: 'thread' },
      on: { '*': { actions: ({ event }) => this.#hear(event as Said) } },
    })
    this.#actor = createActor(machine).start()
    onTestFinished(() => this.stop())
  }

  post(...commands: readonly object[]): void {
    for (const command of commands) this.#send({ type: 'thread.post', command })
  }

  /** Lets it finish what it holds. */
  askToStop(): void {
    this.#send({ type: 'thread.stop' })
  }

  /** Ends the actor, and the thread with it. */
  stop(): void {
    this.#actor.stop()
  }

  /** Everything that was said up to the first of this type. */
  async until(type: string): Promise<Said[]> {
    for (;;) {
      const at = this.said.findIndex((one) => one.type === type)
      if (at !== -1) return this.said.slice(0, at + 1)
      await new Promise<void>((resolve) => {
        this.#look = resolve
      })
    }
  }

  answers(): number[] {
    return this.said.flatMap(({ answer }) => (answer === undefined ? [] : [answer.id]))
  }

  #send(event: object): void {
    const children = this.#actor.getSnapshot().children as Record<string, AnyActorRef>
    children['thread']?.send(event)
  }

  #hear(event: Said): void {
    this.said.push(event)
    this.#look()
  }
}
