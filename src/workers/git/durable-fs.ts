/**
 * The only door through which the commit engine changes the disk. A file is complete and fsynced before it gets
 * its name, and its folder is fsynced after. Each change is announced as a step, so that a test can kill the
 * process, or refuse the call, at every one of them. One class, longer than others, so that no change can pass the steps by.
 * The calls are synchronous beneath: the thread has nothing else to do, and each hop to the pool and back costs more
 * than most of them.
 */
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  fchmodSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  futimesSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
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
  /** A program of git's is about to write objects. */
  | 'git'

/** Called before each change of the disk. What it throws, the change fails with. */
export type OnStep = (step: Step, path: string) => void

export type NewFile = {
  readonly bytes: Uint8Array
  /** Permission bits; what the umask leaves of 0666 where absent. */
  readonly mode?: number
  /** Seconds; the present where absent. */
  readonly modifiedAt?: number
  /** False for what is gone again before anything depends on it. */
  readonly isDurable?: boolean
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
    this.#fill(path, openSync(path, 'wx'), file)
  }

  /** Other bytes for a file that nobody reads yet. */
  async refillFile(path: string, file: NewFile): Promise<void> {
    this.#onStep('truncate', path)
    this.#fill(path, openSync(path, 'w'), file)
  }

  /**
   * Old bytes or new bytes at `path`, at every instant. Starts from a fresh file on each call. With `unsynced` the
   * folder is added there instead of being fsynced, for a caller that writes more into it.
   */
  async replaceFile(path: string, file: NewFile, unsynced?: Set<string>): Promise<void> {
    const temporary = await this.createTemporary(file)
    try {
      await this.rename(temporary, path)
    } catch (error) {
      await this.removeQuietly(temporary)
      throw error
    }
    await this.#leaveSynced(dirname(path), unsynced)
  }

  /**
   * Makes a file durable that somebody else wrote, maybe without fsync, and gives it the present as its time, so
   * that git does not prune it for its age.
   */
  async refreshFile(path: string, unsynced?: Set<string>): Promise<void> {
    // Windows flushes only what is open for writing, and objects are not.
    if (process.platform === 'win32') return
    this.#onStep('fsync', path)
    const fd = openSync(path, 'r')
    try {
      const now = Date.now() / 1000
      touch(fd, now)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    await this.#leaveSynced(dirname(path), unsynced)
  }

  /** Of what git itself is about to do in a folder. */
  announceGit(folder: string): void {
    this.#onStep('git', folder)
  }

  async rename(from: string, to: string): Promise<void> {
    this.#onStep('rename', to)
    renameSync(from, to)
  }

  async link(existing: string, path: string): Promise<void> {
    this.#onStep('link', path)
    linkSync(existing, path)
  }

  /** A file that is not there is removed already. */
  async remove(path: string): Promise<void> {
    this.#onStep('unlink', path)
    try {
      unlinkSync(path)
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
    const fd = await this.#openForAppend(path, create)
    if (fd === null) return
    try {
      const { size } = fstatSync(fd)
      this.#onStep('append', path)
      try {
        writeWhole(fd, line)
      } catch (error) {
        cutQuietly(fd, size)
        throw error
      }
    } finally {
      closeSync(fd)
    }
  }

  async truncate(path: string, size: number): Promise<void> {
    this.#onStep('truncate', path)
    const fd = openSync(path, 'r+')
    try {
      ftruncateSync(fd, size)
    } finally {
      closeSync(fd)
    }
  }

  /** Makes `path` and what is missing above it, with the permissions of the folder it stands in. */
  async makeDirectory(path: string, unsynced?: Set<string>): Promise<void> {
    if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return
    const parent = dirname(path)
    if (parent !== path) await this.makeDirectory(parent, unsynced)
    this.#onStep('mkdir', path)
    try {
      mkdirSync(path)
    } catch (error) {
      if (systemCode(error) === 'EEXIST') return
      throw error
    }
    chmodSync(path, statSync(parent).mode & 0o7777)
    await this.#leaveSynced(parent, unsynced)
  }

  /** Takes a folder away that holds nothing but folders, as git does with what deleted branches leave. */
  async removeEmptyFolders(path: string): Promise<void> {
    if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return
    for (const name of readdirSync(path)) await this.removeEmptyFolders(join(path, name))
    this.#onStep('unlink', path)
    rmdirSync(path)
  }

  /** Makes the names in a folder durable, where the file system can do that. */
  async syncDirectory(path: string): Promise<void> {
    if (process.platform === 'win32') return
    this.#onStep('fsync', path)
    const fd = openSync(path, 'r')
    try {
      fsyncSync(fd)
    } catch (error) {
      if (!DIRECTORY_SYNC_UNSUPPORTED.has(systemCode(error) ?? '')) throw error
    } finally {
      closeSync(fd)
    }
  }

  async #leaveSynced(folder: string, unsynced: Set<string> | undefined): Promise<void> {
    if (unsynced === undefined) await this.syncDirectory(folder)
    else unsynced.add(folder)
  }

  #fill(path: string, fd: number, file: NewFile): void {
    try {
      this.#onStep('write', path)
      writeWhole(fd, file.bytes)
      if (file.mode !== undefined) fchmodSync(fd, file.mode)
      if (file.modifiedAt !== undefined) futimesSync(fd, file.modifiedAt, file.modifiedAt)
      // An empty one only stands for something; its name is made durable with its folder.
      if (file.bytes.length === 0 || file.isDurable === false) return
      this.#onStep('fsync', path)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  }

  async #openForAppend(path: string, create: boolean): Promise<number | null> {
    if (create) {
      await this.makeDirectory(dirname(path))
      this.#onStep('create', path)
      return openSync(path, 'a')
    }
    const state = lstatSync(path, { throwIfNoEntry: false })
    return state?.isFile() === true ? openSync(path, 'a') : null
  }
}

function writeWhole(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done)
}

// What can't be taken back is a torn line, which readers of that log expect.
function cutQuietly(fd: number, size: number): void {
  try {
    ftruncateSync(fd, size)
  } catch {
    return
  }
}

// Only the owner may; for others the age that the file has must do.
function touch(fd: number, seconds: number): void {
  try {
    futimesSync(fd, seconds, seconds)
  } catch {
    return
  }
}
