/** Looks for words in every byte below a folder: files as they are, zlib streams inflated, and all objects of a repository. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { inflateSync } from 'node:zlib'

/** Git's objects in one go, those in packs too. */
const OBJECTS_BYTES_MAX = 256 * 1024 * 1024

/** `file: word` for each file below `folder` that holds one of the words, in its name or its bytes; any case. */
export function findCanaries(folder: string, canaries: readonly string[]): string[] {
  if (!existsSync(folder)) return []
  const found: string[] = []
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    const texts = [Buffer.from(entry.name), ...(entry.isFile() ? readings(readFileSync(path)) : [])]
    for (const canary of canaries) {
      if (texts.some((bytes) => holds(bytes, canary))) {
        found.push(`${relative(folder, path)}: ${canary}`)
      }
    }
  }
  return found.sort()
}

/** The words that stand in an object of the repository, reachable or not, loose or packed. */
export function findInObjects(root: string, canaries: readonly string[]): string[] {
  const args = ['cat-file', '--batch-all-objects', '--batch', '--unordered']
  const bytes = execFileSync('git', args, { cwd: root, maxBuffer: OBJECTS_BYTES_MAX })
  return canaries.filter((canary) => holds(bytes, canary))
}

/** Any case, as UTF-8 and as UTF-16. */
export function holds(bytes: Buffer, canary: string): boolean {
  return [bytes.toString('latin1'), bytes.toString('utf16le')].some((text) =>
    text.toLowerCase().includes(canary.toLowerCase()),
  )
}

function readings(bytes: Buffer): Buffer[] {
  try {
    return [bytes, inflateSync(bytes)]
  } catch {
    return [bytes]
  }
}
