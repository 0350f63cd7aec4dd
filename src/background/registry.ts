/**
 * Which roots have recorded something, and under which project. A file for each root, so that no two writers meet;
 * roots are paths, so they are of mode 0600 and never leave the machine.
 */
import { createHash } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseJsonObject } from '../contracts/json/json.ts'
import { namesIn } from '../project/files/names-in.ts'
import { readPrivateFile, replacePrivateFile } from '../project/files/private-file.ts'

export type Entry = { readonly root: string; readonly uuid: string }

const BYTES_MAX = 16 * 1024
const ENTRIES_MAX = 1_000
const NAME = /^[0-9a-f]{32}\.json$/

/** Costs one read where it is there already. @throws the system's own errors */
export function addEntry(folder: string, entry: Entry): void {
  const path = pathOf(folder, entry.root)
  if (readEntry(path)?.uuid === entry.uuid) return
  replacePrivateFile(path, `${JSON.stringify({ root: entry.root, uuid: entry.uuid })}\n`)
}

/** The names of all entries: what has changed is seen by them. */
export function entryNames(folder: string): readonly string[] {
  return namesIn(folder)
    .filter((name) => NAME.test(name))
    .slice(0, ENTRIES_MAX)
}

/** Null for what can't be used. */
export function readEntry(path: string): Entry | null {
  try {
    const reading = readPrivateFile(path, BYTES_MAX)
    if (reading.state !== 'read') return null
    const { root, uuid } = parseJsonObject(reading.text, BYTES_MAX)
    return typeof root === 'string' && typeof uuid === 'string' ? { root, uuid } : null
  } catch {
    return null
  }
}

/** The root is gone, or another project's; unless somebody has written it anew meanwhile. */
export function removeEntry(folder: string, entry: Entry): void {
  const path = pathOf(folder, entry.root)
  if (readEntry(path)?.uuid === entry.uuid) rmSync(path, { force: true })
}

function pathOf(folder: string, root: string): string {
  const name = createHash('sha256').update(root, 'utf8').digest('hex').slice(0, 32)
  return join(folder, `${name}.json`)
}
