/**
 * The only door through which the commit engine changes the disk. A file is complete and fsynced before it gets
 * its name, and its folder is fsynced after. Each change is announced as a step, so that a test can kill the
 * process, or refuse the call, at every one of them. One class, longer than others, so that no change can pass the steps by.
 * The calls are synchronous beneath, but for fsyncs that several files need at once: the thread has nothing else to do, and
 * each hop to the pool and back costs more than most of them.
 */
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  fchmodSync,
  fstatSync,
  fsync,
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
import { systemCode } from '../../../errors.ts'
import { STATE_DIRECTORY } from '../../../project/git/repository-lock.ts'

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
  /** In several pieces where to join them would only copy them. */
  readonly bytes: Uint8Array | readonly Uint8Array[]
  /** Permission bits; what the umask leaves of 0666 where absent. */
  readonly mode?: number
  /** Seconds; the present where absent. */
  readonly modifiedAt?: number
  /** False for what is gone again before anything depends on it. */
  readonly isDurable?: boolean
}

/** A file by the path that it is made at. */
export type FileAt = { readonly path: string; readonly file: NewFile }

/** Files that are not written yet, and folders whose names are not durable. */
export type Unsettled = { readonly files: readonly FileAt[]; readonly folders: Iterable<string> }

export const NOTHING_UNSETTLED: Unsettled = { files: [], folders: [] }

type OpenFile = FileAt & { readonly fd: number }

/** To be fsynced; `tolerated` are the codes by which a file system says that it can't do that. */
type Opened = {
  readonly path: string
  readonly fd: number
  readonly tolerated?: ReadonlySet<string>
}

export const TEMPORARY_PREFIX = 'tmp-'
/** Of a file that stands beside the one that it is about to replace. */
export const UNFINISHED_SUFFIX = '.tmp'

/** From there on to write each costs more than to join them. */
const PIECES_MAX = 16
/** Never written to. */
const STANDING_NAME = 'held'
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

  /** A name that no other file has. */
  temporaryPath(): string {
    const name = `${TEMPORARY_PREFIX}${process.pid}-${randomBytes(8).toString('hex')}`
    return join(this.#stateDirectory, name)
  }

  /** The empty file that stays, for locks that hold nothing. */
  get standingPath(): string {
    return join(this.#stateDirectory, STANDING_NAME)
  }

  /** Makes it where it is missing; answers its path. */
  standingFile(): string {
    const path = this.standingPath
    if (lstatSync(path, { throwIfNoEntry: false })?.isFile() === true) return path
    this.#onStep('create', path)
    closeSync(openSync(path, 'a'))
    return path
  }

  /** A new, complete, fsynced file under a name of its own; its folder is not fsynced yet. */
  async createTemporary(file: NewFile): Promise<string> {
    const path = this.temporaryPath()
    await this.createFiles([{ path, file }])
    return path
  }

  /** @throws `EEXIST` where `path` is there. */
  async createFile(path: string, file: NewFile): Promise<void> {
    this.#onStep('create', path)
    this.#fill(path, openSync(path, 'wx'), file)
  }

  /** All of them, complete and fsynced, or none. */
  async createFiles(files: readonly FileAt[]): Promise<void> {
    const opened: OpenFile[] = []
    try {
      for (const { path, file } of files) {
        this.#onStep('create', path)
        opened.push({ path, file, fd: openSync(path, 'wx') })
        this.#write(opened.at(-1) as OpenFile)
      }
      await this.#syncAll(opened.filter(({ file }) => needsSync(file)))
    } catch (error) {
      for (const { path } of opened) await this.removeQuietly(path)
      throw error
    } finally {
      for (const { fd } of opened) closeSync(fd)
    }
  }

  /** Other bytes for a file that nobody reads yet. */
  async refillFile(path: string, file: NewFile): Promise<void> {
    this.#onStep('truncate', path)
    this.#fill(path, openSync(path, 'w'), file)
  }

  /**
   * Old bytes or new bytes at `path`, at every instant. Starts from a fresh file on each call.
   */
  async replaceFile(path: string, file: NewFile): Promise<void> {
    const unsynced = new Set<string>()
    await this.replaceFiles([{ path, file }], unsynced)
    await this.syncDirectories(unsynced)
  }

  /**
   * The same for several, in this order; their folders are added to `unsynced`. `beside` are new files that are complete and
   * fsynced with them.
   */
  async replaceFiles(
    files: readonly FileAt[],
    unsynced: Set<string>,
    beside: readonly FileAt[] = [],
  ): Promise<void> {
    const made = files.map(({ path, file }) => ({ to: path, path: this.temporaryPath(), file }))
    await this.createFiles([...beside, ...made])
    for (const [index, { path, to }] of made.entries()) {
      try {
        await this.rename(path, to)
      } catch (error) {
        for (const left of [...made.slice(index), ...beside]) await this.removeQuietly(left.path)
        throw error
      }
      unsynced.add(dirname(to))
    }
  }

  /**
   * Makes a file durable that somebody else wrote, maybe without fsync, and gives it the present as its time, so
   * that git does not prune it for its age.
   */
  async refreshFile(path: string, unsynced?: Set<string>): Promise<void> {
    // Windows flushes only what is open for writing, and objects are not.
    if (process.platform === 'win32') return
    const folder = dirname(path)
    const opened: Opened[] = []
    try {
      opened.push({ path, fd: openSync(path, 'r') })
      touch(opened[0]?.fd ?? -1, Date.now() / 1000)
      if (unsynced === undefined) opened.push(openFolder(folder))
      else unsynced.add(folder)
      await this.#syncAll(opened)
    } finally {
      for (const { fd } of opened) closeSync(fd)
    }
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
    await this.syncDirectories([path])
  }

  async syncDirectories(paths: Iterable<string>): Promise<void> {
    if (process.platform === 'win32') return
    const opened: Opened[] = []
    try {
      for (const path of paths) opened.push(openFolder(path))
      await this.#syncAll(opened)
    } finally {
      for (const { fd } of opened) closeSync(fd)
    }
  }

  /** Side by side where there are several: a disk takes them together in little more than the time of one. */
  async #syncAll(opened: readonly Opened[]): Promise<void> {
    for (const { path } of opened) this.#onStep('fsync', path)
    const [first, ...others] = opened
    const rest = others.map(({ fd }) => fsyncInPool(fd))
    const faults = [first === undefined ? null : faultOf(() => fsyncSync(first.fd))]
    // None may still be under way when the caller closes the files.
    faults.push(...(await Promise.all(rest)))
    for (const [at, fault] of faults.entries()) {
      const isTolerated = opened[at]?.tolerated?.has(systemCode(fault) ?? '') === true
      if (fault !== null && !isTolerated) throw fault
    }
  }

  async #leaveSynced(folder: string, unsynced: Set<string> | undefined): Promise<void> {
    if (unsynced === undefined) await this.syncDirectory(folder)
    else unsynced.add(folder)
  }

  #fill(path: string, fd: number, file: NewFile): void {
    try {
      this.#write({ path, fd, file })
      if (!needsSync(file)) return
      this.#onStep('fsync', path)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  }

  #write({ path, fd, file: { bytes, mode, modifiedAt } }: OpenFile): void {
    this.#onStep('write', path)
    for (const piece of piecesOf(bytes)) writeWhole(fd, piece)
    if (mode !== undefined) fchmodSync(fd, mode)
    if (modifiedAt !== undefined) futimesSync(fd, modifiedAt, modifiedAt)
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

function openFolder(path: string): Opened {
  return { path, fd: openSync(path, 'r'), tolerated: DIRECTORY_SYNC_UNSUPPORTED }
}

/** An empty one only stands for something; its name is made durable with its folder. */
function needsSync({ bytes, isDurable = true }: NewFile): boolean {
  return isDurable && bytes.length > 0
}

function piecesOf(bytes: NewFile['bytes']): readonly Uint8Array[] {
  if (bytes instanceof Uint8Array) return [bytes]
  return bytes.length > PIECES_MAX ? [Buffer.concat(bytes)] : bytes
}

/** Answers with the fault instead of failing, so that all of them are waited for. */
async function fsyncInPool(fd: number): Promise<unknown> {
  return new Promise((resolve) => {
    fsync(fd, resolve)
  })
}

function faultOf(action: () => void): unknown {
  try {
    action()
    return null
  } catch (error) {
    return error
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
