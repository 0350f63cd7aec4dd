/** Another process that holds the write lock of a database. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const HOLDER = fileURLToPath(new URL('./lock-holder.mjs', import.meta.url))

export class ForeignLock {
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>

  /** Resolves once it is held. */
  static async hold(path: string, mode: 'IMMEDIATE' | 'EXCLUSIVE'): Promise<ForeignLock> {
    const child = spawn(process.execPath, [HOLDER, path, mode], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    const lock = new ForeignLock(child)
    for await (const line of createInterface({ input: child.stdout })) {
      if (line === 'held') return lock
    }
    throw new Error('the holder of the lock said nothing')
  }

  private constructor(child: ChildProcess) {
    this.#child = child
    this.#exited = once(child, 'exit')
  }

  /** Resolves once it is free. */
  async release(): Promise<void> {
    this.#child.stdin?.end()
    await this.#exited
  }
}
