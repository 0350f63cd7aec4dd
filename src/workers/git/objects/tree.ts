/**
 * Tree objects as raw bytes: only the entries on the way to our files are replaced, every other byte stays as
 * git wrote it (names that are not UTF-8 and historical modes included).
 */
import { objectId, oidBytesOf } from '../../../project/git/object-id.ts'
import type { HashName } from '../../../project/git/object-id.ts'
import { CommitDeferral } from '../deferral.ts'
import type { ObjectStore } from './object-store.ts'
import type { WorktreeChange } from './worktree-change.ts'

/** A change as the new tree has it. */
export type SplicedFile = {
  readonly path: string
  /** Null where it is gone. */
  readonly oid: string | null
  /** Octal, as git keeps it. */
  readonly mode: string
  /** What HEAD's tree holds at the path, or null. */
  readonly previousOid: string | null
  readonly previousMode: string | null
}

export type SplicedTree = { readonly oid: string; readonly files: readonly SplicedFile[] }

type Entry = { mode: string; name: Buffer; oid: string }

/** The changes below one folder, by the first name of their paths. */
type Branch = { leaf: Leaf | null; readonly children: Map<string, Branch> }
type Leaf = { readonly change: WorktreeChange; spliced: SplicedFile | null }

const DIRECTORY_MODE = '40000'
const FILE_MODE = '100644'
const EXECUTABLE_MODE = '100755'
const LINK_MODE = '120000'
const FILE_MODES = /^100[67][0-7]{2}$/

/**
 * Writes the blobs that HEAD's tree lacks and the trees above them, and answers the new root: the old one where
 * nothing differs. @throws CommitDeferral `path_refused`.
 */
export async function spliceTree(
  store: ObjectStore,
  rootOid: string,
  changes: readonly WorktreeChange[],
): Promise<SplicedTree> {
  const root: Branch = { leaf: null, children: new Map() }
  const leaves = changes.map((change) => plant(root, change))
  const oid =
    (await spliceFolder(store, rootOid, root)) ?? (await store.write('tree', Buffer.alloc(0)))
  const files = leaves.map(({ spliced }) => spliced).filter((file) => file !== null)
  return { oid, files }
}

function plant(root: Branch, change: WorktreeChange): Leaf {
  let branch = root
  for (const segment of change.path.split('/')) {
    const next = branch.children.get(segment) ?? { leaf: null, children: new Map() }
    branch.children.set(segment, next)
    branch = next
  }
  branch.leaf ??= { change, spliced: null }
  return branch.leaf
}

/** The tree with the changes below it, or null where nothing is left in it. */
async function spliceFolder(
  store: ObjectStore,
  treeOid: string | null,
  branch: Branch,
): Promise<string | null> {
  const before = treeOid === null ? [] : await readTree(store, treeOid)
  let entries = before
  for (const [segment, child] of branch.children) {
    const name = Buffer.from(segment)
    const previous = before.find((entry) => entry.name.equals(name)) ?? null
    const next = await spliceEntry(store, previous, child)
    if (next?.oid === previous?.oid && next?.mode === previous?.mode) continue
    const others = entries.filter((entry) => !entry.name.equals(name))
    entries = next === null ? others : [...others, { ...next, name }]
  }
  if (entries.length === 0) return null
  return entries === before ? treeOid : store.write('tree', renderTree(entries))
}

async function readTree(store: ObjectStore, oid: string): Promise<Entry[]> {
  // The empty one need not be there.
  if (oid === objectId(store.hash, 'tree', Buffer.alloc(0))) return []
  return parseTree((await store.read(oid)).bytes, store.hash)
}

/** One name of a folder: a file of ours, a folder with ours in it, or neither any more. */
async function spliceEntry(
  store: ObjectStore,
  previous: Entry | null,
  { leaf, children }: Branch,
): Promise<Omit<Entry, 'name'> | null> {
  const isFolder = previous !== null && isDirectory(previous)
  let folder: string | null = null
  if (children.size > 0) {
    // What stands where a folder must be is only ours to replace where it is among the changes.
    if (previous !== null && !isFolder && leaf?.change.kind !== 'deleted') throw refused()
    folder = await spliceFolder(store, isFolder ? previous.oid : null, { leaf: null, children })
  } else if (isFolder) {
    folder = previous.oid
  }
  if (leaf === null) return folder === null ? null : { mode: DIRECTORY_MODE, oid: folder }
  const file = isFolder ? null : previous
  if (file !== null && !FILE_MODES.test(file.mode) && file.mode !== LINK_MODE) throw refused()
  leaf.spliced = await spliceLeaf(store, file, leaf.change)
  if (leaf.change.kind === 'deleted') {
    return folder === null ? null : { mode: DIRECTORY_MODE, oid: folder }
  }
  if (folder !== null) throw refused()
  return { mode: leaf.spliced.mode, oid: leaf.spliced.oid ?? '' }
}

async function spliceLeaf(
  store: ObjectStore,
  previous: Entry | null,
  change: WorktreeChange,
): Promise<SplicedFile> {
  const { path } = change
  const before = { previousOid: previous?.oid ?? null, previousMode: previous?.mode ?? null }
  if (change.kind === 'deleted') return { path, oid: null, mode: FILE_MODE, ...before }
  // Where nobody decides the mode, a link is not turned into a file by the way.
  if (change.mode === null && previous?.mode === LINK_MODE) throw refused()
  const mode = change.mode ?? keptMode(previous)
  const oid = objectId(store.hash, 'blob', change.bytes)
  if (previous?.oid !== oid) await store.write('blob', change.bytes)
  return { path, oid, mode, ...before }
}

function keptMode(previous: Entry | null): string {
  return previous?.mode === EXECUTABLE_MODE ? EXECUTABLE_MODE : FILE_MODE
}

function refused(): CommitDeferral {
  const message = 'The branch holds something other than a regular file at a path of the commit.'
  return new CommitDeferral('path_refused', message)
}

function isDirectory(entry: Entry): boolean {
  return entry.mode === DIRECTORY_MODE || entry.mode === '040000'
}

/** `hash`: what made the ids in it. @throws CommitDeferral `io_error` where the bytes are not a tree. */
export function parseTree(bytes: Buffer, hash: HashName): Entry[] {
  const oidBytes = oidBytesOf(hash)
  const entries: Entry[] = []
  let at = 0
  while (at < bytes.length) {
    const space = bytes.indexOf(0x20, at)
    const end = bytes.indexOf(0, space)
    if (space === -1 || end === -1 || end + 1 + oidBytes > bytes.length) {
      throw new CommitDeferral('io_error', 'A tree of the branch is malformed. Run git fsck.')
    }
    const oid = bytes.toString('hex', end + 1, end + 1 + oidBytes)
    const mode = bytes.toString('latin1', at, space)
    entries.push({ mode, name: bytes.subarray(space + 1, end), oid })
    at = end + 1 + oidBytes
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
