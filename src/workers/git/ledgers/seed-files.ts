/** The scopes' files as the git worker changes them: read anew each time, replaced whole, never where they can't be read. */
import { editsFor } from '../../../contracts/ledgers/glossary-sense.ts'
import type { Sense } from '../../../contracts/ledgers/glossary-sense.ts'
import { readSeed, readSeedText, seedName, seedPath } from '../../../project/glossary-seed.ts'
import type { Seed } from '../../../project/glossary-seed.ts'
import { seedTextWith } from '../../../project/glossary-seed-edit.ts'
import type { DurableFs } from '../disk/durable-fs.ts'
import { seedUneditable, seedUnusable } from './glossary-errors.ts'
import { replaceOwned } from '../disk/owned-json.ts'

export type SeedPlan = {
  /** Whether the scope's file has an entry of the term. */
  readonly isKnown: boolean
  /** What the file was read as, and is going to be; null where it says so already. */
  readonly change: {
    readonly from: string | null
    readonly to: string
    readonly mode: number | null
  } | null
}

/** Its methods throw GitError GLOSSARY_SEED_UNUSABLE. `put` is called under the repository lock. */
export class SeedFiles {
  readonly #root: string
  readonly #fs: DurableFs

  constructor(root: string, fs: DurableFs) {
    this.#root = root
    this.#fs = fs
  }

  plan(sense: Sense): SeedPlan {
    const { scope, surface } = sense
    const reading = readSeed(this.#root, scope)
    if (reading.state === 'unusable') throw seedUnusable(seedName(scope), reading.reason)
    if (reading.state === 'absent') {
      return { isKnown: false, change: { from: null, to: textOf(null, sense), mode: null } }
    }
    const { seed, mode } = reading
    const isKnown = seed.entries.some((entry) => entry?.surface === surface)
    if (editsFor(seed.entries, sense).length === 0) return { isKnown, change: null }
    return { isKnown, change: { from: seed.text, to: textOf(seed, sense), mode } }
  }

  /** Durable when it returns; answers whether the file had to be changed. */
  async put(sense: Sense, planned = this.plan(sense)): Promise<boolean> {
    // Somebody may have written to it since the plan was made.
    const plan = this.#isAs(sense, planned) ? planned : this.plan(sense)
    const { change } = plan
    if (change === null) return false
    const path = seedPath(this.#root, sense.scope)
    await replaceOwned(this.#fs, path, change.to, change.mode ?? undefined)
    return true
  }

  #isAs({ scope }: Sense, { change }: SeedPlan): boolean {
    return change !== null && readSeedText(this.#root, scope) === change.from
  }
}

function textOf(seed: Seed | null, sense: Sense): string {
  const text = seedTextWith(seed, sense)
  if (text === null) throw seedUneditable(seedName(sense.scope))
  return text
}
