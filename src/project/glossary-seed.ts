/** `.kittify/glossaries/<scope>.yaml`: the senses of one scope, as people and other tools write them; read totally. */
import { join } from 'node:path'
import { isMap, isScalar, isSeq, parseDocument } from 'yaml'
import type { Document, YAMLMap, YAMLSeq } from 'yaml'
import { parseEntry, SCOPES } from '../contracts/ledgers/glossary-sense.ts'
import type { Scope, SeedEntries, SeedEntry } from '../contracts/ledgers/glossary-sense.ts'
import { ProjectError } from '../errors.ts'
import { readBounded } from './files/bounded-file.ts'
import type { BoundedRead } from './files/bounded-file.ts'
import { isEmpty, pairOf, textOf } from './config/config-nodes.ts'
import { pathWithoutLinks } from './files/safe-path.ts'

const SEED_FOLDERS = ['.kittify', 'glossaries'] as const
const SEED_BYTES_MAX = 8 * 1024 * 1024

export type EntryFault = {
  /** Counted from 1 in the file's list. */
  readonly entry: number
  readonly reason: string
}

export type Seed = {
  readonly text: string
  readonly document: Document.Parsed
  readonly entries: SeedEntries
  readonly faults: readonly EntryFault[]
}

export type SeedReading =
  | { readonly state: 'absent' }
  | { readonly state: 'read'; readonly seed: Seed; readonly mode: number }
  /** Something is there that can't be used; nothing may be written over it. */
  | { readonly state: 'unusable'; readonly reason: string }

/** `.kittify/glossaries/<scope>.yaml`, relative to the repository. */
export function seedName(scope: Scope): string {
  return [...SEED_FOLDERS, `${scope}.yaml`].join('/')
}

export function seedPath(root: string, scope: Scope): string {
  return join(root, ...SEED_FOLDERS, `${scope}.yaml`)
}

/** Total. */
export function readSeed(root: string, scope: Scope): SeedReading {
  const read = readBytes(root, scope)
  if (read === 'linked') return { state: 'unusable', reason: 'a symbolic link' }
  if (read.state === 'absent') return read
  if (read.state === 'unusable') return { state: 'unusable', reason: read.reason }
  const seed = parseSeed(read.bytes)
  if (typeof seed === 'string') return { state: 'unusable', reason: seed }
  return { state: 'read', seed, mode: read.mode }
}

/** The bytes of a file that may be a seed, as text; null where there is none. Total. */
export function readSeedText(root: string, scope: Scope): string | null {
  const read = readBytes(root, scope)
  return read !== 'linked' && read.state === 'read' ? read.bytes.toString('utf8') : null
}

function readBytes(root: string, scope: Scope): BoundedRead | 'linked' {
  try {
    pathWithoutLinks(root, [...SEED_FOLDERS, `${scope}.yaml`])
  } catch (error) {
    if (error instanceof ProjectError) return 'linked'
    throw error
  }
  return readBounded(seedPath(root, scope), SEED_BYTES_MAX, { followLink: false })
}

/** Of all scopes. */
export function readSeeds(root: string): ReadonlyMap<Scope, SeedReading> {
  return new Map(SCOPES.map((scope) => [scope, readSeed(root, scope)]))
}

/** Total: the seed, or the reason why the bytes are none. */
export function parseSeed(bytes: Uint8Array): Seed | string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    return readDocument(text)
  } catch (error) {
    // The decoder, and the library where it meets what it didn't foresee.
    return error instanceof TypeError ? 'not UTF-8' : 'not YAML'
  }
}

function readDocument(text: string): Seed | string {
  const document = parseDocument(text, { uniqueKeys: false, prettyErrors: false })
  const [error] = document.errors
  if (error !== undefined) return `not YAML (${error.code})`
  const { contents } = document
  if (!isMap(contents) && !isEmpty(contents)) return 'not a mapping'
  const terms = termsOf(document)
  if (terms === 'unusable') return 'its terms are no list'
  const entries: (SeedEntry | null)[] = []
  const faults: EntryFault[] = []
  for (const [at, item] of (terms?.items ?? []).entries()) {
    const entry = isMap(item) ? entryOf(item) : 'not a mapping'
    entries.push(typeof entry === 'string' ? null : entry)
    if (typeof entry === 'string') faults.push({ entry: at + 1, reason: entry })
  }
  return { text, document, entries, faults }
}

/** The list of the file; null where there is none yet. */
export function termsOf(document: Document.Parsed): YAMLSeq | null | 'unusable' {
  const value = pairOf(document.contents, 'terms')?.value
  if (isSeq(value)) return value
  return isEmpty(value) ? null : 'unusable'
}

function entryOf(map: YAMLMap): SeedEntry | string {
  const field = (key: string): unknown => pairOf(map, key)?.value
  const confidence = field('confidence')
  const status = field('status')
  return parseEntry(
    {
      surface: textOf(field('surface')) || '',
      definition: textOf(field('definition')) || '',
      ...(isEmpty(confidence)
        ? {}
        : { confidence: isScalar(confidence) ? confidence.toJSON() : null }),
      ...(isEmpty(status) ? {} : { status: textOf(status) || '' }),
    },
    'draft',
  )
}
