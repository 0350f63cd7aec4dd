/**
 * `<commonDir>/kittiwake/acknowledged`: a hash a line, of each commit that the hub has confirmed. So neither a branch that
 * comes back to them nor a lost sync state announces them again; where this is lost too, the hub knows them.
 */
import { join } from 'node:path'
import { readBounded } from '../../project/bounded-file.ts'
import { OID } from '../../project/object-id.ts'
import { STATE_DIRECTORY } from '../../project/repository-lock.ts'
import type { DurableFs } from './durable-fs.ts'
import { setAside } from './owned-json.ts'

const BYTES_MAX = 256 * 1024 * 1024
const LINES = new RegExp(`^${OID}$`, 'gm')

/** Total: a line that can't be read is none. */
export function readAcknowledged(commonDir: string): ReadonlySet<string> {
  const read = readBounded(pathOf(commonDir), BYTES_MAX, { followLink: false })
  if (read.state !== 'read') return new Set()
  return new Set(read.bytes.toString('latin1').match(LINES))
}

/** Durable when it returns. Throws GitError LEDGER_STATE_UNREADABLE and system errors. */
export async function addAcknowledged(
  fs: DurableFs,
  commonDir: string,
  hashes: readonly string[],
): Promise<void> {
  const path = pathOf(commonDir)
  const read = readBounded(path, BYTES_MAX, { followLink: false })
  if (read.state === 'unusable') await setAside(fs, path)
  const known = readAcknowledged(commonDir)
  const fresh = hashes.filter((hash) => !known.has(hash))
  if (fresh.length === 0) return
  // A crash may have left a line without its end.
  const gap = read.state === 'read' && read.bytes.length > 0 && read.bytes.at(-1) !== NEWLINE
  const lines = `${gap ? '\n' : ''}${fresh.join('\n')}\n`
  await fs.makeDirectory(join(commonDir, STATE_DIRECTORY))
  await fs.appendLine(path, Buffer.from(lines), true)
  await fs.refreshFile(path)
}

const NEWLINE = 0x0a

function pathOf(commonDir: string): string {
  return join(commonDir, STATE_DIRECTORY, 'acknowledged')
}
