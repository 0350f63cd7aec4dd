/**
 * Tells the schema of a `.kittify/metadata.yaml` in the plain style of those who write it, without the YAML library: to
 * parse it would take longer than all else that the gate does before each command.
 */
import { join } from 'node:path'
import { readBounded } from '../files/bounded-file.ts'
import { leavesRoot } from '../files/safe-path.ts'

export const METADATA_PATH: readonly string[] = ['.kittify', 'metadata.yaml']

const SIZE_MAX_BYTES = 256 * 1024
const VALUE = String.raw`(?:[A-Za-z0-9][A-Za-z0-9_.+-]*|'[\x20-\x26\x28-\x7e]*')`
const HEAD = String.raw`(?:#[\x20-\x7e]*\n)*\n?`
const BLOCK = String.raw`spec_kitty:\n  version: V\n  initialized_at: V\n  last_upgraded_at: V\n  schema_version: (\d{1,4})\n`
const MACHINE = String.raw`environment:\n(?:  python_version: V\n)?  platform: V\n  platform_version: V\n(?:  node_version: V\n)?`
const ROW = String.raw`  - id: V\n    applied_at: V\n    result: V\n    notes: V\n`
const LEDGER = String.raw`migrations:\n  applied:(?: \[\]\n|\n(?:${ROW})+)`
const OWN = String.raw`(?:kittiwake:\n  version: V\n)?`
const PLAIN = new RegExp(`^${HEAD}${`${BLOCK}${MACHINE}${LEDGER}${OWN}`.replaceAll('V', VALUE)}$`)

/** Null where only a parser can tell. Total. */
export function readPlainSchema(root: string): number | null {
  if (leavesRoot(root, METADATA_PATH)) return null
  const read = readBounded(join(root, ...METADATA_PATH), SIZE_MAX_BYTES, { followLink: true })
  return read.state === 'read' ? plainSchema(read.bytes.toString('latin1')) : null
}

/** Null where the text is of any other style. */
export function plainSchema(text: string): number | null {
  const schema = PLAIN.exec(text)?.[1]
  return schema === undefined ? null : Number(schema)
}
