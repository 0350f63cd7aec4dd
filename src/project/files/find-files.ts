/** Files below folders: real folders only, since a symbolic link may lead anywhere, and back. */
import type { Dirent } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { InputError, systemCode, UsageError } from '../../errors.ts'

/** Files that one search gives. */
export const FILES_MAX = 100_000
const PASSED_OVER: ReadonlySet<string> = new Set(['.git', 'node_modules'])

/**
 * Each path that is a file, as it was named, and the files below each that is a folder whose names end in one of `endings`,
 * by name. None is there twice.
 *
 * @throws UsageError INPUT_UNREADABLE; InputError TOO_MANY_FILES
 */
export async function findFiles(
  paths: readonly string[],
  endings: readonly string[],
): Promise<readonly string[]> {
  const found = new Set<string>()
  for (const path of paths) {
    if (await isFolder(path)) await findIn(path, endings, found)
    else found.add(path)
  }
  return [...found]
}

async function findIn(
  folder: string,
  endings: readonly string[],
  found: Set<string>,
): Promise<void> {
  for (const entry of await entriesOf(folder)) {
    const path = join(folder, entry.name)
    if (entry.isDirectory() && !PASSED_OVER.has(entry.name)) await findIn(path, endings, found)
    else if (entry.isFile() && endings.some((ending) => entry.name.endsWith(ending))) {
      found.add(path)
    }
    if (found.size > FILES_MAX) throw tooMany()
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    throw unreadable(path, error)
  }
}

async function entriesOf(folder: string): Promise<readonly Dirent[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch (error) {
    throw unreadable(folder, error)
  }
}

function unreadable(path: string, error: unknown): UsageError {
  const code = systemCode(error) ?? 'unknown'
  return new UsageError('INPUT_UNREADABLE', `the input can't be read (${code}): ${path}`, {
    hint: 'Check the path and its permissions.',
  })
}

function tooMany(): InputError {
  return new InputError('TOO_MANY_FILES', `more than ${FILES_MAX} files`, {
    hint: 'Name smaller folders.',
  })
}
