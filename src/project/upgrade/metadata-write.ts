/** Writes `.kittify/metadata.yaml`: whole or not at all, and only where nobody else has changed it meanwhile. */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { release } from 'node:os'
import { join } from 'node:path'
import { ProjectError } from '../../errors.ts'
import {
  compareVersions,
  CONTRACT_VERSION,
  isVersion,
  REQUIRED_SCHEMA,
} from '../contract-version.ts'
import { sweepLeftovers } from '../files/durable-file.ts'
import type { LedgerRow, Metadata, MetadataReading } from './metadata.ts'
import { readMetadata } from './metadata.ts'
import { withMetadataChange } from './metadata-edit.ts'
import type { MetadataChange } from './metadata-edit.ts'
import { METADATA_PATH } from './plain-metadata.ts'
import { packageVersion } from '../program-files.ts'
import { asProjectError, replaceFile } from '../files/replace-file.ts'

/** What can be built upon: a file that is there, or none. */
export type UsableMetadata = Exclude<MetadataReading, { state: 'corrupt' }>

const [FOLDER = '', NAME = ''] = METADATA_PATH
const NEW_FILE_MODE = 0o644

/**
 * Writes the change and answers what then stands there.
 *
 * @throws ProjectError METADATA_BUSY, METADATA_UNUSABLE, PATH_REFUSED, REPOSITORY_READ_ONLY, WRITE_FAILED
 */
export function changeMetadata(
  root: string,
  before: UsableMetadata,
  change: MetadataChange,
): Metadata {
  const text = withMetadataChange(before.state === 'present' ? before.file : null, change)
  if (text === null) throw unusable()
  replaceMetadata(root, before, text)
  const after = readMetadata(root)
  if (after.state === 'present') return after
  throw busy()
}

/** @throws as `changeMetadata` */
export function replaceMetadata(root: string, before: MetadataReading, text: string): void {
  const target = { root, folders: [FOLDER], name: NAME }
  const mode = before.state === 'present' ? before.file.mode : NEW_FILE_MODE
  const stillWanted = (): boolean => {
    const now = readMetadata(root)
    if (now.state !== before.state) return false
    return (
      now.state !== 'present' || before.state !== 'present' || now.file.text === before.file.text
    )
  }
  if (!replaceFile(target, { text, mode, stillWanted })) throw busy()
}

/** What stands in the file once the project follows the contract. */
export function contractFields(
  reading: UsableMetadata,
  now: Date,
  isUpgrade: boolean,
): MetadataChange['fields'] {
  const { version, initializedAt, earliestAt, kittiwake } =
    reading.state === 'present' ? reading : NOTHING
  const time = timeOf(now)
  return {
    spec_kitty: {
      version: laterOf(version, CONTRACT_VERSION),
      ...(initializedAt === null ? { initialized_at: earliestAt ?? time } : {}),
      last_upgraded_at: isUpgrade ? time : null,
      schema_version: REQUIRED_SCHEMA,
    },
    environment: {
      platform: process.platform,
      platform_version: release(),
      node_version: process.versions.node,
    },
    kittiwake: { version: laterOf(kittiwake, packageVersion()) },
  }
}

const NOTHING = { version: null, initializedAt: null, earliestAt: null, kittiwake: null } as const

/** Microseconds, as the program writes them that wrote these files first. */
export function timeOf(now: Date): string {
  return now.toISOString().replace(/\.(\d{3})Z$/, '.$1000+00:00')
}

function laterOf(found: string | null, own: string): string {
  return found !== null && isVersion(found) && compareVersions(found, own) > 0 ? found : own
}

/**
 * A file that can't be read is kept beside, under a name that its content gives, before another takes its place.
 * Answers the name.
 *
 * @throws ProjectError PATH_REFUSED, METADATA_UNUSABLE, REPOSITORY_READ_ONLY, WRITE_FAILED
 */
export function keepUnusable(root: string): string {
  try {
    const bytes = readFileSync(join(root, ...METADATA_PATH))
    const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 12)
    const name = `${NAME}.unusable-${hash}`
    const path = join(root, FOLDER, name)
    if (existsSync(path)) return name
    sweepLeftovers(path)
    replaceFile({ root, folders: [FOLDER], name }, { text: bytes, mode: NEW_FILE_MODE })
    return name
  } catch (error) {
    throw asProjectError(error)
  }
}

/** Puts one that names no schema, and so goes on blocking, in the place of one that can't be read. @throws as `changeMetadata` */
export function startAnew(root: string, corrupt: MetadataReading): Metadata {
  const change = { fields: { spec_kitty: { version: 'unknown' } }, rows: [] }
  replaceMetadata(root, corrupt, withMetadataChange(null, change) ?? '')
  const after = readMetadata(root)
  if (after.state === 'present') return after
  throw busy()
}

/** What dead processes left; for the holder of the lock. */
export function sweepMetadata(root: string): void {
  try {
    sweepLeftovers(join(root, ...METADATA_PATH))
  } catch {
    // Leftovers harm nobody.
  }
}

/** A row of the ledger, where it doesn't say so already. */
export function rowUnlessThere(reading: UsableMetadata, row: LedgerRow): readonly LedgerRow[] {
  const applied = reading.state === 'present' ? reading.applied : []
  return applied.some(({ id, result }) => id === row.id && result === row.result) ? [] : [row]
}

function unusable(): ProjectError {
  return new ProjectError(
    'METADATA_UNUSABLE',
    '.kittify/metadata.yaml has a shape in which it can not be changed without loss',
    { hint: 'Write its blocks as plain YAML mappings, or restore the file with git.' },
  )
}

function busy(): ProjectError {
  return new ProjectError(
    'METADATA_BUSY',
    'another program keeps changing .kittify/metadata.yaml',
    {
      hint: 'Close it, then run the command again.',
      retryable: true,
    },
  )
}
