/**
 * Raw git objects: read through isomorphic-git, written here. isomorphic-git by itself writes in place, without
 * fsync, never rewrites an object whose file exists but is empty, and takes many times as long.
 */
import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { constants, deflateSync, inflateSync } from 'node:zlib'
import { readObject } from 'isomorphic-git'
import type { PromiseFsClient } from 'isomorphic-git'
import { systemCode } from '../../errors.ts'
import { CommitDeferral } from './deferral.ts'
import type { DurableFs, NewFile } from './durable-fs.ts'

export type RawObject = {
  readonly type: string
  /** Content without the header. */
  readonly bytes: Buffer
}

const MAX_ALTERNATE_DEPTH = 5
/** Git packs what is loose before long; until then time counts for more than space. */
const DEFLATE = { level: constants.Z_BEST_SPEED }

/** Reads throw CommitDeferral, writes throw system errors. */
export class ObjectStore {
  readonly #gitdir: string
  readonly #fs: DurableFs
  readonly #mode: number
  readonly #cache: object
  readonly #unsynced = new Set<string>()

  /** `fileMode`: the permissions of the repository's files; an object has those of them that read. */
  constructor(commonDir: string, fs: DurableFs, fileMode: number, cache: object) {
    this.#gitdir = commonDir
    this.#fs = fs
    this.#mode = fileMode & 0o444
    this.#cache = cache
  }

  /** The object from this repository, or from one that it borrows objects from. */
  async read(oid: string): Promise<RawObject> {
    const own = await this.#readFrom(this.#gitdir, oid)
    if (own !== null) return own
    for (const gitdir of alternatesOf(this.#gitdir, MAX_ALTERNATE_DEPTH)) {
      const borrowed = await this.#readFrom(gitdir, oid)
      if (borrowed !== null) return borrowed
    }
    const message = 'An object of the branch is not in this repository. Fetch it, or run git fsck.'
    throw new CommitDeferral('repository_unsupported', message)
  }

  /** Answers the id. Not durable before `settle`. */
  async write(type: 'blob' | 'tree' | 'commit', bytes: Uint8Array): Promise<string> {
    const content = Buffer.concat([Buffer.from(`${type} ${bytes.length}\0`), bytes])
    const oid = createHash('sha1').update(content).digest('hex')
    const folder = join(this.#gitdir, 'objects', oid.slice(0, 2))
    const path = join(folder, oid.slice(2))
    await this.#fs.makeDirectory(folder, this.#unsynced)
    if (isObject(readOrNull(path), oid)) {
      await this.#fs.refreshFile(path, this.#unsynced)
    } else {
      const file: NewFile = { bytes: deflateSync(content, DEFLATE), mode: this.#mode }
      await this.#fs.replaceFile(path, file, this.#unsynced)
    }
    return oid
  }

  /** Whatever was written is durable when it returns. */
  async settle(): Promise<void> {
    for (const folder of this.#unsynced) await this.#fs.syncDirectory(folder)
    this.#unsynced.clear()
  }

  async #readFrom(gitdir: string, oid: string): Promise<RawObject | null> {
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

function unreadable(cause: unknown): CommitDeferral {
  const message = 'An object of the branch can not be read. Run git fsck and repair the repository.'
  return new CommitDeferral('io_error', message, cause)
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

/** Whether a file is this object, whole: a crash of another writer can leave an empty one under its name. */
function isObject(deflated: Buffer | null, oid: string): boolean {
  if (deflated === null) return false
  try {
    return createHash('sha1').update(inflateSync(deflated)).digest('hex') === oid
  } catch {
    return false
  }
}
