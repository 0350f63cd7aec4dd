import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { describe, expect, it } from 'vitest'

import { SenderLease } from '#dist/workers/store/sender-lease.js'
import { codeOf, later, temporaryFolder } from '../../support/store-fixtures.ts'

const HOLDER = fileURLToPath(new URL('../../support/lease-holder.mjs', import.meta.url))

async function holder(path: string) {
  const child = spawn(process.execPath, [HOLDER, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  later(() => child.kill('SIGKILL'))
  for await (const line of createInterface({ input: child.stdout })) return { child, says: line }
  throw new Error('the holder said nothing')
}

describe('the sender lease', () => {
  it('has one holder, and is free once released', () => {
    const folder = join(temporaryFolder(), 'project')
    const path = join(folder, 'sender.db')
    const first = SenderLease.tryAcquire(path)
    later(() => first?.release())
    expect(first).not.toBeNull()
    expect(SenderLease.tryAcquire(path)).toBeNull()
    first?.release()
    first?.release()
    const second = SenderLease.tryAcquire(path)
    expect(second).not.toBeNull()
    second?.release()
    expect(readdirSync(folder)).toEqual(['sender.db'])
    expect(statSync(path).size).toBe(0)
  })

  it('is refused to another process while held, and free at once after kill -9 (L9)', async () => {
    const path = join(temporaryFolder(), 'sender.db')
    const { child, says } = await holder(path)
    expect(says).toBe('held')
    expect(SenderLease.tryAcquire(path)).toBeNull()
    expect((await holder(path)).says).toBe('refused')
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
    const before = performance.now()
    const lease = SenderLease.tryAcquire(path)
    later(() => lease?.release())
    expect(lease).not.toBeNull()
    expect(performance.now() - before).toBeLessThan(1_000)
  })

  it('is not lost when somebody asks for it in the same process (L5)', async () => {
    const path = join(temporaryFolder(), 'sender.db')
    const lease = SenderLease.tryAcquire(path)
    later(() => lease?.release())
    expect(SenderLease.tryAcquire(path)).toBeNull()
    expect((await holder(path)).says).toBe('refused')
  })

  it('answers with a code where its file is something else', () => {
    const path = join(temporaryFolder(), 'sender.db')
    writeFileSync(path, 'not a lock\n'.repeat(100))
    expect(codeOf(() => SenderLease.tryAcquire(path))).toBe('OUTBOX_CORRUPT')
  })
})
