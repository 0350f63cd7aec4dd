/** What can be found wrong by looking, with what to do; nothing is written and no network is asked (L14). */
import { type Check, codeOf, failed, failure, look, note } from './doctor/check.ts'
import { checkFlights } from './doctor/check-flights.ts'
import { checkGlossary } from './doctor/check-glossary.ts'
import { checkLedgers } from './doctor/check-ledgers.ts'
import { checkMachine } from './doctor/check-machine.ts'
import { checkMissions } from './doctor/check-missions.ts'
import { checkProject } from './doctor/check-project.ts'
import { checkState } from './doctor/check-state.ts'
import { locateRepository } from './project/git/locate.ts'
import { missingDriver } from './project/hooks/merge-setup.ts'
import { stateDirectory } from './project/state-directory.ts'
import type { Repository } from './project/types.ts'

export type { Check }

/** Where there is no checkout, only the machine is looked at. */
const NO_CHECKOUT: ReadonlySet<string | null> = new Set(['NOT_A_REPOSITORY', 'BARE_REPOSITORY'])

/** All looks are taken, whatever one of them finds. Never rejects. */
export async function examine(cwd: string): Promise<readonly Check[]> {
  const checks = [...(await look('machine', () => checkMachine(cwd)))]
  let state: string | null = null
  try {
    const path = stateDirectory(process.env)
    state = path
    checks.push(
      ...(await look('state', async () => checkState(path))),
      ...(await look('flights', async () => checkFlights(path))),
    )
  } catch (error) {
    checks.push(failure('state', error))
  }
  try {
    const repository = await locateRepository(cwd)
    checks.push(
      ...(await look('project', () => checkProject(repository, state))),
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
