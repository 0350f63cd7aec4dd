/**
 * git's own lock files, held together for the few milliseconds in which a commit is published. Each is a hard
 * link of a file of ours that is complete and noted in the journal before: so the next process can prove whose
 * lock it finds. A foreign lock is never removed.
 */
import { dirname } from 'node:path'
import { systemCode } from '../../../errors.ts'
import { NOTHING_UNSETTLED } from '../disk/durable-fs.ts'
import type { DurableFs, FileAt, NewFile, Unsettled } from '../disk/durable-fs.ts'
import { identityOf, isOurs, removeJournal, writeJournal } from './journal.ts'
import type { Journal } from './journal.ts'
import { cutReflog } from './reflog.ts'

/** A file of git's, and what it shall hold once published; null where it is only held. */
export type Guarded = { readonly path: string; readonly file: NewFile | null }

export type LockPlan = {
  /** In the order in which git takes them: index, HEAD, branch. The last one is the branch. */
  readonly guarded: readonly Guarded[]
  readonly reflogs: Journal['reflogs']
}

/** What `prepareLocks` noted, and changes only where hard links can't be made. */
export type PreparedLocks = { journal: Journal; readonly plan: LockPlan }

const LINKS_UNSUPPORTED = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EXDEV', 'EMLINK'])
/** Another process has the lock, or git is just taking an empty folder away. */
const BUSY_CODES = new Set(['EEXIST', 'ENOENT'])

/** Writes what will be published, and what it names, and notes it; no lock is held yet. */
export async function prepareLocks(
  fs: DurableFs,
  plan: LockPlan,
  unsettled: Unsettled,
): Promise<PreparedLocks> {
  const files: FileAt[] = []
  const locks = plan.guarded.map(({ path, file }) => {
    const temporary = file === null ? fs.standingFile() : fs.temporaryPath()
    if (file !== null) files.push({ path: temporary, file })
    return { path: `${path}.lock`, temporary, identity: null }
  })
  const branchLock = locks.at(-1)?.path ?? ''
  const journal: Journal = { version: 1, locks, branchLock, reflogs: [...plan.reflogs] }
  // The journal's folder is theirs too: when the journal is durable, so are their names.
  await writeJournal(fs, journal, unsettled, files)
  return { journal, plan }
}

/** Takes all locks at once or none of them; answers the path of the file whose lock is foreign, or null. */
export async function takeLocks(fs: DurableFs, prepared: PreparedLocks): Promise<string | null> {
  for (const [index, { path, file }] of prepared.plan.guarded.entries()) {
    try {
      await takeLock(fs, prepared, index, file)
    } catch (error) {
      if (!BUSY_CODES.has(systemCode(error) ?? '')) throw error
      return path
    }
  }
  return null
}

/** The path of the first file whose lock somebody holds, or null; to look is cheaper than to prepare in vain. */
export async function findForeignLock(paths: readonly string[]): Promise<string | null> {
  for (const path of paths) {
    if ((await identityOf(`${path}.lock`)) !== null) return path
  }
  return null
}

/** Other bytes than those prepared, and other reflogs: for what is known only once the locks are held. */
export async function refillLocks(
  fs: DurableFs,
  prepared: PreparedLocks,
  plan: LockPlan,
  unsettled: Unsettled,
): Promise<void> {
  for (const { path, file } of plan.guarded) {
    if (file !== null) await fs.refillFile(`${path}.lock`, file)
  }
  prepared.journal = { ...prepared.journal, reflogs: [...plan.reflogs] }
  await writeJournal(fs, prepared.journal, unsettled)
}

/** The prepared bytes get their name, durably, and the lock is gone with it. */
export async function publish(fs: DurableFs, path: string): Promise<void> {
  await fs.rename(`${path}.lock`, path)
  await fs.syncDirectory(dirname(path))
}

/**
 * Undoes what the journal notes and was not published: reflog lines first, then the branch's lock, so that a
 * reflog is never cut when others may write to it. Safe to repeat, also by the next process.
 */
export async function freeLocks(fs: DurableFs, journal: Journal): Promise<void> {
  const branchLock = journal.locks.find((lock) => lock.path === journal.branchLock)
  if (branchLock !== undefined && (await isOurs(branchLock))) {
    for (const reflog of journal.reflogs) await cutReflog(fs, reflog)
    await fs.remove(branchLock.path)
  }
  for (const lock of journal.locks) {
    if (lock !== branchLock && (await isOurs(lock))) await fs.remove(lock.path)
  }
}

/** Forgets the locks once they are free. Temporary files go last, because they prove whose a lock is. */
export async function forgetLocks(fs: DurableFs, journal: Journal): Promise<void> {
  await removeJournal(fs)
  for (const { temporary } of journal.locks) {
    if (temporary !== fs.standingPath) await fs.removeQuietly(temporary)
  }
}

async function takeLock(
  fs: DurableFs,
  prepared: PreparedLocks,
  index: number,
  file: NewFile | null,
): Promise<void> {
  const lock = prepared.journal.locks[index]
  if (lock === undefined) return
  try {
    await fs.link(lock.temporary, lock.path)
  } catch (error) {
    if (!LINKS_UNSUPPORTED.has(systemCode(error) ?? '')) throw error
    await fs.createFile(lock.path, file ?? { bytes: Buffer.alloc(0) })
    const locks = [...prepared.journal.locks]
    locks[index] = { ...lock, identity: await identityOf(lock.path) }
    prepared.journal = { ...prepared.journal, locks }
    await writeJournal(fs, prepared.journal, NOTHING_UNSETTLED)
  }
}
