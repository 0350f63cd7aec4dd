/**
 * `<commonDir>/kittiwake/glossary.json`: which rows of which log are about to be put into a scope's file. Durable before the
 * rows are; gone once the file has them. Without it a later edit by hand would look like a row that was never applied.
 */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { EVENT_ID_PATTERN } from '../../../contracts/event.ts'
import { STATE_DIRECTORY } from '../../../project/git/repository-lock.ts'
import type { DurableFs } from '../disk/durable-fs.ts'
import { readOwned, replaceOwned, setAside } from '../disk/owned-json.ts'
import type { Warnings } from '../warnings.ts'

export type MarkedRows = { readonly mission: string; readonly event_ids: readonly string[] }

const MARK_BYTES_MAX = 64 * 1024

/** Whether it is there says whether anything is on its way: one look. */
export function seedMarkPath(commonDir: string): string {
  return join(commonDir, STATE_DIRECTORY, 'glossary.json')
}

export function hasSeedMark(commonDir: string): boolean {
  return existsSync(seedMarkPath(commonDir))
}

/** Reads only. @throws GitError LEDGER_STATE_UNREADABLE. */
export async function readSeedMark(path: string): Promise<MarkedRows | 'absent' | 'damaged'> {
  const reading = await readOwned(path, MARK_BYTES_MAX)
  if (reading.state !== 'read') return reading.state
  const { mission, event_ids } = reading.value
  if (typeof mission !== 'string' || !Array.isArray(event_ids)) return 'damaged'
  const ids = event_ids.filter((id) => typeof id === 'string' && EVENT_ID_PATTERN.test(id))
  return { mission, event_ids: ids as string[] }
}

/** All methods are called under the repository lock; they throw GitError LEDGER_STATE_UNREADABLE and system errors. */
export class SeedMark {
  readonly #fs: DurableFs
  readonly #path: string
  readonly #warnings: Warnings

  constructor(commonDir: string, fs: DurableFs, warnings: Warnings) {
    this.#fs = fs
    this.#path = seedMarkPath(commonDir)
    this.#warnings = warnings
  }

  async set(mission: string, event_ids: readonly string[]): Promise<void> {
    await replaceOwned(this.#fs, this.#path, JSON.stringify({ mission, event_ids }))
  }

  async read(): Promise<MarkedRows | null> {
    const marked = await readSeedMark(this.#path)
    if (marked === 'absent') return null
    if (marked !== 'damaged') return marked
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
