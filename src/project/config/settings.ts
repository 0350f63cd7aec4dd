/**
 * What the configuration asks for, beside the identity. Each has a default that an unusable file
 * falls back to.
 */
import { isScalar, isSeq } from 'yaml'
import { blockOf, isEmpty, isIndirect, pairOf, textOf } from './config-nodes.ts'
import type { ConfigReading } from './config.ts'

/** `sync.auto_start`: only a real boolean counts; true by default. */
export function readAutoStart(reading: ConfigReading): boolean {
  const node = valueAt(reading, 'sync', 'auto_start')
  return isScalar(node) && typeof node.value === 'boolean' ? node.value : true
}

/** `commit.author`: `git` asks for the user's own name on our commits. */
export function readCommitAuthor(reading: ConfigReading): 'git' | 'bookkeeping' {
  const node = valueAt(reading, 'commit', 'author')
  return isScalar(node) && node.value === 'git' ? 'git' : 'bookkeeping'
}

/**
 * `protection.protected_branches`: the list, null where there is none, `unusable` where it can't be
 * read; then every branch has to be taken as protected.
 */
export function readProtectedBranches(
  reading: ConfigReading,
): readonly string[] | null | 'unusable' {
  if (reading.state === 'unusable') return 'unusable'
  const isElsewhere =
    reading.state === 'present' && isIndirect(reading.document.contents, 'protection')
  if (isElsewhere) return 'unusable'
  const node = valueAt(reading, 'protection', 'protected_branches')
  if (isEmpty(node)) return null
  if (!isSeq(node)) return 'unusable'
  const branches: string[] = []
  for (const item of node.items) {
    const branch = textOf(item)
    if (branch === null || branch === false) return 'unusable'
    branches.push(branch)
  }
  return branches
}

function valueAt(reading: ConfigReading, block: string, key: string): unknown {
  if (reading.state !== 'present') return null
  const map = blockOf(reading.document.contents, block)
  return map === 'unusable' ? null : pairOf(map, key)?.value
}
