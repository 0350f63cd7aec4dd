/**
 * What a dead command had still to put into a scope's file, put there by whoever writes next. Called under the repository
 * lock; where no command died it costs one look for a file.
 */
import { foldGlossary } from '../../../contracts/ledgers/fold-glossary.ts'
import { KittiwakeError } from '../../../errors.ts'
import { asProjectError } from '../../../project/files/replace-file.ts'
import type { Repository } from '../../../project/types.ts'
import { repairLog } from '../logs/append-log.ts'
import type { DurableFs, OnStep } from '../disk/durable-fs.ts'
import { glossaryPlace, parseGlossaryLines } from '../logs/glossary-log.ts'
import { readLog } from '../logs/log-file.ts'
import type { LogPlace } from '../logs/log-file.ts'
import { SeedFiles } from './seed-files.ts'
import { SeedMark } from './seed-mark.ts'
import type { MarkedRows } from './seed-mark.ts'
import type { Warnings } from '../warnings.ts'

export type SeedRecoveryOptions = {
  readonly repository: Repository
  readonly fs: DurableFs
  readonly warnings: Warnings
  /** The sanitizer at this write boundary; throws where the value is not clean. */
  readonly assertClean: (value: unknown) => void
  readonly onStep?: OnStep
}

export class SeedRecovery {
  readonly #options: SeedRecoveryOptions
  readonly #mark: SeedMark
  readonly #seeds: SeedFiles
  #told = ''

  constructor(options: SeedRecoveryOptions) {
    const { repository, fs, warnings } = options
    this.#options = options
    this.#mark = new SeedMark(repository.commonDir, fs, warnings)
    this.#seeds = new SeedFiles(repository.root, fs)
  }

  /** For who needs the files too. @throws what stands in the way: GitError GLOSSARY_SEED_UNUSABLE, LEDGER_*, system errors. */
  async recover(): Promise<void> {
    const marked = await this.#mark.read()
    if (marked === null) return
    await this.#finish(marked)
    await this.#mark.clear()
  }

  /** For all others: what stands in the way is said once, and left to who comes next. */
  async tryToRecover(): Promise<void> {
    try {
      await this.recover()
    } catch (error) {
      const { message } = error instanceof KittiwakeError ? error : asProjectError(error)
      if (message === this.#told) return
      this.#told = message
      this.#options.warnings.add(
        'SEED_UNWRITTEN',
        `A resolution is still to be written: ${message}`,
      )
    }
  }

  async #finish({ mission, event_ids }: MarkedRows): Promise<void> {
    const { repository, fs, warnings, assertClean } = this.#options
    const onStep = this.#options.onStep ?? (() => undefined)
    const place = glossaryPlace(repository.root, mission, { fs, onStep, warnings })
    const isMarked = new Set<string | null>(event_ids)
    const rows = await rowsOf(place)
    const found = rows.filter(({ row }) => row.event_id !== null && isMarked.has(row.event_id))
    // Whoever wrote them may have died before they were on the disk.
    if (found.length > 0) await repairLog(place)
    for (const sense of foldGlossary(new Map(), found).senses.values()) {
      assertClean(sense)
      await this.#seeds.put(sense)
    }
  }
}

async function rowsOf(place: LogPlace) {
  return parseGlossaryLines((await readLog(place)) ?? Buffer.alloc(0), place.mission).rows
}
