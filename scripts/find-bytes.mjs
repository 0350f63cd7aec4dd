// Looks for bytes in every file below a folder: as they are, and inside zlib streams such as git objects.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inflateSync } from 'node:zlib'

/** Names of the files below `folder` that hold `text`; file names count as content. */
export function findBytes(folder, text) {
  if (!existsSync(folder)) return []
  const found = []
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.name.includes(text)) found.push(path)
    if (entry.isDirectory()) found.push(...findBytes(path, text))
    else if (entry.isFile() && holds(readFileSync(path), text)) found.push(path)
  }
  return found
}

function holds(bytes, text) {
  if (bytes.includes(text)) return true
  try {
    return inflateSync(bytes).includes(text)
  } catch {
    return false
  }
}
