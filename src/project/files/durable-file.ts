/**
 * Files that a power cut leaves old or new, never half: complete and fsynced before they get their name, the name
 * fsynced after. The git worker has `DurableFs` instead, whose every step tests can stop, and which fsyncs several at a time.
 */
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { systemCode } from '../../errors.ts'

const LEFTOVER = /\.tmp(?:\.lock)?$/

export type Content = {
  readonly text: string | Uint8Array
  readonly mode: number
  /**
   * Asked when the new bytes are durable, right before they take the place; false leaves all as it
   * is.
   */
  readonly stillWanted?: () => boolean
}

/**
 * Writes beside `path`, fsyncs, renames, fsyncs the folder. Answers whether the file was replaced.
 *
 * @throws the system's own errors; then the old file stands
 */
export function replaceDurably(path: string, content: Content): boolean {
  const temporary = temporaryBeside(path)
  try {
    createDurably(temporary, content)
    if (content.stillWanted?.() === false) return false
    renameSync(temporary, path)
  } finally {
    rmSync(temporary, { force: true })
  }
  syncFolder(dirname(path))
  return true
}

/** A new file whose bytes are durable; its name is not yet. @throws the system's own errors */
export function createDurably(path: string, { text, mode }: Content): void {
  const file = openSync(path, 'wx', mode)
  try {
    writeFileSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/**
 * Gives a file whose bytes are durable a name that nothing has yet, durably; false where something has it.
 *
 * @throws the system's own errors
 */
// A link, because it never takes the place of a file that came meanwhile.
export function takeNewName(temporary: string, path: string): boolean {
  try {
    linkSync(temporary, path)
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false
    renameSync(temporary, path)
  }
  syncFolder(dirname(path))
  return true
}

/** Removes a file or a folder; what a disk doesn't let go is swept later. Never throws. */
export function discard(temporary: string): void {
  try {
    rmSync(temporary, { recursive: true, force: true })
  } catch {
    // The file that it was made for is there, or the reason why not is on its way.
  }
}

/** A fresh name in the same folder, which `sweepLeftovers` knows. */
export function temporaryBeside(path: string): string {
  return join(dirname(path), `${prefixOf(path)}${randomBytes(8).toString('hex')}.tmp`)
}

/**
 * Removes what dead processes left beside `path`: all of it, or what is that old.
 *
 * @throws the system's own errors
 */
// Not 0 for all: a file just written can be younger than now, whose clock has whole milliseconds only.
export function sweepLeftovers(path: string, ageMs = -Infinity): void {
  for (const temporary of leftoversOf(path)) {
    const stats = lstatSync(temporary, { throwIfNoEntry: false })
    if (stats !== undefined && Date.now() - stats.mtimeMs >= ageMs)
      rmSync(temporary, { force: true })
  }
}

/** What has a name of `temporaryBeside`, git's lock of such a file among it. @throws the system's own errors */
export function leftoversOf(path: string): string[] {
  const names = readdirSync(dirname(path))
  const left = names.filter((name) => name.startsWith(prefixOf(path)) && LEFTOVER.test(name))
  return left.map((name) => join(dirname(path), name))
}

/** Makes the names in a folder durable. Windows can't, and keeps names by itself. */
export function syncFolder(path: string): void {
  if (process.platform === 'win32') return
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

/** Makes the name of a folder durable, as far as it can be: what is above it need not be readable to us. */
export function syncParent(path: string): void {
  try {
    syncFolder(dirname(path))
  } catch (error) {
    if (systemCode(error) === 'EIO') throw error
  }
}

/** The bytes that another program wrote. */
export function syncFile(path: string): void {
  const descriptor = openSync(path, 'r+')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function prefixOf(path: string): string {
  return `.${basename(path)}.kittiwake-`
}
