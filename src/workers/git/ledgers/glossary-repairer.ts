/** Heals the glossary log of a mission, as the ledgers are healed, but makes no commit: these logs are the user's to keep. */
import { relative, sep } from 'node:path'
import { foldGlossary } from '../../../contracts/ledgers/fold-glossary.ts'
import type { LogRepair } from '../../../contracts/ledgers/repair-log.ts'
import { rewriteLog } from '../logs/append-log.ts'
import { parseGlossaryLines } from '../logs/glossary-log.ts'
import { readLog } from '../logs/log-file.ts'
import type { LogPlace } from '../logs/log-file.ts'
import type { LedgerRepair } from './log-repairer.ts'
import { keepDamaged, planRepair } from '../logs/repair-plan.ts'

type Found = { readonly bytes: Buffer; readonly repair: LogRepair; readonly changed: boolean }

/** What would be done; reads only. @throws GitError REPAIR_UNPROVEN. */
export async function examineGlossary(place: LogPlace): Promise<LedgerRepair> {
  return reportOf(place, await find(place), null)
}

/** Called under the repository lock. @throws GitError LEDGER_CHANGED (retryable), REPAIR_UNPROVEN. */
export async function repairGlossary(place: LogPlace): Promise<LedgerRepair> {
  const found = await find(place)
  if (!found.changed) return reportOf(place, found, null)
  const name = { mission: place.mission, log: 'glossary' }
  const kept = await keepDamaged(place.fs, name, found.bytes)
  await rewriteLog(place, found.bytes, found.repair.text)
  return reportOf(place, found, kept)
}

async function find(place: LogPlace): Promise<Found> {
  const bytes = (await readLog(place)) ?? Buffer.alloc(0)
  const repair = planRepair(bytes, 'spaced', viewOf)
  return { bytes, repair, changed: !Buffer.from(repair.text).equals(bytes) }
}

/** What the log says, without where it says so. */
function viewOf(bytes: Buffer): string {
  const { rows } = parseGlossaryLines(bytes, '')
  const { clarifications, observed, senses, anomalies } = foldGlossary(new Map(), rows)
  const told = anomalies.map(({ kind, conflict_id, surface }) => [kind, conflict_id, surface])
  return JSON.stringify([[...clarifications], [...observed], [...senses], told])
}

function reportOf(
  { worktree, path }: LogPlace,
  { repair, changed }: Found,
  kept: string | null,
): LedgerRepair {
  const { text: _, ...counts } = repair
  const pathInTree = relative(worktree, path).split(sep).join('/')
  return { ...counts, path: pathInTree, changed, kept, commit: null }
}
