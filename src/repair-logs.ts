/** Heals the logs of missions in the caller's thread, as `commit` works: a tool for after an accident, not a part of any path. */
import { KittiwakeError } from './errors.ts'
import { gatherLiterals } from './project/literals.ts'
import type { Mission, Repository } from './project/types.ts'
import { openGlossary, openLedger } from './workers/git/git-service.ts'
import { missionsWithGlossary } from './workers/git/logs/glossary-log.ts'
import type { LedgerRepair } from './workers/git/ledgers/log-repairer.ts'
import { LEDGERS } from './workers/git/protocol.ts'
import type { LedgerName } from './workers/git/protocol.ts'
import type { LedgerWarning } from './workers/git/warnings.ts'

export type RepairedLog = {
  readonly mission_slug: string
  readonly ledger: LedgerName | 'glossary'
} & (
  | { readonly ok: true; readonly repair: LedgerRepair }
  /** Nothing was changed. */
  | { readonly ok: false; readonly error: KittiwakeError }
)

export type RepairReport = {
  readonly logs: readonly RepairedLog[]
  readonly warnings: readonly LedgerWarning[]
}

export type RepairWish = {
  readonly missions: readonly Mission[]
  /** Glossary logs of other missions too. */
  readonly hasOthers: boolean
  readonly isDry: boolean
}

/** One log that can't be healed is nothing wrong with the others. @throws what is a bug */
export async function repairLogs(
  repository: Repository,
  { missions, hasOthers, isDry }: RepairWish,
): Promise<RepairReport> {
  const input = { repository, literals: await gatherLiterals(repository) }
  const [ledger, glossary] = [openLedger(input), openGlossary(input)]
  const logs: RepairedLog[] = []
  const heal = async (
    place: Pick<RepairedLog, 'mission_slug' | 'ledger'>,
    work: () => Promise<LedgerRepair>,
  ): Promise<void> => {
    try {
      logs.push({ ...place, ok: true, repair: await work() })
    } catch (error) {
      if (!(error instanceof KittiwakeError)) throw error
      logs.push({ ...place, ok: false, error })
    }
  }
  for (const { directory: mission } of missions) {
    for (const name of LEDGERS) {
      const named = { mission, ledger: name }
      await heal({ mission_slug: mission, ledger: name }, () => ledger.repair(named, isDry))
    }
  }
  const isNamed = new Set(missions.map(({ directory }) => directory))
  for (const mission of missionsWithGlossary(repository.root)) {
    if (!hasOthers && !isNamed.has(mission)) continue
    await heal({ mission_slug: mission, ledger: 'glossary' }, () => glossary.repair(mission, isDry))
  }
  return { logs, warnings: [...ledger.takeWarnings(), ...glossary.takeWarnings()] }
}
