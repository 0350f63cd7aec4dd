/**
 * The git index, versions 2, 3 and 4, patched without being understood: our entries are replaced, every other
 * entry keeps its bytes (extended flags, intent-to-add, stages), and of the extensions only what our change
 * makes untrue goes. Split and sparse indexes, and whatever git itself calls mandatory, are refused.
 * Format: git's Documentation/gitformat-index.
 */
import { createHash } from 'node:crypto'
import type { BigIntStats } from 'node:fs'
import { CommitDeferral } from './deferral.ts'
import {
  CHECKSUM_BYTES,
  compressName,
  FIXED_BYTES,
  FLAG_EXTENDED,
  HEADER_BYTES,
  paddedLength,
  parseIndex,
  STAT_BYTES,
  unsupported,
} from './index-entries.ts'
import type { IndexEntry } from './index-entries.ts'
import { patchExtensions } from './index-extensions.ts'

/** What the index shall say of one of our files. */
export type IndexFile = {
  /** Relative to the worktree, `/` between the names. */
  readonly path: string
  readonly oid: string
  /** Octal: `100644` or `100755`. */
  readonly mode: string
  /** Of the file whose bytes were committed. */
  readonly stats: BigIntStats
}

export type PatchedIndex = {
  readonly bytes: Buffer
  /** Whether an entry of the user's was written in or after the second in which the old index was. */
  readonly racy: boolean
}

const FLAG_ASSUME_VALID = 0x8000
const FLAG_NAME_MASK = 0xfff
const EXTENDED_SKIP_WORKTREE = 0x4000

/**
 * The index with our entries in it; `null` stands for a repository that has no index yet. `modifiedAt` is the
 * second of the old index. Throws CommitDeferral `path_conflicted` or `index_unsupported`.
 */
export function patchIndex(
  old: Buffer | null,
  files: readonly IndexFile[],
  modifiedAt: bigint = 0n,
): PatchedIndex {
  let bytes = old ?? emptyIndex()
  verify(bytes)
  const ours = new Set(files.map((file) => file.path))
  const racy = parseIndex(bytes).entries.some(
    (entry) => !ours.has(entry.name.toString()) && isRacy(bytes, entry, modifiedAt),
  )
  for (const file of files) bytes = patchOne(bytes, file)
  const content = bytes.subarray(0, bytes.length - CHECKSUM_BYTES)
  return { bytes: Buffer.concat([content, sha1(content)]), racy }
}

function patchOne(bytes: Buffer, file: IndexFile): Buffer {
  const { version, entries, end } = parseIndex(bytes)
  const name = Buffer.from(file.path)
  refuseConflicts(entries, name)
  const found = entries.findIndex((entry) => Buffer.compare(entry.name, name) >= 0)
  const position = found === -1 ? entries.length : found
  const at = entries[position]
  const replaced = at !== undefined && at.name.equals(name) ? at : null
  const before = entries[position - 1]
  const after = replaced === null ? at : entries[position + 1]
  const previousName = before?.name ?? Buffer.alloc(0)
  const start = before?.end ?? HEADER_BYTES
  const rest = replaced?.end ?? start
  const header = Buffer.from(bytes.subarray(0, HEADER_BYTES))
  header.writeUInt32BE(entries.length + (replaced === null ? 1 : 0), 8)
  const extensions = bytes.subarray(end, bytes.length - CHECKSUM_BYTES)
  return Buffer.concat([
    header,
    bytes.subarray(HEADER_BYTES, start),
    renderEntry(bytes, version, file, { name, previousName, replaced }),
    ...renderFollowing(bytes, version, name, after, rest, end),
    patchExtensions(extensions, file.path, replaced === null),
    Buffer.alloc(CHECKSUM_BYTES),
  ])
}

/** The entries behind ours: in version 4 the first of them says how its name differs from ours. */
function renderFollowing(
  bytes: Buffer,
  version: number,
  name: Buffer,
  after: IndexEntry | undefined,
  rest: number,
  end: number,
): Buffer[] {
  if (version !== 4 || after === undefined) return [bytes.subarray(rest, end)]
  const extended = (after.flags & FLAG_EXTENDED) !== 0 ? 2 : 0
  return [
    bytes.subarray(after.start, after.start + FIXED_BYTES + extended),
    compressName(after.name, name),
    bytes.subarray(after.end, end),
  ]
}

type Neighbours = { name: Buffer; previousName: Buffer; replaced: IndexEntry | null }

function renderEntry(
  bytes: Buffer,
  version: number,
  file: IndexFile,
  { name, previousName, replaced }: Neighbours,
): Buffer {
  const skipWorktree = replaced !== null && hasSkipWorktree(bytes, replaced)
  const fixed = Buffer.alloc(FIXED_BYTES + (skipWorktree ? 2 : 0))
  writeStats(fixed, file)
  fixed.write(file.oid, STAT_BYTES, 'hex')
  const kept = (replaced?.flags ?? 0) & FLAG_ASSUME_VALID
  const extended = skipWorktree ? FLAG_EXTENDED : 0
  fixed.writeUInt16BE(kept | extended | Math.min(name.length, FLAG_NAME_MASK), 60)
  if (skipWorktree) fixed.writeUInt16BE(EXTENDED_SKIP_WORKTREE, FIXED_BYTES)
  if (version === 4) return Buffer.concat([fixed, compressName(name, previousName)])
  const length = fixed.length + name.length
  return Buffer.concat([fixed, name, Buffer.alloc(paddedLength(length) - length)])
}

function hasSkipWorktree(bytes: Buffer, entry: IndexEntry): boolean {
  if ((entry.flags & FLAG_EXTENDED) === 0) return false
  return (bytes.readUInt16BE(entry.start + FIXED_BYTES) & EXTENDED_SKIP_WORKTREE) !== 0
}

function writeStats(entry: Buffer, { stats, mode }: IndexFile): void {
  const fields = [
    stats.ctimeNs / 1_000_000_000n,
    stats.ctimeNs % 1_000_000_000n,
    stats.mtimeNs / 1_000_000_000n,
    stats.mtimeNs % 1_000_000_000n,
    stats.dev,
    stats.ino,
    BigInt(Number.parseInt(mode, 8)),
    stats.uid,
    stats.gid,
    stats.size,
  ]
  for (const [index, field] of fields.entries()) {
    entry.writeUInt32BE(Number(BigInt.asUintN(32, field)), index * 4)
  }
}

function refuseConflicts(entries: readonly IndexEntry[], name: Buffer): void {
  const path = name.toString()
  for (const entry of entries) {
    const other = entry.name.toString()
    const conflicted = other === path && entry.stage !== 0
    if (!conflicted && !other.startsWith(`${path}/`) && !path.startsWith(`${other}/`)) continue
    const message = 'A merge left the ledger in conflict, or something else is staged in its place.'
    throw new CommitDeferral('path_conflicted', `${message} Resolve it, then try again.`)
  }
}

/** Git compares whole seconds unless it was built otherwise. */
function isRacy(bytes: Buffer, entry: IndexEntry, modifiedAt: bigint): boolean {
  return BigInt(bytes.readUInt32BE(entry.start + 8)) >= BigInt.asUintN(32, modifiedAt)
}

function verify(bytes: Buffer): void {
  if (bytes.length < HEADER_BYTES + CHECKSUM_BYTES) throw unsupported()
  const end = bytes.length - CHECKSUM_BYTES
  const stored = bytes.subarray(end)
  // `index.skipHash` leaves zeros there.
  if (stored.every((byte) => byte === 0)) return
  if (!stored.equals(sha1(bytes.subarray(0, end)))) throw unsupported()
}

function emptyIndex(): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + CHECKSUM_BYTES)
  bytes.write('DIRC', 0, 'latin1')
  bytes.writeUInt32BE(2, 4)
  return bytes
}

function sha1(bytes: Buffer): Buffer {
  return createHash('sha1').update(bytes).digest()
}
