import { rmSync } from 'node:fs'

const ROUNDS_MAX = 100
const PAUSE_MS = 50

/**
 * Removes a folder into which a process that nobody waits for may still write, a hook's for instance. Node's own
 * retries only try the last step again, and don't remove what has come in between.
 */
export function removeFolder(path: string): void {
  for (let round = 1; ; round += 1) {
    try {
      return rmSync(path, { recursive: true, force: true })
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException
      if (code !== 'ENOTEMPTY' || round === ROUNDS_MAX) throw cause
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS)
    }
  }
}
