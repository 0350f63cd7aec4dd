/** Looks into parsed YAML without resolving aliases or building objects. */
import { isAlias, isMap, isScalar } from 'yaml'
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

/**
 * A block in the content of the file: its mapping, null where it is absent or empty, or `unusable`. What a merge key (`<<`)
 * takes over is read by others and not by us, so it must not count as absent.
 */
export function blockOf(content: unknown, name: string): YAMLMap | null | 'unusable' {
  const pair = pairOf(content, name)
  if (pair === null) return hasMergeKey(content) ? 'unusable' : null
  if (isMap(pair.value)) return hasMergeKey(pair.value) ? 'unusable' : pair.value
  return isEmpty(pair.value) ? null : 'unusable'
}

/** Whether what the block says stands elsewhere in the file, by an alias or by a merge key. */
export function isIndirect(content: unknown, name: string): boolean {
  const pair = pairOf(content, name)
  return pair === null ? hasMergeKey(content) : isAlias(pair.value) || hasMergeKey(pair.value)
}

function hasMergeKey(map: unknown): boolean {
  return (
    isMap(map) &&
    map.items.some(({ key }) => isScalar(key) && key.type === 'PLAIN' && key.source === '<<')
  )
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
