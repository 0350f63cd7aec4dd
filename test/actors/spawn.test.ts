import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import type { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { buildOf, coolThreads, spawn, warmThreads } from '#dist/actors/spawn.js'
import type { Spawned } from '#dist/actors/spawn.js'
import { openModules } from '../support/open-modules.ts'

const STORE = buildOf('store')
const threads: Spawned[] = []

/** Its number; they are given out in the order in which threads are made. */
function started(): number {
  const thread = spawn(STORE, { channel: 'spawn.test', literals: NO_LITERALS })
  threads.push(thread)
  return thread.worker.threadId
}

const NO_LITERALS = { hostnames: [], usernames: [], names: [], emails: [], homes: [], roots: [] }

afterEach(async () => {
  coolThreads()
  await Promise.all(threads.splice(0).map(({ worker }) => worker.terminate()))
})

describe('a thread that is made ahead', () => {
  it('is the one that is asked for, once, and takes up what it is given then', async () => {
    const before = started()
    warmThreads(['store'])
    warmThreads(['store'])
    expect(started()).toBe(before + 1)
    const [message] = await once(threads[1]?.worker ?? process, 'message')
    expect(message).toEqual({ type: 'thread.ready' })
    expect(started()).toBe(before + 2)
  })

  it('is not handed out once it is gone', async () => {
    const before = started()
    await once(process, 'worker')
    warmThreads(['store'])
    const [worker] = (await once(process, 'worker')) as [Worker]
    await worker.terminate()
    expect(started()).toBe(before + 2)
  })

  it.runIf(process.platform === 'linux')('ends where nobody asked for it', async () => {
    const before = started()
    await once(threads[0]?.worker ?? process, 'message')
    const running = readdirSync('/proc/self/task').length
    warmThreads(['store', 'git'])
    await vi.waitFor(() =>
      expect(readdirSync('/proc/self/task').length).toBeGreaterThanOrEqual(running + 2),
    )
    coolThreads()
    await vi.waitFor(() =>
      expect(readdirSync('/proc/self/task').length).toBeLessThanOrEqual(running),
    )
    expect(started()).toBe(before + 3)
  })

  it.runIf(process.platform === 'linux')(
    'leaves no module open where nobody asked for it while it loaded (I25)',
    async () => {
      const before = new Set(openModules())
      const opened = () => openModules().filter((module) => !before.has(module))
      let met = 0
      for (let round = 0; round < 20; round++) {
        warmThreads(['store', 'git'])
        // Without a rest: it reads few files, and each for a moment.
        while (opened().length === 0) await new Promise((resolve) => setImmediate(resolve))
        met += opened().length
        coolThreads()
      }
      expect(met).toBeGreaterThan(0)
      await vi.waitFor(() => expect(opened()).toEqual([]), 10_000)
    },
  )
})
