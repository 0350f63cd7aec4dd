/**
 * What the holder of the repository lock is about to do, written down before it is done, so that the next holder
 * can undo it when this one died: which lock files are ours, how long the reflogs
 * were, and what line of ours follows.
 */
import { lstatSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemCode } from '../../../errors.ts'
import type { DurableFs, FileAt, Unsettled } from '../disk/durable-fs.ts'

export type JournalLock = {
  /** git's lock file. */
  readonly path: string
  /** Our file that the lock file is a hard link of. As long as both have one inode, the lock is ours. */
  readonly temporary: string
  /** `dev:ino` of a lock file made where hard links are not to be had, else null. */
  readonly identity: string | null
}

type JournalReflog = {
  readonly path: string
  /** Bytes before our line; null where the file was not there. */
  readonly size: number | null
  /** Our line. Somebody else's may stand there instead, written before our locks were taken. */
  readonly line: string
}

export type Journal = {
  readonly version: 1
  readonly locks: JournalLock[]
  /** The lock that goes when the branch moves: while it is ours, the branch has not moved. */
  readonly branchLock: string
  readonly reflogs: JournalReflog[]
}

/** Of locks, and of reflogs. */
const ENTRIES_MAX = 8

/**
 * `noted`: files that it speaks of and that are made with it, complete before it is there. What is unsettled is made durable
 * beside it, so that the disk is waited for once.
 */
export async function writeJournal(
  fs: DurableFs,
  journal: Journal,
  { files, folders }: Unsettled,
  noted: readonly FileAt[] = [],
): Promise<void> {
  const bytes = Buffer.from(JSON.stringify(journal))
  const unsynced = new Set([...folders, fs.stateDirectory])
  const own = { path: journalPath(fs), file: { bytes, mode: 0o600 } }
  await fs.replaceFiles([...files, own], unsynced, noted)
  await fs.syncDirectories(unsynced)
}

/** The journal, or null where there is none or it can't be understood (then nothing in it is ours to undo). */
export async function readJournal(fs: DurableFs): Promise<Journal | null> {
  try {
    const value: unknown = JSON.parse(readFileSync(journalPath(fs), 'utf8'))
    return isJournal(value) ? value : null
  } catch (error) {
    if (error instanceof SyntaxError || systemCode(error) === 'ENOENT') return null
    throw error
  }
}

// By hand: a library of schemas would take more memory in each git thread than all else that it holds.
function isJournal(value: unknown): value is Journal {
  if (!hasOnly(value, ['version', 'locks', 'branchLock', 'reflogs'])) return false
  const { version, locks, branchLock, reflogs } = value
  return (
    version === 1 &&
    typeof branchLock === 'string' &&
    isListOf(locks, isLock) &&
    isListOf(reflogs, isReflog)
  )
}

function isLock(value: unknown): boolean {
  if (!hasOnly(value, ['path', 'temporary', 'identity'])) return false
  const { path, temporary, identity } = value
  const isNamed = identity === null || typeof identity === 'string'
  return typeof path === 'string' && typeof temporary === 'string' && isNamed
}

function isReflog(value: unknown): boolean {
  if (!hasOnly(value, ['path', 'size', 'line'])) return false
  const { path, size, line } = value
  const isSized = size === null || (Number.isSafeInteger(size) && Number(size) >= 0)
  return typeof path === 'string' && typeof line === 'string' && isSized
}

function isListOf(value: unknown, isOne: (one: unknown) => boolean): boolean {
  return Array.isArray(value) && value.length <= ENTRIES_MAX && value.every(isOne)
}

function hasOnly<Key extends string>(
  value: unknown,
  keys: readonly Key[],
): value is Readonly<Record<Key, unknown>> {
  if (typeof value !== 'object' || value === null) return false
  const found = Object.keys(value)
  return found.length === keys.length && keys.every((key) => Object.hasOwn(value, key))
}

export async function removeJournal(fs: DurableFs): Promise<void> {
  await fs.remove(journalPath(fs))
}

/** Whether the lock file that stands there now is the one that was noted. */
export async function isOurs(lock: JournalLock): Promise<boolean> {
  const identity = await identityOf(lock.path)
  if (identity === null) return false
  return identity === (lock.identity ?? (await identityOf(lock.temporary)))
}

/** `dev:ino`, or null where nothing is there. */
export async function identityOf(path: string): Promise<string | null> {
  try {
    const { dev, ino } = lstatSync(path, { bigint: true })
    return `${dev}:${ino}`
  } catch {
    return null
  }
}

function journalPath(fs: DurableFs): string {
  return join(fs.stateDirectory, 'journal.json')
}
