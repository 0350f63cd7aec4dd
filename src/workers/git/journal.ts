/**
 * What the holder of the repository lock is about to do, written down before it is done, so that the next holder
 * can undo it when this one died: which lock files are ours, how long the reflogs
 * were, and what line of ours follows.
 */
import { lstatSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { systemCode } from '../../errors.ts'
import type { DurableFs, FileAt } from './durable-fs.ts'

const LOCK = z.strictObject({
  /** git's lock file. */
  path: z.string(),
  /** Our file that the lock file is a hard link of. As long as both have one inode, the lock is ours. */
  temporary: z.string(),
  /** `dev:ino` of a lock file made where hard links are not to be had, else null. */
  identity: z.string().nullable(),
})

const REFLOG = z.strictObject({
  path: z.string(),
  /** Bytes before our line; null where the file was not there. */
  size: z.int().min(0).nullable(),
  /** Our line. Somebody else's may stand there instead, written before our locks were taken. */
  line: z.string(),
})

const JOURNAL = z.strictObject({
  version: z.literal(1),
  locks: z.array(LOCK).max(8),
  /** The lock that goes when the branch moves: while it is ours, the branch has not moved. */
  branchLock: z.string(),
  reflogs: z.array(REFLOG).max(8),
})

export type Journal = z.infer<typeof JOURNAL>
export type JournalLock = z.infer<typeof LOCK>

/** `noted`: files that it speaks of and that are made with it, complete before it is there. */
export async function writeJournal(
  fs: DurableFs,
  journal: Journal,
  noted: readonly FileAt[] = [],
): Promise<void> {
  const temporary = fs.temporaryPath()
  const bytes = Buffer.from(JSON.stringify(journal))
  await fs.createFiles([...noted, { path: temporary, file: { bytes, mode: 0o600 } }])
  try {
    await fs.rename(temporary, journalPath(fs))
  } catch (error) {
    for (const { path } of noted) await fs.removeQuietly(path)
    await fs.removeQuietly(temporary)
    throw error
  }
  await fs.syncDirectory(fs.stateDirectory)
}

/** The journal, or null where there is none or it can't be understood (then nothing in it is ours to undo). */
export async function readJournal(fs: DurableFs): Promise<Journal | null> {
  try {
    const value: unknown = JSON.parse(readFileSync(journalPath(fs), 'utf8'))
    return JOURNAL.safeParse(value).data ?? null
  } catch (error) {
    if (error instanceof SyntaxError || systemCode(error) === 'ENOENT') return null
    throw error
  }
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
