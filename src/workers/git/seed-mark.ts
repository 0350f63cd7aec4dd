/**
 * `<commonDir>/kittiwake/glossary.json`: which rows of which log are about to be put into a scope's file. Durable before the
 * rows are; gone once the file has them. Without it a later edit by hand would look like a row that was never applied.
 */
import { dirname, join } from 'node:path'
import { EVENT_ID_PATTERN } from '../../contracts/event.ts'
import type { DurableFs } from './durable-fs.ts'
import { readOwned, replaceOwned, setAside } from './owned-json.ts'
import type { Warnings } from './warnings.ts'

export type MarkedRows = { readonly mission: string; readonly event_ids: readonly string[] }

const MARK_BYTES_MAX = 64 * 1024

/** All methods are called under the repository lock; they throw GitError LEDGER_STATE_UNREADABLE and system errors. */
export class SeedMark {
  readonly #fs: DurableFs
  readonly #path: string
  readonly #warnings: Warnings

  constructor(fs: DurableFs, warnings: Warnings) {
    this.#fs = fs
    this.#path = join(fs.stateDirectory, 'glossary.json')
    this.#warnings = warnings
  }

  async set(mission: string, event_ids: readonly string[]): Promise<void> {
    await replaceOwned(this.#fs, this.#path, JSON.stringify({ mission, event_ids }))
  }

  async read(): Promise<MarkedRows | null> {
    const reading = await readOwned(this.#path, MARK_BYTES_MAX)
    if (reading.state === 'absent') return null
    const { mission, event_ids } = reading.state === 'read' ? reading.value : {}
    if (typeof mission === 'string' && Array.isArray(event_ids)) {
      const ids = event_ids.filter((id) => typeof id === 'string' && EVENT_ID_PATTERN.test(id))
      return { mission, event_ids: ids as string[] }
    }
    await setAside(this.#fs, this.#path)
    this.#warnings.add(
      'SEED_MARK_DAMAGED',
      'The note of a resolution on its way was damaged and set aside; see `kittiwake glossary verify`.',
    )
    return null
  }

  /** The file holds the rows. A note that came back after a power cut would undo what was edited since. */
  async clear(): Promise<void> {
    await this.#fs.remove(this.#path)
    await this.#fs.syncDirectory(dirname(this.#path))
  }
}
