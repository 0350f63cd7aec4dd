/** Which project files this program reads and writes; its own version is another matter. */

/** The `spec_kitty.version` that is implemented. */
export const CONTRACT_VERSION = '3.2.6'
/** The `spec_kitty.schema_version` that is implemented, the only one. */
export const REQUIRED_SCHEMA = 3
/** A number outside of 0 to this is none. */
export const SCHEMA_MAX = 1_000

/** Negative where `one` is the older version, 0 where they are the same; by the order of PEP 440. One that can't be read is older than any. */
export function compareVersions(one: string, other: string): number {
  const [left, right] = [keyOf(one), keyOf(other)]
  for (let at = 0; at < Math.max(left.length, right.length); at += 1) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0)
    if (difference !== 0) return Math.sign(difference)
  }
  return 0
}

/** Whether a version can be ordered at all. */
export function isVersion(text: string): boolean {
  return VERSION.test(text)
}

const VERSION =
  /^\s*v?(?:(?<epoch>\d{1,9})!)?(?<release>\d{1,9}(?:\.\d{1,9}){0,15})(?:[-_.]?(?<stage>a|b|c|rc|alpha|beta|pre|preview)[-_.]?(?<pre>\d{0,9}))?(?<posted>-(?<bare>\d{1,9})|[-_.]?(?:post|rev|r)[-_.]?(?<post>\d{0,9}))?(?<developed>[-_.]?dev[-_.]?(?<dev>\d{0,9}))?(?:[-+][a-z0-9][a-z0-9._-]{0,127})?\s*$/i
const RELEASE_NUMBERS = 16
const STAGES: Readonly<Record<string, number>> = {
  a: 1,
  alpha: 1,
  b: 2,
  beta: 2,
  c: 3,
  rc: 3,
  pre: 3,
  preview: 3,
}
/** A version of development is before all stages of its release, and the release itself behind them. */
const STAGE_OF_DEVELOPMENT = 0
const STAGE_OF_RELEASE = 4

function keyOf(text: string): readonly number[] {
  const groups = VERSION.exec(text)?.groups
  if (groups === undefined) return [-1]
  const { epoch, release = '', stage, pre, posted, bare, post, developed, dev } = groups
  const numbers = release.split('.').map(Number)
  const isOnlyDeveloped = stage === undefined && posted === undefined && developed !== undefined
  const reached =
    stage === undefined ? STAGE_OF_RELEASE : (STAGES[stage.toLowerCase()] ?? STAGE_OF_RELEASE)
  return [
    Number(epoch ?? 0),
    ...Array.from({ length: RELEASE_NUMBERS }, (_, at) => numbers[at] ?? 0),
    isOnlyDeveloped ? STAGE_OF_DEVELOPMENT : reached,
    Number(pre ?? 0),
    posted === undefined ? 0 : 1 + Number(bare ?? post ?? 0),
    developed === undefined ? Number.MAX_SAFE_INTEGER : Number(dev ?? 0),
  ]
}
