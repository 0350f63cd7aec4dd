/** Looks into parsed YAML without resolving aliases or building objects. */
import { isMap, isScalar } from 'yaml'
import type { Pair, YAMLMap } from 'yaml'

/** Whether a node stands for nothing: absent, or null. */
export function isEmpty(node: unknown): boolean {
  return node === null || node === undefined || (isScalar(node) && node.value === null)
}

/** The pair with this key at the top of a mapping. */
export function pairOf(map: unknown, key: string): Pair | null {
  if (!isMap(map)) return null
  return map.items.find((pair) => isScalar(pair.key) && pair.key.value === key) ?? null
}

/** A block in the content of the file: its mapping, null where it is absent or empty, or `unusable`. */
export function blockOf(content: unknown, name: string): YAMLMap | null | 'unusable' {
  const value = pairOf(content, name)?.value
  if (isMap(value)) return value
  return isEmpty(value) ? null : 'unusable'
}

/**
 * The text of a scalar as it is written, trimmed: `012` stays `012`. Null where it is absent or
 * blank, false where a mapping, a list or an alias stands instead.
 */
export function textOf(node: unknown): string | null | false {
  if (isEmpty(node)) return null
  if (!isScalar(node)) return false
  const text = (typeof node.value === 'string' ? node.value : (node.source ?? '')).trim()
  return text === '' ? null : text
}
