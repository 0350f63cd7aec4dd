// What an idle runtime holds, beside a bare Node with as many idle threads.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { memoryOf } from './hub-child.mjs'
import { notRun, row } from './measure.mjs'
import { inFolder, openProject } from './project.mjs'

const IDLE = "setInterval(() => {}, 1_000); process.send('up')"
const BARE = `
  import { Worker } from 'node:worker_threads'
  const open = () => new Worker('setInterval(() => {}, 1_000)', { eval: true })
  const workers = [open(), open(), open()]
  await Promise.all(workers.map((one) => new Promise((resolve) => one.once('online', resolve))))
  ${IDLE}`
const RUNTIME = `
  import { createRuntime } from '#dist/index.js'
  const [root, stateDirectory] = process.argv.slice(-2)
  const runtime = await createRuntime({ root, stateDirectory, link: 'manual' })
  await runtime.emit({ event_type: 'NoteTaken', payload: {} })
  ${IDLE}`
const SETTLE_MS = { whole: 3_000, short: 0 }

export function rows(isShort) {
  const settleMs = isShort ? SETTLE_MS.short : SETTLE_MS.whole
  return inFolder(async (folder) => {
    const { root, state } = await openProject(folder)
    const [figure, beside] = ['memory of an idle runtime', 'a bare Node with three threads']
    const base = await idle(BARE, [], settleMs)
    const ours = await idle(RUNTIME, [root, state], settleMs)
    if (base === null) return [notRun(figure, beside, 'this system does not tell it')]
    return [row({ figure, beside, unit: 'MiB', ours, base })]
  })
}

async function idle(text, args, settleMs) {
  const given = ['--input-type=module', '-e', text, '--', ...args]
  const child = spawn(process.execPath, given, {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  try {
    await once(child, 'message')
    await new Promise((resolve) => setTimeout(resolve, settleMs))
    const bytes = memoryOf(child.pid)
    return bytes === null ? null : bytes / 2 ** 20
  } finally {
    child.kill()
    await once(child, 'close')
  }
}
