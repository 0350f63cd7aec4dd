/** Copies of the log that hubs share which serve nobody: commands read them, and know by them what hubs will have. */
import { lstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KittiwakeError, LinkError, systemCode } from '../../errors.ts'
import { lockFolder } from '../data/database.ts'
import { HubStore } from '../data/store.ts'
import type { Nats } from './connect.ts'
import { Follower } from './follower.ts'
import { reconcile } from './reconcile.ts'

/** A copy that goes on while it is worked on. */
export type PassingCopy = {
  readonly dataDir: string
  readonly store: HubStore
  /** Resolves when the copy is at a place. @throws where the log can't be followed any more */
  readonly reach: (seq: number) => Promise<void>
}

/** Before the number of the process that it is of. */
const NAME = 'kittiwake-copy-'

/** In a folder of its own, which goes with it. @throws LinkError HUB_COPY_FAILED */
export async function withPassingCopy<Value>(
  nats: Nats,
  work: (copy: PassingCopy) => Promise<Value>,
): Promise<Value> {
  let dataDir: string | null = null
  try {
    sweepCopies(tmpdir())
    dataDir = mkdtempSync(join(tmpdir(), `${NAME}${process.pid}-`))
    return await followInto(nats, dataDir, work)
  } catch (error) {
    const code = systemCode(error)
    throw code === null || error instanceof KittiwakeError ? error : copyFailed(code, error)
  } finally {
    if (dataDir !== null) rmSync(dataDir, { recursive: true, force: true })
  }
}

/** As `withPassingCopy`, in a folder that stays. */
export async function followInto<Value>(
  nats: Nats,
  dataDir: string,
  work: (copy: PassingCopy) => Promise<Value>,
): Promise<Value> {
  const store = new HubStore(dataDir, 'shared')
  let fail: (error: unknown) => void = () => {}
  const failed = new Promise<never>((_, reject) => {
    fail = reject
  })
  failed.catch(() => {})
  const { copy } = store
  const follower = new Follower({ copy, log: () => {}, applied: () => {}, failed: fail })
  try {
    await reconcile(nats, store, dataDir)
    await Promise.race([follower.start(nats), failed])
    const reach = (seq: number): Promise<void> => Promise.race([follower.reach(seq), failed])
    return await work({ dataDir, store, reach })
  } finally {
    follower.stop()
    store.close()
  }
}

/**
 * Takes away what commands left that were killed: all that hubs hold. Only where it is this user's, no process has its number, and
 * nobody holds its lock: a number may be of another container, and may come again, in which case it stays for now.
 */
function sweepCopies(folder: string): void {
  for (const name of readdirSync(folder).filter((one) => one.startsWith(NAME))) {
    const path = join(folder, name)
    try {
      const stat = lstatSync(path)
      const isOwn = stat.isDirectory() && stat.uid === (process.getuid?.() ?? stat.uid)
      if (isOwn && !isRunning(Number.parseInt(name.slice(NAME.length), 10))) removeUnused(path)
    } catch {
      // Another command does the same, or it is in use: no reason not to go on.
    }
  }
}

function removeUnused(path: string): void {
  const lock = lockFolder(path)
  try {
    rmSync(path, { recursive: true, force: true })
  } finally {
    lock.close()
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return systemCode(error) !== 'ESRCH'
  }
}

function copyFailed(code: string, cause: unknown): LinkError {
  return new LinkError('HUB_COPY_FAILED', `no copy of the log can be made (${code})`, {
    hint: 'All that the hubs hold needs room in the temporary folder; TMPDIR may name another one.',
    cause,
  })
}

/** There is nothing to make a copy of. */
export function emptyStream(): LinkError {
  return new LinkError('HUB_STREAM_EMPTY', 'no hub has written to this NATS server', {
    hint: 'Check the address and the account.',
  })
}
