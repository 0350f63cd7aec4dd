import { readdirSync } from 'node:fs'

/** The names of what stands in a folder, in no order; none where it can't be read. */
export function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
