/**
 * `<commonDir>/kittiwake/branches.json`: up to which commit each mission's branch has been turned into frames.
 * Frames are derived from git's own graph, so a crash between a commit and its frame needs no other note.
 */
import { join } from 'node:path'
import { isJsonObject } from '../../../contracts/json/json.ts'
import type { JsonObject } from '../../../contracts/json/json.ts'
import { isOid } from '../../../project/git/object-id.ts'
import type { DurableFs } from '../disk/durable-fs.ts'
import { readOwned, setAside } from '../disk/owned-json.ts'
import type { OwnedText } from '../disk/owned-json.ts'
import { STATE_DIRECTORY } from '../../../project/git/repository-lock.ts'

export type BranchEntry = {
  /** ULID. */
  readonly mission_id: string
  /** Full name. */
  readonly ref: string
  /** Where the branch was when this clone first met the mission; what is older has no frames. Null: not known. */
  readonly base: string | null
  /** All commits up to this one have their frames. */
  readonly scanned: string | null
}

/** By the mission's directory name. */
export type BranchBook = ReadonlyMap<string, BranchEntry>

export type BookReading = { readonly book: BranchBook; readonly damaged: boolean }

const BOOK_BYTES_MAX = 16 * 1024 * 1024

export async function readBranchBook(commonDir: string): Promise<BookReading> {
  const reading = await readOwned(bookPath(commonDir), BOOK_BYTES_MAX)
  if (reading.state !== 'read') return { book: new Map(), damaged: reading.state === 'damaged' }
  const book = new Map<string, BranchEntry>()
  for (const [mission, value] of Object.entries(reading.value)) {
    const entry = isJsonObject(value) ? parseEntry(value) : null
    if (entry === null) return { book: new Map(), damaged: true }
    book.set(mission, entry)
  }
  return { book, damaged: false }
}

export function branchBookFile(commonDir: string, book: BranchBook): OwnedText {
  return { path: bookPath(commonDir), text: JSON.stringify(Object.fromEntries(book), null, 2) }
}

export async function setBranchBookAside(fs: DurableFs, commonDir: string): Promise<string> {
  return setAside(fs, bookPath(commonDir))
}

function parseEntry(value: JsonObject): BranchEntry | null {
  const { mission_id, ref, base, scanned } = value
  if (typeof mission_id !== 'string' || typeof ref !== 'string') return null
  if (!isPlace(base) || !isPlace(scanned)) return null
  return { mission_id, ref, base, scanned }
}

function isPlace(value: unknown): value is string | null {
  return value === null || (typeof value === 'string' && isOid(value))
}

export function bookPath(commonDir: string): string {
  return join(commonDir, STATE_DIRECTORY, 'branches.json')
}
