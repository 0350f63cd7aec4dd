/** The missions that have a branch, for those who ask again and again. */
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { readRef } from '../git/git-files.ts'
import { META_NAME, readMeta } from './mission-meta.ts'
import { MISSIONS_FOLDER } from './mission-names.ts'
import { missionFolders } from './missions.ts'
import { missionBranch } from './placement.ts'
import type { Mission, Repository } from '../types.ts'

/** What was looked at in vain. */
type Miss = {
  /** The version of `meta.json`. */
  readonly meta: string
  /** The branch that is not there; null where `meta.json` names none. */
  readonly ref: string | null
}

export class MissionFinder {
  readonly #repository: Repository
  readonly #misses = new Map<string, Miss>()
  #packedRefs = ''

  constructor(repository: Repository) {
    this.#repository = repository
  }

  /**
   * Those that are not known yet, sorted by directory name. Total: a mission that can't be read is none yet. Costs one
   * look into the folder, and two stats for each mission that had no branch the last time.
   */
  find(isKnown: (directory: string) => boolean): readonly Mission[] {
    const { root, commonDir } = this.#repository
    const specs = join(root, MISSIONS_FOLDER)
    const packedRefs = versionOf(join(commonDir, 'packed-refs'))
    if (packedRefs !== this.#packedRefs) this.#misses.clear()
    this.#packedRefs = packedRefs
    const missions: Mission[] = []
    for (const directory of missionFolders(specs)) {
      if (isKnown(directory)) continue
      const meta = versionOf(join(specs, directory, META_NAME))
      if (this.#isMissedStill(directory, meta)) continue
      const reading = readMeta(root, directory)
      const ref = reading.state === 'read' ? missionRef(reading.mission) : null
      const isThere = ref !== null && readRef(commonDir, ref).state !== 'absent'
      if (reading.state === 'read' && isThere) missions.push(reading.mission)
      else this.#misses.set(directory, { meta, ref })
    }
    return missions
  }

  #isMissedStill(directory: string, meta: string): boolean {
    const miss = this.#misses.get(directory)
    if (miss?.meta !== meta) return false
    return miss.ref === null || !existsSync(join(this.#repository.commonDir, miss.ref))
  }
}

/** The full name of the branch that holds the mission's ledger. */
export function missionRef(mission: Mission): string {
  return `refs/heads/${missionBranch(mission)}`
}

function versionOf(path: string): string {
  try {
    const { ino, mtimeMs, size } = statSync(path)
    return `${ino}:${mtimeMs}:${size}`
  } catch {
    return ''
  }
}
