/** The missions, and whether commands can write to them. */
import { GitError } from '../errors.ts'
import { hasCoordination } from '../project/missions/mission-meta.ts'
import { listMissions } from '../project/missions/missions.ts'
import { placeMission } from '../project/missions/placement.ts'
import type { Mission, Repository } from '../project/types.ts'
import { type Checkout, listCheckouts } from '../project/git/worktrees.ts'
import { type Check, failed, ok } from './check.ts'

/** A mission that can't be used is nothing wrong with the others. */
export async function checkMissions(repository: Repository): Promise<readonly Check[]> {
  const { missions, unreadable } = await listMissions(repository)
  const checks: Check[] = [ok('missions', String(missions.length))]
  const [first] = unreadable
  if (first !== undefined) {
    const detail = `${unreadable.length} can not be used, first ${first.directory}: ${first.fault}`
    checks.push(failed('missions', detail, 'Repair meta.json there, or restore it with git.'))
  }
  const checkouts = listCheckouts(repository)
  return [...checks, ...missions.flatMap((one) => checkPlace(repository, one, checkouts))]
}

/**
 * Its worktree is for the mission alone, so that another branch there is a mistake. One that is
 * missing is made again, and the primary checkout is the user's.
 */
function checkPlace(
  repository: Repository,
  mission: Mission,
  checkouts: readonly Checkout[],
): readonly Check[] {
  if (!hasCoordination(mission.topology)) return []
  try {
    placeMission(repository, mission, checkouts)
    return []
  } catch (error) {
    if (!(error instanceof GitError) || error.code === 'WORKTREE_MISSING') return []
    return [failed('missions', `${mission.directory}: ${error.message}`, error.hint ?? '')]
  }
}
