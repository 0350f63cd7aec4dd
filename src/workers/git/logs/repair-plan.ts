/** A log as it is to stand, proven to lose nothing before it takes the place of the damaged one, which is kept. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { Dialect } from '../../../contracts/json/json.ts'
import { idsOf, repairLog } from '../../../contracts/ledgers/repair-log.ts'
import type { LogRepair } from '../../../contracts/ledgers/repair-log.ts'
import type { DurableFs } from '../disk/durable-fs.ts'
import { repairUnproven } from './ledger-errors.ts'
import { sideLines } from './log-lines.ts'

const REPAIRED = 'repaired'

/**
 * Every id is still there; and what git left of two sides aside, readers see the same as before: `viewOf` says what that is.
 *
 * @throws GitError REPAIR_UNPROVEN
 */
export function planRepair(
  bytes: Buffer,
  dialect: Dialect,
  viewOf: (bytes: Buffer) => string,
): LogRepair {
  const repair = repairLog(sideLines(bytes), dialect)
  const after = Buffer.from(repair.text)
  const present = idsOf(sideLines(after))
  if (![...idsOf(sideLines(bytes))].every((id) => present.has(id))) throw repairUnproven()
  if (repair.markers === 0 && viewOf(bytes) !== viewOf(after)) throw repairUnproven()
  return repair
}

/** Durable before the log changes; answers where, in the git directory. The same log again is the same file. */
export async function keepDamaged(
  fs: DurableFs,
  { mission, log }: { readonly mission: string; readonly log: string },
  bytes: Buffer,
): Promise<string> {
  const digest = createHash('sha1').update(bytes).digest('hex').slice(0, 12)
  const folder = join(fs.stateDirectory, REPAIRED, mission)
  const name = `${log}.${digest}`
  await fs.makeDirectory(folder)
  await fs.replaceFile(join(folder, name), { bytes })
  return ['kittiwake', REPAIRED, mission, name].join('/')
}
