/** Data that a restore kept aside. */
import { readdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { DATABASE_FILE } from '../data/database.ts'

/** Names of the files, which may hold what was deleted since. */
export function asideIn(dataDir: string): readonly string[] {
  return readdirSync(resolve(dataDir)).filter((name) => name.startsWith(`${DATABASE_FILE}.before-`))
}
