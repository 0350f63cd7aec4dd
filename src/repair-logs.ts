/** Heals the logs of missions in the caller's thread, as `commit` works: a tool for after an accident, not a part of any path. */
import { KittiwakeError } from './errors.ts'
import { gatherLiterals } from './project/literals.ts'
import type { Mission, Repository } from './project/types.ts'
import { openLedger } from './workers/git/git-service.ts'
import type { LedgerRepair } from './workers/git/log-repairer.ts'
import { LEDGERS } from './workers/git/protocol.ts'
import type { LedgerName } from './workers/git/protocol.ts'
import type { LedgerWarning } from './workers/git/warnings.ts'

export type RepairedLog = {
  readonly mission_slug: string
  readonly ledger: LedgerName
} & (
  | { readonly ok: true; readonly repair: LedgerRepair }
  /** Nothing was changed. */
  | { readonly ok: false; readonly error: KittiwakeError }
)

export type RepairReport = {
  readonly logs: readonly RepairedLog[]
  readonly warnings: readonly LedgerWarning[]
}

/** One log that can't be healed is nothing wrong with the others. @throws what is a bug */
export async function repairLogs(
  repository: Repository,
  missions: readonly Mission[],
  isDry: boolean,
): Promise<RepairReport> {
  const ledger = openLedger({ repository, literals: await gatherLiterals(repository) })
  const logs: RepairedLog[] = []
  for (const { directory } of missions) {
    for (const name of LEDGERS) {
      const named = { mission: directory, ledger: name }
      const place = { mission_slug: directory, ledger: name }
      try {
        logs.push({ ...place, ok: true, repair: await ledger.repair(named, isDry) })
      } catch (error) {
        if (!(error instanceof KittiwakeError)) throw error
        logs.push({ ...place, ok: false, error })
      }
    }
  }
  return { logs, warnings: ledger.takeWarnings() }
}
