/** The loop in every worker thread: commands in, one answer per command out, in the order asked (L6). */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { monotonicMs } from '../project/monotonic.ts'
import { BEAT_AT, BEGIN_AT, NEVER, STOP, STOP_AT, TAKEN_AT } from './thread-protocol.ts'
import type { ThreadData, ThreadMessage } from './thread-protocol.ts'

export type Service<Command, Answer> = {
  /**
   * Takes all commands that wait, in order, and gives an answer or a promise of one for each, in the same order.
   * An expected failure is an answer; a throw is a bug and ends the thread, and the supervisor sees to it.
   */
  readonly handle: (commands: readonly Command[]) => readonly (Answer | Promise<Answer>)[]
  /** Releases the resource; what was answered stays answered. */
  readonly close: () => void | Promise<void>
}

/** What a thread that is long without a turn of its loop owes to its host. */
export type Pulse = {
  /** Says that the thread is alive: called between the steps of work that takes long without a pause. */
  readonly beat: () => void
  readonly rest: Rest
}

/** Blocks the thread, which is alive meanwhile, for `ms`; false: it is asked to stop, and must wait for nothing more. */
export type Rest = (ms: number) => boolean

/** Runs the calling thread as a worker of the resource that `open` gives. */
export async function serve<Command, Answer, Fact, Input>(
  open: (
    input: Input,
    report: (fact: Fact) => void,
    pulse: Pulse,
  ) => Promise<Service<Command, Answer>>,
): Promise<void> {
  const port = parentPort
  if (port === null) throw new Error('serve runs in a worker thread only')
  const { pulse } = workerData as ThreadData
  const post = (message: ThreadMessage): void => port.postMessage(message)
  const heart = new Int32Array(pulse)
  Atomics.wait(heart, BEGIN_AT, 0)
  if (Atomics.load(heart, BEGIN_AT) === NEVER) return
  const input = receiveMessageOnPort(port)?.message as Input
  const beat = (): void => void Atomics.add(heart, BEAT_AT, 1)
  const rest: Rest = (ms) => {
    beat()
    return Atomics.wait(heart, STOP_AT, 0, ms) === 'timed-out'
  }
  beat()
  const heartbeat = setInterval(beat, HEARTBEAT_MS)
  const report = (fact: Fact): void => post({ type: 'thread.reported', fact })
  const service = await open(input, report, { beat, rest })
  let tail: Promise<unknown> = Promise.resolve()

  const take = (first: unknown): void => {
    const commands: Command[] = []
    let stopping = false
    for (let message = first; ;) {
      if (message === STOP) stopping = true
      else commands.push(message as Command)
      const next = receiveMessageOnPort(port)
      if (next === undefined) break
      message = next.message
    }
    if (commands.length > 0) {
      Atomics.add(heart, TAKEN_AT, commands.length)
      const takenAt = monotonicMs()
      for (const answer of service.handle(commands)) {
        const before = tail
        tail = settleInOrder(before, answer, (value) =>
          post({ type: 'thread.answered', answer: value, takenAt, answeredAt: monotonicMs() }),
        )
      }
    }
    if (stopping) void stop()
  }
  const stop = async (): Promise<void> => {
    await tail
    await service.close()
    clearInterval(heartbeat)
    post({ type: 'thread.stopped' })
    port.close()
  }
  port.on('message', take)
  post({ type: 'thread.ready' })
}

const HEARTBEAT_MS = 100

async function settleInOrder<Answer>(
  before: Promise<unknown>,
  answer: Answer | Promise<Answer>,
  post: (answer: Answer) => void,
): Promise<void> {
  const [, value] = await Promise.all([before, answer])
  post(value)
}
