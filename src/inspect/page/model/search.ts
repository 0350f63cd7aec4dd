/** Places in lists that are in order. */

/** The first place whose item is not `isBefore`; the length where all are. */
export function lowerBound<T>(list: readonly T[], isBefore: (item: T) => boolean): number {
  let [low, high] = [0, list.length]
  while (low < high) {
    const middle = (low + high) >> 1
    const item = list[middle]
    if (item !== undefined && isBefore(item)) low = middle + 1
    else high = middle
  }
  return low
}

/** The place of the last item that stands at `at` or before; -1 where none does. */
export function placeAt<T extends { readonly at: number }>(list: readonly T[], at: number): number {
  return lowerBound(list, (item) => item.at <= at) - 1
}

export function lastAt<T extends { readonly at: number }>(
  list: readonly T[],
  at: number,
): T | undefined {
  return list[placeAt(list, at)]
}
