import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { withRepositoryLock } from '#dist/project/git/repository-lock.js'

const MODULE = new URL('../../dist/project/git/repository-lock.js', import.meta.url).href

/** Takes the lock, says so on stdout and holds it until it is killed. */
const HOLDER = `
const { withRepositoryLock } = await import(process.argv[1])
await withRepositoryLock(process.argv[2], 'ledger', () => {
  process.stdout.write('held')
  return new Promise((held) => setInterval(() => held === null, 1_000))
})`

/** The same in a thread. The timer holds on to the promise: one that nobody holds is collected, and its lock with it. */
const THREAD = `
const { parentPort, workerData } = require('node:worker_threads')
import(workerData.module).then(({ withRepositoryLock }) =>
  withRepositoryLock(workerData.commonDir, 'ledger', () => {
    parentPort.postMessage('held')
    return new Promise((held) => setInterval(() => held === null, 1_000))
  }))`

describe('the lock of a repository', () => {
  let commonDir: string

  beforeEach(() => {
    commonDir = mkdtempSync(join(tmpdir(), 'kittiwake-lock-'))
  })
  afterEach(() => rmSync(commonDir, { recursive: true, force: true }))

  it('lets one body run at a time, and answers what it answers (L5)', async () => {
    let inside = 0
    let most = 0
    const body = async (): Promise<number> => {
      inside += 1
      most = Math.max(most, inside)
      await new Promise((resolve) => setImmediate(resolve))
      inside -= 1
      return inside
    }
    const all = Array.from({ length: 8 }, () => withRepositoryLock(commonDir, 'ledger', body))
    expect(await Promise.all(all)).toEqual([0, 0, 0, 0, 0, 0, 0, 0])
    expect(most).toBe(1)
  })

  it('is free again after a body that throws', async () => {
    const failing = withRepositoryLock(commonDir, 'ledger', async () => {
      throw new Error('inside')
    })
    await expect(failing).rejects.toThrow('inside')
    expect(await withRepositoryLock(commonDir, 'ledger', async () => 1, { timeoutMs: 0 })).toBe(1)
  })

  it('is refused, retryably, when its holder does not come back in time', async () => {
    const refused = withRepositoryLock(commonDir, 'ledger', () =>
      withRepositoryLock(commonDir, 'ledger', async () => 1, { timeoutMs: 50 }),
    )
    await expect(refused).rejects.toMatchObject({ name: 'GitError', code: 'LEDGER_LOCKED' })
    await expect(refused.catch((error) => error.retryable())).resolves.toBe(true)
  })

  it('lets those go first who wait, however soon its holder comes back', async () => {
    let turns = 0
    let isDone = false
    const holder = (async () => {
      for (; !isDone; turns += 1) {
        await withRepositoryLock(commonDir, 'ledger', () => new Promise(setImmediate))
      }
    })()
    for (let n = 0; n < 10; n += 1) {
      await withRepositoryLock(commonDir, 'ledger', async () => undefined, { timeoutMs: 5_000 })
    }
    isDone = true
    await holder
    expect(turns).toBeLessThan(100)
  })

  it('is not waited for after the signal', async () => {
    const controller = new AbortController()
    await withRepositoryLock(commonDir, 'ledger', async () => {
      const waiting = withRepositoryLock(commonDir, 'ledger', async () => 1, {
        signal: controller.signal,
      })
      setImmediate(() => controller.abort())
      await expect(waiting).rejects.toMatchObject({ code: 'LOCK_ABORTED' })
    })
  })

  it('excludes another process, and is free the moment that process is killed (L9)', async () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', HOLDER, MODULE, commonDir])
    await once(child.stdout, 'data')
    const refused = withRepositoryLock(commonDir, 'ledger', async () => 1, { timeoutMs: 30 })
    await expect(refused).rejects.toMatchObject({ code: 'LEDGER_LOCKED' })
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(await withRepositoryLock(commonDir, 'ledger', async () => 1, { timeoutMs: 0 })).toBe(1)
  })

  it('excludes another thread, and is free when that thread is terminated', async () => {
    const held = new Worker(THREAD, { eval: true, workerData: { module: MODULE, commonDir } })
    await once(held, 'message')
    const refused = withRepositoryLock(commonDir, 'ledger', async () => 1, { timeoutMs: 30 })
    await expect(refused).rejects.toMatchObject({ code: 'LEDGER_LOCKED' })
    await held.terminate()
    expect(await withRepositoryLock(commonDir, 'ledger', async () => 1, { timeoutMs: 500 })).toBe(1)
  })

  it('is one for each name', async () => {
    const inner = () => withRepositoryLock(commonDir, 'identity', () => 1, { timeoutMs: 0 })
    expect(await withRepositoryLock(commonDir, 'ledger', inner)).toBe(1)
    const refused = withRepositoryLock(commonDir, 'identity', inner)
    await expect(refused).rejects.toMatchObject({ code: 'REPOSITORY_BUSY' })
  })

  it('is not made where there is no repository', async () => {
    const missing = join(commonDir, 'missing')
    const refused = withRepositoryLock(missing, 'ledger', async () => 1)
    await expect(refused).rejects.toMatchObject({ code: 'LOCK_UNUSABLE' })
    expect(existsSync(missing)).toBe(false)
  })

  it('says so when its file can not be used', async () => {
    const file = join(commonDir, 'not-a-folder')
    writeFileSync(file, '')
    const refused = withRepositoryLock(file, 'ledger', async () => 1)
    await expect(refused).rejects.toMatchObject({ code: 'LOCK_UNUSABLE' })
    mkdirSync(join(commonDir, 'kittiwake'))
    writeFileSync(
      join(commonDir, 'kittiwake/ledger.db'),
      'this is no database, and long enough to see',
    )
    const damaged = withRepositoryLock(commonDir, 'ledger', async () => 1, { timeoutMs: 0 })
    await expect(damaged).rejects.toMatchObject({ code: 'LOCK_UNUSABLE' })
  })
})
