/** Keeps our files out of git's sight in this clone only: `info/exclude`, never the user's `.gitignore`. */
import { open, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { systemCode } from '../../../errors.ts'
import type { DurableFs } from './durable-fs.ts'

/** Also the temporary file beside it, and what was set aside. */
const PATTERN = '/.kittify/sync-state.json*'

/** Throws system errors. */
export async function ignoreSyncState(fs: DurableFs, commonDir: string): Promise<void> {
  const path = join(commonDir, 'info', 'exclude')
  const text = await readIfThere(path)
  if (text.split(/\r?\n/).includes(PATTERN)) return
  await fs.makeDirectory(dirname(path))
  const separator = text === '' || text.endsWith('\n') ? '' : '\n'
  const handle = await open(path, 'a')
  try {
    await handle.appendFile(`${separator}${PATTERN}\n`)
  } finally {
    await handle.close()
  }
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return ''
    throw error
  }
}
