/** Puts what the glossary logs say into the scopes' files, in the caller's thread: a tool for a clone that lacks them. */
import type { Scope } from './contracts/ledgers/glossary-sense.ts'
import { gatherLiterals } from './project/literals.ts'
import type { Repository } from './project/types.ts'
import { openGlossary } from './workers/git/git-service.ts'
import type { LedgerWarning } from './workers/git/warnings.ts'

export type GlossaryReplay = {
  /** Whose files had to be changed. */
  readonly changed: readonly Scope[]
  readonly warnings: readonly LedgerWarning[]
}

/** @throws GitError GLOSSARY_SEED_UNUSABLE, LEDGER_LOCKED; SanitizeError */
export async function replayGlossary(repository: Repository): Promise<GlossaryReplay> {
  const glossary = openGlossary({ repository, literals: await gatherLiterals(repository) })
  const changed = await glossary.replay()
  return { changed, warnings: glossary.takeWarnings() }
}
