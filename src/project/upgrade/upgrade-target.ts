/** Which contract an upgrade may be asked to come to. */
import { ProjectError } from '../../errors.ts'
import { compareVersions, CONTRACT_VERSION, isVersion } from '../contract-version.ts'

const NO_VERSION = [
  `a version such as ${CONTRACT_VERSION} is expected`,
  'Leave `--target` out.',
] as const
// What was left at an older contract would be blocked by the gate, and so be no success.
const OLDER = [
  `commands that write need ${CONTRACT_VERSION}: an upgrade never ends at an older version`,
  'Leave `--target` out; `--dry-run` says what would be done.',
] as const
const NEWER = [
  `this program implements ${CONTRACT_VERSION}, and can't bring a project to a newer version`,
  'Leave `--target` out, or install the Kittiwake that implements that version.',
] as const

/** @throws ProjectError UPGRADE_TARGET */
export function checkTarget(target: string): void {
  const difference = isVersion(target) ? compareVersions(target, CONTRACT_VERSION) : null
  if (difference === 0) return
  const [message, hint] = difference === null ? NO_VERSION : difference < 0 ? OLDER : NEWER
  throw new ProjectError('UPGRADE_TARGET', message, { hint })
}
