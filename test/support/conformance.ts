/** The shared conformance data: a sample of what others check these contracts by. It is never copied into the repository. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const CONFORMANCE = join(import.meta.dirname, '../../../shared/conformance')

export type ManifestEntry = {
  readonly id: string
  readonly path: string
  readonly event_type: string
  readonly expected_result: 'valid' | 'invalid'
  readonly fixture_type?: string
}

export type ClassEntry = {
  readonly id: string
  readonly class: string
  readonly path: string
  readonly expected: 'valid' | 'invalid'
  readonly expected_error_code?: string
}

type Manifest = {
  readonly fixtures: readonly ManifestEntry[]
  readonly classes: { readonly entries: readonly ClassEntry[] }
}

/** True where the data is there, or must be. */
export const HAS_CONFORMANCE =
  existsSync(CONFORMANCE) || process.env['REQUIRE_SHARED'] === '1' || tellAbsent()

function tellAbsent(): false {
  console.log('skipped: no conformance data beside the project')
  return false
}

export function manifest(): Manifest {
  return conformanceJson('manifest.json') as Manifest
}

export function conformanceJson(path: string): unknown {
  return JSON.parse(readFileSync(join(CONFORMANCE, path), 'utf8'))
}

export function conformanceLines(path: string): readonly unknown[] {
  const lines = readFileSync(join(CONFORMANCE, path), 'utf8').split('\n')
  return lines.filter((line) => line.trim() !== '').map((line): unknown => JSON.parse(line))
}

/** What a manifest entry judges: of a wrapped one its input. */
export function judgedOf({ path }: Pick<ManifestEntry, 'path'>): unknown {
  const value = conformanceJson(`fixtures/${path}`)
  const isWrapped = typeof value === 'object' && value !== null && 'input' in value
  return isWrapped ? value.input : value
}

/** Entries that are one value for `validateEvent`. */
export function judgedEntries(): readonly ManifestEntry[] {
  return manifest().fixtures.filter(
    ({ fixture_type, event_type }) =>
      fixture_type === undefined && !event_type.startsWith('<') && event_type !== 'LaneMapping',
  )
}
