/** What a command sees of the world; the seam by which tests run the program. */
import type { Readable, Writable } from 'node:stream'
import type { BaseContext } from 'clipanion'

export type Context = BaseContext & {
  readonly cwd: string
  readonly stdin: Readable
  readonly stdout: Writable
  readonly stderr: Writable
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal
}
