/**
 * Where the entries of a git index lie, and what they are called, without an object for each: a repository of 50,000 files
 * has as many. In version 4 each name is written relative to the one before it, so there the names are kept, too.
 */
import type { HashName } from '../../../project/git/object-id.ts'
import { FLAG_EXTENDED, HEADER_BYTES, layoutOf, STAT_BYTES } from './index-entries.ts'
import type { IndexLayout } from './index-entries.ts'
import { nameOfVersion4, paddedLength, unsupported } from './index-entries.ts'

const NAME_MASK = 0xfff
const MTIME_AT = 8
const INODE_AT = 20

/** The stamp of a name that has no entry. */
export const ABSENT = 'absent'

export class IndexScan {
  readonly bytes: Buffer
  readonly layout: IndexLayout
  readonly version: number
  readonly count: number
  /** Behind the last entry. */
  readonly end: number
  readonly #starts: Uint32Array
  readonly #nameEnds: Uint32Array
  readonly #names: Buffer[] | null

  /** @throws CommitDeferral `index_unsupported` where the bytes are not a whole index of a known version. */
  constructor(bytes: Buffer, hash: HashName) {
    const layout = layoutOf(hash)
    const limit = bytes.length - layout.oidBytes
    if (limit < HEADER_BYTES || bytes.toString('latin1', 0, 4) !== 'DIRC') throw unsupported()
    const version = bytes.readUInt32BE(4)
    const count = bytes.readUInt32BE(8)
    if (version < 2 || version > 4 || count > limit / layout.fixedBytes) throw unsupported()
    this.bytes = bytes
    this.layout = layout
    this.version = version
    this.count = count
    this.#starts = new Uint32Array(count + 1)
    this.#nameEnds = new Uint32Array(count)
    this.#names = version === 4 ? [] : null
    let at = HEADER_BYTES
    let previous: Buffer = Buffer.alloc(0)
    for (let index = 0; index < count; index += 1) {
      if (at + layout.fixedBytes > limit) throw unsupported()
      this.#starts[index] = at
      const nameStart = this.#nameStart(index)
      if (this.#names === null) {
        const nameEnd = this.#paddedNameEnd(index, nameStart)
        this.#nameEnds[index] = nameEnd
        at += paddedLength(nameEnd - at)
      } else {
        const { name, end } = nameOfVersion4(bytes, nameStart, previous)
        this.#names.push(name)
        previous = name
        at = end
      }
      if (at > limit) throw unsupported()
    }
    this.#starts[count] = at
    this.end = at
  }

  start(index: number): number {
    return this.#starts[index] ?? this.end
  }

  name(index: number): Buffer {
    if (this.#names !== null) return this.#names[index] ?? Buffer.alloc(0)
    return this.bytes.subarray(this.#nameStart(index), this.#nameEnds[index])
  }

  flags(index: number): number {
    return this.bytes.readUInt16BE(this.start(index) + this.layout.flagsAt)
  }

  /** Above zero while a merge has left it in conflict. */
  stage(index: number): number {
    return (this.flags(index) >> 12) & 3
  }

  oid(index: number): string {
    const start = this.start(index) + STAT_BYTES
    return this.bytes.toString('hex', start, start + this.layout.oidBytes)
  }

  /** Octal. */
  mode(index: number): string {
    return this.bytes.readUInt32BE(this.start(index) + 24).toString(8)
  }

  /** Seconds, as far as 32 bits go. */
  modifiedAt(index: number): number {
    return this.bytes.readUInt32BE(this.start(index) + MTIME_AT)
  }

  /**
   * What tells the entry of a name from every other that may take its place: a file that is staged anew has another id or
   * other times. Without the size, which git sets to zero where it will have to look at the file again. Null where it
   * tells nothing: in conflict, or without times, as `git reset` and others leave an entry that they took from a commit.
   */
  stamp(name: Buffer): string | null {
    const index = this.lowerBound(name)
    if (index === this.count || !this.name(index).equals(name)) return ABSENT
    if (this.stage(index) !== 0 || this.modifiedAt(index) === 0) return null
    const start = this.start(index)
    const times = this.bytes.toString('hex', start, start + INODE_AT + 4)
    return `${this.mode(index)} ${this.oid(index)} ${times}`
  }

  hasSkipWorktree(index: number): boolean {
    if ((this.flags(index) & FLAG_EXTENDED) === 0) return false
    return (this.bytes.readUInt16BE(this.start(index) + this.layout.fixedBytes) & 0x4000) !== 0
  }

  /** The first entry whose name is not before this one; all stages of a name stand together. */
  lowerBound(name: Buffer): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.name(middle).compare(name) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  /** The entry of a name at stage 0, or -1. */
  find(name: Buffer): number {
    const index = this.lowerBound(name)
    const isThere = index < this.count && this.stage(index) === 0 && this.name(index).equals(name)
    return isThere ? index : -1
  }

  #nameStart(index: number): number {
    const extended = (this.flags(index) & FLAG_EXTENDED) !== 0
    if (extended && this.version < 3) throw unsupported()
    return this.start(index) + this.layout.fixedBytes + (extended ? 2 : 0)
  }

  #paddedNameEnd(index: number, nameStart: number): number {
    const length = this.flags(index) & NAME_MASK
    const stated = nameStart + length
    if (length < NAME_MASK && this.bytes[stated] === 0) return stated
    const nul = this.bytes.indexOf(0, nameStart)
    if (nul === -1) throw unsupported()
    return nul
  }
}
