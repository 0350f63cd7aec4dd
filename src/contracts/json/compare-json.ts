/** An order of JSON values: total, the same whatever the order of keys, and never as deep as its input on the call stack. */
import { byCodePoint, isJsonObject } from './json.ts'
import type { Json } from './json.ts'

type Pair = readonly [Json, Json]

const NO_PAIRS: readonly Pair[] = []

/** Negative, zero (the same value) or positive. */
export function compareJson(a: Json, b: Json): number {
  const stack: Pair[] = [[a, b]]
  for (let pair = stack.pop(); pair !== undefined; pair = stack.pop()) {
    const found = compareOne(pair)
    if (typeof found === 'number') return found
    for (const child of found.toReversed()) stack.push(child)
  }
  return 0
}

/** The answer, or what has to be compared for it, in order. */
function compareOne([a, b]: Pair): number | readonly Pair[] {
  if (a === b) return NO_PAIRS
  const rank = rankOf(a) - rankOf(b)
  if (rank !== 0) return rank
  if (typeof a === 'string' && typeof b === 'string') return byCodePoint(a, b)
  if (Array.isArray(a) && Array.isArray(b)) return compareArrays(a, b)
  if (isJsonObject(a) && isJsonObject(b)) return compareObjects(a, b)
  return Number(a) < Number(b) ? -1 : 1
}

function compareArrays(a: readonly Json[], b: readonly Json[]): number | readonly Pair[] {
  if (a.length !== b.length) return a.length - b.length
  return a.map((item, at): Pair => [item, b[at] ?? null])
}

function compareObjects(
  a: Readonly<Record<string, Json>>,
  b: Readonly<Record<string, Json>>,
): number | readonly Pair[] {
  const keys = Object.keys(a).sort(byCodePoint)
  const others = Object.keys(b).sort(byCodePoint)
  if (keys.length !== others.length) return keys.length - others.length
  for (const [at, key] of keys.entries()) {
    const order = byCodePoint(key, others[at] ?? '')
    if (order !== 0) return order
  }
  return keys.map((key): Pair => [a[key] ?? null, b[key] ?? null])
}

function rankOf(value: Json): number {
  if (value === null) return 0
  if (typeof value === 'boolean') return 1
  if (typeof value === 'number') return 2
  if (typeof value === 'string') return 3
  return Array.isArray(value) ? 4 : 5
}
