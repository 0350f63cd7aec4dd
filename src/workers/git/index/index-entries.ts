/** The entries of a git index as they lie in its bytes: where each begins and ends, and how names are written. */
import { createHash } from 'node:crypto'
import { oidBytesOf } from '../../../project/git/object-id.ts'
import type { HashName } from '../../../project/git/object-id.ts'
import { CommitDeferral } from '../deferral.ts'

/** Where the fields of an entry lie: ids are as long as the repository's hash makes them. */
export type IndexLayout = {
  readonly hash: HashName
  /** Of an id; the checksum at the end of the file is as long. */
  readonly oidBytes: number
  readonly flagsAt: number
  /** Up to the name, or to the extended flags. */
  readonly fixedBytes: number
}

export const HEADER_BYTES = 12
export const STAT_BYTES = 40
export const FLAG_EXTENDED = 0x4000

export function layoutOf(hash: HashName): IndexLayout {
  const oidBytes = oidBytesOf(hash)
  const flagsAt = STAT_BYTES + oidBytes
  return { hash, oidBytes, flagsAt, fixedBytes: flagsAt + 2 }
}

/** What the file ends with, over all that is before it. */
export function checksumOf({ hash }: IndexLayout, ...parts: readonly Uint8Array[]): Buffer {
  const sum = createHash(hash)
  for (const part of parts) sum.update(part)
  return sum.digest()
}

/** A name of version 4 as it is, from the one before it. @throws CommitDeferral `index_unsupported`. */
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
