/** The entries of a git index as they lie in its bytes: where each begins and ends, and how names are written. */
import { CommitDeferral } from './deferral.ts'

export type IndexEntry = {
  /** Where the entry begins, and where the next one does. */
  readonly start: number
  readonly end: number
  readonly name: Buffer
  readonly oid: string
  readonly stage: number
  readonly flags: number
}

export const HEADER_BYTES = 12
export const STAT_BYTES = 40
export const FIXED_BYTES = 62
export const CHECKSUM_BYTES = 20
export const FLAG_EXTENDED = 0x4000

/** The entry of a path at stage 0, or null. Throws CommitDeferral `index_unsupported`. */
export function findEntry(index: Buffer, path: string): IndexEntry | null {
  const name = Buffer.from(path)
  const { entries } = parseIndex(index)
  return entries.find((entry) => entry.stage === 0 && entry.name.equals(name)) ?? null
}

/** Throws CommitDeferral `index_unsupported` where the bytes are not a whole index of a known version. */
export function parseIndex(bytes: Buffer): { version: number; entries: IndexEntry[]; end: number } {
  if (bytes.length < HEADER_BYTES + CHECKSUM_BYTES || bytes.toString('latin1', 0, 4) !== 'DIRC') {
    throw unsupported()
  }
  const version = bytes.readUInt32BE(4)
  if (version < 2 || version > 4) throw unsupported()
  const entries: IndexEntry[] = []
  let at = HEADER_BYTES
  let previous: Buffer = Buffer.alloc(0)
  for (let count = bytes.readUInt32BE(8); count > 0; count -= 1) {
    const entry = parseEntry(bytes, at, version, previous)
    entries.push(entry)
    previous = entry.name
    at = entry.end
  }
  return { version, entries, end: at }
}

function parseEntry(bytes: Buffer, start: number, version: number, previous: Buffer): IndexEntry {
  const limit = bytes.length - CHECKSUM_BYTES
  if (start + FIXED_BYTES > limit) throw unsupported()
  const flags = bytes.readUInt16BE(start + 60)
  const extended = (flags & FLAG_EXTENDED) !== 0
  if (extended && version < 3) throw unsupported()
  const nameStart = start + FIXED_BYTES + (extended ? 2 : 0)
  const { name, end } =
    version === 4 ? nameOfVersion4(bytes, nameStart, previous) : paddedName(bytes, start, nameStart)
  if (end > limit) throw unsupported()
  const oid = bytes.toString('hex', start + STAT_BYTES, start + STAT_BYTES + 20)
  return { start, end, name, oid, stage: (flags >> 12) & 3, flags }
}

function paddedName(
  bytes: Buffer,
  start: number,
  nameStart: number,
): { name: Buffer; end: number } {
  const nul = bytes.indexOf(0, nameStart)
  if (nul === -1) throw unsupported()
  return { name: bytes.subarray(nameStart, nul), end: start + paddedLength(nul - start) }
}

/** A name of version 4 as it is, from the one before it. Throws CommitDeferral `index_unsupported`. */
export function nameOfVersion4(
  bytes: Buffer,
  nameStart: number,
  previous: Buffer,
): { name: Buffer; end: number } {
  let at = nameStart
  let byte = bytes[at++] ?? 0
  let strip = byte & 0x7f
  while ((byte & 0x80) !== 0 && at < bytes.length && strip < bytes.length) {
    byte = bytes[at++] ?? 0
    strip = (strip + 1) * 128 + (byte & 0x7f)
  }
  const nul = bytes.indexOf(0, at)
  if (nul === -1 || strip > previous.length) throw unsupported()
  const kept = previous.subarray(0, previous.length - strip)
  return { name: Buffer.concat([kept, bytes.subarray(at, nul)]), end: nul + 1 }
}

/** A name of version 4, relative to the name before it. */
export function compressName(name: Buffer, previous: Buffer): Buffer {
  let common = 0
  while (common < previous.length && common < name.length && previous[common] === name[common]) {
    common += 1
  }
  return Buffer.concat([varint(previous.length - common), name.subarray(common), Buffer.from([0])])
}

/** Git's offset encoding: seven bits a byte, most significant first, one added per further byte. */
function varint(value: number): Buffer {
  const bytes = [value & 0x7f]
  for (let rest = value >> 7; rest > 0; rest >>= 7) {
    rest -= 1
    bytes.unshift(0x80 | (rest & 0x7f))
  }
  return Buffer.from(bytes)
}

/** An entry ends with one to eight NUL bytes, so that its length is a multiple of eight. */
export function paddedLength(length: number): number {
  return (length + 8) & ~7
}

export function unsupported(): CommitDeferral {
  const message = 'The index of the worktree is damaged or of a kind that is not known here.'
  return new CommitDeferral('index_unsupported', message)
}
