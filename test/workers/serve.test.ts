import { describe, expect, it } from 'vitest'
import { serve } from '#dist/workers/serve.js'
import { HeldThread } from '../support/held-thread.ts'
import { fc, property } from '../support/property.ts'

const command = fc.record({
  what: fc.constantFrom('later', 'nothing', 'report'),
  turns: fc.nat(4),
})

describe('the loop of a worker thread', () => {
  property([fc.array(fc.array(command, { maxLength: 12 }), { maxLength: 4 })], { numRuns: 12 })(
    'gives one answer per command, in the order asked, however long each takes (L6)',
    async (batches) => {
      const thread = new HeldThread()
      await thread.until('thread.ready')
      let id = 0
      for (const batch of batches) {
        thread.post(...batch.map((one) => ({ ...one, id: id++ })))
        await new Promise((resolve) => setImmediate(resolve))
      }
      thread.askToStop()
      await thread.until('thread.stopped')
      expect(thread.answers()).toEqual(Array.from({ length: id }, (_, index) => index))
    },
  )

  it('takes all that waits at once, so that it can be made durable at once', async () => {
    const thread = new HeldThread()
    await thread.until('thread.ready')
    const gate = new Int32Array(new SharedArrayBuffer(4))
    thread.post({ id: 0, what: 'block', gate: gate.buffer })
    await thread.until('thread.reported')
    thread.post(...Array.from({ length: 40 }, (_, index) => ({ id: index + 1 })))
    thread.askToStop()
    Atomics.store(gate, 0, 1)
    Atomics.notify(gate, 0)
    const said = await thread.until('thread.stopped')
    const together = said.flatMap(({ answer }) => (answer === undefined ? [] : [answer.together]))
    expect(together).toEqual([1, ...Array.from({ length: 40 }, () => 40)])
  })

  it('answers what it holds before it closes its resource and stops', async () => {
    const thread = new HeldThread()
    await thread.until('thread.ready')
    thread.post({ id: 1, what: 'later', turns: 50 }, { id: 2 })
    thread.askToStop()
    const said = await thread.until('thread.stopped')
    expect(said.map(({ type, fact }) => fact?.type ?? type)).toEqual([
      'thread.ready',
      'thread.answered',
      'thread.answered',
      'closed',
      'thread.stopped',
    ])
  })

  it('runs nowhere but in a thread', async () => {
    const open = async () => ({ handle: () => [], close: () => undefined })
    await expect(serve(open)).rejects.toThrow('worker thread')
  })
})
