import { describe, expect, it } from 'vitest'
import { monotonicMs } from '#dist/project/monotonic.js'
import { HeldThread, THREAD_ENTRY } from '../support/held-thread.ts'

describe('a thread', () => {
  it('says that it is ready, takes what is posted and answers in order (L6)', async () => {
    const thread = new HeldThread()
    await thread.until('thread.ready')
    thread.post({ id: 1 }, { id: 2, what: 'report' }, { id: 3 })
    thread.askToStop()
    const said = await thread.until('thread.stopped')
    expect(thread.answers()).toEqual([1, 2, 3])
    expect(said.map(({ type }) => type)).toContain('thread.reported')
    await thread.gone
    expect(thread.said.map(({ type }) => type)).not.toContain('thread.crashed')
  })

  it('counts what it takes, and says when it took and answered it, by a clock that its host shares', async () => {
    const before = monotonicMs()
    const thread = new HeldThread()
    await thread.until('thread.ready')
    thread.post({ id: 1 }, { id: 2 })
    thread.askToStop()
    await thread.until('thread.stopped')
    expect(thread.taken()).toBe(2)
    const answers = thread.said.filter(({ type }) => type === 'thread.answered')
    expect(answers).toHaveLength(2)
    for (const { takenAt = 0, answeredAt = 0 } of answers) {
      expect(takenAt).toBeGreaterThan(before)
      expect(answeredAt).toBeGreaterThanOrEqual(takenAt)
      expect(answeredAt).toBeLessThan(monotonicMs())
    }
  })

  it.each([
    ['throw', 'UNCAUGHT'],
    ['reject', 'EWREN'],
    ['exit', 'EXITED'],
    ['loop', 'STUCK'],
    ['memory', 'ERR_WORKER_OUT_OF_MEMORY'],
  ])(
    'that dies of %s has crashed, once, with a code and no text of others (L4)',
    async (what, code) => {
      const thread = new HeldThread({
        stuckAfterMs: what === 'loop' ? 250 : 5_000,
        resourceLimits: { maxOldGenerationSizeMb: 64 },
      })
      await thread.until('thread.ready')
      thread.post({ id: 1 }, { id: 2, what })
      await thread.until('thread.crashed')
      await thread.gone
      const crashes = thread.said.filter(({ type }) => type === 'thread.crashed')
      expect(crashes.map((crash) => crash.code)).toEqual([code])
      expect(JSON.stringify(crashes)).not.toContain('wren')
    },
  )

  it('has crashed only when it is gone, with its files and locks', async () => {
    const thread = new HeldThread({ stuckAfterMs: 250 })
    await thread.until('thread.ready')
    let isGone = false
    void thread.gone.then(() => {
      isGone = true
    })
    thread.post({ id: 1, what: 'loop' })
    await thread.until('thread.crashed')
    expect(isGone).toBe(true)
  })

  it('that can not be loaded, or has no input, has crashed and throws nothing', async () => {
    const missing = new HeldThread({ url: new URL('./no-such-entry.mjs', import.meta.url) })
    const [crash] = await missing.until('thread.crashed')
    expect(crash?.code).toContain('MODULE_NOT_FOUND')
    const inputless = new HeldThread({
      input: () => {
        throw Object.assign(new Error('wren-cove-4471'), { code: 'STATE_NODE_UNREADABLE' })
      },
    })
    const said = await inputless.until('thread.crashed')
    expect(said.at(-1)?.code).toBe('STATE_NODE_UNREADABLE')
    expect(JSON.stringify(said)).not.toContain('wren')
  })

  it.each(['toil', 'rest'])(
    'that is slow to load, or says that it lives while it must %s, is not stuck',
    async (what) => {
      const thread = new HeldThread({
        url: new URL('?blockMs=900', THREAD_ENTRY),
        stuckAfterMs: 250,
      })
      await thread.until('thread.ready')
      thread.post({ id: 1, what, ms: 900 })
      const said = await thread.until('thread.answered')
      expect(said.map(({ type }) => type)).not.toContain('thread.crashed')
      thread.askToStop()
      await thread.until('thread.stopped')
      expect(thread.answers()).toEqual([1])
    },
  )

  it('that waits does so no longer when it is asked to stop, answers and stops', async () => {
    const thread = new HeldThread()
    await thread.until('thread.ready')
    thread.post({ id: 1, what: 'rest', ms: Infinity })
    await thread.until('thread.reported')
    thread.post({ id: 2, what: 'rest', ms: Infinity })
    thread.askToStop()
    await thread.until('thread.stopped')
    expect(thread.answers()).toEqual([1, 2])
  })

  it('ends with its actor, also in a loop, and then says no more', async () => {
    const thread = new HeldThread()
    await thread.until('thread.ready')
    thread.post({ id: 1, what: 'loop' })
    thread.stop()
    await thread.gone
    expect(thread.said.map(({ type }) => type)).toEqual(['thread.ready'])
  })
})
