/**
 * Loaded before a program by `NODE_OPTIONS=--import`, and so into each of its threads: kills one worker thread in the
 * middle of its work, from outside, as a bug, a native module or the system would. `KITTIWAKE_FAULT` says which:
 *
 *   { worker, point, nth, how, times, log }
 *
 * `worker` is the name of one, or empty for any. `point` is `start`, or a step of the resource (`insert`, `fsync`,
 * `frame:<text in it>`, `rest`: it waits for a lock of another process), or `answer:<type>`: done, but not said.
 * It strikes at the `nth` such step of a thread, 1 by default, and `times` times in all.
 * `how` may be `tell`: then it only lets others know. Each kill is a line of the file `log`, by which threads that come later know how many there were.
 */
import fs, { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { createRequire, syncBuiltinESMExports } from 'node:module'
import { isMainThread, parentPort } from 'node:worker_threads'

const fault = JSON.parse(process.env.KITTIWAKE_FAULT ?? 'null')
const entry = process.argv[1] ?? ''
const require = createRequire(import.meta.url)
let steps = 0

if (!isMainThread && fault !== null && entry.endsWith(`${fault.worker}.worker.js`)) {
  await arm()
}

async function arm() {
  const { point } = fault
  if (point === 'start') strike()
  else if (point.startsWith('answer:')) onAnswer(point.slice('answer:'.length))
  else if (point === 'insert') onInsert()
  else if (point === 'rest') onRest()
  else if (point === 'fsync') await onFsync()
  else if (point.startsWith('frame:')) onFrame(point.slice('frame:'.length))
  else throw new Error(`no such point: ${point}`)
}

function onAnswer(type) {
  const post = parentPort.postMessage.bind(parentPort)
  parentPort.postMessage = (message, ...rest) => {
    if (message?.answer?.type === type) strike()
    post(message, ...rest)
  }
}

function onInsert() {
  const Database = require('better-sqlite3')
  const memory = new Database(':memory:')
  const statement = Object.getPrototypeOf(memory.prepare('SELECT 1'))
  memory.close()
  const { run } = statement
  statement.run = function (...values) {
    const outcome = run.apply(this, values)
    if (this.source.startsWith('INSERT INTO event')) strike()
    return outcome
  }
}

function onRest() {
  const { wait } = Atomics
  Atomics.wait = (...words) => {
    strike()
    return wait(...words)
  }
}

async function onFsync() {
  const handle = await open(process.execPath)
  const prototype = Object.getPrototypeOf(handle)
  await handle.close()
  const { sync } = prototype
  prototype.sync = function () {
    strike()
    return sync.call(this)
  }
  const { fsyncSync } = fs
  fs.fsyncSync = function (fd) {
    strike()
    return fsyncSync(fd)
  }
  syncBuiltinESMExports()
}

function onFrame(text) {
  const { WebSocket } = require('ws')
  const send = Reflect.get(WebSocket.prototype, 'send')
  WebSocket.prototype.send = function (data, ...rest) {
    send.call(this, data, ...rest)
    if (typeof data === 'string' && data.includes(text)) strike()
  }
}

function strike() {
  steps += 1
  if (steps !== (fault.nth ?? 1)) return
  const before = existsSync(fault.log) ? readFileSync(fault.log, 'utf8').split('\n').length - 1 : 0
  if (before >= (fault.times ?? 1)) return
  appendFileSync(fault.log, `${fault.how}\n`)
  if (fault.how === 'throw') {
    queueMicrotask(() => {
      throw new Error('a bug that nobody caught')
    })
  }
  if (fault.how === 'exit') process.exit(3)
  if (fault.how === 'loop') for (;;);
  if (fault.how === 'memory') {
    const hoard = [Array.from({ length: 1_000_000 }, () => 0.5)]
    for (;;) hoard.push(hoard[0].slice())
  }
}
