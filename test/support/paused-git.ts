/**
 * Native git, stopped where it has read the index of a worktree and not locked it yet. A monitor of the file system is asked
 * just there, once git reads ahead in several threads, as it does by itself in large repositories.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GIT_ENVIRONMENT } from './git-repository.ts'

const HOOK = join(import.meta.dirname, 'paused-hook.mjs')

export class PausedGit {
  readonly #held: Socket
  readonly #ended: Promise<number | null>
  readonly #close: () => void

  private constructor(held: Socket, ended: Promise<number | null>, close: () => void) {
    this.#held = held
    this.#ended = ended
    this.#close = close
  }

  /** Once git has stopped. Rejects where it ends instead. */
  static async start(cwd: string, ...args: readonly string[]): Promise<PausedGit> {
    const folder = mkdtempSync(join(tmpdir(), 'kittiwake-paused-'))
    const path = join(folder, 'socket')
    const server = createServer()
    const close = (): void => {
      server.close()
      rmSync(folder, { recursive: true, force: true })
    }
    await new Promise<void>((resolve) => server.listen(path, resolve))
    const held = new Promise<Socket>((resolve) => {
      // It is asked again under the lock, where nobody has to wait.
      server.once('connection', (socket) => {
        server.on('connection', (later) => later.on('error', () => undefined).destroy())
        resolve(socket.on('error', () => undefined))
      })
    })
    const monitor = `"${process.execPath}" "${HOOK}"`
    const child = spawn('git', ['-c', `core.fsmonitor=${monitor}`, ...args], {
      cwd,
      env: { ...GIT_ENVIRONMENT, GIT_TEST_PRELOAD_INDEX: '1', PAUSE_SOCKET: path },
      stdio: 'ignore',
    })
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
    const first = await Promise.race([held, ended])
    if (first !== null && typeof first === 'object') return new PausedGit(first, ended, close)
    close()
    throw new Error(`git ${args.join(' ')} ended with ${first} and was never stopped`)
  }

  /** Lets it go on; answers its exit code. */
  async finish(): Promise<number | null> {
    this.#held.destroy()
    const code = await this.#ended
    this.#close()
    return code
  }
}
