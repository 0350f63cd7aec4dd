/** A worker thread as an actor: what it is sent is posted down, what the thread posts comes back up. */
import { type CallbackActorLogic, fromCallback } from 'xstate'
import { BEAT_AT, STOP, STOP_AT, TAKEN_AT } from '../workers/thread-protocol.ts'
import type { ThreadCommand, ThreadEvent, ThreadMessage } from '../workers/thread-protocol.ts'
import { type Build, spawn } from './spawn.ts'
import { within } from '../project/within.ts'

/** A loop that has not turned for this long, and has not said that it lives, is stuck. */
export const STUCK_AFTER_MS = 15_000
/** A thread that loads its modules on a busy machine has not turned yet, and isn't stuck. */
const START_WITHIN_MS = 30_000
const CHECK_MS = 250
/** A thread in native code may not end when it is told to; then the next one starts beside it. */
const EXIT_WITHIN_MS = 2_000

export type ThreadOptions = Build & {
  /** Read at each start. It holds paths and names, so it stays in this closure and out of every snapshot. */
  readonly input: () => unknown
  readonly stuckAfterMs: number
  /** Told of each thread that was started. */
  readonly started?: (thread: StartedThread) => void
}

export type StartedThread = {
  readonly gone: Promise<void>
  /** How many commands it has taken by now. */
  readonly taken: () => number
}

/** Throw, exit, stuck loop and lack of memory are one thing: `thread.crashed`. */
export function fromThread(options: ThreadOptions): CallbackActorLogic<ThreadCommand> {
  return fromCallback<ThreadCommand>(({ receive, sendBack }) => {
    try {
      return runThread(options, receive, (event) => sendBack(event))
    } catch (error) {
      const code = codeOf(error)
      queueMicrotask(() =>
        sendBack({ type: 'thread.crashed', code, message: 'the thread could not be started' }),
      )
      return undefined
    }
  })
}

function runThread(
  options: ThreadOptions,
  receive: (listener: (command: ThreadCommand) => void) => void,
  send: (event: ThreadEvent) => void,
): () => void {
  const { stuckAfterMs } = options
  const { worker, heart } = spawn(options, options.input())
  const gone = new Promise<void>((resolve) => void worker.once('exit', () => resolve()))
  options.started?.({ gone, taken: () => Atomics.load(heart, TAKEN_AT) })
  let over = false
  const end = async (): Promise<void> => {
    over = true
    clearInterval(watch)
    void worker.terminate()
    await within(gone, EXIT_WITHIN_MS)
  }
  const crash = (code: string, message: string): void => {
    if (over) return
    // Only when the old thread has let go of its files and locks may the next one ask for them.
    void end().then(() => send({ type: 'thread.crashed', code, message }))
  }
  const watch = watchBeat(heart, stuckAfterMs, () =>
    crash('STUCK', `the thread has not answered its heartbeat for ${stuckAfterMs} ms`),
  )
  worker.on('message', (message: ThreadMessage) => {
    if (message.type === 'thread.stopped') {
      over = true
      clearInterval(watch)
    }
    send(message)
  })
  worker.on('messageerror', () => crash('UNCLONABLE', 'a message could not be cloned'))
  // The message of a foreign error may quote data, so only its code or name goes on.
  worker.on('error', (error) => crash(codeOf(error), 'the thread ended with an uncaught error'))
  worker.on('exit', (code) => crash('EXITED', `the thread exited with code ${code}`))
  receive((command) => {
    if (command.type === 'thread.post') return worker.postMessage(command.command)
    Atomics.store(heart, STOP_AT, 1)
    Atomics.notify(heart, STOP_AT)
    worker.postMessage(STOP)
  })
  return () => void end()
}

function watchBeat(heart: Int32Array, stuckAfterMs: number, stuck: () => void): NodeJS.Timeout {
  let seen = 0
  let missed = 0
  // Counted in checks, not in wall time: a suspended machine stops both sides alike.
  const checksIn = (ms: number): number => Math.max(2, Math.ceil(ms / CHECK_MS))
  const watch = setInterval(() => {
    const now = Atomics.load(heart, BEAT_AT)
    missed = now === seen ? missed + 1 : 0
    seen = now
    const allowedMs = now === 0 ? Math.max(stuckAfterMs, START_WITHIN_MS) : stuckAfterMs
    if (missed >= checksIn(allowedMs)) stuck()
  }, CHECK_MS)
  return watch.unref()
}

function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
  return 'UNCAUGHT'
}
