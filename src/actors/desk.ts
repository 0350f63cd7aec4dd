/** Where code that is no actor asks a worker: one promise per command, kept in the order of the answers (L6). */
import { type AnyActorRef, createActor, fromCallback } from 'xstate'
import { type ErrorOnWire, errorFromWire, RuntimeError } from '../errors.ts'
import { MAILBOX_MAX, UNKNOWN_OUTCOME } from './worker.machine.ts'

type Answer = { readonly type: string; readonly error?: ErrorOnWire }
type Waiting = {
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: Error) => void
}

export type Desk<
  Command extends { readonly type: string },
  Reply extends { readonly type: string },
> = {
  /**
   * Resolves with the answer that has the type `expected`.
   *
   * @throws the worker's own refusal, or RuntimeError WORKER_FAILED, RUNTIME_STOPPED, BUSY
   */
  ask<Type extends Reply['type']>(
    command: Command,
    expected: Type,
  ): Promise<Extract<Reply, { readonly type: Type }>>
  /** The worker is gone: what still waits, and whatever is asked from now on, is refused. */
  close(): void
}

export function createDesk<
  Command extends { readonly type: string },
  Reply extends { readonly type: string },
>(worker: AnyActorRef): Desk<Command, Reply> {
  let waiting: Waiting[] = []
  let closed = false
  const clerk = createActor(
    fromCallback<Answer>(({ receive }) => {
      receive((answer) => {
        const next = waiting.shift()
        if (answer.error === undefined) next?.resolve(answer)
        else next?.reject(errorFromWire(answer.error))
      })
    }),
    { id: `desk.${worker.id}` },
  ).start()
  return {
    ask: (command, expected) =>
      new Promise((resolve, reject) => {
        if (closed) {
          reject(stopped('Create a new runtime.'))
          return
        }
        // The machines ask too: what the desk may hold stays below what the mailbox takes.
        if (waiting.length >= MAILBOX_MAX / 2) {
          reject(
            new RuntimeError('BUSY', 'more commands wait than the mailbox takes', {
              hint: 'Await earlier calls before making more.',
              retryable: true,
            }),
          )
          return
        }
        waiting.push({
          reject,
          resolve: (answer) => {
            if (answer.type === expected) resolve(answer as never)
            else reject(new RuntimeError('UNEXPECTED_ANSWER', `expected ${expected}`))
          },
        })
        worker.send({ type: 'worker.ask', command, replyTo: clerk })
      }),
    close: () => {
      closed = true
      const left = waiting
      waiting = []
      for (const { reject } of left) reject(stopped(UNKNOWN_OUTCOME))
    },
  }
}

function stopped(hint: string): RuntimeError {
  return new RuntimeError('RUNTIME_STOPPED', 'the runtime is stopped', { hint })
}
