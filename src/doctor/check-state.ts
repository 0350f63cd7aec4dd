/** Whether the state directory can take what is recorded. */
import { accessSync, constants, readdirSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { systemCode } from '../errors.ts'
import { isShortEnough } from '../project/state-directory.ts'
import { type Check, failed } from './check.ts'

/** Below it no outbox can be made or grow. */
const SPACE_MIN_BYTES = 1024 * 1024

/** `state` is its absolute path; where it is not there yet, the folder counts in which it would be made. */
export function checkState(state: string): readonly Check[] {
  const hint = 'Check its rights and its disk, or set KITTIWAKE_HOME to another folder.'
  try {
    const folder = nearestFolder(state)
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
    const { bavail, bsize } = statfsSync(folder)
    if (!isShortEnough(state)) {
      const shorter = 'Set KITTIWAKE_HOME to a shorter path.'
      return [failed('state', 'the path of the state directory is too long', shorter)]
    }
    if (bavail * bsize >= SPACE_MIN_BYTES) return []
    return [failed('state', 'the disk of the state directory is full', hint)]
  } catch (error) {
    const code = systemCode(error) ?? 'unknown'
    return [failed('state', `the state directory can not be written (${code})`, hint)]
  }
}

/** @throws the system's error where something stands in the way that is no folder */
function nearestFolder(path: string): string {
  for (let at = path; ; at = dirname(at)) {
    try {
      readdirSync(at)
      return at
    } catch (error) {
      if (systemCode(error) !== 'ENOENT' || at === dirname(at)) throw error
    }
  }
}
