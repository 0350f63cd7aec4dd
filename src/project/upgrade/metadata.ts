/**
 * Reads `.kittify/metadata.yaml`: which contract the project's files follow, and which migrations were run on it.
 * Leniently where nothing depends on it, for other tools write it too. Total.
 */
import { isMap, isScalar, isSeq } from 'yaml'
import { instantOf } from '../../contracts/values/instant.ts'
import { blockOf, isEmpty, pairOf, textOf } from '../config/config-nodes.ts'
import { readYamlFile } from '../config/config.ts'
import type { Config, ConfigReading } from '../config/config.ts'
import { REQUIRED_SCHEMA, SCHEMA_MAX } from '../contract-version.ts'
import { METADATA_PATH } from './plain-metadata.ts'

export type Metadata = {
  readonly state: 'present'
  readonly file: Config
  /** `spec_kitty.schema_version`; null where there is none that can be used. */
  readonly schema: number | null
  /** As written; null where there is none. */
  readonly version: string | null
  readonly initializedAt: string | null
  /** `kittiwake.version`. */
  readonly kittiwake: string | null
  /** What the ledger says of the rows that can be read, in its order. */
  readonly applied: readonly Pick<LedgerRow, 'id' | 'result'>[]
  /** The earliest time that the file tells of, with or without a zone; null where it tells of none. */
  readonly earliestAt: string | null
}

export type MetadataReading =
  | Metadata
  | { readonly state: 'absent' }
  /** `error` is a stable token in lower case; `fault` says what was expected and never quotes the file. */
  | { readonly state: 'corrupt'; readonly error: string; readonly fault: string }

/** A row of `migrations.applied`. */
export type LedgerRow = {
  /** `[a-z0-9_.]{1,128}`. */
  readonly id: string
  /** ISO 8601. */
  readonly applied_at: string
  readonly result: MigrationResult
  readonly notes: string | null
}

export const MIGRATION_RESULTS = ['success', 'skipped', 'failed'] as const
export type MigrationResult = (typeof MIGRATION_RESULTS)[number]

/** The metadata of the checkout at `root`. */
export function readMetadata(root: string): MetadataReading {
  return metadataIn(readYamlFile(root, METADATA_PATH))
}

export function metadataIn(file: ConfigReading): MetadataReading {
  if (file.state === 'absent') return file
  if (file.state === 'unusable') {
    const [first] = file.faults
    const error = first?.code === 'TOO_LARGE' ? 'oversized' : (first?.code ?? 'UNREADABLE')
    return corrupt(error.toLowerCase(), first?.message ?? 'unreadable')
  }
  const top = file.document.contents
  const block = blockOf(top, 'spec_kitty')
  const migrations = blockOf(top, 'migrations')
  const rows = migrations === 'unusable' ? null : pairOf(migrations, 'applied')?.value
  if (block === 'unusable') return corrupt('wrong_shape', 'spec_kitty: a mapping is expected')
  if (migrations === 'unusable' || !(isEmpty(rows) || isSeq(rows))) {
    return corrupt('wrong_shape', 'migrations.applied: a list is expected')
  }
  const schema = schemaOf(pairOf(block, 'schema_version')?.value)
  if (schema !== null && (schema < 0 || schema > SCHEMA_MAX)) {
    return corrupt('schema_range', `schema_version: a number from 0 to ${SCHEMA_MAX} is expected`)
  }
  const kittiwake = blockOf(top, 'kittiwake')
  const applied = isSeq(rows) ? rows.items.flatMap(rowOf) : []
  const initializedAt = lineOf(pairOf(block, 'initialized_at')?.value)
  const upgradedAt = lineOf(pairOf(block, 'last_upgraded_at')?.value)
  return {
    state: 'present',
    file,
    schema,
    version: lineOf(pairOf(block, 'version')?.value),
    initializedAt,
    kittiwake: kittiwake === 'unusable' ? null : lineOf(pairOf(kittiwake, 'version')?.value),
    applied,
    earliestAt: earliest([initializedAt, upgradedAt, ...applied.map((row) => row.applied_at)]),
  }
}

/** A whole number, as such or as text. Of another number only its size counts, and only where it would be lowered. */
function schemaOf(node: unknown): number | null {
  if (!isScalar(node)) return null
  const { value } = node
  if (typeof value === 'number') return Number.isFinite(value) ? Math.trunc(value) : SCHEMA_MAX + 1
  if (typeof value !== 'string' || !/^\s*[+-]?\d{1,15}(?:\.\d{0,15})?\s*$/.test(value)) return null
  const number = Math.trunc(Number(value))
  return value.includes('.') && number <= REQUIRED_SCHEMA ? null : number
}

function rowOf(node: unknown): readonly Pick<LedgerRow, 'id' | 'result' | 'applied_at'>[] {
  if (!isMap(node)) return []
  const id = lineOf(pairOf(node, 'id')?.value)
  const result = MIGRATION_RESULTS.find((one) => one === lineOf(pairOf(node, 'result')?.value))
  if (id === null || result === undefined) return []
  return [{ id, result, applied_at: lineOf(pairOf(node, 'applied_at')?.value) ?? '' }]
}

function lineOf(node: unknown): string | null {
  const text = textOf(node)
  return text === false ? null : text
}

function earliest(times: readonly (string | null)[]): string | null {
  const read = times
    .filter((time) => time !== null)
    .map((time) => ({ time, at: instantOf(time) }))
    .filter(({ at }) => Number.isFinite(at.ms))
  const [first] = read.sort((one, other) => one.at.ms - other.at.ms || one.at.ns - other.at.ns)
  return first?.time ?? null
}

function corrupt(error: string, fault: string): MetadataReading {
  return { state: 'corrupt', error, fault }
}
