/** What can be found wrong by looking, with what to do; nothing is written and no network is asked (L14). */
import { type Check, codeOf, failed, failure, look, note, ok } from './doctor/check.ts'
import { checkFlights } from './doctor/check-flights.ts'
import { checkGlossary } from './doctor/check-glossary.ts'
import { checkLedgers } from './doctor/check-ledgers.ts'
import { checkMachine } from './doctor/check-machine.ts'
import { checkProject } from './doctor/check-project.ts'
import { locateRepository } from './project/locate.ts'
import { missingDriver } from './project/merge-setup.ts'
import { listMissions } from './project/missions.ts'
import { stateDirectory } from './project/state-directory.ts'
import type { Repository } from './project/types.ts'

export type { Check }

/** Where there is no checkout, only the machine is looked at. */
const NO_CHECKOUT: ReadonlySet<string | null> = new Set(['NOT_A_REPOSITORY', 'BARE_REPOSITORY'])

/** All looks are taken, whatever one of them finds. Never rejects. */
export async function examine(cwd: string): Promise<readonly Check[]> {
  const checks = [
    ...(await look('machine', () => checkMachine(cwd))),
    ...(await look('flights', async () => checkFlights(stateDirectory(process.env)))),
  ]
  try {
    const repository = await locateRepository(cwd)
    checks.push(
      ...(await look('project', () => checkProject(repository, stateDirectory(process.env)))),
      ...(await look('missions', () => checkMissions(repository))),
      ...(await look('ledgers', () => checkLedgers(repository))),
      ...(await look('glossary', () => checkGlossary(repository))),
      ...(await look('merging', async () => checkMerging(repository))),
    )
  } catch (error) {
    const found = failure('repository', error)
    const isNone = NO_CHECKOUT.has(codeOf(error))
    checks.push(isNone ? note('repository', 'none around this folder', found.hint) : found)
  }
  return checks
}

function checkMerging(repository: Repository): readonly Check[] {
  const missing = missingDriver(repository)
  return missing === null ? [] : [failed('merging', missing, 'Run `kittiwake hooks install`.')]
}

/** A mission that can't be used is nothing wrong with the others. */
async function checkMissions(repository: Repository): Promise<readonly Check[]> {
  const { missions, unreadable } = await listMissions(repository)
  const checks: Check[] = [ok('missions', String(missions.length))]
  const [first] = unreadable
  if (first !== undefined) {
    const detail = `${unreadable.length} can not be used, first ${first.directory}: ${first.fault}`
    checks.push(failed('missions', detail, 'Repair meta.json there, or restore it with git.'))
  }
  return checks
}
