/**
 * `<commonDir>/kittiwake/acknowledged`: a hash a line, of each commit that the hub has confirmed. So neither a branch that
 * comes back to them nor a lost sync state announces them again; where this is lost too, the hub knows them.
 *
 * A line `@key` says who confirms what follows: a hub in one of its epochs. What another hub confirmed, or this one before it
 * lost its memory, is still on record and doesn't count.
 */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { readBounded } from '../../../project/files/bounded-file.ts'
import { OID } from '../../../project/git/object-id.ts'
import { STATE_DIRECTORY } from '../../../project/git/repository-lock.ts'
import { AppendedFile } from '../disk/appended-file.ts'
import type { DurableFs } from '../disk/durable-fs.ts'
import { setAside } from '../disk/owned-json.ts'

export type Confirmer = {
  readonly origin: string
  readonly team: string
  readonly epoch: string | null
}

/** By the one whose line is the last. */
export type Acknowledged = {
  readonly key: string
  readonly hashes: ReadonlySet<string>
  /** Whatever any of them has confirmed. */
  readonly isEmpty: boolean
}

const ACKNOWLEDGED = 'acknowledged'
const BYTES_MAX = 256 * 1024 * 1024
const LINE = new RegExp(`^(?:@[0-9a-f]{32}|${OID})$`, 'gm')
const NEWLINE = 0x0a

/** Names no hub: the file may be seen by whoever may read the repository. */
export function keyOf({ origin, team, epoch }: Confirmer): string {
  const text = JSON.stringify([origin, team, epoch])
  return `@${createHash('sha256').update(text, 'utf8').digest('hex').slice(0, 32)}`
}

type Confirmed = {
  /** Of the last line that names one. */
  readonly key: string
  readonly hashesByKey: Map<string, Set<string>>
}

const FILES = new AppendedFile<Confirmed>((text, before) => {
  let key = before?.key ?? ''
  const hashesByKey = before?.hashesByKey ?? new Map<string, Set<string>>()
  for (const [line] of text.matchAll(LINE)) {
    if (line.startsWith('@')) key = line
    else hashesByKey.set(key, (hashesByKey.get(key) ?? new Set()).add(line))
  }
  return { key, hashesByKey }
})
const NO_BYTES = Buffer.alloc(0)

/** Total: a line that can't be read is none. The hashes are those of now: what is confirmed later is added to them. */
export function readAcknowledged(
  commonDir: string,
  { as, file = ACKNOWLEDGED }: { readonly as?: string; readonly file?: string } = {},
): Acknowledged {
  const path = pathOf(commonDir, file)
  const read = readBounded(path, BYTES_MAX, { followLink: false })
  const { key, hashesByKey } = FILES.parse(path, read.state === 'read' ? read.bytes : NO_BYTES)
  return { key, hashes: hashesByKey.get(as ?? key) ?? new Set(), isEmpty: hashesByKey.size === 0 }
}

/** What follows is confirmed by this one. Durable when it returns. @throws as `addAcknowledged`. */
export async function setConfirmer(
  fs: DurableFs,
  commonDir: string,
  key: string,
  file = ACKNOWLEDGED,
): Promise<void> {
  await append(fs, pathOf(commonDir, file), commonDir, [key])
}

/** Durable when it returns. @throws GitError LEDGER_STATE_UNREADABLE and system errors. */
export async function addAcknowledged(
  fs: DurableFs,
  commonDir: string,
  hashes: readonly string[],
  file = ACKNOWLEDGED,
): Promise<void> {
  const known = readAcknowledged(commonDir, { file }).hashes
  const fresh = hashes.filter((hash) => !known.has(hash))
  if (fresh.length > 0) await append(fs, pathOf(commonDir, file), commonDir, fresh)
}

async function append(
  fs: DurableFs,
  path: string,
  commonDir: string,
  lines: readonly string[],
): Promise<void> {
  const read = readBounded(path, BYTES_MAX, { followLink: false })
  if (read.state === 'unusable') await setAside(fs, path)
  // A crash may have left a line without its end.
  const gap = read.state === 'read' && read.bytes.length > 0 && read.bytes.at(-1) !== NEWLINE
  await fs.makeDirectory(join(commonDir, STATE_DIRECTORY))
  await fs.appendLine(path, Buffer.from(`${gap ? '\n' : ''}${lines.join('\n')}\n`), true)
  await fs.refreshFile(path)
}

function pathOf(commonDir: string, file: string): string {
  return join(commonDir, STATE_DIRECTORY, file)
}
