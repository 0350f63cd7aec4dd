/** Whether one version of this package is older than another: by its numbers, and a preview before its release. */
export function isOlder(one: string, other: string): boolean {
  const [left, right] = [partsOf(one), partsOf(other)]
  for (const at of [0, 1, 2, 3]) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0)
    if (difference !== 0) return difference < 0
  }
  return false
}

function partsOf(version: string): readonly number[] {
  const found = /^(\d{1,9})\.(\d{1,9})\.(\d{1,9})(-)?/.exec(version)
  if (found === null) return [0, 0, 0, 0]
  return [...found.slice(1, 4).map(Number), found[4] === undefined ? 1 : 0]
}
