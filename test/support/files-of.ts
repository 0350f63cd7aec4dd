import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** Every file below the folders, with its size and when it was written: equal before and after means untouched. */
export function filesOf(...folders: readonly string[]): Record<string, string> {
  const files: Record<string, string> = {}
  for (const folder of folders) {
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      const path = join(folder, name)
      const stats = statSync(path)
      if (stats.isFile()) files[path] = `${stats.size} ${stats.mtimeMs}`
    }
  }
  return files
}
