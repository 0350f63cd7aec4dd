/**
 * Raw git objects through isomorphic-git, over a file client that makes each of them durable. isomorphic-git by
 * itself writes in place, without fsync, and never rewrites an object whose file exists but is empty.
 */
import { createHash } from 'node:crypto'
import { lstat, readFile, readdir, readlink, rmdir, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { inflateSync } from 'node:zlib'
import { readObject, writeCommit, writeObject } from 'isomorphic-git'
import type { CommitObject, PromiseFsClient } from 'isomorphic-git'
import { systemCode } from '../../errors.ts'
import { CommitDeferral } from './deferral.ts'
import type { DurableFs, NewFile } from './durable-fs.ts'

export type RawObject = {
  readonly type: string
  /** Content without the header. */
  readonly bytes: Buffer
}

const MAX_ALTERNATE_DEPTH = 5
const LOOSE_PATH = /[/\\]objects[/\\]([0-9a-f]{2})[/\\]([0-9a-f]{38})$/

/** Reads throw CommitDeferral, writes throw system errors. */
export class ObjectStore {
  readonly #gitdir: string
  readonly #fs: PromiseFsClient
  readonly #cache: object

  /** `fileMode`: the permissions of the repository's files; an object has those of them that read. */
  constructor(commonDir: string, fs: DurableFs, fileMode: number, cache: object) {
    this.#gitdir = commonDir
    this.#fs = objectClient(fs, fileMode & 0o444)
    this.#cache = cache
  }

  /** The object from this repository, or from one that it borrows objects from. */
  async read(oid: string): Promise<RawObject> {
    const own = await this.#readFrom(this.#gitdir, oid)
    if (own !== null) return own
    for (const gitdir of await alternatesOf(this.#gitdir, MAX_ALTERNATE_DEPTH)) {
      const borrowed = await this.#readFrom(gitdir, oid)
      if (borrowed !== null) return borrowed
    }
    const message = 'An object of the branch is not in this repository. Fetch it, or run git fsck.'
    throw new CommitDeferral('repository_unsupported', message)
  }

  async write(type: 'blob' | 'tree', bytes: Uint8Array): Promise<string> {
    const args = { fs: this.#fs, gitdir: this.#gitdir, type, object: bytes } as const
    return writeObject({ ...args, format: 'content' })
  }

  async writeCommit(commit: CommitObject): Promise<string> {
    return writeCommit({ fs: this.#fs, gitdir: this.#gitdir, commit })
  }

  async #readFrom(gitdir: string, oid: string): Promise<RawObject | null> {
    const args = { fs: this.#fs, gitdir, oid, cache: this.#cache } as const
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
async function alternatesOf(gitdir: string, depth: number): Promise<string[]> {
  if (depth === 0) return []
  const objects = join(gitdir, 'objects')
  const text = await readFile(join(objects, 'info', 'alternates'), 'utf8').catch(() => '')
  const found: string[] = []
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const alternate = resolve(objects, line)
    // isomorphic-git can only be pointed at a folder that holds one named `objects`.
    if (basename(alternate) !== 'objects') continue
    found.push(dirname(alternate), ...(await alternatesOf(dirname(alternate), depth - 1)))
  }
  return found
}

/** The file client: reads as they are, loose objects durably, and nothing else. */
function objectClient(fs: DurableFs, mode: number): PromiseFsClient {
  const refuse = async (): Promise<never> => {
    throw new Error('The object store only writes loose objects.')
  }
  const promises = {
    readFile,
    readdir,
    lstat,
    readlink,
    rmdir,
    // A loose object always looks absent, so that `writeFile` gets to judge the one that is there.
    stat: async (path: string) => {
      if (LOOSE_PATH.test(path)) throw Object.assign(new Error('absent'), { code: 'ENOENT' })
      return stat(path)
    },
    writeFile: async (path: string, bytes: Uint8Array) => {
      await writeLooseObject(fs, path, { bytes, mode })
    },
    mkdir: async (path: string) => {
      await fs.makeDirectory(path)
    },
    unlink: refuse,
    symlink: refuse,
  }
  return { promises }
}

async function writeLooseObject(fs: DurableFs, path: string, file: NewFile): Promise<void> {
  const match = LOOSE_PATH.exec(path)
  if (match === null) throw new Error('The object store only writes loose objects.')
  await fs.makeDirectory(dirname(path))
  const present = await readFile(path).catch(() => null)
  if (present !== null && isObject(present, `${match[1]}${match[2]}`)) {
    await fs.refreshFile(path)
    return
  }
  await fs.replaceFile(path, file)
}

function isObject(deflated: Uint8Array, oid: string): boolean {
  try {
    return createHash('sha1').update(inflateSync(deflated)).digest('hex') === oid
  } catch {
    return false
  }
}
