/** What stands at a path, itself and not what it links to, or null where that can't be told. */
import { lstatSync } from 'node:fs'
import type { Stats } from 'node:fs'

export function stateOrNull(path: string): Stats | null {
  try {
    return lstatSync(path)
  } catch {
    return null
  }
}
