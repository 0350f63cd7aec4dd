/**
 * Objects of SHA-1 by git's own files, without a process: packs are read through isomorphic-git, which is loaded for the
 * first object that has no file of its own. It writes nothing: in place, without fsync, never over a file that is there
 * but empty, and in many times the time.
 */
import { lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { constants, deflateSync } from 'node:zlib'
import type { PromiseFsClient } from 'isomorphic-git'
import { systemCode } from '../../../errors.ts'
import { objectId } from '../../../project/git/object-id.ts'
import { renderCommit } from './commit-object.ts'
import type { CommitDraft } from './commit-object.ts'
import type { DurableFs, FileAt, NewFile, Unsettled } from '../disk/durable-fs.ts'
import { isWhole, loosePath, missing, readLoose, unreadable } from './loose-object.ts'
import type { ObjectReader, ObjectStore, RawObject, StoreOptions } from './object-store.ts'

const MAX_ALTERNATE_DEPTH = 5
/** Git packs what is loose before long; until then time counts for more than space. */
const DEFLATE = { level: constants.Z_BEST_SPEED }
/** Of deflated objects that wait in memory for the others of their commit. */
const PENDING_BYTES_MAX = 4 * 1024 * 1024

export class FileReader implements ObjectReader {
  readonly #gitdir: string
  readonly #cache: object

  /** `cache`: isomorphic-git's, of packs. */
  constructor(commonDir: string, cache: object) {
    this.#gitdir = commonDir
    this.#cache = cache
  }

  async read(oid: string): Promise<RawObject> {
    const own = await this.#readFrom(this.#gitdir, oid)
    if (own !== null) return own
    for (const gitdir of alternatesOf(this.#gitdir, MAX_ALTERNATE_DEPTH)) {
      const borrowed = await this.#readFrom(gitdir, oid)
      if (borrowed !== null) return borrowed
    }
    throw missing(this.#gitdir)
  }

  async #readFrom(gitdir: string, oid: string): Promise<RawObject | null> {
    const loose = readLoose(gitdir, oid)
    if (loose !== null) return loose
    const { readObject } = await import('isomorphic-git')
    const args = { fs: READER, gitdir, oid, cache: this.#cache } as const
    try {
      const read = await readObject({ ...args, format: 'content' })
      if (read.format !== 'content') throw unreadable(null)
      return { type: read.type, bytes: Buffer.from(read.object) }
    } catch (error) {
      const code = systemCode(error)
      if (code === 'NotFoundError') return null
      // A system error keeps its own meaning: permission, size, a failing disk.
      if (code?.startsWith('E') === true) throw error
      throw unreadable(error)
    }
  }
}

export class FileObjects implements ObjectStore {
  readonly hash = 'sha1'
  readonly #gitdir: string
  readonly #fs: DurableFs
  readonly #mode: number
  readonly #reader: FileReader
  readonly #unsynced = new Set<string>()
  /** Not yet written, by their paths. */
  readonly #pending = new Map<string, NewFile>()
  #pendingBytes = 0

  constructor({ placement, fs, format, cache }: StoreOptions) {
    this.#gitdir = placement.commonDir
    this.#fs = fs
    // An object has those permissions of the repository's files that read.
    this.#mode = format.fileMode & 0o444
    this.#reader = new FileReader(placement.commonDir, cache)
  }

  async read(oid: string): Promise<RawObject> {
    return this.#reader.read(oid)
  }

  async write(type: 'blob' | 'tree' | 'commit', bytes: Uint8Array): Promise<string> {
    const oid = objectId(this.hash, type, bytes)
    const path = loosePath(this.#gitdir, oid)
    if (this.#pending.has(path)) return oid
    await this.#fs.makeDirectory(dirname(path), this.#unsynced)
    if (isWhole(path, oid)) {
      await this.#fs.refreshFile(path, this.#unsynced)
    } else {
      const content = Buffer.concat([Buffer.from(`${type} ${bytes.length}\0`), bytes])
      const deflated = deflateSync(content, DEFLATE)
      this.#pending.set(path, { bytes: deflated, mode: this.#mode })
      this.#pendingBytes += deflated.length
      if (this.#pendingBytes > PENDING_BYTES_MAX) {
        await this.#fs.replaceFiles(this.#takePending(), this.#unsynced)
      }
    }
    return oid
  }

  async commit(draft: CommitDraft): Promise<string> {
    return this.write('commit', renderCommit(draft))
  }

  takeUnsettled(): Unsettled {
    const unsettled = { files: this.#takePending(), folders: [...this.#unsynced] }
    this.#unsynced.clear()
    return unsettled
  }

  #takePending(): readonly FileAt[] {
    const files = [...this.#pending].map(([path, file]) => ({ path, file }))
    this.#pending.clear()
    this.#pendingBytes = 0
    return files
  }
}

/** The git directories whose objects this one borrows; nearest first. */
function alternatesOf(gitdir: string, depth: number): string[] {
  if (depth === 0) return []
  const objects = join(gitdir, 'objects')
  const text = readOrNull(join(objects, 'info', 'alternates'))?.toString('utf8') ?? ''
  const found: string[] = []
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const alternate = resolve(objects, line)
    // isomorphic-git can only be pointed at a folder that holds one named `objects`.
    if (basename(alternate) !== 'objects') continue
    found.push(dirname(alternate), ...alternatesOf(dirname(alternate), depth - 1))
  }
  return found
}

const refuse = async (): Promise<never> => {
  throw new Error('isomorphic-git only reads here.')
}

/** What isomorphic-git reads with. In a thread of its own a hop to the pool costs more than the read. */
const READER: PromiseFsClient = {
  promises: {
    readFile: async (path: string, options?: { encoding?: BufferEncoding }) =>
      readFileSync(path, options),
    readdir: async (path: string) => readdirSync(path),
    lstat: async (path: string) => lstatSync(path),
    stat: async (path: string) => statSync(path),
    readlink: async (path: string) => readlinkSync(path),
    writeFile: refuse,
    mkdir: refuse,
    rmdir: refuse,
    unlink: refuse,
    symlink: refuse,
  },
}

function readOrNull(path: string): Buffer | null {
  try {
    return readFileSync(path)
  } catch {
    return null
  }
}
