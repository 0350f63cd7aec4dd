/**
 * Tree objects as raw bytes: only the entries on the way to our files are replaced, every other byte stays as
 * git wrote it (names that are not UTF-8 and historical modes included).
 */
import { createHash } from 'node:crypto'
import { CommitDeferral } from './deferral.ts'
import type { ObjectStore } from './object-store.ts'

/** A file of ours by its path from the root of the tree. */
export type TreeFile = { readonly path: string; readonly bytes: Buffer }

export type SplicedFile = {
  readonly path: string
  readonly oid: string
  /** Octal, as git keeps it: `100644` or `100755`. */
  readonly mode: string
  /** What HEAD's tree holds at the path, or null. */
  readonly previousOid: string | null
}

export type SplicedTree = { readonly oid: string; readonly files: readonly SplicedFile[] }

type Entry = { mode: string; name: Buffer; oid: string }

const DIRECTORY_MODE = '40000'
const FILE_MODE = '100644'
const EXECUTABLE_MODE = '100755'
const REGULAR_MODE = /^100[67][0-7]{2}$/
const OID_BYTES = 20

/**
 * Writes the blobs that HEAD's tree lacks and the trees above them, and answers the new root: the old one where
 * nothing differs. Throws CommitDeferral `path_refused`.
 */
export async function spliceTree(
  store: ObjectStore,
  rootOid: string,
  files: readonly TreeFile[],
): Promise<SplicedTree> {
  const spliced: SplicedFile[] = []
  let root = rootOid
  for (const { path, bytes } of files) {
    const segments = path.split('/')
    const previous = await findFile(store, rootOid, segments)
    const mode = previous?.mode === EXECUTABLE_MODE ? EXECUTABLE_MODE : FILE_MODE
    const oid = blobOid(bytes)
    spliced.push({ path, oid, mode, previousOid: previous?.oid ?? null })
    if (previous?.oid === oid) continue
    await store.write('blob', bytes)
    root = await spliceFile(store, root, segments, { mode, oid })
  }
  return { oid: root, files: spliced }
}

/** The regular file at a path of a tree, or null. Throws CommitDeferral `path_refused` for anything else. */
async function findFile(
  store: ObjectStore,
  rootOid: string,
  segments: readonly string[],
): Promise<Entry | null> {
  let oid = rootOid
  for (const [depth, segment] of segments.entries()) {
    const entry = findEntry(parseTree((await store.read(oid)).bytes), segment)
    if (entry === null) return null
    const isLast = depth === segments.length - 1
    if (isLast ? !REGULAR_MODE.test(entry.mode) : !isDirectory(entry)) throw refused()
    if (isLast) return entry
    oid = entry.oid
  }
  return null
}

/** Replaces one file below a tree that `findFile` has walked, and answers the id of the tree written. */
async function spliceFile(
  store: ObjectStore,
  treeOid: string | null,
  segments: readonly string[],
  file: Omit<Entry, 'name'>,
): Promise<string> {
  const [segment = '', ...below] = segments
  const entries = treeOid === null ? [] : parseTree((await store.read(treeOid)).bytes)
  const previous = findEntry(entries, segment)
  const next =
    below.length === 0
      ? file
      : {
          mode: DIRECTORY_MODE,
          oid: await spliceFile(store, previous?.oid ?? null, below, file),
        }
  const others = entries.filter((entry) => entry !== previous)
  return store.write('tree', renderTree([...others, { ...next, name: Buffer.from(segment) }]))
}

function findEntry(entries: readonly Entry[], segment: string): Entry | null {
  const name = Buffer.from(segment)
  return entries.find((entry) => entry.name.equals(name)) ?? null
}

function blobOid(bytes: Buffer): string {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
}

function refused(): CommitDeferral {
  const message = 'The branch holds something other than a regular file at a path of the ledger.'
  return new CommitDeferral('path_refused', message)
}

function isDirectory(entry: Entry): boolean {
  return entry.mode === DIRECTORY_MODE || entry.mode === '040000'
}

/** Throws CommitDeferral `io_error` where the bytes are not a tree. */
export function parseTree(bytes: Buffer): Entry[] {
  const entries: Entry[] = []
  let at = 0
  while (at < bytes.length) {
    const space = bytes.indexOf(0x20, at)
    const end = bytes.indexOf(0, space)
    if (space === -1 || end === -1 || end + 1 + OID_BYTES > bytes.length) {
      throw new CommitDeferral('io_error', 'A tree of the branch is malformed. Run git fsck.')
    }
    const oid = bytes.toString('hex', end + 1, end + 1 + OID_BYTES)
    const mode = bytes.toString('latin1', at, space)
    entries.push({ mode, name: bytes.subarray(space + 1, end), oid })
    at = end + 1 + OID_BYTES
  }
  return entries
}

/** The bytes of a tree; entries are put into git's order, in which a folder's name ends with a slash. */
export function renderTree(entries: readonly Entry[]): Buffer {
  const sorted = [...entries].sort((a, b) => Buffer.compare(sortKey(a), sortKey(b)))
  const parts: Buffer[] = []
  for (const { mode, name, oid } of sorted) {
    parts.push(Buffer.from(`${mode} `), name, Buffer.from([0]), Buffer.from(oid, 'hex'))
  }
  return Buffer.concat(parts)
}

function sortKey(entry: Entry): Buffer {
  return isDirectory(entry) ? Buffer.concat([entry.name, Buffer.from('/')]) : entry.name
}
