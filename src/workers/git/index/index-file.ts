/**
 * The git index, versions 2, 3 and 4, patched without being understood: our entries are replaced, every other
 * entry keeps its bytes (extended flags, intent-to-add, stages), and of the extensions only what our change
 * makes untrue goes. Split and sparse indexes, and whatever git itself calls mandatory, are refused.
 * Format: git's Documentation/gitformat-index.
 */
import type { BigIntStats } from 'node:fs'
import type { HashName } from '../../../project/git/object-id.ts'
import { CommitDeferral } from '../deferral.ts'
import {
  checksumOf,
  compressName,
  FLAG_EXTENDED,
  HEADER_BYTES,
  layoutOf,
  paddedLength,
  STAT_BYTES,
  unsupported,
} from './index-entries.ts'
import type { IndexLayout } from './index-entries.ts'
import { patchExtensions } from './index-extensions.ts'
import type { IndexChange } from './index-extensions.ts'
import { IndexScan } from './index-scan.ts'
import type { ReplacedEntry } from './replaced-book.ts'

/** What the index shall say of one of our files. */
export type IndexFile = {
  /** Relative to the worktree, `/` between the names. */
  readonly path: string
  /** Null: nothing any more. */
  readonly oid: string | null
  /** Octal: `100644`, `100755` or `120000`. */
  readonly mode: string
  /** Of the file whose bytes were committed; null where it is gone, or where git shall look at it again. */
  readonly stats: BigIntStats | null
}

export type PatchedIndex = {
  /** Not joined: an index of 50,000 entries has 5 MB. */
  readonly pieces: readonly Buffer[]
  /** Whether an entry of the user's was written in or after the second in which the old index was. */
  readonly racy: boolean
  /** What stood in the place of ours. */
  readonly replaced: readonly ReplacedEntry[]
}

type Patch = IndexFile & { readonly name: Buffer }

const MODE_AT = 24
const FLAG_ASSUME_VALID = 0x8000
const FLAG_NAME_MASK = 0xfff
const EXTENDED_SKIP_WORKTREE = 0x4000

/**
 * The index with our entries in it; `null` stands for a repository that has no index yet. `modifiedAt` is the
 * second of the old index, `hash` what the repository names objects by. @throws CommitDeferral `path_conflicted` or `index_unsupported`.
 */
export function patchIndex(
  old: Buffer | null,
  files: readonly IndexFile[],
  hash: HashName,
  modifiedAt: bigint = 0n,
): PatchedIndex {
  const layout = layoutOf(hash)
  const bytes = old ?? emptyIndex(layout)
  verify(bytes, layout)
  const scan = new IndexScan(bytes, hash)
  const patches = files
    .map((file) => ({ ...file, name: Buffer.from(file.path) }))
    .sort((a, b) => a.name.compare(b.name))
  for (const patch of patches) refuseConflicts(scan, patch, patches)
  const { parts, count, changes } = renderEntries(scan, patches)
  const header = Buffer.from(bytes.subarray(0, HEADER_BYTES))
  header.writeUInt32BE(count, 8)
  let extensions = bytes.subarray(scan.end, bytes.length - layout.oidBytes)
  for (const change of changes) extensions = patchExtensions(extensions, change, layout)
  const content = [header, ...parts, extensions]
  return {
    pieces: [...content, checksumOf(layout, ...content)],
    racy: hasRacy(scan, patches, modifiedAt),
    replaced: patches.map(({ path, oid, mode, name }) => {
      const stamp = scan.stamp(name)
      return { path, oid, mode, was: stamp === null ? [] : [stamp] }
    }),
  }
}

type Rendered = {
  readonly parts: readonly Buffer[]
  readonly count: number
  readonly changes: readonly IndexChange[]
}

/** Runs of entries that stay as they are, with ours between them. */
function renderEntries(scan: IndexScan, patches: readonly Patch[]): Rendered {
  const parts: Buffer[] = []
  const changes: IndexChange[] = []
  let count = scan.count
  let copied = 0
  let previous: Buffer = Buffer.alloc(0)
  const copyUntil = (index: number): void => {
    if (index <= copied) return
    parts.push(...copyRun(scan, copied, index, previous))
    previous = scan.name(index - 1)
    copied = index
  }
  for (const patch of patches) {
    const position = scan.lowerBound(patch.name)
    const replaced = scan.find(patch.name)
    if (replaced === -1 && patch.oid === null) continue
    copyUntil(position)
    if (patch.oid !== null) {
      parts.push(renderEntry(scan, patch, patch.oid, replaced, previous))
      previous = patch.name
    }
    if (replaced !== -1) copied = replaced + 1
    count += (patch.oid === null ? 0 : 1) - (replaced === -1 ? 0 : 1)
    changes.push({ path: patch.path, moved: replaced === -1 || patch.oid === null })
  }
  copyUntil(scan.count)
  return { parts, count, changes }
}

/** In version 4 the first of a run says how its name differs from the one that is before it now. */
function copyRun(scan: IndexScan, from: number, to: number, previous: Buffer): readonly Buffer[] {
  const { bytes, version, layout } = scan
  const start = scan.start(from)
  const isSame = from === 0 ? previous.length === 0 : scan.name(from - 1).equals(previous)
  if (version !== 4 || isSame) return [bytes.subarray(start, scan.start(to))]
  const extended = (scan.flags(from) & FLAG_EXTENDED) !== 0 ? 2 : 0
  return [
    bytes.subarray(start, start + layout.fixedBytes + extended),
    compressName(scan.name(from), previous),
    bytes.subarray(scan.start(from + 1), scan.start(to)),
  ]
}

function renderEntry(
  scan: IndexScan,
  { name, mode, stats }: Patch,
  oid: string,
  replaced: number,
  previous: Buffer,
): Buffer {
  const { flagsAt, fixedBytes } = scan.layout
  const skipWorktree = replaced !== -1 && scan.hasSkipWorktree(replaced)
  const fixed = Buffer.alloc(fixedBytes + (skipWorktree ? 2 : 0))
  if (stats !== null) writeStats(fixed, stats)
  fixed.writeUInt32BE(Number.parseInt(mode, 8), MODE_AT)
  fixed.write(oid, STAT_BYTES, 'hex')
  const kept = replaced === -1 ? 0 : scan.flags(replaced) & FLAG_ASSUME_VALID
  const extended = skipWorktree ? FLAG_EXTENDED : 0
  fixed.writeUInt16BE(kept | extended | Math.min(name.length, FLAG_NAME_MASK), flagsAt)
  if (skipWorktree) fixed.writeUInt16BE(EXTENDED_SKIP_WORKTREE, fixedBytes)
  if (scan.version === 4) return Buffer.concat([fixed, compressName(name, previous)])
  const length = fixed.length + name.length
  return Buffer.concat([fixed, name, Buffer.alloc(paddedLength(length) - length)])
}

function writeStats(entry: Buffer, stats: BigIntStats): void {
  const fields = [
    stats.ctimeNs / 1_000_000_000n,
    stats.ctimeNs % 1_000_000_000n,
    stats.mtimeNs / 1_000_000_000n,
    stats.mtimeNs % 1_000_000_000n,
    stats.dev,
    stats.ino,
    0n,
    stats.uid,
    stats.gid,
    stats.size,
  ]
  for (const [index, field] of fields.entries()) {
    entry.writeUInt32BE(Number(BigInt.asUintN(32, field)), index * 4)
  }
}

/** In conflict, or a file is staged where our folder would be, or a folder where our file would be. */
function refuseConflicts(scan: IndexScan, { name, oid }: Patch, patches: readonly Patch[]): void {
  const at = scan.lowerBound(name)
  const isConflicted = at < scan.count && scan.name(at).equals(name) && scan.stage(at) !== 0
  if (isConflicted) throw conflicted()
  if (oid === null) return
  const goes = (other: Buffer): boolean =>
    patches.some((patch) => patch.oid === null && patch.name.equals(other))
  const below = Buffer.concat([name, Buffer.from('/')])
  for (let index = scan.lowerBound(below); index < scan.count; index += 1) {
    const other = scan.name(index)
    if (!other.subarray(0, below.length).equals(below)) break
    if (!goes(other)) throw conflicted()
  }
  for (let slash = name.indexOf('/'); slash !== -1; slash = name.indexOf('/', slash + 1)) {
    const folder = name.subarray(0, slash)
    const index = scan.lowerBound(folder)
    if (index < scan.count && scan.name(index).equals(folder) && !goes(folder)) throw conflicted()
  }
}

function conflicted(): CommitDeferral {
  const message = 'A merge left the path in conflict, or something else is staged in its place.'
  return new CommitDeferral('path_conflicted', `${message} Resolve it, then try again.`)
}

/** Git compares whole seconds unless it was built otherwise. */
function hasRacy(scan: IndexScan, patches: readonly Patch[], modifiedAt: bigint): boolean {
  const second = Number(BigInt.asUintN(32, modifiedAt))
  for (let index = 0; index < scan.count; index += 1) {
    if (scan.modifiedAt(index) < second) continue
    const name = scan.name(index)
    if (!patches.some((patch) => patch.name.equals(name))) return true
  }
  return false
}

function verify(bytes: Buffer, layout: IndexLayout): void {
  if (bytes.length < HEADER_BYTES + layout.oidBytes) throw unsupported()
  const end = bytes.length - layout.oidBytes
  const stored = bytes.subarray(end)
  // `index.skipHash` leaves zeros there.
  if (stored.every((byte) => byte === 0)) return
  if (!stored.equals(checksumOf(layout, bytes.subarray(0, end)))) throw unsupported()
}

function emptyIndex({ oidBytes }: IndexLayout): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + oidBytes)
  bytes.write('DIRC', 0, 'latin1')
  bytes.writeUInt32BE(2, 4)
  return bytes
}
