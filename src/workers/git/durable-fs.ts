/**
 * The only door through which the commit engine changes the disk. A file is complete and fsynced before it gets
 * its name, and its folder is fsynced after. Each change is announced as a step, so that a test can kill the
 * process, or refuse the call, at every one of them. One class, longer than others, so that no change can pass the steps by.
 */
import { randomBytes } from 'node:crypto'
import {
  chmod,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  rename,
  rmdir,
  stat,
  unlink,
} from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { systemCode } from '../../errors.ts'
import { STATE_DIRECTORY } from '../../project/repository-lock.ts'

export type Step =
  | 'create'
  | 'write'
  | 'fsync'
  | 'rename'
  | 'link'
  | 'unlink'
  | 'mkdir'
  | 'append'
  | 'truncate'

/** Called before each change of the disk. What it throws, the change fails with. */
export type OnStep = (step: Step, path: string) => void

export type NewFile = {
  readonly bytes: Uint8Array
  /** Permission bits; what the umask leaves of 0666 where absent. */
  readonly mode?: number
  /** Seconds; the present where absent. */
  readonly modifiedAt?: number
}

export const TEMPORARY_PREFIX = 'tmp-'
/** Of a file that stands beside the one that it is about to replace. */
export const UNFINISHED_SUFFIX = '.tmp'

const DIRECTORY_SYNC_UNSUPPORTED = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP'])

/** All calls throw Node system errors. Paths are absolute. */
export class DurableFs {
  readonly #stateDirectory: string
  readonly #onStep: OnStep

  constructor(commonDir: string, onStep: OnStep = () => undefined) {
    this.#stateDirectory = join(commonDir, STATE_DIRECTORY)
    this.#onStep = onStep
  }

  get stateDirectory(): string {
    return this.#stateDirectory
  }

  /** A new, complete, fsynced file under a name of its own; its folder is not fsynced yet. */
  async createTemporary(file: NewFile): Promise<string> {
    const name = `${TEMPORARY_PREFIX}${process.pid}-${randomBytes(8).toString('hex')}`
    const path = join(this.#stateDirectory, name)
    try {
      await this.createFile(path, file)
    } catch (error) {
      await this.removeQuietly(path)
      throw error
    }
    return path
  }

  /** Throws `EEXIST` where `path` is there. */
  async createFile(path: string, file: NewFile): Promise<void> {
    this.#onStep('create', path)
    await this.#fill(path, await open(path, 'wx'), file)
  }

  /** Other bytes for a file that nobody reads yet. */
  async refillFile(path: string, file: NewFile): Promise<void> {
    this.#onStep('truncate', path)
    await this.#fill(path, await open(path, 'w'), file)
  }

  /** Old bytes or new bytes at `path`, at every instant. Starts from a fresh file on each call. */
  async replaceFile(path: string, file: NewFile): Promise<void> {
    const temporary = await this.createTemporary(file)
    try {
      await this.rename(temporary, path)
    } catch (error) {
      await this.removeQuietly(temporary)
      throw error
    }
    await this.syncDirectory(dirname(path))
  }

  /**
   * Makes a file durable that somebody else wrote, maybe without fsync, and gives it the present as its time, so
   * that git does not prune it for its age.
   */
  async refreshFile(path: string): Promise<void> {
    // Windows flushes only what is open for writing, and objects are not.
    if (process.platform === 'win32') return
    this.#onStep('fsync', path)
    const handle = await open(path, 'r')
    try {
      const now = Date.now() / 1000
      await handle.utimes(now, now).catch(() => undefined)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await this.syncDirectory(dirname(path))
  }

  async rename(from: string, to: string): Promise<void> {
    this.#onStep('rename', to)
    await rename(from, to)
  }

  async link(existing: string, path: string): Promise<void> {
    this.#onStep('link', path)
    await link(existing, path)
  }

  /** A file that is not there is removed already. */
  async remove(path: string): Promise<void> {
    this.#onStep('unlink', path)
    try {
      await unlink(path)
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error
    }
  }

  /** For what can stay behind without harm: the next recovery takes it. */
  async removeQuietly(path: string): Promise<void> {
    await this.remove(path).catch(() => undefined)
  }

  /** Adds whole lines in one write, or none of them. The file is made where `create` says so. */
  async appendLine(path: string, line: Uint8Array, create: boolean): Promise<void> {
    const handle = await this.#openForAppend(path, create)
    if (handle === null) return
    try {
      const { size } = await handle.stat()
      this.#onStep('append', path)
      try {
        await handle.appendFile(line)
      } catch (error) {
        await handle.truncate(size).catch(() => undefined)
        throw error
      }
    } finally {
      await handle.close()
    }
  }

  async truncate(path: string, size: number): Promise<void> {
    this.#onStep('truncate', path)
    const handle = await open(path, 'r+')
    try {
      await handle.truncate(size)
    } finally {
      await handle.close()
    }
  }

  /** Makes `path` and what is missing above it, with the permissions of the folder it stands in. */
  async makeDirectory(path: string): Promise<void> {
    const state = await lstat(path).catch(() => null)
    if (state !== null) return
    const parent = dirname(path)
    if (parent !== path) await this.makeDirectory(parent)
    this.#onStep('mkdir', path)
    try {
      await mkdir(path)
    } catch (error) {
      if (systemCode(error) === 'EEXIST') return
      throw error
    }
    const { mode } = await stat(parent)
    await chmod(path, mode & 0o7777)
    await this.syncDirectory(parent)
  }

  /** Takes a folder away that holds nothing but folders, as git does with what deleted branches leave. */
  async removeEmptyFolders(path: string): Promise<void> {
    const state = await lstat(path).catch(() => null)
    if (state?.isDirectory() !== true) return
    for (const name of await readdir(path)) await this.removeEmptyFolders(join(path, name))
    this.#onStep('unlink', path)
    await rmdir(path)
  }

  /** Makes the names in a folder durable, where the file system can do that. */
  async syncDirectory(path: string): Promise<void> {
    if (process.platform === 'win32') return
    this.#onStep('fsync', path)
    const handle = await open(path, 'r')
    try {
      await handle.sync()
    } catch (error) {
      if (!DIRECTORY_SYNC_UNSUPPORTED.has(systemCode(error) ?? '')) throw error
    } finally {
      await handle.close()
    }
  }

  async #fill(path: string, handle: FileHandle, file: NewFile): Promise<void> {
    try {
      this.#onStep('write', path)
      await handle.writeFile(file.bytes)
      if (file.mode !== undefined) await handle.chmod(file.mode)
      if (file.modifiedAt !== undefined) await handle.utimes(file.modifiedAt, file.modifiedAt)
      this.#onStep('fsync', path)
      await handle.sync()
    } finally {
      await handle.close()
    }
  }

  async #openForAppend(path: string, create: boolean): Promise<FileHandle | null> {
    if (create) {
      await this.makeDirectory(dirname(path))
      this.#onStep('create', path)
      return open(path, 'a')
    }
    const state = await lstat(path).catch(() => null)
    return state?.isFile() === true ? open(path, 'a') : null
  }
}
