/**
 * Loaded before a program by `NODE_OPTIONS=--import`: a bug in its main thread, or its end for lack of memory, at a moment that the
 * test chooses. `KITTIWAKE_BUG` says which:
 *
 *   { how, at }
 *
 * `how` is `throw`, an exception that nobody catches, `reject`, a rejection that nobody takes, or `memory`, more than the heap
 * holds. `at` is `signal`, when SIGUSR2 comes, or the type of an answer: as the first such one of a worker thread comes in.
 */
import { isMainThread, Worker } from 'node:worker_threads'

/** What no report may quote. */
const SECRET = 'wren-cove-4471'
const { how, at } = JSON.parse(process.env.KITTIWAKE_BUG ?? '{}')

if (isMainThread && at === 'signal') process.on('SIGUSR2', strike)
else if (isMainThread && at !== undefined) onAnswer()

function onAnswer() {
  const emit = Reflect.get(Worker.prototype, 'emit')
  let isOver = false
  Worker.prototype.emit = function (name, message, ...rest) {
    const isMeant = !isOver && name === 'message' && message?.answer?.type === at
    if (isMeant) {
      isOver = true
      queueMicrotask(strike)
    }
    return emit.call(this, name, message, ...rest)
  }
}

function strike() {
  if (how === 'throw') throw new Error(SECRET)
  if (how === 'reject') return void Promise.reject(new Error(SECRET))
  const hoard = [Array.from({ length: 1_000_000 }, () => 0.5)]
  for (;;) hoard.push(hoard[0].slice())
}
