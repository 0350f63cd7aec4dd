/**
 * A worker thread for tests of `serve` and of its actor. `?blockMs=` says how long it loads without a turn of its
 * loop. Commands: `{ id, what, ms, turns }`; an answer says how many commands were taken together.
 */
import { setImmediate } from 'node:timers/promises'
import { serve } from '#dist/workers/serve.js'

function block(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

block(Number(new URL(import.meta.url).searchParams.get('blockMs') ?? 0))

await serve(async (_input, report, { beat, rest }) => {
  const works = {
    /** Blocks the loop but says that it lives. */
    toil({ ms }) {
      for (let spent = 0; spent < ms; spent += 50) {
        block(50)
        beat()
      }
    },
    /** Says that it is there, and blocks the loop until the first number behind the gate is not 0. */
    block({ id, gate }) {
      report({ type: 'seen', id })
      Atomics.wait(new Int32Array(gate), 0, 0)
    },
    /** Waits as long as it may. */
    rest({ ms }) {
      report({ type: 'rests' })
      for (let spent = 0; spent < ms && rest(50); spent += 50);
    },
    report: ({ id }) => report({ type: 'seen', id }),
    throw() {
      throw new Error('wren-cove-4471')
    },
    async reject() {
      throw Object.assign(new Error('wren-cove-4471'), { code: 'EWREN' })
    },
    exit: () => process.exit(4),
    loop() {
      for (;;);
    },
    memory() {
      const hoard = [Array.from({ length: 1_000_000 }, () => 0.5)]
      for (;;) hoard.push(hoard[0].slice())
    },
    later: async ({ turns }) => {
      for (let turn = 0; turn < turns; turn += 1) await setImmediate()
    },
    nothing: () => undefined,
  }
  return {
    handle: (commands) =>
      commands.map((command) => {
        const answer = { type: 'done', id: command.id, together: commands.length }
        const outcome = works[command.what ?? 'nothing'](command)
        return outcome instanceof Promise ? outcome.then(() => answer) : answer
      }),
    close: () => report({ type: 'closed' }),
  }
})
