/** Small readers and writers that the folds share. */
import { byCodePoint } from '../json/json.ts'
import type { Json, JsonObject } from '../json/json.ts'
import { jsonFormat, parseTimestamp } from '../values/timestamp.ts'

/** The text of a field; empty where it holds none. */
export function textOf(object: JsonObject, key: string): string {
  const value = object[key]
  return typeof value === 'string' ? value : ''
}

/** The number of a field; 0 where it holds none. */
export function numberOf(object: JsonObject, key: string): number {
  const value = object[key]
  return typeof value === 'number' ? value : 0
}

/** The texts of a list; what is no text is left out. */
export function textsOf(object: JsonObject, key: string): readonly string[] {
  const value = object[key]
  if (!Array.isArray(value)) return []
  return (value as readonly Json[]).filter((item) => typeof item === 'string')
}

export function entry<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}

/** Sorted by key; any key is safe, `__proto__` too. */
export function objectOf<Value>(
  map: ReadonlyMap<string, Value>,
  write: (value: Value) => Json,
): JsonObject {
  const entries = [...map].sort(([a], [b]) => byCodePoint(a, b))
  return Object.fromEntries(entries.map(([key, value]) => [key, write(value)]))
}

export function sortedTexts(texts: Iterable<string>): readonly string[] {
  return [...texts].sort(byCodePoint)
}

/** A time as it stands in a state: the producer's instant and offset, spelled one way. What is no time stays as it is. */
export function writtenTime(text: string): string {
  const time = parseTimestamp(text)
  return time === null ? text : jsonFormat(time)
}
