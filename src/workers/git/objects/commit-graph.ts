/** Commits and trees as values, read from the object store alone: no index, no worktree, no remote. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hashOf, OID } from '../../../project/git/object-id.ts'
import { CommitDeferral } from '../deferral.ts'
import { openReader } from './objects.ts'
import type { ObjectReader } from './object-store.ts'
import { parseTree } from './tree.ts'

export type CommitNode = {
  readonly oid: string
  readonly tree: string
  readonly parents: readonly string[]
  /** At the border of a shallow clone: its parents exist elsewhere and are not listed here. */
  readonly isBorder: boolean
  /** The committer's date, RFC 3339 with the committer's zone. */
  readonly committedAt: string
  /** Unix seconds of `committedAt`. */
  readonly seconds: number
}

export type TreeEntry = { readonly name: string; readonly oid: string; readonly isTree: boolean }

const TREE_MODE = /^0?40000$/
const TREE = new RegExp(`^tree (${OID})$`, 'm')
const PARENTS = new RegExp(`^parent (${OID})$`, 'gm')
const TAGGED = new RegExp(`^object (${OID})$`, 'm')
const COMMITTER = /^committer .* (-?\d+) ([+-])(\d{2})(\d{2})$/m
const CHANGED_FILES_MAX = 1_000
const DEPTH_MAX = 32
/** Commits that are held: more than one look reads. */
const COMMITS_MAX = 16_384
/** Trees that are held: a commit is compared with its parent, which was compared itself just before. */
const TREES_MAX = 256
/** And the files of a commit are what its child's were before. The newest is held whatever its size. */
const BLOBS_MAX = 4
const BLOBS_BYTES_MAX = 8 * 1024 * 1024

/** What was read of a repository, for all graphs that are given it. Objects don't change; which are there, does. */
export class GraphMemory {
  /** isomorphic-git's, of packs, and of processes. */
  readonly cache: object = {}
  readonly commitByOid = new Map<string, CommitNode>()
  readonly treeByOid = new Map<string, readonly TreeEntry[]>()
  readonly #blobByOid = new Map<string, Buffer>()

  get isFull(): boolean {
    return this.commitByOid.size > COMMITS_MAX
  }

  blob(oid: string): Buffer | undefined {
    return this.#blobByOid.get(oid)
  }

  /** The latest that was asked for goes last. */
  keepBlob(oid: string, bytes: Buffer): void {
    this.#blobByOid.delete(oid)
    this.#blobByOid.set(oid, bytes)
    let size = 0
    for (const { length } of this.#blobByOid.values()) size += length
    for (const [oldest, { length }] of this.#blobByOid) {
      const isMuch = this.#blobByOid.size > BLOBS_MAX || size > BLOBS_BYTES_MAX
      if (!isMuch || oldest === oid) return
      this.#blobByOid.delete(oldest)
      size -= length
    }
  }
}

/** All calls throw CommitDeferral or system errors where an object that must be there can't be read. */
export class CommitGraph {
  readonly #store: ObjectReader
  readonly #commonDir: string
  readonly #memory: GraphMemory
  #shallow: ReadonlySet<string> | null = null

  /** `memory`: where the caller keeps it between graphs. */
  constructor(commonDir: string, memory = new GraphMemory()) {
    this.#store = openReader(commonDir, memory.cache)
    this.#commonDir = commonDir
    this.#memory = memory
  }

  async commit(oid: string): Promise<CommitNode> {
    const known = this.#memory.commitByOid.get(oid)
    if (known !== undefined) return known
    const commit = await this.#readCommit(oid)
    this.#memory.commitByOid.set(oid, commit)
    return commit
  }

  /** The commit, or null where the object is not there any more. */
  async findCommit(oid: string): Promise<CommitNode | null> {
    try {
      return await this.commit(oid)
    } catch (error) {
      if (error instanceof CommitDeferral && error.reason === 'repository_unsupported') return null
      throw error
    }
  }

  /** Who wrote a commit, when, and what they said of it: what stays where it is moved to another parent. */
  async words(oid: string): Promise<string> {
    const text = (await this.#store.read(oid)).bytes.toString('latin1')
    return `${/^author .*$/m.exec(text)?.[0] ?? ''}${text.slice(text.indexOf('\n\n'))}`
  }

  /** The commit that an annotated tag, or the commit itself, stands for. */
  async peel(oid: string): Promise<CommitNode> {
    let target = oid
    for (let depth = 0; depth < DEPTH_MAX; depth += 1) {
      const { type, bytes } = await this.#store.read(target)
      if (type !== 'tag') return this.commit(target)
      target = TAGGED.exec(bytes.toString('latin1'))?.[1] ?? ''
    }
    throw unreadable()
  }

  async blob(oid: string): Promise<Buffer> {
    const bytes = this.#memory.blob(oid) ?? (await this.#store.read(oid)).bytes
    this.#memory.keepBlob(oid, bytes)
    return bytes
  }

  async tree(oid: string): Promise<readonly TreeEntry[]> {
    const { treeByOid } = this.#memory
    const known = treeByOid.get(oid)
    if (known !== undefined) return known
    const { type, bytes } = await this.#store.read(oid)
    if (type !== 'tree') throw unreadable()
    const tree = parseTree(bytes, hashOf(oid)).map(({ mode, name, oid: child }) => ({
      name: name.toString('utf8'),
      oid: child,
      isTree: TREE_MODE.test(mode),
    }))
    if (treeByOid.size >= TREES_MAX) treeByOid.clear()
    treeByOid.set(oid, tree)
    return tree
  }

  /** What the tree holds at a path with `/`, or null. */
  async entryAt(treeOid: string, path: string): Promise<TreeEntry | null> {
    let entry: TreeEntry | null = { name: '', oid: treeOid, isTree: true }
    for (const name of path.split('/')) {
      if (entry === null || !entry.isTree) return null
      entry = (await this.tree(entry.oid)).find((child) => child.name === name) ?? null
    }
    return entry
  }

  /** The files below `folder` in which a commit differs from its first parent, sorted; bounded. */
  async changedFiles(commit: CommitNode, folder: string): Promise<readonly string[]> {
    const parent = commit.parents[0]
    const before =
      parent === undefined ? null : await this.entryAt((await this.commit(parent)).tree, folder)
    const after = await this.entryAt(commit.tree, folder)
    const changed: string[] = []
    await this.#compare(before, after, folder, changed, 0)
    return changed.sort()
  }

  async #readCommit(oid: string): Promise<CommitNode> {
    const { type, bytes } = await this.#store.read(oid)
    if (type !== 'commit') throw unreadable()
    const text = bytes.toString('latin1')
    const head = text.slice(0, text.indexOf('\n\n') + 1)
    const tree = TREE.exec(head)?.[1]
    const committer = COMMITTER.exec(head)
    if (tree === undefined || committer === null) throw unreadable()
    this.#shallow ??= await readShallow(this.#commonDir)
    const isBorder = this.#shallow.has(oid)
    const listed = [...head.matchAll(PARENTS)]
    const parents = isBorder ? [] : listed.map(([, parent = '']) => parent)
    return { oid, tree, parents, isBorder, ...dateOf(committer) }
  }

  async #compare(
    before: TreeEntry | null,
    after: TreeEntry | null,
    path: string,
    changed: string[],
    depth: number,
  ): Promise<void> {
    if (before?.oid === after?.oid || changed.length >= CHANGED_FILES_MAX) return
    const isTree = before?.isTree === true || after?.isTree === true
    if (!isTree) return void changed.push(path)
    if (depth > DEPTH_MAX) throw unreadable()
    if (before?.isTree === false || after?.isTree === false) changed.push(path)
    const old = before?.isTree === true ? await this.tree(before.oid) : []
    const now = after?.isTree === true ? await this.tree(after.oid) : []
    const oldByName = new Map(old.map((entry) => [entry.name, entry]))
    const nowByName = new Map(now.map((entry) => [entry.name, entry]))
    for (const name of new Set([...oldByName.keys(), ...nowByName.keys()])) {
      const pair = [oldByName.get(name) ?? null, nowByName.get(name) ?? null] as const
      await this.#compare(...pair, `${path}/${name}`, changed, depth + 1)
    }
  }
}

function dateOf([, text = '', sign = '+', hours = '00', minutes = '00']: RegExpExecArray): {
  committedAt: string
  seconds: number
} {
  const seconds = Number(text)
  const offset = (Number(hours) * 60 + Number(minutes)) * 60 * (sign === '-' ? -1 : 1)
  const local = new Date((seconds + offset) * 1000)
  if (Number.isNaN(local.getTime())) throw unreadable()
  return { committedAt: `${local.toISOString().slice(0, 19)}${sign}${hours}:${minutes}`, seconds }
}

async function readShallow(commonDir: string): Promise<ReadonlySet<string>> {
  const text = await readFile(join(commonDir, 'shallow'), 'utf8').catch(() => '')
  return new Set(text.split('\n').filter((line) => line !== ''))
}

function unreadable(): CommitDeferral {
  return new CommitDeferral(
    'io_error',
    'An object of the repository can not be read. Run git fsck and repair the repository.',
  )
}
