/**
 * Adds lines to an append-only log so that they are on the disk, whole, when the call returns. What a crash left
 * of an unfinished line is first moved into a side file. The caller holds the repository lock.
 */
import { readdir, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { isJsonObject, parseJson } from '../../../contracts/json/json.ts'
import { GitError } from '../../../errors.ts'
import { ledgerChanged } from './ledger-errors.ts'
import { LINE_BYTES_MAX } from './log-lines.ts'
import { createLog, LOG_BYTES_MAX, logTooLarge, readLog } from './log-file.ts'
import { openForAppend, unsafePath, writeFailed } from './log-file.ts'
import type { LogPlace } from './log-file.ts'
import { replaceOwned } from '../disk/owned-json.ts'

const TORN_DIRECTORY = 'torn'
const TORN_FILES_MAX = 10_000
const CHUNK_BYTES = 64 * 1024
const NEWLINE = 0x0a

/**
 * Durable when it returns. @throws GitError LEDGER_LINE_TOO_LONG, LEDGER_PATH_UNSAFE, LEDGER_TOO_LARGE, and
 * LEDGER_WRITE_FAILED (retryable) after which the log is as it was.
 */
export async function appendLines(place: LogPlace, lines: readonly string[]): Promise<void> {
  for (const line of lines) {
    if (Buffer.byteLength(line) < LINE_BYTES_MAX && !line.includes('\n')) continue
    throw new GitError('LEDGER_LINE_TOO_LONG', `A record is one line of less than 1 MiB.`, {
      hint: 'Store large text in a file and name the file in the record.',
    })
  }
  const bytes = Buffer.from(`${lines.join('\n')}\n`)
  await createLog(place)
  const handle = await openForAppend(place)
  if (handle === null) throw unsafePath()
  try {
    const prefix = await repairTail(place, handle)
    await writeWhole(place, handle, Buffer.concat([prefix, bytes]))
  } finally {
    await handle.close()
  }
}

/** Ends the last line or moves it aside, and makes all that is there durable. */
export async function repairLog(place: LogPlace): Promise<void> {
  const handle = await openForAppend(place)
  if (handle === null) return
  try {
    const prefix = await repairTail(place, handle)
    if (prefix.length > 0) await writeWhole(place, handle, prefix)
    else await settle(place, handle)
  } finally {
    await handle.close()
  }
}

/** Other bytes in its place, unless somebody wrote meanwhile. @throws GitError LEDGER_CHANGED (retryable). */
export async function rewriteLog(place: LogPlace, from: Buffer, text: string): Promise<void> {
  const present = await readLog(place)
  if (present === null || !present.equals(from)) throw ledgerChanged()
  const { mode } = await stat(place.path)
  await replaceOwned(place.fs, place.path, text, mode & 0o7777)
}

/** Cuts a torn tail; answers what must stand before the next line: a line end that is missing, or nothing. */
async function repairTail(place: LogPlace, handle: FileHandle): Promise<Buffer> {
  const tail = await readTail(handle)
  if (tail.bytes.length === 0) return Buffer.alloc(0)
  if (isRecord(tail.bytes)) return Buffer.from('\n')
  await saveTorn(place, tail.bytes)
  place.onStep('truncate', place.path)
  await handle.truncate(tail.start)
  await sync(place, handle)
  place.onTorn()
  return Buffer.alloc(0)
}

/** What stands behind the last line end. */
async function readTail(handle: FileHandle): Promise<{ start: number; bytes: Buffer }> {
  const { size } = await handle.stat()
  let bytes = Buffer.alloc(0)
  for (let start = size; start > 0;) {
    const length = Math.min(CHUNK_BYTES, start)
    start -= length
    const chunk = Buffer.alloc(length)
    const { bytesRead } = await handle.read(chunk, 0, length, start)
    if (bytesRead !== length) throw writeFailed(null)
    const newline = chunk.lastIndexOf(NEWLINE)
    if (newline !== -1) {
      const rest = chunk.subarray(newline + 1)
      return { start: start + newline + 1, bytes: Buffer.concat([rest, bytes]) }
    }
    bytes = Buffer.concat([chunk, bytes])
  }
  return { start: 0, bytes }
}

// A JSON object has no complete object as its beginning, so a line that parses has lost its line end only.
function isRecord(bytes: Buffer): boolean {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return isJsonObject(parseJson(text))
  } catch {
    return false
  }
}

/** Durable before the log is cut; a crash in between leaves the bytes twice, never not at all. */
async function saveTorn({ fs, mission, path }: LogPlace, bytes: Buffer): Promise<void> {
  const folder = join(fs.stateDirectory, TORN_DIRECTORY, mission)
  await fs.makeDirectory(folder)
  const names = new Set(await readdir(folder))
  for (let number = 1; number <= TORN_FILES_MAX; number += 1) {
    const name = `${basename(path)}.torn-${number}`
    if (names.has(name)) continue
    await fs.createFile(join(folder, name), { bytes })
    await fs.syncDirectory(folder)
    return
  }
  throw new GitError('LEDGER_TORN_TOO_OFTEN', `${TORN_FILES_MAX} side files of a log are there.`, {
    hint: 'Look at the files in .git/kittiwake/torn and remove them.',
  })
}

async function writeWhole(place: LogPlace, handle: FileHandle, bytes: Buffer): Promise<void> {
  const { size } = await handle.stat()
  if (size + bytes.length > LOG_BYTES_MAX) throw logTooLarge()
  try {
    place.onStep('append', place.path)
    const { bytesWritten } = await handle.write(bytes)
    if (bytesWritten !== bytes.length) throw writeFailed(null)
    await settle(place, handle)
  } catch (error) {
    await takeBack(place, handle, size, bytes)
    throw error instanceof GitError ? error : writeFailed(error)
  }
}

// What can't be made durable must not be found by the retry. Only bytes that are provably ours are removed.
async function takeBack(
  place: LogPlace,
  handle: FileHandle,
  size: number,
  bytes: Buffer,
): Promise<void> {
  try {
    const written = (await handle.stat()).size - size
    const tail = Buffer.alloc(Math.max(0, Math.min(written, bytes.length)))
    await handle.read(tail, 0, tail.length, size)
    if (written > bytes.length || !tail.equals(bytes.subarray(0, tail.length))) return
    place.onStep('truncate', place.path)
    await handle.truncate(size)
    await handle.sync()
  } catch {
    // A half line that stays is a torn tail, which the next append repairs.
  }
}

/** The bytes and, always, the name: whoever made the file may have died before. The disk is waited for once. */
async function settle(place: LogPlace, handle: FileHandle): Promise<void> {
  const synced = await Promise.allSettled([
    sync(place, handle),
    place.fs.syncDirectory(dirname(place.path)),
  ])
  for (const one of synced) if (one.status === 'rejected') throw one.reason
}

async function sync(place: LogPlace, handle: FileHandle): Promise<void> {
  place.onStep('fsync', place.path)
  await handle.sync()
}
