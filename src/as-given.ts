/** An argument as it is at the call, for a reader that comes to it only later. */

import { isPlainObject } from './contracts/json/json.ts'

/** No input is deeper; what is refers to itself, and is refused by who reads it. */
const DEPTH_MAX = 64

/**
 * Lists and plain objects are copied; all else, as objects of a class, is handed on. What throws when it is read is handed on too,
 * since its reader has the typed error for it.
 */
export function asGiven<Value>(value: Value): Value {
  try {
    return copied(value, 0) as Value
  } catch {
    return value
  }
}

function copied(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || depth > DEPTH_MAX) return value
  if (Array.isArray(value)) return value.map((item) => copied(item, depth + 1))
  if (!isPlainObject(value)) return value
  const entries = Object.entries(value).map(([key, item]) => [key, copied(item, depth + 1)])
  return Object.fromEntries(entries)
}
