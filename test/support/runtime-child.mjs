/**
 * One piece of work on a runtime in a process of its own: `node runtime-child.mjs <work> '<json>'`. Prints a JSON line
 * for each thing that the runtime says, and ends by itself: whatever keeps it alive is a defect.
 */
import { existsSync, writeSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setInterval, setTimeout as delay } from 'node:timers/promises'
import { SimulatedClock } from 'xstate'
import { createRuntime } from '#dist/index.js'

const LOOK_MS = 20
const LATE_LOOK_MS = 5
const [work = '', text = '{}'] = process.argv.slice(2)
const { root, link = 'manual', stuckAfterMs, still = false, ...input } = JSON.parse(text)

const runtime = await createRuntime({
  root,
  link,
  ...(stuckAfterMs === undefined ? {} : { stuckAfterMs }),
  ...(still ? { clock: new SimulatedClock() } : {}),
})
for (const name of ['workerRestarted', 'workerFailed']) {
  runtime.on(name, ({ name: worker, failure }) => print({ on: name, worker, code: failure.code }))
}

const works = {
  /** `count` events in `rounds` rounds, each awaited. */
  async emit({ count = 20, rounds = 2, from = 0 }) {
    for (let round = 0; round < rounds; round += 1) {
      const notes = Array.from({ length: count }, (_, index) => from + round * count + index)
      await Promise.all(notes.map((note) => settle({ note }, () => emit(note))))
    }
  },
  /** Asks and answers `count` decisions, one after the other. */
  async decide({ mission, count = 2 }) {
    for (let index = 0; index < count; index += 1) {
      await settle({ index }, async () => {
        const question = `Question ${index}?`
        const { decision_id } = await runtime.decisions.request({ mission, question })
        return runtime.decisions.answer({ mission, decision_id, answer: `Answer ${index}` })
      })
    }
  },
  /** A decision, which needs git, and then an event, which doesn't. */
  async both({ mission }) {
    await works.decide({ mission, count: 1 })
    await works.emit({ count: 1, rounds: 1 })
  },
  /** Emits and delivers. */
  async deliver({ count = 20, timeoutMs = 20_000 }) {
    await works.emit({ count, rounds: 1 })
    await settle({ sync: true }, () => runtime.sync.now({ timeoutMs }))
  },
  /** Stops while an event is on its way to a thread that never answers, `struck` if wanted by the fault. */
  async leave({ struck = false }) {
    const emitting = settle({ note: 0 }, () => emit(0))
    await new Promise((resolve) => setImmediate(resolve))
    const { log } = JSON.parse(process.env.KITTIWAKE_FAULT)
    while (struck && !existsSync(log)) await delay(LOOK_MS)
    await stop()
    await emitting
  },
  /** Holds the link, emits in rounds, and waits for the hub to have it all. */
  async hold({ count = 20, rounds = 2 }) {
    await runtime.sync.start()
    for (let round = 0; round < rounds; round += 1) {
      await works.emit({ count, rounds: 1, from: round * count })
      await drained()
    }
    print({ link: (await runtime.status()).link.state })
  },
}

const looks = monitorEventLoopDelay({ resolution: LATE_LOOK_MS })
looks.enable()
await works[work](input)
looks.disable()
const { workers, failures } = await runtime.status()
print({ workers, failures, lateMs: looks.percentile(99) / 1e6 })
await stop()

async function stop() {
  const from = performance.now()
  await runtime.stop()
  print({ stoppedInMs: Math.round(performance.now() - from) })
}

function emit(note) {
  return runtime.emit({ event_type: 'NoteTaken', aggregate_id: 'WP01', payload: { note } })
}

async function settle(what, call) {
  try {
    print({ ...what, ...(await call()) })
  } catch (error) {
    print({ ...what, error: error.code, hint: error.hint, retryable: error.retryable?.() })
  }
}

/** Nothing is asked of the link meanwhile: it has to come back by itself. */
async function drained() {
  for await (const outbox of setInterval(LOOK_MS, runtime)) {
    const { events } = await outbox.status()
    if (events.pending + events.inflight === 0) return
  }
}

function print(line) {
  writeSync(1, `${JSON.stringify(line)}\n`)
}
