/** Small JSON files that this worker alone writes: replaced whole, read totally, set aside when damaged. */
import { constants } from 'node:fs'
import { lstat, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { parseJsonObject } from '../../../contracts/json/json.ts'
import type { JsonObject } from '../../../contracts/json/json.ts'
import { GitError, InputError, systemCode } from '../../../errors.ts'
import { UNFINISHED_SUFFIX } from './durable-fs.ts'
import type { DurableFs, FileAt } from './durable-fs.ts'

export type OwnedReading =
  | { readonly state: 'absent' }
  | { readonly state: 'read'; readonly value: JsonObject }
  /** Something is there that can't be used; nothing may be written over it. */
  | { readonly state: 'damaged' }

const ASIDE_MAX = 1_000
const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
const FAILING_DISK = new Set(['EIO', 'EMFILE', 'ENFILE', 'ENOMEM'])

/** @throws GitError LEDGER_STATE_UNREADABLE only where the disk or the process fails at this moment. */
export async function readOwned(path: string, bytesMax: number): Promise<OwnedReading> {
  try {
    const handle = await open(path, FLAGS)
    try {
      const stats = await handle.stat()
      if (!stats.isFile() || stats.size > bytesMax) return { state: 'damaged' }
      const text = new TextDecoder('utf-8', { fatal: true }).decode(await handle.readFile())
      return { state: 'read', value: parseJsonObject(text, bytesMax) }
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return { state: 'absent' }
    if (FAILING_DISK.has(systemCode(error) ?? '')) throw unusable(error)
    if (error instanceof InputError || error instanceof TypeError || systemCode(error) !== null) {
      return { state: 'damaged' }
    }
    throw error
  }
}

export type OwnedText = { readonly path: string; readonly text: string; readonly mode?: number }

/** Old bytes or new bytes at every instant, and durable; the temporary file stands beside, on the same file system. */
export async function replaceOwned(
  fs: DurableFs,
  path: string,
  text: string,
  mode?: number,
): Promise<void> {
  await replaceOwnedInTurn(fs, [{ path, text, ...(mode === undefined ? {} : { mode }) }])
  await fs.syncDirectory(dirname(path))
}

/**
 * The same for several: each is durable before the one behind it gets its name. For the last one nobody waits: after a power
 * cut it may be as it was before.
 */
export async function replaceOwnedInTurn(
  fs: DurableFs,
  texts: readonly OwnedText[],
): Promise<void> {
  const files: FileAt[] = []
  for (const { path, text, mode } of texts) {
    const temporary = `${path}${UNFINISHED_SUFFIX}`
    await fs.makeDirectory(dirname(path))
    // One writer under the repository lock, so what stands there is what a dead one left.
    await fs.remove(temporary)
    const file = { bytes: Buffer.from(text), ...(mode === undefined ? {} : { mode }) }
    files.push({ path: temporary, file })
  }
  await fs.createFiles(files)
  for (const [at, { path }] of texts.entries()) {
    await fs.rename(`${path}${UNFINISHED_SUFFIX}`, path)
    if (at < texts.length - 1) await fs.syncDirectory(dirname(path))
  }
}

/** Renames what can't be used to a free name beside it and answers that. @throws GitError LEDGER_STATE_UNREADABLE. */
export async function setAside(fs: DurableFs, path: string): Promise<string> {
  for (let number = 1; number <= ASIDE_MAX; number += 1) {
    const aside = `${path}.damaged-${number}`
    if (await isThere(aside)) continue
    try {
      await fs.rename(path, aside)
      await fs.syncDirectory(dirname(path))
      return aside
    } catch (error) {
      throw unusable(error)
    }
  }
  throw unusable(null)
}

async function isThere(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => null)) !== null
}

function unusable(cause: unknown): GitError {
  const code = systemCode(cause)
  const detail = code === null ? '' : ` (${code})`
  return new GitError(
    'LEDGER_STATE_UNREADABLE',
    `A state file of the ledger can be neither read nor set aside${detail}.`,
    { hint: 'Check the permissions of .kittify and of .git/kittiwake, then retry.', cause },
  )
}
