/** Lays graphs out on a thread, which is started when first asked and ends when it has been idle. */
import type { ElkNode } from 'elkjs/lib/elk-api.js'
import { Piscina } from 'piscina'
import { RuntimeError } from '../../errors.ts'
import { threadUrl } from '../../project/program-files.ts'
import { threadArguments } from '../thread-protocol.ts'

export type { ElkNode }

const HEAP_MAX_MB = 256
const QUEUE_MAX = 64
const IDLE_MS = 10_000
/** Ours take a tenth of a second; a graph of others might take for ever. */
const WITHIN_MS = 15_000

export class GraphLayouts {
  #pool: Piscina | null = null

  /** @throws RuntimeError LAYOUT_FAILED */
  async layOut(graph: ElkNode): Promise<ElkNode> {
    try {
      const signal = AbortSignal.timeout(WITHIN_MS)
      return (await this.#open().run(graph, { signal })) as ElkNode
    } catch (error) {
      throw new RuntimeError('LAYOUT_FAILED', 'the machine could not be laid out', {
        hint: 'Look at it as text: `kittiwake machines NAME`.',
        cause: error,
      })
    }
  }

  async close(): Promise<void> {
    await this.#pool?.destroy()
    this.#pool = null
  }

  #open(): Piscina {
    if (this.#pool !== null) return this.#pool
    const pool = new Piscina({
      filename: threadUrl('bulk/lay-out').href,
      minThreads: 0,
      maxThreads: 1,
      maxQueue: QUEUE_MAX,
      idleTimeout: IDLE_MS,
      ...threadArguments(),
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MAX_MB },
    })
    // Without a listener a late error of a thread would end the process.
    pool.on('error', () => undefined)
    this.#pool = pool
    return pool
  }
}
