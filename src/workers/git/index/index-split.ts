/**
 * A split index as a whole one: the entries of the shared file, without those that the small file deletes, with those that
 * it replaces, and with its own. Git splits it again when it likes. Format: git's Documentation/gitformat-index, link.
 */
import { join } from 'node:path'
import { readBounded } from '../../../project/files/bounded-file.ts'
import type { HashName } from '../../../project/git/object-id.ts'
import { checksumOf, FLAG_EXTENDED, HEADER_BYTES } from './index-entries.ts'
import type { IndexLayout } from './index-entries.ts'
import { paddedLength, unsupported } from './index-entries.ts'
import { IndexScan } from './index-scan.ts'

const LINK = 'link'
const EXTENSION_HEADER_BYTES = 8
const WORD_BITS = 64
const NAME_MASK = 0xfff
const INDEX_BYTES_MAX = 1024 * 1024 * 1024

type Extension = { readonly signature: string; readonly body: Buffer; readonly whole: Buffer }

/** The bytes themselves where the index is whole. @throws CommitDeferral `index_unsupported`. */
export function unsplitIndex(bytes: Buffer, gitDir: string, hash: HashName): Buffer {
  if (!bytes.includes(LINK, HEADER_BYTES, 'latin1')) return bytes
  const own = new IndexScan(bytes, hash)
  const { layout } = own
  const { oidBytes } = layout
  const extensions = extensionsOf(bytes.subarray(own.end, bytes.length - oidBytes))
  const link = extensions.find(({ signature }) => signature === LINK)
  if (link === undefined) return bytes
  const others = extensions.filter((one) => one !== link).map(({ whole }) => whole)
  const oid = link.body.toString('hex', 0, oidBytes)
  if (/^0+$/.test(oid)) return render(layout, entriesOf(own), others)
  const shared = readBounded(join(gitDir, `sharedindex.${oid}`), INDEX_BYTES_MAX, {
    followLink: false,
  })
  if (shared.state !== 'read') throw unsupported()
  const deletions = readBitmap(link.body, oidBytes)
  const replacements = readBitmap(link.body, deletions.end)
  const sharedScan = new IndexScan(shared.bytes, hash)
  return render(layout, joined(sharedScan, own, deletions.bits, replacements.bits), others)
}

type Entry = { readonly name: Buffer; readonly stage: number; readonly fixed: Buffer }

function entriesOf(scan: IndexScan): Entry[] {
  return Array.from({ length: scan.count }, (_, index) => entryOf(scan, index))
}

function entryOf(scan: IndexScan, index: number): Entry {
  const start = scan.start(index)
  const extended = (scan.flags(index) & FLAG_EXTENDED) !== 0 ? 2 : 0
  const fixed = scan.bytes.subarray(start, start + scan.layout.fixedBytes + extended)
  return { name: scan.name(index), stage: scan.stage(index), fixed }
}

/** Entries that replace others have no name of their own, and come first, in the order of what they replace. */
function joined(
  shared: IndexScan,
  own: IndexScan,
  deleted: ReadonlySet<number>,
  replaced: ReadonlySet<number>,
): Entry[] {
  const ours = entriesOf(own)
  const nameless = ours.filter(({ name }) => name.length === 0)
  if (nameless.length !== replaced.size) throw unsupported()
  const whole = ours.filter(({ name }) => name.length > 0)
  let next = 0
  for (const [index, entry] of entriesOf(shared).entries()) {
    const replacement = replaced.has(index) ? nameless[next++] : undefined
    if (deleted.has(index)) continue
    whole.push(replacement === undefined ? entry : { ...replacement, name: entry.name })
  }
  return whole.sort((a, b) => a.name.compare(b.name) || a.stage - b.stage)
}

function render(
  layout: IndexLayout,
  entries: readonly Entry[],
  extensions: readonly Buffer[],
): Buffer {
  const { flagsAt, fixedBytes } = layout
  const header = Buffer.alloc(HEADER_BYTES)
  header.write('DIRC', 0, 'latin1')
  const isExtended = entries.some(({ fixed }) => fixed.length > fixedBytes)
  header.writeUInt32BE(isExtended ? 3 : 2, 4)
  header.writeUInt32BE(entries.length, 8)
  const parts: Buffer[] = [header]
  for (const { name, fixed } of entries) {
    const own = Buffer.from(fixed)
    const flags = own.readUInt16BE(flagsAt)
    own.writeUInt16BE((flags & ~NAME_MASK) | Math.min(name.length, NAME_MASK), flagsAt)
    const length = own.length + name.length
    parts.push(own, name, Buffer.alloc(paddedLength(length) - length))
  }
  const content = Buffer.concat([...parts, ...extensions])
  return Buffer.concat([content, checksumOf(layout, content)])
}

function extensionsOf(block: Buffer): Extension[] {
  const extensions: Extension[] = []
  for (let at = 0; at < block.length;) {
    if (at + EXTENSION_HEADER_BYTES > block.length) throw unsupported()
    const end = at + EXTENSION_HEADER_BYTES + block.readUInt32BE(at + 4)
    if (end > block.length) throw unsupported()
    const whole = block.subarray(at, end)
    const body = whole.subarray(EXTENSION_HEADER_BYTES)
    extensions.push({ signature: whole.toString('latin1', 0, 4), body, whole })
    at = end
  }
  return extensions
}

/** An EWAH bitmap: runs of equal words, each followed by literal ones. */
function readBitmap(body: Buffer, start: number): { bits: ReadonlySet<number>; end: number } {
  if (start + 8 > body.length) throw unsupported()
  const size = body.readUInt32BE(start)
  const words = body.readUInt32BE(start + 4)
  const end = start + 8 + words * 8 + 4
  if (end > body.length) throw unsupported()
  const bits = new Set<number>()
  const wordAt = (index: number): bigint => body.readBigUInt64BE(start + 8 + index * 8)
  let position = 0
  for (let index = 0; index < words && position < size;) {
    const marker = wordAt(index++)
    const run = Number((marker >> 1n) & 0xffffffffn)
    if ((marker & 1n) === 1n) {
      const stop = Math.min(position + run * WORD_BITS, size)
      for (let bit = position; bit < stop; bit += 1) bits.add(bit)
    }
    position += run * WORD_BITS
    for (let literals = Number(marker >> 33n); literals > 0 && index < words; literals -= 1) {
      const word = wordAt(index++)
      for (let bit = 0; bit < WORD_BITS; bit += 1) {
        if (((word >> BigInt(bit)) & 1n) === 1n) bits.add(position + bit)
      }
      position += WORD_BITS
    }
  }
  return { bits, end }
}
