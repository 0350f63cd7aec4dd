/** The extensions behind the index entries: what stays true after one entry of ours changed, and nothing else. */
import { CommitDeferral } from '../deferral.ts'
import type { IndexLayout } from './index-entries.ts'

/** `moved`: entries behind it have another position now. */
export type IndexChange = { readonly path: string; readonly moved: boolean }

const HEADER_BYTES = 8
const MAX_FOLDER_DEPTH = 512
/** These count entries by position, or list what is untracked: an added entry makes them untrue. */
const DROPPED_ON_MOVE = new Set(['UNTR', 'FSMN'])

/**
 * The extension block for an index in which the entry of a path was replaced, or came or went. Git makes anew what is dropped.
 * @throws CommitDeferral `index_unsupported` on a mandatory extension (a sparse index is such).
 */
export function patchExtensions(
  block: Buffer,
  { path, moved }: IndexChange,
  { oidBytes }: IndexLayout,
): Buffer {
  const parts: Buffer[] = []
  let at = 0
  while (at < block.length) {
    if (at + HEADER_BYTES > block.length) throw unsupported()
    const signature = block.toString('latin1', at, at + 4)
    const end = at + HEADER_BYTES + block.readUInt32BE(at + 4)
    if (end > block.length || !/^[A-Z]/.test(signature)) throw unsupported()
    if (signature === 'TREE') {
      const body = invalidateTree(block.subarray(at + HEADER_BYTES, end), path, oidBytes)
      if (body !== null) parts.push(extension(signature, body))
    } else if (isKept(signature, moved)) {
      parts.push(block.subarray(at, end))
    }
    at = end
  }
  return Buffer.concat(parts)
}

/** Git drops unknown optional extensions when it writes, and the offset tables (EOIE, IEOT) are optional. */
function isKept(signature: string, moved: boolean): boolean {
  if (signature === 'REUC') return true
  return DROPPED_ON_MOVE.has(signature) && !moved
}

function extension(signature: string, body: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  header.write(signature, 0, 'latin1')
  header.writeUInt32BE(body.length, 4)
  return Buffer.concat([header, body])
}

/** The cache of tree ids without those that cover `path`, or null where the cache is malformed. */
export function invalidateTree(body: Buffer, path: string, oidBytes: number): Buffer | null {
  const copy: Copy = { body, oidBytes, parts: [] }
  const folders = path.split('/').slice(0, -1)
  const end = copyNode(copy, 0, ['', ...folders])
  return end === body.length ? Buffer.concat(copy.parts) : null
}

type Copy = { readonly body: Buffer; readonly oidBytes: number; readonly parts: Buffer[] }

/** Copies a node and what is below it; `remaining` is the way to our file where the node may lie on it. */
function copyNode(
  copy: Copy,
  start: number,
  remaining: readonly string[] | null,
  depth = 0,
): number {
  const { body, oidBytes, parts } = copy
  if (depth > MAX_FOLDER_DEPTH) return -1
  const nameEnd = body.indexOf(0, start)
  const lineEnd = body.indexOf(0x0a, nameEnd)
  if (nameEnd === -1 || lineEnd === -1) return -1
  const counts = /^(-?\d+) (\d+)$/.exec(body.toString('latin1', nameEnd + 1, lineEnd))
  if (counts === null) return -1
  const valid = Number(counts[1]) >= 0
  let at = lineEnd + 1 + (valid ? oidBytes : 0)
  const name = body.subarray(start, nameEnd)
  const onTheWay = remaining !== null && name.equals(Buffer.from(remaining[0] ?? '\0'))
  if (onTheWay) parts.push(name, Buffer.from(`\0-1 ${counts[2]}\n`))
  else parts.push(body.subarray(start, at))
  const below = onTheWay ? remaining.slice(1) : null
  for (let children = Number(counts[2]); children > 0; children -= 1) {
    if (at > body.length) return -1
    at = copyNode(copy, at, below, depth + 1)
    if (at === -1) return -1
  }
  return at
}

function unsupported(): CommitDeferral {
  const message = 'The worktree has a sparse index, or one of a kind that is not known here.'
  const hint = 'Run git sparse-checkout init --no-sparse-index, or commit with git.'
  return new CommitDeferral('index_unsupported', `${message} ${hint}`)
}
